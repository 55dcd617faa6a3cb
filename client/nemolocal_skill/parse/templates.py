"""Texts with placeholders: `<sid>`, `$TOKEN`, `${ID:-x}`, `$(date +%s)`; and how to fill them."""

import re
from collections.abc import Callable, Iterator

import msgspec

from nemolocal_contract.responses import encode_json

from .shell_words import ShellWord

_ANGLED = r"<([A-Za-z][\w .-]{0,40})>"
# In a JSON string `{sid}` is a placeholder too.
_BRACED = r"(?<=\"){([A-Za-z_]\w{0,40})}(?=\")"
_IN_QUOTES = re.compile(rf"{_ANGLED}|{_BRACED}")
_IN_TEXT = re.compile(
    rf"{_ANGLED}|{_BRACED}"
    + r"|\$\{([A-Za-z_]\w{0,40})[^{}\n]{0,100}\}|\$([A-Za-z_]\w{0,40})|\$\(([^()\n]{0,200})\)"
)
_IN_PATH = re.compile(_IN_TEXT.pattern + r"|\{([A-Za-z_][\w-]{0,40})\}|(?<=/):([A-Za-z_]\w{0,40})")
_ELLIPSIS = re.compile(r"\.\.\.|…")


class Placeholder(msgspec.Struct, frozen=True):
    """A placeholder: its name, or the command of a substitution.

    `is_required`: it is written for a reader, as `<sid>` or `{sid}`, who must know what it means; a
    shell replaces an unknown `$NAME` by nothing.
    """

    name: str
    is_required: bool = False


Template = tuple[str | Placeholder, ...]
Lookup = Callable[[str], object]


def template_from_word(word: ShellWord) -> Template:
    """Return the template of a shell word; in single quotes `$` is not a placeholder."""
    parts: list[str | Placeholder] = []
    for part in word.parts:
        if part.variable or part.substitution:
            parts.append(Placeholder(part.variable or part.substitution))
        else:
            parts += _split(part.text, _IN_QUOTES)
    return tuple(parts)


def template_from_text(text: str) -> Template:
    """Return the template of a text."""
    return tuple(_split(text, _IN_TEXT))


def template_from_path(path: str) -> Template:
    """Return the template of a path, where `{name}` and `:name` are placeholders too."""
    return tuple(_split(path, _IN_PATH))


def _split(text: str, pattern: re.Pattern[str]) -> Iterator[str | Placeholder]:
    at = 0
    for match in pattern.finditer(text):
        if match.start() > at:
            yield text[at : match.start()]
        name = next(group for group in match.groups() if group is not None)
        yield Placeholder(name, is_required=not match.group().startswith("$"))
        at = match.end()
    if at < len(text):
        yield text[at:]


def fill_template(template: Template, lookup: Lookup) -> str:
    """Fill the placeholders of a text; values that are not text are written as JSON."""
    return "".join(p if isinstance(p, str) else _text(lookup(p.name)) for p in template)


def fill_json_template(template: Template, lookup: Lookup) -> str:
    """Fill the placeholders of JSON: within a string with text, elsewhere with JSON.

    An ellipsis outside of strings is removed: `{"draft":{…}}`.
    """
    filled: list[str] = []
    inside = False
    for part in template:
        if isinstance(part, Placeholder):
            value = lookup(part.name)
            filled.append(encode_json(_text(value)).decode()[1:-1] if inside else _json(value))
            continue
        for number, text in enumerate(_split_at_quotes(part)):
            if number:
                inside = not inside
                filled.append('"')
            filled.append(text if inside else _ELLIPSIS.sub("", text))
    return "".join(filled)


def _split_at_quotes(text: str) -> list[str]:
    """Split a text at its unescaped quotation marks."""
    parts, start, escaped = [], 0, False
    for at, character in enumerate(text):
        if character == '"' and not escaped:
            parts.append(text[start:at])
            start = at + 1
        escaped = character == "\\" and not escaped
    return [*parts, text[start:]]


def _text(value: object) -> str:
    return value if isinstance(value, str) else encode_json(value).decode()


def _json(value: object) -> str:
    return encode_json(value).decode()
