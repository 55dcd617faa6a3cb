"""`nemolocal conform`: checks a server against the contract."""

import argparse
from typing import Any

from ..argument_parser import add_command
from ..errors import UsageError
from ..shared_options import add_only

_DESCRIPTION = """\
Check a server against the contract. Without --base-url, the built-in mock
server is checked.

Against a server without the control API (the cloud), only checks within
--max-credits and --max-tokens run, and the plan of the run is printed first.
By default no credits are spent and one anonymous token is requested.

Exit status: 0 if no check failed, 1 if one failed, 2 for wrong usage or if
nothing was checked.
"""


def add_parser(commands: Any) -> None:
    """Add the command."""
    conform = add_command(commands, "conform", "check a server against the contract", _DESCRIPTION)
    conform.add_argument(
        "--base-url", metavar="URL", help="server to check (default: a temporary local one)"
    )
    conform.add_argument(
        "--control-token",
        metavar="TOKEN",
        help="token of the server's control API (default: NEMO_CONTROL_TOKEN)",
    )
    add_only(conform, "checks whose id")
    conform.add_argument(
        "--smoke", action="store_true", help="run only a quick set of checks, without renders"
    )
    conform.add_argument("--list", action="store_true", help="list the checks and exit")
    conform.add_argument("--explain", metavar="ID", help="explain one check and exit")
    conform.add_argument(
        "--report", metavar="DIR", help="write JSON, JUnit, HTML, Markdown and SVG reports to DIR"
    )
    conform.add_argument(
        "--known",
        metavar="FILE",
        help="TOML file of expected failures (docs/how-to/check-a-server.md)",
    )
    conform.add_argument(
        "--observations",
        metavar="FILE",
        help="file of `nemolocal learn`: the report shows what recordings of the cloud have shown, "
        "and what the server shows is added, unless it is Nemo Local (default for the cloud: "
        "observations.jsonl)",
    )
    conform.add_argument("--json", action="store_true", help="print the report as JSON")
    played = conform.add_argument_group("random call scripts").add_mutually_exclusive_group()
    played.add_argument(
        "--random",
        type=_at_least_one,
        metavar="N",
        help="run N random scripts of valid and invalid calls instead of the checks",
    )
    played.add_argument("--replay", metavar="FILE", help="run a saved script again")
    conform.add_argument(
        "--seed",
        type=int,
        default=0,
        metavar="S",
        help="seed of the random scripts (default: %(default)s)",
    )
    spending = conform.add_argument_group("servers that charge")
    spending.add_argument(
        "--plan",
        action="store_true",
        help="print what a run would check and cost, send nothing, and exit",
    )
    spending.add_argument(
        "--state",
        metavar="FILE",
        help="keep the progress in FILE; the same command goes on where the last one stopped",
    )
    spending.add_argument(
        "--token",
        metavar="T",
        help="token to use (default: NEMO_TOKEN, or else an anonymous token)",
    )
    spending.add_argument(
        "--max-credits",
        type=int,
        default=0,
        metavar="N",
        help="credits that may be spent (default: %(default)s)",
    )
    spending.add_argument(
        "--max-tokens",
        type=int,
        default=1,
        metavar="N",
        help="anonymous tokens that may be requested (default: %(default)s)",
    )


def run(arguments: argparse.Namespace) -> int:
    """Return 0 if no check failed, 1 if one failed, 2 for an error or if nothing was checked."""
    if arguments.random or arguments.replay:
        if arguments.observations:
            raise UsageError("--observations is for checks: leave out --random and --replay")
        _reject_plan(arguments)
        from ..conform_fuzz import run_fuzz

        return run_fuzz(arguments)
    from ..conform_checks import explain_check, list_checks, plan_checks, run_checks

    if arguments.explain:
        return explain_check(arguments.explain)
    if arguments.list:
        return list_checks(arguments)
    return plan_checks(arguments) if arguments.plan else run_checks(arguments)


def _reject_plan(arguments: argparse.Namespace) -> None:
    if arguments.plan or arguments.state:
        raise UsageError("--plan and --state are for checks: leave out --random and --replay")


def _at_least_one(text: str) -> int:
    """Parse a number of scripts."""
    if not text.isascii() or not text.isdecimal() or not int(text[:9]):
        raise argparse.ArgumentTypeError(f"must be a whole number, 1 or more, not {text!r}")
    return int(text[:9])
