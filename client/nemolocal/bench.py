"""`nemolocal bench`: local compression against the cloud, measured and reported."""

import argparse
import os
import sys
from pathlib import Path

from nemolocal_bench.compression.changes import Change, Unreadable, changes, read_report
from nemolocal_bench.compression.clips import Unusable
from nemolocal_bench.compression.comparison import Report, Wanted, compare
from nemolocal_bench.compression.page import as_html
from nemolocal_bench.compression.tables import as_csv, as_json
from nemolocal_client import CLOUD_BASE_URL, TOKEN_VARIABLE, CannotConnect, host_of

from .backend import open_client
from .problem import Problem

_USAGE = 2
_MOST_VMAF = 100.0


def run(arguments: argparse.Namespace) -> int:
    """0 where everything was compared, 2 with one line where something is wrong with the input."""
    try:
        wanted = _wanted(arguments)
        old = _read(Path(arguments.compare)) if arguments.compare else None
        folder = _report_folder(arguments.report)
        report = compare(wanted, open_client, _tell)
    except (Unusable, Unreadable) as problem:
        print(f"nemolocal: {problem}", file=sys.stderr)
        return _USAGE
    changed = changes(old, report) if old is not None else ()
    if folder is not None:
        _write(report, changed, folder)
    _print(report, changed)
    return 0


def _wanted(arguments: argparse.Namespace) -> Wanted:
    if not 0 < arguments.target_vmaf < _MOST_VMAF:
        raise Unusable("--target-vmaf is a number between 0 and 100")
    if arguments.base_url:
        _check_server(arguments)
    return Wanted(
        tuple(map(Path, arguments.input)),
        arguments.ladder,
        arguments.target_vmaf,
        tuple(filter(None, arguments.encoders.split(","))),
        _base_url(arguments) if arguments.cloud else "",
    )


def _check_server(arguments: argparse.Namespace) -> None:
    if not arguments.cloud:
        raise Unusable("--base-url is the server of --cloud: say both")
    try:
        host_of(arguments.base_url)
    except CannotConnect as refused:
        raise Unusable(str(refused)) from refused


def _base_url(arguments: argparse.Namespace) -> str:
    """The server of the cloud leg; none where the cloud would need a token that is not there."""
    if arguments.base_url:
        return str(arguments.base_url)
    if os.environ.get(TOKEN_VARIABLE):
        return CLOUD_BASE_URL
    _tell(f"no {TOKEN_VARIABLE}: the cloud's published figures stand in")
    return ""


def _read(path: Path) -> Report:
    try:
        return read_report(path.read_bytes())
    except OSError as error:
        raise Unreadable(f"{path} cannot be read: {error.strerror}") from error
    except Unreadable as reason:
        raise Unreadable(f"{path}: {reason}") from reason


def _report_folder(name: str | None) -> Path | None:
    """The folder of the report, known to be writable before minutes are spent."""
    if name is None:
        return None
    folder = Path(name)
    trial = folder / ".nemolocal-bench"
    try:
        folder.mkdir(parents=True, exist_ok=True)
        trial.touch()
        trial.unlink()
    except OSError as error:
        raise Unusable(f"{folder}: no report can be written: {error.strerror}") from error
    return folder


def _write(report: Report, changed: tuple[Change, ...], folder: Path) -> None:
    try:
        (folder / "bench.json").write_bytes(as_json(report))
        (folder / "bench.csv").write_text(as_csv(report), encoding="utf-8")
        (folder / "bench.html").write_text(as_html(report, changed), encoding="utf-8")
    except OSError as error:
        raise Problem(
            f"{folder}: the report cannot be written: {error.strerror}; name another "
            "folder with --report"
        ) from error
    _tell(f"the report is {folder / 'bench.html'}")


def _print(report: Report, changed: tuple[Change, ...]) -> None:
    for comparison in report.comparisons:
        print(f"{comparison.source.name}: {comparison.verdict}")
        for result in comparison.results:
            if result.complaint:
                print(f"  {result.name}: no score: {result.complaint}")
    for change in changed:
        print(f"  {change.name}, {change.what}: {change.before:.6g} → {change.after:.6g}")


def _tell(line: str) -> None:
    print(line, file=sys.stderr, flush=True)
