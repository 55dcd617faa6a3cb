"""The argument of the commands that talk to a server which may go away."""

import argparse
import math

_SECONDS = 30.0


def add_reconnect(parser: argparse.ArgumentParser) -> None:
    """Add --reconnect."""
    parser.add_argument(
        "--reconnect",
        type=_seconds,
        default=_SECONDS,
        metavar="S",
        help="how long to try again when nothing listens at the server's address any more; "
        "default: %(default)g seconds; 0: not at all",
    )


def _seconds(text: str) -> float:
    try:
        seconds = float(text)
    except ValueError:
        seconds = math.nan
    if not 0 <= seconds < math.inf:
        raise argparse.ArgumentTypeError(f"it must be a number of seconds from 0 on, not {text!r}")
    return seconds
