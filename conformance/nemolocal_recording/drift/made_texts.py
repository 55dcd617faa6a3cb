"""Texts for a replay, of the length of those that a recording has left out."""

import re

_MARK = re.compile(r"<(text|key):(\d{1,9})(?: [^<>]*)?>", re.ASCII)
_WORDS = "text "
_LONGEST = 1 << 20
_PARTS = ("<nested>", "<number>")


def made_text(kept: str) -> str:
    """Return a recorded text with letters in place of what is left out: `<text:6>.mp4`."""
    return _MARK.sub(lambda found: _filler(found[1], int(found[2]), found[0]), kept)


def is_left_out(kept: str) -> bool:
    """Whether something of a text is not in the recording."""
    return kept in _PARTS or _MARK.search(kept) is not None


def _filler(kind: str, length: int, mark: str) -> str:
    if kind == "key":  # Two keys of one length are two keys.
        digest = mark.rpartition(" ")[2].rstrip(">")
        return f"x{digest}"[:length].ljust(length, "x")
    length = min(length, _LONGEST)
    return (_WORDS * (length // len(_WORDS) + 1))[:length].replace(" ", "_" if length < 20 else " ")
