"""Runs a comparison: source files, encode variants, target search, cloud export, report."""

import asyncio
import shutil
import time
from collections.abc import Callable, Iterable
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

import msgspec

from nemolocal_client import NemoError
from nemolocal_render import encoders, ffmpeg_cli
from nemolocal_render.temporary_folder import TemporaryFolder

from .bd_rate import bd_rate_savings
from .cloud import (
    EXPORT_NAME,
    PUBLISHED_TIMES,
    OpenClient,
    run_cloud_export,
    server_label,
)
from .machine import describe_machine
from .metrics import Instruments, NotMeasured, check_reference, detect_instruments
from .report import REPORT_FORMAT, BenchReport, Comparison, SourceInfo, write_headline
from .result_cache import ResultCache, cache_folder
from .target_quality import (
    TargetSearch,
    TargetSearchResult,
    cached_variant,
    max_sample_size,
    run_variant_cached,
)
from .variants import (
    ENCODERS,
    EncodeVariant,
    Ladder,
    VariantResult,
    ladder_variants,
    max_encode_size,
    measure_result,
    try_encoders,
)
from .video_files import CannotCompare, VideoFile, open_source, open_video

_PRESETS: dict[Ladder, str] = {"quick": "veryfast", "full": "slow"}
# VMAF NEG takes as long as VMAF, and only shows whether an encoder is tuned to VMAF.
_NEG_EVERY: dict[Ladder, int] = {"quick": 5, "full": 1}
_MEGA = 1_000_000

OnProgress = Callable[[str], None]


class CompareOptions(msgspec.Struct, frozen=True):
    """What to compare: files, ladder, target; encoders by name, () for all that work.

    `base_url` is the server of the cloud variant, "" for none.
    """

    inputs: tuple[Path, ...]
    ladder: Ladder = "quick"
    target: float = 95.0
    encoders: tuple[str, ...] = ()
    base_url: str = ""


def compare(
    options: CompareOptions, open_client: OpenClient, on_progress: OnProgress
) -> BenchReport:
    """Run the comparison; raises CannotCompare before anything slow if it cannot work."""
    with ExitStack() as stack:
        folder = stack.enter_context(TemporaryFolder("bench"))
        try:
            machine = asyncio.run(describe_machine())
        except ffmpeg_cli.FFmpegFailed as failure:
            raise CannotCompare(str(failure)) from failure
        instruments = asyncio.run(detect_instruments(folder))
        if instruments.complaint:
            raise CannotCompare(f"this FFmpeg cannot measure VMAF: {instruments.complaint}")
        instruments = msgspec.structs.replace(instruments, neg_every=_NEG_EVERY[options.ladder])
        clips = [(path, asyncio.run(open_source(path, folder))) for path in options.inputs]
        _check_disk_space(clips, folder, on_progress)
        tried = asyncio.run(try_encoders(_encoders_to_try(options), folder))
        encoder_names, missing = _working_encoders(options, tried)
        cache = ResultCache(
            cache_folder(), f"{machine.ffmpeg}, {machine.processor}, {machine.cores}"
        )
        bench = _ComparisonRun(
            options, open_client, on_progress, folder, instruments, cache, encoder_names
        )
        comparisons = tuple(bench.compare(path.name, clip) for path, clip in clips)
        return BenchReport(
            *(
                REPORT_FORMAT,
                machine,
                instruments,
                missing,
                options.ladder,
                options.target,
                comparisons,
            )
        )


def _check_disk_space(
    clips: Iterable[tuple[Path, VideoFile]], folder: Path, on_progress: OnProgress
) -> None:
    needed = max(max_encode_size(clip) + max_sample_size(clip) for _, clip in clips)
    free = shutil.disk_usage(folder).free
    on_progress(
        f"one encode at a time: at most {needed / _MEGA:,.0f} MB of disk, in {folder.parent}"
    )
    if free < needed:
        raise CannotCompare(f"{folder.parent} has only {free / _MEGA:,.0f} MB free: set TMPDIR")


def _encoders_to_try(options: CompareOptions) -> tuple[str, ...]:
    """Return the named encoders, else those of the ladder."""
    for name in options.encoders:
        if name not in ENCODERS:
            raise CannotCompare(f"unknown encoder {name}: choose from {', '.join(ENCODERS)}")
    if options.ladder == "quick":
        # Only the encoders of the contract's exports; others must be named.
        return options.encoders or (encoders.SOFTWARE_ENCODER, *encoders.HARDWARE_ENCODERS)
    return options.encoders or ENCODERS


def _working_encoders(
    options: CompareOptions, tried: dict[str, str]
) -> tuple[list[str], dict[str, str]]:
    """Return the encoders to compare, and why others do not work."""
    missing = {name: reason for name, reason in tried.items() if reason}
    for name in options.encoders:
        if name in missing:
            raise CannotCompare(f"{name} does not work here: {missing[name]}")
    return [name for name in ENCODERS if name in tried and name not in missing], missing


@dataclass(frozen=True)
class _ComparisonRun:
    options: CompareOptions
    open_client: OpenClient
    on_progress: OnProgress
    folder: Path
    instruments: Instruments
    cache: ResultCache
    encoders: list[str]

    def compare(self, name: str, clip: VideoFile) -> Comparison:
        """Everything for one clip."""
        try:
            own = asyncio.run(check_reference(clip, self.folder, self.instruments))
        except NotMeasured as reason:
            raise CannotCompare(f"{name}: {reason}") from reason
        source = SourceInfo(
            *(name, clip.digest, clip.width, clip.height, clip.frames, clip.fps, clip.seconds),
            *(clip.bytes, own),
        )
        results = self._ladder(clip)
        found, chosen = self._search(clip, results)
        if chosen is not None:
            results = _with(chosen, results)
        if self.options.base_url:
            results.append(self._cloud(clip))
        shown = chosen.name if chosen is not None else _best_of(results)
        lean = tuple(_without_picture(result, shown) for result in results)
        made = Comparison("", source, shown, lean, found, bd_rate_savings(results), PUBLISHED_TIMES)
        return msgspec.structs.replace(made, verdict=write_headline(made, self.options.target))

    def _ladder(self, clip: VideoFile) -> list[VariantResult]:
        settings = ladder_variants(self.options.ladder, self.encoders)
        fresh = [each for each in settings if not self._is_known(each, clip)]
        results = []
        started = time.perf_counter()
        for number, each in enumerate(settings, 1):
            text = ", measured before"
            if each in fresh:
                text = _time_left(time.perf_counter() - started, fresh.index(each), len(fresh))
            self.on_progress(f"{number}/{len(settings)} {each.name}{text}")
            results.append(self._run_variant(each, clip))
        return results

    def _is_known(self, variant: EncodeVariant, clip: VideoFile) -> bool:
        return cached_variant(variant, clip, self.instruments, self.cache) is not None

    def _run_variant(self, variant: EncodeVariant, clip: VideoFile) -> VariantResult:
        return run_variant_cached(variant, clip, self.folder, self.instruments, self.cache)

    def _search(
        self, clip: VideoFile, results: list[VariantResult]
    ) -> tuple[TargetSearchResult | None, VariantResult | None]:
        if encoders.SOFTWARE_ENCODER not in self.encoders:
            return None, None
        preset = _PRESETS[self.options.ladder]
        self.on_progress(
            f"searching for the smallest file at VMAF {self.options.target:g} ({preset})"
        )
        search = TargetSearch(clip, self.folder, self.instruments, self.cache, preset)
        try:
            return search.run(self.options.target, results)
        except (NotMeasured, ffmpeg_cli.FFmpegFailed) as reason:
            return TargetSearchResult(self.options.target, preset, complaint=str(reason)), None

    def _cloud(self, clip: VideoFile) -> VariantResult:
        base_url = self.options.base_url
        self.on_progress(f"exporting through {server_label(base_url)}")
        try:
            result = run_cloud_export(self.open_client, base_url, clip, self.folder)
        except NemoError as refused:
            place = server_label(base_url)
            return VariantResult(name=place, curve=place, where="cloud", complaint=str(refused))
        return asyncio.run(self._measure_export(result, clip))

    async def _measure_export(self, result: VariantResult, clip: VideoFile) -> VariantResult:
        path = self.folder / EXPORT_NAME
        try:
            made = await open_video(path)
            pair = (made, clip, self.folder, self.instruments)
            return await measure_result(result, *pair, resized=True)
        except (CannotCompare, ffmpeg_cli.FFmpegFailed) as reason:
            return msgspec.structs.replace(result, complaint=str(reason))
        finally:
            path.unlink(missing_ok=True)


def _time_left(elapsed: float, done: int, count: int) -> str:
    """Return the estimated time left; nothing before the first variant is done."""
    return f", about {elapsed / done * (count - done):.0f} s left on the ladder" if done else ""


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


def _without_picture(result: VariantResult, shown: str) -> VariantResult:
    """Drop the picture and the frames, which are large, unless the report shows them."""
    if result.name == shown:
        return result
    return msgspec.structs.replace(result, picture=b"", vmaf_frames=())
