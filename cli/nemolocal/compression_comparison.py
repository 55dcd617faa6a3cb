"""Runs `nemolocal bench`: measures local compression against the cloud and writes the report."""

import argparse
import os
import sys
from pathlib import Path

from nemolocal_bench.clip_comparison import CompareOptions
from nemolocal_bench.comparison import CloudNotReached, compare
from nemolocal_bench.html_report import as_html
from nemolocal_bench.moments import MAX_MOMENTS
from nemolocal_bench.report import BenchReport, ReportUnreadable, as_csv, as_json, read_report
from nemolocal_bench.report_changes import ReportChanges, diff_reports
from nemolocal_bench.sampling import read_sample_count
from nemolocal_bench.video_files import CannotCompare
from nemolocal_client import CLOUD_BASE_URL, TOKEN_VARIABLE, CannotConnect, host_of

from .client_factory import open_client
from .report_files import write_report_files

_FAILED, _USAGE = 1, 2
_MAX_VMAF = 100.0


def compare_compression(arguments: argparse.Namespace) -> int:
    """Return 0 if everything was compared, 1 if the cloud was to be measured and was not.

    Prints one line for invalid input and returns 2.
    """
    try:
        wanted = _comparison_options(arguments)
        old = _read(Path(arguments.compare)) if arguments.compare else None
        folder = _report_folder(arguments.report)
        report = compare(wanted, open_client, _log)
    except (CannotCompare, ReportUnreadable) as problem:
        print(f"nemolocal: {problem}", file=sys.stderr)
        return _FAILED if isinstance(problem, CloudNotReached) else _USAGE
    changes = diff_reports(old, report) if old is not None else ReportChanges()
    if folder is not None:
        _write(report, changes, folder)
    if arguments.json:
        print(as_json(report).decode())
    else:
        _print(report, changes)
    return _FAILED if arguments.cloud and not _has_cloud(report) else 0


def _has_cloud(report: BenchReport) -> bool:
    """Whether every clip has a result of the cloud, with a score or with why there is none."""
    return all(
        any(result.where == "cloud" and result.size for result in comparison.results)
        for comparison in report.comparisons
    )


def _comparison_options(arguments: argparse.Namespace) -> CompareOptions:
    if not 0 < arguments.target_vmaf < _MAX_VMAF:
        raise CannotCompare("--target-vmaf must be between 0 and 100")
    if arguments.base_url:
        _check_server(arguments)
    return CompareOptions(
        tuple(map(Path, arguments.input)),
        arguments.ladder,
        arguments.target_vmaf,
        tuple(filter(None, arguments.encoders.split(","))),
        _base_url(arguments) if arguments.cloud else "",
        read_sample_count(arguments.samples),
        _moment_count(arguments.frames),
        arguments.fresh,
    )


def _moment_count(text: str) -> int:
    if text == "none":
        return 0
    if text.isascii() and text.isdigit() and 0 < int(text) <= MAX_MOMENTS:
        return int(text)
    raise CannotCompare(f"--frames must be none or a number from 1 to {MAX_MOMENTS}")


def _check_server(arguments: argparse.Namespace) -> None:
    if not arguments.cloud:
        raise CannotCompare("--base-url requires --cloud")
    try:
        host_of(arguments.base_url)
    except CannotConnect as refused:
        raise CannotCompare(str(refused)) from refused


def _base_url(arguments: argparse.Namespace) -> str:
    """Return the server of the cloud's part; raises CannotCompare without a token."""
    if arguments.base_url:
        return str(arguments.base_url)
    if os.environ.get(TOKEN_VARIABLE):
        return CLOUD_BASE_URL
    raise CannotCompare(
        f"--cloud needs a token: set {TOKEN_VARIABLE}, name another server with --base-url, or "
        "leave out --cloud to compare with the published figures"
    )


def _read(path: Path) -> BenchReport:
    try:
        return read_report(path.read_bytes())
    except OSError as error:
        raise ReportUnreadable(f"cannot read {path}: {error.strerror}") from error
    except ReportUnreadable as reason:
        raise ReportUnreadable(f"{path}: {reason}") from reason


def _report_folder(name: str | None) -> Path | None:
    """Return the report folder; checks that it is writable before minutes of work."""
    if name is None:
        return None
    folder = Path(name)
    trial = folder / ".nemolocal-bench"
    try:
        folder.mkdir(parents=True, exist_ok=True)
        trial.touch()
        trial.unlink()
    except OSError as error:
        raise CannotCompare(f"cannot write a report to {folder}: {error.strerror}") from error
    return folder


def _write(report: BenchReport, changes: ReportChanges, folder: Path) -> None:
    contents: dict[str, str | bytes] = {
        "bench.json": as_json(report),
        "bench.csv": as_csv(report),
        "bench.html": as_html(report, changes),
    }
    write_report_files(folder, contents)
    _log(f"report: {folder / 'bench.html'}")


def _print(report: BenchReport, changes: ReportChanges) -> None:
    for comparison in report.comparisons:
        print(f"{comparison.source.name}: {comparison.verdict}")
        for result in comparison.results:
            if result.complaint:
                print(f"  {result.name}: no score: {result.complaint}")
    for change in changes.figures:
        figures = f"{change.before:.6g} → {change.after:.6g}"
        print(f"  {change.clip}, {change.name}, {change.what}: {figures}")
    for remark in changes.remarks:
        print(f"  {remark}")


def _log(line: str) -> None:
    print(line, file=sys.stderr, flush=True)
