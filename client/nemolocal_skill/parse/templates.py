"""Texts with holes: `<sid>`, `$TOKEN`, `${ID:-x}`, `$(date +%s)` and what goes into them."""

import re
from collections.abc import Callable, Iterator

import msgspec

from nemolocal_contract.responses import encode_json

from .shell_words import ShellWord

_ANGLED = r"<([A-Za-z][\w .-]{0,40})>"
_IN_QUOTES = re.compile(_ANGLED)
_IN_TEXT = re.compile(
    _ANGLED
    + r"|\$\{([A-Za-z_]\w{0,40})[^{}\n]{0,100}\}|\$([A-Za-z_]\w{0,40})|\$\(([^()\n]{0,200})\)"
)
_IN_PATH = re.compile(_IN_TEXT.pattern + r"|\{([A-Za-z_][\w-]{0,40})\}|(?<=/):([A-Za-z_]\w{0,40})")
_ELLIPSIS = re.compile(r"\.\.\.|…")


class Placeholder(msgspec.Struct, frozen=True):
    """A place for a value: the name that stands there, or the command of a substitution."""

    name: str


Template = tuple[str | Placeholder, ...]
Lookup = Callable[[str], object]


def template_from_word(word: ShellWord) -> Template:
    """What a shell would put together: nothing with a $ is a hole in single quotes."""
    parts: list[str | Placeholder] = []
    for piece in word.parts:
        if piece.variable or piece.substitution:
            parts.append(Placeholder(piece.variable or piece.substitution))
        else:
            parts += _split(piece.text, _IN_QUOTES)
    return tuple(parts)


def template_from_text(text: str) -> Template:
    """A text of the document with the names in it."""
    return tuple(_split(text, _IN_TEXT))


def template_from_path(path: str) -> Template:
    """A path, where `{name}` and `:name` are holes as well."""
    return tuple(_split(path, _IN_PATH))


def _split(text: str, pattern: re.Pattern[str]) -> Iterator[str | Placeholder]:
    at = 0
    for match in pattern.finditer(text):
        if match.start() > at:
            yield text[at : match.start()]
        yield Placeholder(next(group for group in match.groups() if group is not None))
        at = match.end()
    if at < len(text):
        yield text[at:]


def fill_template(template: Template, lookup: Lookup) -> str:
    """The text with its holes filled; what is no text is written as JSON."""
    return "".join(p if isinstance(p, str) else _text(lookup(p.name)) for p in template)


def fill_json_template(template: Template, lookup: Lookup) -> str:
    """JSON with its holes filled: inside a string with its text, elsewhere with its JSON.

    An ellipsis outside of strings stands for nothing: `{"draft":{…}}`.
    """
    filled: list[str] = []
    inside = False
    for part in template:
        if isinstance(part, Placeholder):
            value = lookup(part.name)
            filled.append(encode_json(_text(value)).decode()[1:-1] if inside else _json(value))
            continue
        for number, stretch in enumerate(_unescaped_quotes(part)):
            if number:
                inside = not inside
                filled.append('"')
            filled.append(stretch if inside else _ELLIPSIS.sub("", stretch))
    return "".join(filled)


def _unescaped_quotes(text: str) -> list[str]:
    """The text between its quotation marks, those behind a backslash left alone."""
    stretches, begun, escaped = [], 0, False
    for at, character in enumerate(text):
        if character == '"' and not escaped:
            stretches.append(text[begun:at])
            begun = at + 1
        escaped = character == "\\" and not escaped
    return [*stretches, text[begun:]]


def _text(value: object) -> str:
    return value if isinstance(value, str) else encode_json(value).decode()


def _json(value: object) -> str:
    return encode_json(value).decode()
