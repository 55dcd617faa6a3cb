"""`nemolocal record`: records the calls of a program to the real cloud, without its secrets."""

import argparse
import contextlib
import os
import re
import sys
import threading
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..argument_parser import add_command
from ..errors import UsageError

if TYPE_CHECKING:
    from ..recorder import Recorder, RecorderOptions

_DESCRIPTION = """\
Record the calls of a program to the real cloud: run the program, or listen on
a port that a client uses as its base URL. Responses are passed on as they
come; nothing is sent twice.

The recording is a JSON Lines file without tokens, texts and file names; ids
are replaced by others of the same form. `nemolocal recording show FILE` prints
all that is in it. The calls are real: turns cost credits.

The program is led to the recorder by a proxy, environment variables and hooks
for Node and Python. A client that uses none of them reaches the cloud without
being recorded.

Exit status: that of the program. Wrong usage: 2.
"""
_HOST = re.compile(r"[a-z0-9](?:[a-z0-9.-]{0,251}[a-z0-9])?", re.ASCII)
_MAX_PORT = 65_535
_DOUBT = "its calls bypassed the proxy and were not recorded"


def add_parser(commands: Any) -> None:
    """Add the command."""
    record = add_command(
        commands, "record", "record calls to the real cloud, without secrets", _DESCRIPTION
    )
    record.add_argument(
        "--listen",
        type=int,
        metavar="PORT",
        help="listen on this port instead of running a program; 0 is a free port; Ctrl-C ends it",
    )
    record.add_argument(
        "-o", "--output", metavar="FILE",
        help="the new file of the recording (default: recording-DATE-TIME.jsonl)",
    )  # fmt: skip
    record.add_argument(
        "--upstream", metavar="URL",
        help="record this server instead of the cloud, for example a local one",
    )  # fmt: skip
    record.add_argument(
        "--also", action="append", default=[], metavar="HOST",
        help="record calls to this HTTPS host as well; repeatable",
    )  # fmt: skip
    record.add_argument(
        "--max-turns", type=int, default=10, metavar="N",
        help="refuse chat turns after N, which may cost credits (default: %(default)s)",
    )  # fmt: skip
    record.add_argument(
        "--max-renders", type=int, default=3, metavar="N",
        help="refuse exports after N (default: %(default)s)",
    )  # fmt: skip
    record.add_argument(
        "--keep-text", action="store_true",
        help="keep texts, names, URLs and keys; tokens and ids are replaced all the same",
    )  # fmt: skip
    record.add_argument("words", nargs=argparse.REMAINDER, metavar="-- PROGRAM ...")


def run(arguments: argparse.Namespace) -> int:
    """Return the exit status of the program, or 0 after `--listen`."""
    from ..exec.program_environment import CLOUD_HOST
    from ..exec.program_process import program_command
    from ..exec.traffic_monitor import TrafficMonitor
    from ..recorder import open_recorder

    options = _options(arguments)
    if arguments.listen is not None and arguments.words:
        raise UsageError("give --listen PORT or a program, not both")
    command = program_command(arguments.words) if arguments.listen is None else []
    with open_recorder(options, TrafficMonitor(CLOUD_HOST, _log), _log) as recorder:
        try:
            if arguments.listen is not None:
                return _listen(recorder, arguments.listen)
            return _run_program(recorder, command, options.also)
        finally:
            for line in recorder.summary_lines():
                _log(line)


def _options(arguments: argparse.Namespace) -> "RecorderOptions":
    from nemolocal_contract.clock import WallClock
    from nemolocal_contract.endpoints import CLOUD_BASE_URL

    from ..recorder import RecorderOptions, default_output

    for name in ("max_turns", "max_renders"):
        if getattr(arguments, name) < 0:
            raise UsageError(f"--{name.replace('_', '-')} must be 0 or more")
    if arguments.listen is not None and not 0 <= arguments.listen <= _MAX_PORT:
        raise UsageError(f"--listen must be a port from 0 to {_MAX_PORT}")
    hosts = tuple(dict.fromkeys(host.strip().lower() for host in arguments.also))
    for host in hosts:
        if not _HOST.fullmatch(host):
            raise UsageError(f"--also must be a host name, not {host!r}")
    output = Path(arguments.output) if arguments.output else default_output(WallClock())
    return RecorderOptions(
        output,
        (arguments.upstream or CLOUD_BASE_URL).rstrip("/"),
        hosts,
        arguments.max_turns,
        arguments.max_renders,
        arguments.keep_text,
    )


def _listen(recorder: "Recorder", port: int) -> int:
    """Record until the user interrupts."""
    from ..recorder import listen

    used = listen(recorder, port)
    name = recorder.proxy.settings.default.name
    print(f"http://127.0.0.1:{used} leads to {name}; Ctrl-C ends the recording", flush=True)
    with contextlib.suppress(KeyboardInterrupt):
        threading.Event().wait()
    return 0


def _run_program(recorder: "Recorder", command: list[str], also: tuple[str, ...]) -> int:
    # Imported late: it takes a fifth of the time of `--help`.
    import asyncio

    from nemolocal_render.temporary_folder import TemporaryFolder

    from ..exec.program_process import is_started, run_program
    from ..recorder import open_recorded_program

    with (
        TemporaryFolder("record") as folder,
        open_recorded_program(recorder, folder, also) as place,
    ):
        status = asyncio.run(run_program(command, place, dict(os.environ), _log))
    if is_started(status):
        for line in recorder.monitor.summary_lines(_DOUBT):
            _log(line)
    return status


def _log(said: str) -> None:
    print(f"nemolocal record: {said}", file=sys.stderr, flush=True)
