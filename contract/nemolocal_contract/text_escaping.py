"""Escape text from outside before a terminal, a report or a page shows it.

A terminal obeys escape sequences: they set its title, clear it, write to the clipboard. Overrides
of the text direction show a text in another order, in a browser too. Such characters are written as
`\\u001b`, as in JSON. All others stay, in any script: people write with joiners, combining marks,
direction marks and the tags of flags.
"""

import re
from html import escape

# C0 controls except tab and line feed, C1 controls; line separators, embeddings, overrides and
# isolates; annotations; surrogates, which cannot be encoded.
_ACTIVE = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f-\x9f\u2028-\u202e\u2066-\u206f\ufff9-\ufffb\ud800-\udfff]"
)
_LINE_END = re.compile("\r\n")
_MARKUP = re.compile(f"{_ACTIVE.pattern}|[&<>\"']")


def escape_controls(text: str) -> str:
    """Return the text with its control characters escaped, and CRLF as LF."""
    if text.isascii() and text.isprintable():
        return text
    return _ACTIVE.sub(_escape, _LINE_END.sub("\n", text))


def _escape(match: re.Match[str]) -> str:
    return f"\\u{ord(match[0]):04x}"


def escape_markup(text: str) -> str:
    """Return the text escaped for HTML, SVG or XML, in attributes too."""
    return escape(escape_controls(text))


def needs_escaping(text: str) -> bool:
    """Return whether `escape_markup` would change the text."""
    return _MARKUP.search(text) is not None
