"""`nemolocal conform-client`: a program through all that can befall a client, judged each time."""

import argparse
from typing import Any

from ..shared_options import add_only

_DESCRIPTION = """\
Run a program that is a client once per scenario (silent streams, cuts,
refusals, exports that fail), each time on a local server of its own, and
judge each run by what the server wrote down.

The program finds the server in NEMO_API_URL, and in NEMO_SPEED by how much it
may divide its waits; who waits as in the cloud needs a longer --timeout. In
its words {url} stands for that address, {clip} for a clip to edit and
{folder} for a folder that is gone afterwards:
  nemolocal conform-client -- nemolocal edit {clip} \\
      -m "trim to the first second" --base-url {url} -o {folder}/out.mp4
Exits with 0 (nothing failed), 1 (something did), or 2 (wrong usage, no
scenario came up, or no call was seen).
"""


def add_parser(commands: Any) -> None:
    """Add the command."""
    conform = commands.add_parser(
        "conform-client",
        help="judge whether a client keeps the contract, come what may",
        description=_DESCRIPTION,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    add_only(conform, "scenarios whose name")
    conform.add_argument("--list", action="store_true", help="list the scenarios and exit")
    conform.add_argument("--json", action="store_true", help="print the outcomes as JSON")
    conform.add_argument(
        "--report", metavar="DIR", help="write JSON, Markdown, and each run's journal and output"
    )
    conform.add_argument(
        "--timeout",
        type=float,
        default=120.0,
        metavar="S",
        help="stop a program that runs longer; default: %(default)g seconds",
    )
    conform.add_argument(
        "--cloud",
        action="store_true",
        help="lead the cloud's address to the server, for a program that knows no other",
    )
    conform.add_argument("words", nargs=argparse.REMAINDER, metavar="-- PROGRAM ...")


def run(arguments: argparse.Namespace) -> int:
    """0 nothing failed, 1 something did, 2 no scenario came up, or no call was seen."""
    from ..client_scenarios import list_scenarios, run_scenarios

    return list_scenarios(arguments) if arguments.list else run_scenarios(arguments)
