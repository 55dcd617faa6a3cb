"""The arguments of `nemolocal exec`."""

import argparse
from typing import Any

_DESCRIPTION = """\
Run any program, unchanged, with a local server in the cloud's place: its calls to the cloud's
address reach the server, every other call is refused.
"""


def add(commands: Any) -> None:
    """Add the command."""
    execute = commands.add_parser(
        "exec", help="run any program with a local server in the cloud's place",
        description=_DESCRIPTION,
    )  # fmt: skip
    execute.add_argument(
        "--allow-host",
        action="append",
        default=[],
        metavar="HOST",
        help="let calls to this host through; may be given several times",
    )
    execute.add_argument(
        "--verdict",
        action="store_true",
        help="judge what the program did; 1 where it did well and broke a MUST",
    )
    execute.add_argument("words", nargs=argparse.REMAINDER, metavar="-- PROGRAM ...")
