"""`nemolocal conform-client`: checks a client program in scenarios of failures."""

import argparse
from typing import Any

from ..argument_parser import add_command
from ..shared_options import add_only

_DESCRIPTION = """\
Run a client program once per scenario (silent turns, dropped connections,
error responses, failed exports), each time against a new local server, and
check each run by the server's journal.

The program gets the server's address in NEMO_API_URL, and in NEMO_SPEED the
factor by which it may shorten its waits; a client that waits as in the cloud
needs a longer --timeout. In its arguments, {url} is replaced by the address,
{clip} by a clip to edit, and {folder} by a temporary folder:
  nemolocal conform-client -- nemolocal edit {clip} \\
      -m "trim to the first second" --base-url {url} -o {folder}/out.mp4
Exit status: 0 if no check failed, 1 if one failed, 2 for wrong usage, if no
scenario took effect, or if the program made no call.
"""


def add_parser(commands: Any) -> None:
    """Add the command."""
    conform = add_command(
        commands,
        "conform-client",
        "run a client through failure scenarios and check it against the contract",
        _DESCRIPTION,
    )
    add_only(conform, "scenarios whose name")
    conform.add_argument("--list", action="store_true", help="list the scenarios and exit")
    conform.add_argument("--json", action="store_true", help="print the results as JSON")
    conform.add_argument(
        "--report",
        metavar="DIR",
        help="write JSON, JUnit and Markdown reports and each run's journal and output to DIR",
    )
    conform.add_argument(
        "--timeout",
        type=float,
        default=120.0,
        metavar="S",
        help="stop a program after S seconds (default: %(default)g)",
    )
    conform.add_argument(
        "--cloud",
        action="store_true",
        help="redirect the cloud's address to the server, for a program with a fixed address",
    )
    conform.add_argument("words", nargs=argparse.REMAINDER, metavar="-- PROGRAM ...")


def run(arguments: argparse.Namespace) -> int:
    """Return 0 if no check failed, 1 if one failed, 2 if no scenario or call was seen."""
    from ..client_scenarios import list_scenarios, run_scenarios

    return list_scenarios(arguments) if arguments.list else run_scenarios(arguments)
