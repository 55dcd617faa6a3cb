"""Finds the lines of replies in a TOML file: its parser does not say where a value stands."""

import re
from collections.abc import Sequence

_HEADER = re.compile(r"\s*\[\[\s*replies\s*\]\]")
_OTHER_TABLE = re.compile(r"\s*\[\[?\s*(?!replies\s*\.)[\w\"']")


def find_line(text: str, number: int, path: str) -> int | None:
    """Return the line, from 1, of a field of the reply with this number, or of its beginning.

    None if the replies are not written as `[[replies]]`.
    """
    lines = text.splitlines()
    starts = [index for index, line in enumerate(lines) if _HEADER.match(line)]
    if number >= len(starts):
        return None
    start = starts[number]
    key = re.split(r"[.\[]", path, maxsplit=1)[0]
    return _find_key(lines, start, key) + 1


def _find_key(lines: Sequence[str], start: int, key: str) -> int:
    if not key:
        return start
    wanted = re.compile(rf"\s*(\[\[?\s*replies\s*\.\s*)?[\"']?{re.escape(key)}[\"']?\s*[.=\]]")
    for index in range(start + 1, len(lines)):
        if _OTHER_TABLE.match(lines[index]) or _HEADER.match(lines[index]):
            break
        if wanted.match(lines[index]):
            return index
    return start
