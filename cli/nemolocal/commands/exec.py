"""`nemolocal exec`: runs an unmodified program with the local server in place of the cloud."""

import argparse
import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

from nemolocal_contract.plurals import pluralize

from ..errors import CommandError, UsageError

if TYPE_CHECKING:
    from nemolocal_conformance.traffic.journal import LoadedJournal
    from nemolocal_conformance.verdicts import ConformanceReport
    from nemolocal_server.data.tokens import NewToken
    from nemolocal_server.settings import Settings

    from ..exec.program_environment import ProgramEnvironment
    from ..exec.run_report import RunReport
    from ..exec.traffic_monitor import TrafficMonitor

_DESCRIPTION = """\
Run an unmodified program with a local server in place of the cloud: its calls
to the cloud's address reach the server, all other calls are refused.

On Linux the program is sealed: it runs in its own network namespace, and no
connection leaves it, whatever client it uses. Where that is not possible (see
`nemolocal doctor`), calls are redirected by a proxy, environment variables
and hooks for Node and Python, and stderr says "not sealed".

Exit status: that of the program. If it is 0: 2 if the program made fewer calls
than --require-calls or --verdict found nothing to check, 1 if --verdict found
that it violated a MUST rule. Wrong usage: 2.
"""
_NOTHING_CHECKED = 2
_TOKEN = "NEMO_TOKEN"
_STDERR = 2
# Not anonymous: a client with a token must not ask for a free one (AUTH-8).
_USER = "user_of-the-environment"
# Settings that a file cannot change: the address, and access to the control API.
_FIXED_SETTINGS = {"host": "127.0.0.1", "port": 0, "control": True}
_UNSEALED_CAVEAT = (
    "its calls bypassed the proxy and reached the real cloud, since this run is not sealed"
)


def add_parser(commands: Any) -> None:
    """Add the command."""
    execute = commands.add_parser(
        "exec", help="run a program with its cloud calls sent to a local server",
        description=_DESCRIPTION, formatter_class=argparse.RawDescriptionHelpFormatter,
    )  # fmt: skip
    execute.add_argument(
        "--allow-host",
        action="append",
        default=[],
        metavar="HOST[:PORT]",
        help="allow calls to this host, on ports 80 and 443 or on PORT; repeatable; localhost:PORT "
        "is a server on this machine",
    )
    execute.add_argument(
        "--seal",
        choices=("auto", "require", "off"),
        default="auto",
        help="run the program in its own network namespace: if possible (auto), or else fail "
        "(require), or never (off) (default: %(default)s)",
    )
    execute.add_argument(
        "--require-calls",
        type=int,
        default=0,
        metavar="N",
        help="exit 2 if the program succeeded but made fewer than N calls (default: %(default)s)",
    )
    execute.add_argument(
        "--verdict",
        action="store_true",
        help="check the calls against the contract: exit 1 if the program succeeded but violated a "
        "MUST rule, 2 if there was nothing to check",
    )
    execute.add_argument("--config", metavar="FILE", help="TOML file of server settings")
    execute.add_argument(
        "--scenario", metavar="FILE", help="scenario file, or name of a built-in scenario"
    )
    execute.add_argument(
        "--speed",
        type=float,
        metavar="S",
        help="speed up simulated delays by this factor (default: 50)",
    )
    execute.add_argument(
        "--journal",
        metavar="FILE",
        help="write the journal of all calls, as JSON Lines; it has no tokens, but all texts, file "
        "names and ids",
    )
    execute.add_argument(
        "--redacted-journal",
        metavar="FILE",
        help="write the journal without texts, names and ids, to give to others",
    )
    execute.add_argument(
        "--report", metavar="FILE", help="write the results of the checks, as JSON"
    )
    execute.add_argument(
        "--json",
        action="store_true",
        help="print a line of JSON about the run to stdout: the outcome, violated rules, credits, "
        "calls and the exported video; what the program prints goes to stderr",
    )
    execute.add_argument("--video", metavar="FILE", help="copy the last exported video to FILE")
    execute.add_argument("words", nargs=argparse.REMAINDER, metavar="-- PROGRAM ...")


def run(arguments: argparse.Namespace) -> int:
    """Return the exit status of the program; 128 plus the signal that ended it.

    If the program succeeded: 2 for fewer calls than `--require-calls`, or if `--verdict` had
    nothing to check; 1 if `--verdict` found a violation of a MUST rule.
    """
    # Imported late: it takes a fifth of the time of `--help`.
    import asyncio

    from nemolocal_render.temporary_folder import TemporaryFolder

    from ..exec.allowed_hosts import parse_allowed_hosts
    from ..exec.program_environment import CLOUD_HOST, NetworkPolicy, open_cloud_environment
    from ..exec.program_process import is_started, program_command, run_program
    from ..exec.traffic_monitor import TrafficMonitor

    words = program_command(arguments.words)
    rules = NetworkPolicy(parse_allowed_hosts(arguments.allow_host), arguments.seal)
    monitor = TrafficMonitor(CLOUD_HOST, _log)
    settings = _settings(arguments)
    output = _STDERR if arguments.json else None
    with (
        TemporaryFolder("exec") as folder,
        open_cloud_environment(settings, folder, monitor, rules) as place,
    ):
        if place.unsealed_reason:
            _log(place.unsealed_warning)
        status = asyncio.run(run_program(words, place, _isolated_config(folder), _log, output))
        if is_started(status):
            for line in monitor.summary_lines(_UNSEALED_CAVEAT if place.unsealed_reason else ""):
                _log(line)
        return _write_results(arguments, place, monitor, status)


def _write_results(
    arguments: argparse.Namespace,
    place: "ProgramEnvironment",
    monitor: "TrafficMonitor",
    program_status: int,
) -> int:
    """Save the journal, check it and print the report; return the exit status of the command."""
    from nemolocal_conformance.client_runner.server_control import fetch_journal

    status = program_status
    if monitor.call_count < arguments.require_calls:
        seen = pluralize(monitor.call_count, "call")
        _log(f"{seen} seen, but --require-calls is {arguments.require_calls}")
        status = status or _NOTHING_CHECKED
    wanted = ("journal", "redacted_journal", "report", "verdict", "json", "video")
    if not any(getattr(arguments, name) for name in wanted):
        return status
    journal, lines = fetch_journal(place.base_url, place.transport)
    if arguments.journal:
        _write_file(arguments.journal, lines)
    if arguments.redacted_journal:
        _write_file(arguments.redacted_journal, _redacted_lines(journal))
    report = _check(journal, arguments)
    if arguments.verdict:
        status = status or report.exit_code
    if arguments.json or arguments.video:
        from ..exec.run_report import run_report

        run = run_report(
            place,
            report,
            journal.entries,
            calls=monitor.call_count,
            program_status=program_status,
            exit_status=status,
        )
        _write_run(arguments, place, run)
    return status


def _write_run(
    arguments: argparse.Namespace, place: "ProgramEnvironment", run: "RunReport"
) -> None:
    """Print the report of a run and save its video."""
    from ..exec.run_report import fetch_video
    from ..safe_output import print_json

    if arguments.video and run.video is None:
        _log(f"no video was exported, so {arguments.video} was not written")
    elif arguments.video and run.video is not None:
        _write_file(arguments.video, fetch_video(place, run.video))
    if arguments.json:
        print_json(run)


def _redacted_lines(journal: "LoadedJournal") -> bytes:
    from nemolocal_server.journal.journal_formats import write_journal
    from nemolocal_server.version import installed_version

    from ..journal_redaction import entry_redactor

    entries = map(entry_redactor(), journal.entries)
    return b"".join(write_journal("jsonl", entries, journal.dropped, installed_version()))


def _check(journal: "LoadedJournal", arguments: argparse.Namespace) -> "ConformanceReport":
    """Check the journal; print the verdict if it is wanted."""
    from nemolocal_conformance.client_checks import client_catalogue
    from nemolocal_conformance.client_checks.evaluation import evaluate_journal
    from nemolocal_conformance.reports import as_json

    from ..client_report import count_simulated, report_lines

    report = evaluate_journal(journal, client_catalogue().values())
    if arguments.report:
        _write_file(arguments.report, as_json(report).encode())
    if arguments.verdict:
        simulated = count_simulated(journal.entries)
        name = arguments.journal or "this run"
        for line in report_lines(report, name, len(journal.entries), simulated):
            _log(line)
        if report.exit_code == _NOTHING_CHECKED and not report.count("error"):
            _log("nothing was checked: the program made no call that the rules are about")
    return report


def _write_file(name: str, content: bytes) -> None:
    try:
        Path(name).write_bytes(content)
    except OSError as error:
        raise CommandError(f"cannot write {name}: {error.strerror}") from error


def _settings(arguments: argparse.Namespace) -> "Settings":
    """Return the server's settings; a token of the environment is valid there, too."""
    import msgspec

    from nemolocal_server.settings_loader import load_settings

    names = ("scenario", "speed")
    wanted = {name: value for name in names if (value := getattr(arguments, name)) is not None}
    file = Path(arguments.config) if arguments.config else None
    try:
        settings = load_settings(file, {**wanted, **_FIXED_SETTINGS})
    except ValueError as error:
        raise UsageError(str(error)) from error
    return msgspec.structs.replace(settings, tokens=(*settings.tokens, *_environment_token()))


def _environment_token() -> "tuple[NewToken, ...]":
    from nemolocal_server.data.tokens import NewToken

    token = os.environ.get(_TOKEN)
    try:
        return (NewToken(token=token, user_id=_USER),) if token else ()
    except ValueError as error:
        raise UsageError(f"invalid {_TOKEN} ({error}): unset it") from None


def _isolated_config(folder: Path) -> dict[str, str]:
    """Return the program's environment; a cloud token is not passed to nemolocal itself."""
    from nemolocal_client.profile import CONFIG_VARIABLE

    return {CONFIG_VARIABLE: str(folder / "config"), **os.environ}


def _log(said: str) -> None:
    print(f"nemolocal exec: {said}", file=sys.stderr, flush=True)
