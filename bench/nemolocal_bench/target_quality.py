"""The smallest file at a target VMAF: probes on a sample, then the whole encode verified."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import msgspec

from nemolocal_render import ffmpeg_cli

from .crf_search import CrfProbe, is_within_target, next_whole_crf, search_crf
from .metrics import Instruments, NotMeasured, measure_pair
from .result_cache import ResultCache
from .variants import EncodeVariant, VariantResult, encode_clip, run_variant
from .video_files import VideoFile, input_arguments, open_encode

ENCODER = "libx264"

# A shorter clip is its own sample; a longer one is sampled in three parts.
_MAX_WHOLE_SECONDS = 12.0
_SAMPLE_SECONDS = 2.0
_SAMPLE_POSITIONS = (1 / 6, 1 / 2, 5 / 6)
# Of a sample with this many frames every fifth is measured.
_MANY = 150
_EVERY = 5
_WHOLES = 4
_BYTES_PER_PIXEL = 1.5


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


def max_sample_size(clip: VideoFile) -> int:
    """Return the maximum size of a clip's sample in bytes."""
    if clip.seconds <= _MAX_WHOLE_SECONDS:
        return 0
    frames = len(_SAMPLE_POSITIONS) * _SAMPLE_SECONDS * clip.fps + len(_SAMPLE_POSITIONS)
    return int(frames * clip.width * clip.height * _BYTES_PER_PIXEL) + 1_000_000


@dataclass(frozen=True)
class TargetSearch:
    """Searches the CRF of x264 with a preset whose whole encode just reaches the target."""

    clip: VideoFile
    folder: Path
    instruments: Instruments
    cache: ResultCache
    preset: str

    def run(
        self, target: float, known: Sequence[VariantResult] = ()
    ) -> tuple[TargetSearchResult, VariantResult | None]:
        """Search, and encode the whole; raises NotMeasured or FFmpegFailed.

        `known` are results of the whole clip: those with the same preset give the start.
        """
        sample = asyncio.run(cut_sample(self.clip, self.folder))
        tried = search_crf(partial(self._probe, sample), target, known=self._probes_of(known))
        if sample.path != self.clip.path:
            sample.path.unlink()
        return self._check(TargetSearchResult(target, self.preset, sample.seconds, tuple(tried)))

    def _probes_of(self, known: Sequence[VariantResult]) -> list[CrfProbe]:
        curve = EncodeVariant(ENCODER, self.preset, 0).curve
        same = (result for result in known if result.curve == curve)
        return [CrfProbe(r.crf, r.vmaf) for r in same if r.crf is not None and r.vmaf is not None]

    def _check(self, found: TargetSearchResult) -> tuple[TargetSearchResult, VariantResult | None]:
        """Encode the whole clip, and again if the sample did not predict it well."""
        wholes: dict[float, VariantResult] = {}
        made: list[CrfProbe] = []
        crf = next_whole_crf(found.probes, made, found.target)
        while crf not in wholes and len(wholes) < _WHOLES:
            wholes[crf] = result = self._whole(crf)
            if result.vmaf is None:
                return _ended(found, wholes, reason=result.complaint), None
            made.append(CrfProbe(crf, result.vmaf))
            if is_within_target(made[-1], found.target):
                break
            crf = next_whole_crf(found.probes, made, found.target)
        return _choose(found, wholes)

    def _whole(self, crf: float) -> VariantResult:
        settings = EncodeVariant(ENCODER, self.preset, crf)
        return run_variant_cached(settings, self.clip, self.folder, self.instruments, self.cache)

    def _probe(self, sample: VideoFile, crf: float) -> float:
        parts = ("probe", self.clip.digest, self.preset, crf)
        known = self.cache.find(CrfProbe, *parts)
        if known is None:
            settings = EncodeVariant(ENCODER, self.preset, crf)
            known = CrfProbe(crf, asyncio.run(self._score(sample, settings)))
            self.cache.store(known, *parts)
        return known.vmaf

    async def _score(self, sample: VideoFile, variant: EncodeVariant) -> float:
        made = await encode_clip(variant, sample, self.folder)
        try:
            clip = await open_encode(made.path, sample.seconds)
            if clip.frames != sample.frames:
                raise NotMeasured(f"a probe has {clip.frames} frames of {sample.frames}")
            every = _EVERY if sample.frames >= _MANY else 1
            pair = (sample, clip, self.folder, self.instruments)
            return (await measure_pair(*pair, every=every)).vmaf
        finally:
            made.path.unlink()


def _choose(
    found: TargetSearchResult, wholes: dict[float, VariantResult]
) -> tuple[TargetSearchResult, VariantResult | None]:
    good = [crf for crf, result in wholes.items() if (result.vmaf or 0.0) >= found.target]
    if good:
        chosen = wholes[max(good)]
        return _ended(found, wholes, chosen=chosen.name), chosen
    *_, last = wholes.values()
    missed = f"VMAF {found.target:g} is not reached, {last.name} gives {last.vmaf:.2f}"
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


def cached_variant(
    variant: EncodeVariant, clip: VideoFile, instruments: Instruments, cache: ResultCache
) -> VariantResult | None:
    """Return a variant's result from the cache, None if it has not been run."""
    return cache.find(VariantResult, *_variant_key(variant, clip, instruments))


def run_variant_cached(
    variant: EncodeVariant,
    clip: VideoFile,
    folder: Path,
    instruments: Instruments,
    cache: ResultCache,
) -> VariantResult:
    """Return a variant's result from the cache, or run it and store the result if it succeeded."""
    known = cached_variant(variant, clip, instruments, cache)
    if known is None:
        known = asyncio.run(run_variant(variant, clip, folder, instruments))
        if not known.complaint:
            cache.store(known, *_variant_key(variant, clip, instruments))
    return known


def _variant_key(
    variant: EncodeVariant, clip: VideoFile, instruments: Instruments
) -> tuple[object, ...]:
    return (clip.digest, msgspec.to_builtins(variant), msgspec.to_builtins(instruments))


async def cut_sample(clip: VideoFile, folder: Path) -> VideoFile:
    """Cut three parts of a clip into one, losslessly; a short clip is returned itself."""
    if clip.seconds <= _MAX_WHOLE_SECONDS:
        return clip
    begins = [clip.seconds * place - _SAMPLE_SECONDS / 2 for place in _SAMPLE_POSITIONS]
    chosen = "+".join(f"between(t,{begin:.3f},{begin + _SAMPLE_SECONDS:.3f})" for begin in begins)
    chain = (
        f"setpts=PTS-STARTPTS,select='{chosen}',settb=AVTB,"
        f"setpts=N*{1e6 / clip.fps:.6f},format=yuv420p"
    )
    path = folder / "sample.mp4"
    await ffmpeg_cli.run(
        [
            *(*input_arguments(clip), "-map", "0:V:0", "-vf", chain, "-fps_mode", "passthrough"),
            *("-c:v", "libx264", "-preset", "ultrafast", "-qp", "0", f"file:{path.name}"),
        ],
        folder=folder,
        timeout=clip.timeout,
        policy=msgspec.structs.replace(clip.policy(), file_size=max_sample_size(clip)),
    )
    return await open_encode(path, len(_SAMPLE_POSITIONS) * _SAMPLE_SECONDS)
