"""Somebody else's text, fit to be shown: it says what it says, and does nothing to who shows it.

A terminal obeys escape sequences: they set its title, clear it, write to the clipboard. Overrides
of the direction show a text in another order than it has, in a browser too. What does such things
is written as `\\u001b`, as in JSON, which means the same before and after. All else stays as it is,
in any script: joiners, combining marks, direction marks and the tags of flags are how people write.
"""

import re
from html import escape

# Controls but tab and line end, C1 with its one-character sequences; line separators, embeddings,
# overrides and isolates; annotations; halves of characters, which cannot be written at all.
_ACTIVE = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f-\x9f\u2028-\u202e\u2066-\u206f\ufff9-\ufffb\ud800-\udfff]"
)
_LINE_END = re.compile("\r\n")


def escape_controls(text: str) -> str:
    """The text with what is no text written out; line ends of Windows are line ends."""
    if text.isascii() and text.isprintable():
        return text
    return _ACTIVE.sub(_written, _LINE_END.sub("\n", text))


def _written(match: re.Match[str]) -> str:
    return f"\\u{ord(match[0]):04x}"


def escape_markup(text: str) -> str:
    """The text as it stands in HTML, SVG or XML, in an attribute too."""
    return escape(escape_controls(text))
