"""The arguments of `nemolocal clean`."""

import argparse
import re
from typing import Any

_DESCRIPTION = """\
Remove what takes room and nobody uses: what killed commands left in the temporary folder, and from
a data folder half-received files, files without a session, and sessions unused for long.

Without --data it is the data folder of `nemolocal serve` here (.nemolocal), and sessions go that
have been unused for 30 days. From a folder that --data names, sessions go only if --older-than says
which, and so do the chats that `nemolocal chat` keeps. Snapshots stay, and a folder in use is left
alone.
"""
_UNITS = {"s": 1, "m": 60, "h": 3600, "d": 86_400, "w": 7 * 86_400}
_MAX_AGE = 36_500 * 86_400


def add_clean(commands: Any) -> None:
    """Add the command."""
    clean = commands.add_parser(
        "clean",
        help="remove old sessions and what killed commands left",
        description=_DESCRIPTION,
    )
    clean.add_argument(
        "--data",
        action="append",
        metavar="FOLDER",
        help="a data folder; may be given several times; default: .nemolocal",
    )
    clean.add_argument(
        "--older-than",
        type=_age,
        metavar="AGE",
        help="remove sessions and kept chats unused for so long: 90m, 12h, 7d, 2w",
    )
    clean.add_argument(
        "--dry-run", action="store_true", help="print what would be removed, and remove nothing"
    )


def _age(text: str) -> float:
    """An age in seconds."""
    found = re.fullmatch(r"([0-9]{1,12}(?:\.[0-9]{1,6})?) ?([smhdw])", text.strip().lower())
    seconds = float(found[1]) * _UNITS[found[2]] if found else _MAX_AGE + 1
    if seconds > _MAX_AGE:
        raise argparse.ArgumentTypeError(
            f"it must be a number with s, m, h, d or w, for instance 7d, not {text!r}"
        )
    return seconds
