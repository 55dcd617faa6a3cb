"""The smallest file at a target VMAF: probes on a sample, then the whole encode verified."""

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial

import msgspec

from .crf_search import (
    TOLERANCE,
    CrfProbe,
    best_probe,
    is_within_target,
    next_whole_crf,
    search_crf,
)
from .metrics import NotMeasured, measure_pair
from .sampling import BenchInput, max_sample_size, sampled_input, spread_spans, whole_input
from .variant_runs import VariantRunner
from .variants import EncodeVariant, VariantResult, encode_clip
from .video_files import VideoFile, open_encode

ENCODER = "libx264"

# Probes on a longer clip are made on three parts of it.
_MAX_WHOLE_SECONDS = 12.0
_PROBE_SECONDS = 2.0
_PROBE_PARTS = 3
# Of a sample with this many frames every fifth is measured.
_MANY = 150
_EVERY = 5
# Whole encodes: at most, and where the samples have been measured in full.
_WHOLES, _WHOLES_OF_SAMPLED = 4, 2
# A whole encode of a sampled clip takes minutes, so this much above the target is accepted.
_SAMPLED_TOLERANCE = 1.0


class TargetSearchResult(msgspec.Struct, frozen=True):
    """A search: its target, the probes on the sample, and the whole encodes after them.

    `chosen` is the name of the result that reaches the target, "" if `complaint` says why there is
    none.
    """

    target: float
    preset: str
    sample_seconds: float = 0.0
    probes: tuple[CrfProbe, ...] = ()
    wholes: tuple[CrfProbe, ...] = ()
    chosen: str = ""
    complaint: str = ""


@dataclass(frozen=True)
class TargetSearch:
    """Searches the CRF of x264 with a preset whose whole encode just reaches the target.

    `on_step` is told of each probe ("probe") and whole encode ("whole") before it is made.
    """

    given: BenchInput
    runner: VariantRunner
    preset: str
    on_step: Callable[[str, EncodeVariant], None] = lambda _, __: None

    def run(
        self, target: float, known: Sequence[VariantResult] = ()
    ) -> tuple[TargetSearchResult, VariantResult | None]:
        """Search, and encode the whole; raises NotMeasured or FFmpegFailed.

        `known` are results of the same input: those with the same preset give the start.
        """
        measured = self._probes_of(known)
        if self.given.spans:
            tried = search_crf(self._score_sampled, target, measured=measured)
            seconds = self.given.video.seconds
        else:
            given = probe_input(self.given.whole, self.runner)
            tried = search_crf(partial(self._probe, given), target, known=measured)
            seconds = given.video.seconds
        found = TargetSearchResult(target, self.preset, seconds, tuple(tried))
        if self.given.spans and best_probe(tried, target) is None:
            best = max(tried, key=lambda probe: probe.vmaf)
            reason = f"VMAF {target:g} is not reached in the samples: CRF {best.crf:g} gives "
            return _ended(found, {}, reason=f"{reason}{best.vmaf:.2f}"), None
        return self._check(found)

    def variant(self, crf: float) -> EncodeVariant:
        """Return the variant of a CRF."""
        return EncodeVariant(ENCODER, self.preset, crf)

    def _probes_of(self, known: Sequence[VariantResult]) -> list[CrfProbe]:
        curve = self.variant(0).curve
        same = (result for result in known if result.curve == curve)
        return [CrfProbe(r.crf, r.vmaf) for r in same if r.crf is not None and r.vmaf is not None]

    def _check(self, found: TargetSearchResult) -> tuple[TargetSearchResult, VariantResult | None]:
        """Encode the whole clip, and again if the sample did not predict it well."""
        most, tolerance = _WHOLES, TOLERANCE
        if self.given.spans:
            most, tolerance = _WHOLES_OF_SAMPLED, _SAMPLED_TOLERANCE
        wholes: dict[float, VariantResult] = {}
        made: list[CrfProbe] = []
        crf = next_whole_crf(found.probes, made, found.target)
        while crf not in wholes and len(wholes) < most:
            wholes[crf] = result = self._whole(crf)
            if result.vmaf is None:
                return _ended(found, wholes, reason=result.complaint), None
            made.append(CrfProbe(crf, result.vmaf))
            if is_within_target(made[-1], found.target, tolerance):
                break
            crf = next_whole_crf(found.probes, made, found.target)
        return _choose(found, wholes)

    def _whole(self, crf: float) -> VariantResult:
        self.on_step("whole", self.variant(crf))
        return self.runner.run(self.variant(crf), whole_input(self.given.whole))

    def _score_sampled(self, crf: float) -> float:
        """Return the VMAF of the samples, which are measured like the ladder's."""
        self.on_step("probe", self.variant(crf))
        result = self.runner.run(self.variant(crf), self.given)
        if result.vmaf is None:
            raise NotMeasured(result.complaint)
        return result.vmaf

    def _probe(self, given: BenchInput, crf: float) -> float:
        self.on_step("probe", self.variant(crf))
        cache, parts = self.runner.cache, ("probe", given.video.digest, self.preset, crf)
        known = cache.find(CrfProbe, *parts)
        if known is None:
            given.prepare()
            known = CrfProbe(crf, asyncio.run(self._score(given.video, self.variant(crf))))
            cache.store(known, *parts)
        return known.vmaf

    async def _score(self, sample: VideoFile, variant: EncodeVariant) -> float:
        folder = self.runner.folder
        made = await encode_clip(variant, sample, folder)
        try:
            clip = await open_encode(made.path, sample.seconds)
            if clip.frames != sample.frames:
                raise NotMeasured(f"a probe has {clip.frames} frames of {sample.frames}")
            every = _EVERY if sample.frames >= _MANY else 1
            pair = (sample, clip, folder, self.runner.instruments)
            return (await measure_pair(*pair, every=every, vmaf_only=True)).vmaf
        finally:
            made.path.unlink()


def probe_input(clip: VideoFile, runner: VariantRunner) -> BenchInput:
    """Return what probes encode of a clip that is measured as a whole: three parts, if it is long.

    The file of the parts is not the one of `--samples`.
    """
    if clip.seconds <= _MAX_WHOLE_SECONDS:
        return whole_input(clip)
    spans = spread_spans(clip.frames, _PROBE_PARTS, round(_PROBE_SECONDS * clip.fps))
    return sampled_input(clip, spans, runner.folder)


def max_probe_size(clip: VideoFile) -> int:
    """Return the maximum size in bytes of the file that probes of a whole clip need."""
    if clip.seconds <= _MAX_WHOLE_SECONDS:
        return 0
    spans = spread_spans(clip.frames, _PROBE_PARTS, round(_PROBE_SECONDS * clip.fps))
    return max_sample_size(clip, spans)


def _choose(
    found: TargetSearchResult, wholes: dict[float, VariantResult]
) -> tuple[TargetSearchResult, VariantResult | None]:
    good = [crf for crf, result in wholes.items() if (result.vmaf or 0.0) >= found.target]
    if good:
        chosen = wholes[max(good)]
        return _ended(found, wholes, chosen=chosen.name), chosen
    *_, last = wholes.values()
    missed = f"VMAF {found.target:g} is not reached: {last.name} gives {last.vmaf:.2f}"
    return _ended(found, wholes, reason=missed), None


def _ended(
    found: TargetSearchResult,
    wholes: dict[float, VariantResult],
    *,
    chosen: str = "",
    reason: str = "",
) -> TargetSearchResult:
    probes = tuple(
        CrfProbe(crf, whole.vmaf) for crf, whole in wholes.items() if whole.vmaf is not None
    )
    return msgspec.structs.replace(found, wholes=probes, chosen=chosen, complaint=reason)
