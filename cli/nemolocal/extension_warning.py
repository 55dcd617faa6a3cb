"""What the name of an export promises: it is an MP4, whatever it is called."""

import sys
from pathlib import Path

# M4V is MP4 by another name.
_FITTING = (".mp4", ".m4v")


def warn_about_extension(destination: Path) -> None:
    """Say so where a name promises another format, or none."""
    if destination.suffix.lower() not in _FITTING:
        print(f"{destination} will be an MP4, whatever its name says", file=sys.stderr)
