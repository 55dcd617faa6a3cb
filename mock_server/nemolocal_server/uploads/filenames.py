"""Names of files as senders give them: read from a form, and reduced to what may be shown."""

import re
from email.message import Message

_LONGEST = 255
# Of all encodings that a name may tell, RFC 5987 asks for this one and UTF-8.
_LATIN = "iso-8859-1"
_SEPARATORS = re.compile(r"[/\\]")
# What browsers write in a quoted name for what would end it (the HTML standard).
_ESCAPED = {"%22": '"', "%0D": "\r", "%0A": "\n"}
_ESCAPES = re.compile("|".join(_ESCAPED), re.IGNORECASE)
# Invisible, but part of how some scripts and emojis are written.
_JOINERS = "\u200c\u200d"


def printable_name(name: str) -> str:
    """The last part of a path, without what does not print: controls, marks of direction.

    It is at most 255 characters long and keeps its extension.
    """
    base = _SEPARATORS.split(name)[-1]
    shown = "".join(" " if c.isspace() else c for c in base if _prints(c)).strip()
    stem, dot, suffix = shown.rpartition(".")
    return f"{stem[: max(_LONGEST - len(suffix) - 1, 0)]}{dot}{suffix}"[:_LONGEST]


def _prints(character: str) -> bool:
    return character.isprintable() or character in _JOINERS or character in "\t\u00a0\u3000"


def form_filename(disposition: bytes, plain: bytes | None) -> str | None:
    """The filename of a part of a form, None where it has none.

    `plain` is its quoted one, which comes behind one that tells its encoding (`filename*`, RFC
    5987) or is told in pieces (`filename*0`, RFC 2231).
    """
    if b"*" in disposition and (extended := _extended(disposition)) is not None:
        return extended
    if plain is None:
        return None
    text = plain.decode(errors="replace")
    return _ESCAPES.sub(lambda found: _ESCAPED[found[0].upper()], text)


def _extended(disposition: bytes) -> str | None:
    message = Message()
    message["Content-Disposition"] = disposition.decode("latin-1")
    try:
        parameters = message.get_params([], "Content-Disposition")[1:]
    except ValueError:
        # A piece with a number of thousands of digits.
        return None
    names = [value for name, value in parameters if name.lower() == "filename"]
    coded = next((value for value in names if isinstance(value, tuple)), None)
    if coded is not None:
        latin = (coded[0] or "").lower() == _LATIN
        return coded[2].encode(_LATIN, "replace").decode(_LATIN if latin else "utf-8", "replace")
    # One that is told in pieces has no `filename=` of its own.
    pieces = b"filename=" not in disposition.lower().replace(b" ", b"")
    if not names or not pieces:
        return None
    return str(names[0]).encode(_LATIN, "replace").decode(errors="replace")
