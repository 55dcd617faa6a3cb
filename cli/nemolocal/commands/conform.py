"""`nemolocal conform`: checks of a server, told as they end."""

import argparse
from typing import Any

from ..shared_options import add_only

_DESCRIPTION = """\
Judge a server: does it keep the contract? Without --base-url it is a server of this project's own.

Against a server that cannot be told to be in a state (the cloud), only checks that cost no more
than --max-credits and --max-tokens are played. Nothing is spent unasked.
Exits with 0 (nothing failed), 1 (something did), or 2 (wrong usage, or nothing was judged).
"""


def add_parser(commands: Any) -> None:
    """Add the command."""
    conform = commands.add_parser(
        "conform", help="judge whether a server keeps the contract", description=_DESCRIPTION
    )
    conform.add_argument("--base-url", metavar="URL", help="the server; default: one of its own")
    conform.add_argument(
        "--control-token",
        metavar="TOKEN",
        help="of the server's control interface; default: NEMO_CONTROL_TOKEN",
    )
    add_only(conform, "checks whose id")
    conform.add_argument("--smoke", action="store_true", help="a quick set, without renders")
    conform.add_argument("--list", action="store_true", help="list the checks and exit")
    conform.add_argument("--explain", metavar="ID", help="explain one check and exit")
    conform.add_argument("--report", metavar="DIR", help="write JSON, JUnit, HTML, Markdown, SVG")
    conform.add_argument("--known", metavar="FILE", help="a TOML file of known differences")
    conform.add_argument("--json", action="store_true", help="print the report as JSON")
    played = conform.add_argument_group("scripts of calls").add_mutually_exclusive_group()
    played.add_argument(
        "--random",
        type=_at_least_one,
        metavar="N",
        help="play N random scripts of legal and illegal calls instead of the checks",
    )
    played.add_argument("--replay", metavar="FILE", help="play a script that was written down")
    conform.add_argument(
        "--seed", type=int, default=0, metavar="S", help="other random scripts; default: 0"
    )
    spending = conform.add_argument_group("a server that costs money")
    spending.add_argument("--token", metavar="T", help="default: NEMO_TOKEN, else an anonymous one")
    spending.add_argument("--max-credits", type=int, default=0, metavar="N", help="default: 0")
    spending.add_argument("--max-tokens", type=int, default=1, metavar="N", help="default: 1")


def run(arguments: argparse.Namespace) -> int:
    """0 all right, 1 something failed, 2 the harness went wrong or nothing was judged."""
    if arguments.random or arguments.replay:
        from ..conform_fuzz import run_fuzz

        return run_fuzz(arguments)
    from ..conform_checks import explain_check, list_checks, run_checks

    if arguments.explain:
        return explain_check(arguments.explain)
    return list_checks(arguments) if arguments.list else run_checks(arguments)


def _at_least_one(text: str) -> int:
    """A whole number of scripts."""
    if not text.isascii() or not text.isdecimal() or not int(text[:9]):
        raise argparse.ArgumentTypeError(f"it must be a whole number from 1 on, not {text!r}")
    return int(text[:9])
