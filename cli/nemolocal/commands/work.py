"""`nemolocal work`: renders parts for a server of another process or machine."""

import argparse
import sys
from pathlib import Path
from typing import Any

from ..argument_parser import add_command
from ..errors import CommandError, UsageError
from ..farm_options import add_farm_options, engine_options, require_farm_extra

_DESCRIPTION = """\
Render parts of the renders of `nemolocal serve --farm`, until interrupted. One
process on each machine is enough: it renders one part for each two cores at a
time. It needs the version and the FFmpeg of the server
(docs/how-to/render-on-many-machines.md).
"""


def add_parser(commands: Any) -> None:
    """Add the command."""
    work = add_command(commands, "work", "render parts for a server", _DESCRIPTION)
    add_farm_options(work, required=True)
    work.add_argument(
        "--server",
        required=True,
        metavar="URL",
        help="base URL of the server, where this machine reaches it",
    )
    work.add_argument(
        "--media",
        metavar="DIR",
        help="media folder of the server (`media` in its data folder) on a disk that this machine "
        "shares: sources are read there instead of fetched",
    )
    work.add_argument(
        "--places",
        type=_positive,
        metavar="N",
        help="number of parts at once (default: one for each two cores)",
    )
    work.add_argument(
        "--idle-exit",
        type=_positive,
        metavar="S",
        help="end after S seconds without work (default: never)",
    )
    work.add_argument(
        "--log-level",
        choices=("debug", "info", "warning", "error"),
        default="info",
        help="log messages of this level and above to stderr (default: %(default)s)",
    )


def _positive(text: str) -> int:
    if not text.isdecimal() or not int(text):
        raise argparse.ArgumentTypeError(f"must be a whole number of 1 or more, not {text!r}")
    return int(text)


def run(arguments: argparse.Namespace) -> int:
    """Work until interrupted, with exit status 0; prints the queue when it is ready."""
    require_farm_extra()
    # Imported late: they take a fifth of the time of `--help`.
    import asyncio
    import logging

    from nemolocal_farm.engine import EngineUnreachable
    from nemolocal_farm.farm_key import FarmSetupError
    from nemolocal_farm.farm_worker import WorkerBroken, WorkerOptions, run_worker

    if not arguments.server.startswith(("http://", "https://")):
        raise UsageError(
            f"--server must be a URL such as http://127.0.0.1:8787, not {arguments.server!r}"
        )
    media = None if arguments.media is None else Path(arguments.media)
    if media is not None and not media.is_dir():
        raise UsageError(f"--media: folder not found: {media}")
    logging.basicConfig(
        stream=sys.stderr,
        level=arguments.log_level.upper(),
        format="%(asctime)s %(levelname)s %(message)s",
    )
    logging.getLogger("httpx").setLevel(logging.WARNING)
    options = WorkerOptions(
        engine=engine_options(arguments),
        server=arguments.server,
        places=arguments.places or 0,
        idle_exit=arguments.idle_exit,
        media=None if media is None else media.absolute(),
    )
    try:
        asyncio.run(run_worker(options, _announce))
    except (FarmSetupError, EngineUnreachable, WorkerBroken) as error:
        raise CommandError(str(error)) from error
    return 0


def _announce(queue: str) -> None:
    print(f"Nemo Local works for the queue {queue} (Ctrl-C ends it)", flush=True)
