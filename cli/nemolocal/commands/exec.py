"""`nemolocal exec`: any program, unchanged, with the local server in the cloud's place."""

import argparse
import asyncio
import contextlib
import functools
import os
import signal
import sys
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec

from nemolocal_conformance.client_runner.server_control import fetch_journal
from nemolocal_render.temporary_folder import TemporaryFolder

from ..errors import CommandError, UsageError
from ..exec.allowed_hosts import parse_allowed_hosts
from ..exec.program_environment import (
    CLOUD_HOST,
    NetworkPolicy,
    ProgramEnvironment,
    open_cloud_environment,
)
from ..exec.traffic_monitor import TrafficMonitor
from ..termination import TERMINATING

if TYPE_CHECKING:
    from nemolocal_conformance.traffic.journal import LoadedJournal
    from nemolocal_server.data.tokens import NewToken
    from nemolocal_server.settings import Settings

_NOT_RUNNABLE, _NOT_FOUND, _SIGNALLED = 126, 127, 128
_NOTHING_JUDGED = 2
_TOKEN = "NEMO_TOKEN"
# Nobody anonymous: who was given a token may not ask for a free one (AUTH-8).
_USER = "user_of-the-environment"
# What settings of a file cannot change: where the server is, and that we may ask it.
_FIXED_SETTINGS = {"host": "127.0.0.1", "port": 0, "control": True}
_UNSEALED_CAVEAT = "its calls went past the proxy to the real cloud, since this run is not sealed"


def run(arguments: argparse.Namespace) -> int:
    """The exit status of the program; 128 and the number of the signal where one ended it.

    Where the program did well: 2 with `--require-calls` and fewer calls, or with `--verdict` and
    nothing to judge; 1 with `--verdict` where it broke a MUST of the rules for clients.
    """

    words = program_command(arguments.words)
    rules = NetworkPolicy(parse_allowed_hosts(arguments.allow_host), arguments.seal)
    monitor = TrafficMonitor(CLOUD_HOST, _log)
    settings = _settings(arguments)
    with (
        TemporaryFolder("exec") as folder,
        open_cloud_environment(settings, folder, monitor, rules) as place,
    ):
        if place.unsealed_reason:
            _log(unsealed_warning(place))
        status = asyncio.run(_run(words, place, _isolated_config(folder)))
        if status not in (_NOT_FOUND, _NOT_RUNNABLE):
            for line in monitor.summary_lines(_UNSEALED_CAVEAT if place.unsealed_reason else ""):
                _log(line)
        judged = _write_results(arguments, place, monitor)
    return status or judged


def program_command(given: list[str]) -> list[str]:
    """The program and its arguments, without the `--` before them."""
    words = given[1:] if given[:1] == ["--"] else given
    if not words or not words[0]:
        raise UsageError("nothing to run: name a program after --")
    return words


def unsealed_warning(place: ProgramEnvironment) -> str:
    """What is said of a program that may reach the world."""
    return (
        f"not sealed ({place.unsealed_reason}): a client that heeds neither the proxy nor our "
        f"hooks reaches the real {CLOUD_HOST}"
    )


def _write_results(
    arguments: argparse.Namespace, place: ProgramEnvironment, monitor: TrafficMonitor
) -> int:
    """Keep and judge what was done; a status for a program that did well."""
    status = 0
    if monitor.call_count < arguments.require_calls:
        seen, wanted = monitor.call_count, arguments.require_calls
        _log(f"{seen} call{'s' * (seen != 1)} seen, of {wanted} that --require-calls wants")
        status = _NOTHING_JUDGED
    if arguments.journal or arguments.report or arguments.verdict:
        journal, lines = fetch_journal(place.base_url, place.transport)
        if arguments.journal:
            _write_file(arguments.journal, lines)
        judged = _judge(journal, arguments)
        status = status or judged
    return status


def _judge(journal: "LoadedJournal", arguments: argparse.Namespace) -> int:
    """Tell how the program kept the rules for clients: 1 it broke a MUST, 2 nothing was judged."""
    from nemolocal_conformance.client_checks import client_catalogue
    from nemolocal_conformance.client_checks.evaluation import evaluate_journal
    from nemolocal_conformance.reports import as_json

    from .verdict import report_lines

    report = evaluate_journal(journal, client_catalogue().values())
    if arguments.report:
        _write_file(arguments.report, as_json(report).encode())
    if not arguments.verdict:
        return 0
    for line in report_lines(report, arguments.journal or "this run", len(journal.entries)):
        _log(line)
    if report.exit_code == _NOTHING_JUDGED and not report.count("error"):
        _log("nothing was judged: the program did nothing that the rules are about")
    return report.exit_code


def _write_file(name: str, content: bytes) -> None:
    try:
        Path(name).write_bytes(content)
    except OSError as error:
        raise CommandError(f"{name}: cannot be written: {error.strerror}") from error


def _settings(arguments: argparse.Namespace) -> "Settings":
    """Those of the arguments; a token of the environment is good there, too."""
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
        raise UsageError(f"{_TOKEN} cannot be used ({error}): unset it") from None


def _isolated_config(folder: Path) -> dict[str, str]:
    """Ours, where the program is one of ours: a token of the cloud is no token of this server."""
    from nemolocal_client.profile import CONFIG_VARIABLE

    return {CONFIG_VARIABLE: str(folder / "config"), **os.environ}


async def _run(
    words: Sequence[str], place: ProgramEnvironment, environment: Mapping[str, str]
) -> int:
    status = await _program(words, place.wrap_command(words), place.merge_variables(environment))
    return status if status >= 0 else _SIGNALLED - status


async def _program(
    words: Sequence[str], command: Sequence[str], environment: Mapping[str, str]
) -> int:
    """The status of a program; 127 and 126 where there is none to run, as a shell has it."""
    with _forward_signals() as told:
        try:
            child = await asyncio.create_subprocess_exec(*command, env=environment)
        except FileNotFoundError:
            _log(f"{words[0]}: not found")
            return _NOT_FOUND
        except OSError as error:
            _log(f"{words[0]}: {(error.strerror or str(error)).lower()}")
            return _NOT_RUNNABLE
        told.add_done_callback(lambda heard: _pass_on(heard, child))
        return await child.wait()


def _pass_on(heard: asyncio.Future[int], child: asyncio.subprocess.Process) -> None:
    if child.returncode is None and not heard.cancelled():
        child.send_signal(heard.result())


@contextlib.contextmanager
def _forward_signals() -> Iterator[asyncio.Future[int]]:
    """Signals are the program's to answer, and so are caught before there is one.

    The future has the signal that tells us to end; an interrupt the program gets from the terminal.
    One that is ignored is ignored by the program, too.
    """
    loop = asyncio.get_running_loop()
    told: asyncio.Future[int] = loop.create_future()

    def tell(number: int) -> None:
        with contextlib.suppress(asyncio.InvalidStateError):  # told again
            told.set_result(number)

    before = {number: signal.getsignal(number) for number in (signal.SIGINT, *TERMINATING)}
    before = {number: found for number, found in before.items() if found != signal.SIG_IGN}
    # Windows has no such handlers: there an interrupt ends us both.
    with contextlib.suppress(NotImplementedError):
        for number in before:
            heard = (lambda: None) if number == signal.SIGINT else functools.partial(tell, number)
            loop.add_signal_handler(number, heard)
    try:
        yield told
    finally:
        told.cancel()
        with contextlib.suppress(NotImplementedError):
            for number, found in before.items():
                loop.remove_signal_handler(number)
                signal.signal(number, found)


def _log(said: str) -> None:
    print(f"nemolocal exec: {said}", file=sys.stderr, flush=True)
