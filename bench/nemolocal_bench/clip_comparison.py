"""The comparison of one clip: what is encoded and measured for it."""

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import msgspec

from nemolocal_client import NemoError
from nemolocal_contract.plurals import pluralize
from nemolocal_render import encoders, ffmpeg_cli

from .bd_rate import bd_rate_savings
from .cloud import EXPORT_NAME, PUBLISHED_TIMES, OpenClient, run_cloud_export, server_label
from .frame_pictures import SOURCE, take_pictures
from .headline import write_headline
from .metrics import Instruments, NotMeasured, check_reference
from .moments import MOMENTS, Moment, choose_moments
from .report import Comparison, SourceInfo
from .sampling import (
    SAMPLE_SECONDS,
    BenchInput,
    SampleCount,
    choose_spans,
    cut_arguments,
    sampled_input,
)
from .target_quality import TargetSearch, TargetSearchResult
from .time_left import TimeLeft, run_cost
from .variant_runs import VariantRunner
from .variants import (
    EncodeVariant,
    Ladder,
    VariantResult,
    correct_size,
    ladder_variants,
    measure_result,
)
from .video_files import CannotCompare, VideoFile, open_video, shown_line

_PRESETS: dict[Ladder, str] = {"quick": "veryfast", "full": "slow"}
# Probes that a search takes, about; those that are not needed are taken off.
_EXPECTED_PROBES = 3
# The page has room for the pictures of so many encodes.
_MOST_PICTURED = 8

OnProgress = Callable[[str], None]


class CompareOptions(msgspec.Struct, frozen=True):
    """What to compare: files, ladder, target; encoders by name, () for all that work.

    `base_url` is the server of the cloud variant, "" for none. `moments` is how many frames are
    shown; with `fresh`, nothing is taken from the cache.
    """

    inputs: tuple[Path, ...]
    ladder: Ladder = "quick"
    target: float = 95.0
    encoders: tuple[str, ...] = ()
    base_url: str = ""
    samples: SampleCount = "auto"
    moments: int = MOMENTS
    fresh: bool = False


class _SelfScore(msgspec.Struct, frozen=True):
    vmaf: float


@dataclass(frozen=True)
class ClipComparison:
    """Compares one clip after another."""

    options: CompareOptions
    open_client: OpenClient
    on_progress: OnProgress
    runner: VariantRunner
    encoders: Sequence[str]
    _left: TimeLeft = field(default_factory=TimeLeft)

    @property
    def _instruments(self) -> Instruments:
        return self.runner.instruments

    def compare(self, name: str, clip: VideoFile) -> Comparison:
        """Everything for one clip; raises CannotCompare if it does not match itself."""
        given = sampled_input(clip, choose_spans(clip, self.options.samples), self.runner.folder)
        self._tell_samples(given)
        self._plan(given)
        source = self._source(name, given)
        results = self._ladder(given)
        found, chosen = self._search(given, results)
        # The samples of the recommended encode, which its moments are chosen by.
        lead = chosen
        if chosen is not None:
            if given.spans:
                lead = self.runner.run(self._searched(chosen), given)
                # Samples have other edges than the whole, in all encodes alike.
                factor = chosen.size / lead.size if lead.size else 1.0
                results = [correct_size(result, factor, clip) for result in results]
            results = _with(chosen, results)
        if self.options.base_url:
            results.append(self._cloud(clip))
        shown = chosen.name if chosen is not None else _best_of(results)
        moments = self._moments(given, lead or _named(shown, results), results)
        self._left.begin("")
        (self.runner.folder / EXPORT_NAME).unlink(missing_ok=True)
        made = Comparison(
            verdict="",
            source=source,
            shown=shown,
            results=tuple(results),
            found=found,
            savings=bd_rate_savings(results),
            published=PUBLISHED_TIMES,
            spans=given.spans,
            sample_line=_sample_line(given),
            moments=moments,
        )
        return msgspec.structs.replace(made, verdict=write_headline(made, self.options.target))

    def _tell_samples(self, given: BenchInput) -> None:
        if given.spans:
            self.on_progress(
                f"measuring {pluralize(len(given.spans), 'sample')} of {SAMPLE_SECONDS:g} s, and "
                "the recommended encode as a whole (--samples all measures everything)"
            )

    def _plan(self, given: BenchInput) -> None:
        """Plan the steps that are left; what is in the cache costs nothing."""
        for each in ladder_variants(self.options.ladder, self.encoders):
            if not self.runner.is_known(each, given):
                cost = run_cost(given.video, each.preset, self._instruments)
                self._left.plan(each.name, cost)
        if encoders.SOFTWARE_ENCODER in self.encoders:
            preset = _PRESETS[self.options.ladder]
            cost = run_cost(given.video, preset, self._instruments)
            for n in range(_EXPECTED_PROBES):
                self._left.plan(f"probe {n}", cost)
            self._left.plan("whole", run_cost(given.whole, preset, self._instruments))
        if self.options.moments:
            self._left.plan("pictures", run_cost(given.video, "ultrafast", self._instruments) / 2)

    def _source(self, name: str, given: BenchInput) -> SourceInfo:
        clip = given.whole
        try:
            own = self._self_score(given)
        except (NotMeasured, ffmpeg_cli.FFmpegFailed) as reason:
            raise CannotCompare(f"{name}: {reason}") from reason
        return SourceInfo(
            *(name, clip.digest, clip.width, clip.height, clip.frames, clip.fps, clip.seconds),
            *(clip.bytes, own),
        )

    def _self_score(self, given: BenchInput) -> float:
        cache, digest = self.runner.cache, given.video.digest
        known = cache.find(_SelfScore, digest)
        if known is None or self.runner.fresh:
            given.prepare()
            check = check_reference(given.video, self.runner.folder, self._instruments)
            known = _SelfScore(asyncio.run(check))
            cache.store(known, digest)
        return known.vmaf

    def _ladder(self, given: BenchInput) -> list[VariantResult]:
        settings = ladder_variants(self.options.ladder, self.encoders)
        results = []
        for number, each in enumerate(settings, 1):
            known = self.runner.is_known(each, given)
            self._left.begin("" if known else each.name)
            text = "cached" if known else self._left.describe()
            self.on_progress(f"{number}/{len(settings)} {each.name}, {text}")
            results.append(self.runner.run(each, given))
        return results

    def _search(
        self, given: BenchInput, results: list[VariantResult]
    ) -> tuple[TargetSearchResult | None, VariantResult | None]:
        if encoders.SOFTWARE_ENCODER not in self.encoders:
            return None, None
        preset = _PRESETS[self.options.ladder]
        self._left.begin("")
        self.on_progress(
            f"searching for the smallest file at VMAF {self.options.target:g} ({preset})"
        )
        search = TargetSearch(given, self.runner, preset, self._on_search_step)
        try:
            return search.run(self.options.target, results)
        except (NotMeasured, ffmpeg_cli.FFmpegFailed) as reason:
            return TargetSearchResult(self.options.target, preset, complaint=str(reason)), None

    def _on_search_step(self, kind: str, variant: EncodeVariant) -> None:
        probes = [name for name in self._left.steps if name.startswith("probe")]
        if kind == "probe":
            self._left.begin(probes[0] if probes else "")
        else:
            for name in probes:
                self._left.skip(name)
            self._left.begin("whole")
        what = "trying" if kind == "probe" else "encoding and measuring the whole clip with"
        self.on_progress(f"{what} CRF {variant.crf:g}, {self._left.describe()}")

    def _cloud(self, clip: VideoFile) -> VariantResult:
        base_url = self.options.base_url
        place = server_label(base_url)
        self._left.begin("")
        self.on_progress(
            f"exporting through the {place}; how long that takes depends on the server"
        )
        try:
            result = run_cloud_export(self.open_client, base_url, clip, self.runner.folder)
        except NemoError as refused:
            return VariantResult(name=place, curve=place, where="cloud", complaint=str(refused))
        return asyncio.run(self._measure_export(result, clip))

    async def _measure_export(self, result: VariantResult, clip: VideoFile) -> VariantResult:
        try:
            made = await open_video(self.runner.folder / EXPORT_NAME)
            pair = (made, clip, self.runner.folder, self._instruments)
            return await measure_result(result, *pair, resized=True)
        except (CannotCompare, ffmpeg_cli.FFmpegFailed) as reason:
            return msgspec.structs.replace(result, complaint=str(reason))

    def _moments(
        self, given: BenchInput, lead: VariantResult | None, results: Sequence[VariantResult]
    ) -> tuple[Moment, ...]:
        if lead is None or not self.options.moments:
            return ()
        alike = [r for r in results if r.sampled == bool(given.spans) and r.name != lead.name]
        chosen = choose_moments(
            lead, [*alike, lead], given.spans, given.whole.fps, self.options.moments
        )
        self._left.begin("pictures")
        self.on_progress(
            f"extracting pictures of {pluralize(len(chosen), 'frame')}, {self._left.describe()}"
        )
        try:
            return self._pictured(given, chosen, lead, results)
        except (CannotCompare, ffmpeg_cli.FFmpegFailed) as failure:
            self.on_progress(f"no pictures: {failure}")
            return chosen

    def _pictured(
        self,
        given: BenchInput,
        moments: tuple[Moment, ...],
        lead: VariantResult,
        results: Sequence[VariantResult],
    ) -> tuple[Moment, ...]:
        pictured = _most_telling(lead, results, self.options.target)
        parts = [msgspec.to_builtins(moments), [result.name for result in pictured]]
        cloud = any(result.where == "cloud" for result in pictured)
        known = None if cloud else self.runner.cache.find(_Pictured, given.video.digest, *parts)
        if known is not None and not self.runner.fresh:
            return known.moments
        given.prepare()
        videos = {SOURCE: (given.video, False)}
        for result in pictured:
            videos[result.name] = self._encode_of(result, given)
        made = asyncio.run(take_pictures(moments, videos, given.video, self.runner.folder))
        if not cloud:
            self.runner.cache.store(_Pictured(made), given.video.digest, *parts)
        return made

    def _encode_of(self, result: VariantResult, given: BenchInput) -> tuple[VideoFile, bool]:
        """Return the file of a result, and whether its frames are numbered as in the clip."""
        if result.where == "cloud":
            return asyncio.run(open_video(self.runner.folder / EXPORT_NAME)), True
        path = self.runner.kept_encode(self._searched(result), given)
        video = msgspec.structs.replace(given.video, path=path, extension="mp4")
        return video, not given.spans

    def _searched(self, result: VariantResult) -> EncodeVariant:
        """Return the variant of a local result."""
        encoder, _, preset = result.curve.partition(" ")
        return EncodeVariant(encoder, preset, result.crf or 0.0)


class _Pictured(msgspec.Struct, frozen=True):
    moments: tuple[Moment, ...]


def _sample_line(given: BenchInput) -> str:
    if not given.spans:
        return ""
    arguments = cut_arguments(given.whole, given.spans, given.video.path.name)
    return shown_line(arguments, given.video.path.parent)


def _with(chosen: VariantResult, results: list[VariantResult]) -> list[VariantResult]:
    """Return the results with one more, at its place on its curve."""
    curves = list(dict.fromkeys(result.curve for result in (*results, chosen)))
    others = (result for result in results if result.name != chosen.name)
    return sorted(
        (*others, chosen), key=lambda result: (curves.index(result.curve), result.crf or 0.0)
    )


def _best_of(results: list[VariantResult]) -> str:
    scored = [result for result in results if result.scores]
    return max(scored, key=lambda result: result.vmaf or 0.0).name if scored else ""


def _named(name: str, results: Sequence[VariantResult]) -> VariantResult | None:
    return next((result for result in results if result.name == name), None)


def _most_telling(
    lead: VariantResult, results: Sequence[VariantResult], target: float
) -> list[VariantResult]:
    """Return the results whose pictures are shown: the lead, the cloud's, those near the target."""
    scored = [result for result in results if result.vmaf is not None]
    ranked = sorted(
        scored,
        key=lambda result: (
            result.name != lead.name,
            result.where != "cloud",
            abs((result.vmaf or 0.0) - target),
        ),
    )
    kept = {result.name for result in ranked[:_MOST_PICTURED]}
    return [result for result in scored if result.name in kept]
