"""Runs a comparison: source files, encode variants, target search, cloud export, report."""

import asyncio
import shutil
from collections.abc import Iterable
from contextlib import ExitStack
from pathlib import Path

import msgspec

from nemolocal_client import NemoError
from nemolocal_contract.plurals import pluralize
from nemolocal_render import encoders, ffmpeg_cli
from nemolocal_render.cpu_count import usable_cores
from nemolocal_render.temporary_folder import TemporaryFolder

from .clip_comparison import ClipComparison, CompareOptions, OnProgress
from .cloud import OpenClient, server_label
from .machine import describe_machine
from .metrics import Instruments, detect_instruments
from .report import REPORT_FORMAT, BenchReport
from .result_cache import ResultCache, cache_folder
from .sampling import choose_spans, count_and_cut, max_sample_size
from .target_quality import max_probe_size
from .variant_runs import KEPT_BYTES, VariantRunner
from .variants import ENCODERS, Ladder, load_average, max_encode_size, try_encoders
from .video_files import CannotCompare, VideoFile, open_source

# VMAF NEG takes as long as VMAF, and only shows whether an encoder is tuned to VMAF.
_NEG_EVERY: dict[Ladder, int] = {"quick": 5, "full": 1}
_MEGA = 1_000_000
_KEPT_SOURCES = 10
# Above this share of the processors, other programs make encodes slower.
_BUSY = 0.5


class CloudNotReached(CannotCompare):
    """The server of `--cloud` cannot be reached; nothing was encoded."""


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
        instruments = _instruments(options, folder)
        if options.base_url:
            _check_server(options.base_url, open_client)
        sources = [(path, asyncio.run(open_source(path, folder))) for path in options.inputs]
        _check_disk_space(sources, options, folder, on_progress)
        clips = [
            (path, _count_frames(path, clip, options, folder, is_next=number == 0))
            for number, (path, clip) in enumerate(sources)
        ]
        tried = asyncio.run(try_encoders(_encoders_to_try(options), folder))
        encoder_names, missing = _working_encoders(options, tried)
        version = f"{machine.ffmpeg}, {machine.processor}, {machine.cores}"
        cache = ResultCache(cache_folder(), version)
        runner = VariantRunner(folder, instruments, cache, options.fresh)
        _warn_of_load(on_progress)
        comparisons = []
        for path, clip in clips:
            bench = ClipComparison(options, open_client, on_progress, runner, encoder_names)
            comparisons.append(bench.compare(path.name, clip))
            runner.drop_encodes()
        return BenchReport(
            REPORT_FORMAT,
            machine,
            instruments,
            missing,
            options.ladder,
            options.target,
            tuple(comparisons),
        )


def _instruments(options: CompareOptions, folder: Path) -> Instruments:
    instruments = asyncio.run(detect_instruments(folder))
    if instruments.complaint:
        raise CannotCompare(f"this FFmpeg cannot measure VMAF: {instruments.complaint}")
    quick = options.ladder == "quick"
    return msgspec.structs.replace(instruments, neg_every=_NEG_EVERY[options.ladder], paced=quick)


def _count_frames(
    path: Path, clip: VideoFile, options: CompareOptions, folder: Path, *, is_next: bool
) -> VideoFile:
    """Decode a source whole, before anything slow; the next one is sampled in the same pass.

    There may be no room for the samples of several.
    """
    spans = choose_spans(clip, options.samples) if is_next else ()
    try:
        return asyncio.run(count_and_cut(clip, spans, folder))
    except CannotCompare as reason:
        raise CannotCompare(f"{path}: {reason}") from reason


def _check_server(base_url: str, open_client: OpenClient) -> None:
    """Raise CloudNotReached unless the server issues or accepts a token."""
    try:
        with open_client(base_url, lambda _: None) as client:
            client.connect()
    except NemoError as refused:
        reason = f"the {server_label(base_url)} cannot be measured: {refused}"
        raise CloudNotReached(f"{reason}; nothing was encoded, leave out --cloud") from refused


def _warn_of_load(on_progress: OnProgress) -> None:
    load = load_average()
    if load is not None and load > usable_cores() * _BUSY:
        cores = pluralize(usable_cores(), "core")
        on_progress(
            f"this machine is busy (load {load:.1f} on {cores}): encodes take "
            "longer than on an idle one; --fresh measures them again"
        )


def _check_disk_space(
    clips: Iterable[tuple[Path, VideoFile]],
    options: CompareOptions,
    folder: Path,
    on_progress: OnProgress,
) -> None:
    needed = max(_disk_space(clip, options) for _, clip in clips)
    free = shutil.disk_usage(folder).free
    on_progress(f"needs at most {needed / _MEGA:,.0f} MB of disk space in {folder.parent}")
    if free < needed:
        raise CannotCompare(
            f"{folder.parent} has only {free / _MEGA:,.0f} MB free: set TMPDIR to another folder"
        )


def _disk_space(clip: VideoFile, options: CompareOptions) -> int:
    spans = choose_spans(clip, options.samples)
    sample = max_sample_size(clip, spans) if spans else max_probe_size(clip)
    # Encodes are kept for the pictures; those of a ladder are seldom larger than ten sources.
    return max_encode_size(clip) + sample + min(KEPT_BYTES, clip.bytes * _KEPT_SOURCES)


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
