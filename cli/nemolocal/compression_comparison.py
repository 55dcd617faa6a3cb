"""Runs `nemolocal bench`: measures local compression against the cloud and writes the report."""

import argparse
import os
import sys
from pathlib import Path

from nemolocal_bench.comparison import CompareOptions, compare
from nemolocal_bench.html_report import as_html
from nemolocal_bench.report import (
    BenchReport,
    FigureChange,
    ReportUnreadable,
    as_csv,
    as_json,
    diff_reports,
    read_report,
)
from nemolocal_bench.video_files import CannotCompare
from nemolocal_client import CLOUD_BASE_URL, TOKEN_VARIABLE, CannotConnect, host_of

from .client_factory import open_client
from .report_files import write_report_files

_USAGE = 2
_MAX_VMAF = 100.0


def compare_compression(arguments: argparse.Namespace) -> int:
    """Return 0 if everything was compared; raise an error with one line for invalid input."""
    try:
        wanted = _comparison_options(arguments)
        old = _read(Path(arguments.compare)) if arguments.compare else None
        folder = _report_folder(arguments.report)
        report = compare(wanted, open_client, _log)
    except (CannotCompare, ReportUnreadable) as problem:
        print(f"nemolocal: {problem}", file=sys.stderr)
        return _USAGE
    changed = diff_reports(old, report) if old is not None else ()
    if folder is not None:
        _write(report, changed, folder)
    _print(report, changed)
    return 0


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
    )


def _check_server(arguments: argparse.Namespace) -> None:
    if not arguments.cloud:
        raise CannotCompare("--base-url requires --cloud")
    try:
        host_of(arguments.base_url)
    except CannotConnect as refused:
        raise CannotCompare(str(refused)) from refused


def _base_url(arguments: argparse.Namespace) -> str:
    """Return the server of the cloud's part; None if the cloud needs a token and there is none."""
    if arguments.base_url:
        return str(arguments.base_url)
    if os.environ.get(TOKEN_VARIABLE):
        return CLOUD_BASE_URL
    _log(f"{TOKEN_VARIABLE} is not set: using the cloud's published figures")
    return ""


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


def _write(report: BenchReport, changed: tuple[FigureChange, ...], folder: Path) -> None:
    contents: dict[str, str | bytes] = {
        "bench.json": as_json(report),
        "bench.csv": as_csv(report),
        "bench.html": as_html(report, changed),
    }
    write_report_files(folder, contents)
    _log(f"report: {folder / 'bench.html'}")


def _print(report: BenchReport, changed: tuple[FigureChange, ...]) -> None:
    for comparison in report.comparisons:
        print(f"{comparison.source.name}: {comparison.verdict}")
        for result in comparison.results:
            if result.complaint:
                print(f"  {result.name}: no score: {result.complaint}")
    for change in changed:
        print(f"  {change.name}, {change.what}: {change.before:.6g} → {change.after:.6g}")


def _log(line: str) -> None:
    print(line, file=sys.stderr, flush=True)
