"""`nemolocal drift`: plays a recording again and says which rules a server shows otherwise."""

import argparse
from typing import Any

from ..argument_parser import add_command

_DESCRIPTION = """\
Play a recording of `nemolocal record` again with new ids, and compare the
responses with the recorded ones by shape. Without --base-url, the built-in
mock server answers, which is free.

same             what was seen again is as it was recorded
changed          something differs; if it can be afforded, in each of two replays
could not look   it was not seen again, or a fault of the moment may explain it

A recording has no texts: messages of the same kind, and files of the same type
and length, are sent in their place. No call is sent twice.

Exit status: 0 same, 1 changed, 2 could not look or wrong usage.
"""


def add_parser(commands: Any) -> None:
    """Add the command."""
    drift = add_command(
        commands, "drift", "play a recording again and compare what a server does", _DESCRIPTION
    )
    drift.add_argument("recording", metavar="RECORDING", help="a recording")
    drift.add_argument(
        "--base-url", metavar="URL", help="server to play it on (default: a temporary local one)"
    )
    drift.add_argument("--config", metavar="FILE", help="TOML file of settings of the local server")
    drift.add_argument(
        "--observations",
        metavar="FILE",
        default="observations.jsonl",
        help="observations for the report, if the file exists (default: %(default)s)",
    )
    drift.add_argument(
        "--report", metavar="DIR", help="write JSON, HTML and Markdown reports to DIR"
    )
    drift.add_argument("--json", action="store_true", help="print the report as JSON")
    spending = drift.add_argument_group("servers that charge")
    spending.add_argument(
        "--token",
        metavar="T",
        help="token for calls that were recorded with a token of the user (default: NEMO_TOKEN)",
    )
    for name, default, what in (
        ("credits", 0, "credits that may be spent"),
        ("tokens", 1, "anonymous tokens that may be requested"),
    ):
        spending.add_argument(
            f"--max-{name}",
            type=_count,
            default=default,
            metavar="N",
            help=f"{what} (default: %(default)s)",
        )


def run(arguments: argparse.Namespace) -> int:
    """Return 0 for the same, 1 for a change, 2 if nothing could be looked at."""
    from ..drift_run import run_drift

    return run_drift(arguments)


def _count(text: str) -> int:
    if not text.isascii() or not text.isdecimal():
        raise argparse.ArgumentTypeError(f"must be a whole number, 0 or more, not {text!r}")
    return int(text[:9])
