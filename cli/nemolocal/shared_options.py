"""Options that several commands share."""

import argparse
import math
import os
from collections.abc import Mapping, Sequence
from typing import TypeVar

from .errors import UsageError

CONTROL_TOKEN_VARIABLE = "NEMO_CONTROL_TOKEN"
_RECONNECT_SECONDS = 30.0
_Named = TypeVar("_Named")


def add_fetch_from(parser: argparse.ArgumentParser, *, of_its_own: bool = True) -> None:
    """Add --fetch-from; `of_its_own` is for a command with an embedded server."""
    where = "the temporary server" if of_its_own else "the server"
    parser.add_argument(
        "--fetch-from",
        action="append",
        metavar="HOST",
        help=f"let {where} fetch URLs from this host (HOST, HOST:PORT, or * for any); repeatable",
    )


def add_like_cloud(parser: argparse.ArgumentParser, *, has_base_url: bool = True) -> None:
    """Add --like-cloud, which makes the embedded server behave like the cloud."""
    limit = " (no effect with --base-url)" if has_base_url else ""
    parser.add_argument(
        "--like-cloud",
        action="store_true",
        help="make the temporary server behave like the cloud: charge credits, take as long, end "
        f"some edits without any text, and mention GUI buttons{limit}",
    )


def add_only(parser: argparse.ArgumentParser, what: str) -> None:
    """Add --only, which selects `what`."""
    parser.add_argument(
        "--only",
        action="append",
        default=[],
        metavar="PREFIX",
        help=f"only {what} starts with PREFIX; repeatable",
    )


def add_overwrite(parser: argparse.ArgumentParser) -> None:
    """Add --overwrite."""
    parser.add_argument(
        "--overwrite",
        action="store_true",
        help="replace an existing output file instead of adding a number to the name; an INPUT is "
        "never replaced",
    )


def add_reconnect(parser: argparse.ArgumentParser) -> None:
    """Add --reconnect."""
    parser.add_argument(
        "--reconnect",
        type=_seconds,
        default=_RECONNECT_SECONDS,
        metavar="S",
        help="keep trying for S seconds when the server cannot be reached (default: %(default)g; "
        "0: do not retry)",
    )


def add_session_options(parser: argparse.ArgumentParser, server: str) -> None:
    """Add the options of a chat; `server` describes --base-url."""
    parser.add_argument(
        "-o",
        "--output",
        metavar="FILE",
        help="output file of exports (default: nemolocal-chat.mp4)",
    )
    add_overwrite(parser)
    parser.add_argument("--base-url", metavar="URL", help=server)
    add_like_cloud(parser)
    parser.add_argument("--json", action="store_true", help="print each answer as a line of JSON")
    add_reconnect(parser)


def resolve_control_token(arguments: argparse.Namespace) -> str:
    """Return `--control-token`, or else the variable, or else ""."""
    return arguments.control_token or os.environ.get(CONTROL_TOKEN_VARIABLE, "")


def select_by_prefix(
    named: Mapping[str, _Named], prefixes: Sequence[str], unknown: str
) -> list[_Named]:
    """Return the names that start with one of the prefixes; all of them without a prefix.

    Raises `UsageError` with the text `unknown` for a prefix that no name starts with.
    """
    for prefix in prefixes:
        if not any(name.startswith(prefix) for name in named):
            raise UsageError(unknown if len(prefixes) == 1 else f"--only {prefix}: {unknown}")
    begins = tuple(prefixes) or ("",)
    return [one for name, one in named.items() if name.startswith(begins)]


def _seconds(text: str) -> float:
    try:
        seconds = float(text)
    except ValueError:
        seconds = math.nan
    if not 0 <= seconds < math.inf:
        raise argparse.ArgumentTypeError(f"must be a number of seconds, 0 or more, not {text!r}")
    return seconds
