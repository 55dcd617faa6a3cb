"""The folder of frozen files: what each should hold, what it does hold, and the difference."""

import difflib
import re
from collections.abc import Callable, Iterator
from pathlib import Path

FOLDER = Path(__file__).parent / "data"
Make = Callable[[], str]
# Longer lines are shown in pieces where they differ.
_LONG = 160


def read(name: str) -> str | None:
    """What a file holds; None where there is none."""
    path = FOLDER / name
    # Bytes, since a file with other line ends is another file.
    return path.read_bytes().decode("utf-8") if path.is_file() else None


def write(name: str, text: str) -> bool:
    """Make a file hold this; whether it did not before."""
    if read(name) == text:
        return False
    path = FOLDER / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(text.encode("utf-8"))
    return True


def stored() -> set[str]:
    """The names of all files that there are."""
    return {path.relative_to(FOLDER).as_posix() for path in FOLDER.rglob("*") if path.is_file()}


def difference(name: str, created: str) -> str:
    """What is wrong with a file, as a unified diff; "" where it holds just what was made."""
    frozen = read(name)
    if frozen == created:
        return ""
    if frozen is None:
        return f"tests/golden/data/{name} is missing: python -m tests.golden --update"
    lines = difflib.unified_diff(
        list(_lines(frozen)), list(_lines(created)), f"frozen/{name}", f"now/{name}", lineterm=""
    )
    return "\n".join(lines) or f"{name}: the line ends differ"


def _lines(text: str) -> Iterator[str]:
    """The lines of a text; a long one of JSON in pieces, so that a difference can be seen."""
    for line in text.split("\n"):
        yield from re.split(r'(?<=[,{\[])(?=["{\[])', line) if len(line) > _LONG else (line,)
