"""Parses the frontmatter: YAML between two lines `---`, in all published variants.

PyYAML reads it with its `BaseLoader`, which keeps all scalars as text: `version: 1.10` stays 1.10.
The events are checked first, so that neither deep nesting nor aliases are expanded. Invalid YAML is
read line by line instead, to find name and version nevertheless.
"""

import re
from collections.abc import Iterator

import msgspec
import yaml

from ..model import Frontmatter, RawFinding

_FENCE = re.compile(r"-{3,}[ \t]*$")
_KEY = re.compile(r"[\"']?([A-Za-z][\w.-]{0,60})[\"']?[ \t]*:(?:[ \t]+(.*)|$)")
_NUMBER = re.compile(r"version[\"']?[ \t]*:[ \t]*(\d{1,9}\.\d{0,8}0)[ \t]*(?:#.*)?$")
BROKEN_CHARACTERS = "skill.frontmatter.characters"
"""The check of characters that make the frontmatter invalid YAML."""

_MAX_CHARACTERS = 32_000
_MAX_DEPTH = 24
_MAX_LINES = 400


class ParsedFrontmatter(msgspec.Struct, frozen=True):
    """The frontmatter, the number of the first line after it, and its findings."""

    frontmatter: Frontmatter
    body_line: int
    raw_findings: tuple[RawFinding, ...] = ()


def parse_frontmatter(lines: tuple[str, ...]) -> ParsedFrontmatter:
    """Parse the frontmatter of these lines; an empty one if there is none."""
    start = next((n for n, line in enumerate(lines) if line.strip()), 0)
    if not lines or not _FENCE.match(lines[start]):
        return ParsedFrontmatter(Frontmatter(), 1)
    closing = range(start + 1, min(len(lines), start + _MAX_LINES))
    end = next((n for n in closing if _FENCE.match(lines[n]) or lines[n].rstrip() == "..."), None)
    findings: list[RawFinding] = []
    if end is None:
        end = _end_of_keys(lines, start + 1)
        message = "the frontmatter has no closing --- line"
        findings.append(RawFinding("skill.frontmatter.unclosed", start + 1, message))
        closed = end
    else:
        closed = end + 1
    values, key_lines = _values(lines[start + 1 : end], start + 2, findings)
    findings += _unquoted_versions(lines[start + 1 : end], start + 2)
    head = Frontmatter(_nested(values), key_lines, start + 1, end + 1 if closed > end else 0)
    return ParsedFrontmatter(head, closed + 1, tuple(findings))


def _end_of_keys(lines: tuple[str, ...], first: int) -> int:
    """Return the end of an unclosed frontmatter: the first line that cannot belong to it."""
    for number in range(first, len(lines)):
        line = lines[number]
        if line and not (line[0] in " \t-#" or _KEY.match(line)):
            return number
        if not line.strip() or line.startswith("# "):
            return number
    return len(lines)


def _values(
    lines: tuple[str, ...], first: int, findings: list[RawFinding]
) -> tuple[dict[str, object], dict[str, int]]:
    text = "\n".join(lines)
    for number, line in enumerate(lines):
        indent = line[: len(line) - len(line.lstrip())]
        if "\t" in indent:
            message = "the line is indented with a tab, which YAML does not allow"
            column = indent.index("\t") + 1
            findings.append(RawFinding("skill.frontmatter.tab", first + number, message, column))
            text = text.replace("\t", "  ")
            break
    try:
        root = _compose(text)
    except _InvalidFrontmatter as error:
        if text == "\n".join(lines):  # otherwise the tabs are the reason, already reported
            where = first + error.line
            findings.append(RawFinding(error.check, where, error.message, error.column))
        return _line_by_line(lines, first)
    pairs = root.value if isinstance(root, yaml.MappingNode) else []
    findings += _duplicate_keys(pairs, first)
    keys = {_key(key): first + key.start_mark.line for key, _ in pairs}
    return _mapping(pairs), keys


class _InvalidFrontmatter(Exception):
    def __init__(
        self, message: str, line: int = 0, column: int = 0, check: str = "skill.frontmatter.invalid"
    ) -> None:
        self.message, self.line, self.column, self.check = message, line, column, check


def _compose(text: str) -> yaml.Node | None:
    if len(text) > _MAX_CHARACTERS:
        raise _InvalidFrontmatter(f"the frontmatter is longer than {_MAX_CHARACTERS} characters")
    try:
        _check_limits(text)
        root: yaml.Node | None = yaml.compose(text, Loader=yaml.BaseLoader)
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark
        where = (mark.line, mark.column + 1) if mark else (0, 0)
        raise _InvalidFrontmatter(
            f"invalid YAML: {error.problem or error.context}", *where
        ) from None
    except yaml.reader.ReaderError as error:
        raise _bad_character(text, error) from None
    except yaml.YAMLError as error:
        raise _InvalidFrontmatter(f"invalid YAML: {' '.join(str(error).split())[:120]}") from None
    except (ValueError, OverflowError):
        raise _InvalidFrontmatter("invalid YAML: a number or an escape is out of range") from None
    if root is not None and not isinstance(root, yaml.MappingNode):
        raise _InvalidFrontmatter("the frontmatter is not a list of `key: value`")
    return root


def _bad_character(text: str, error: yaml.reader.ReaderError) -> _InvalidFrontmatter:
    """Name the character that YAML refuses; it mostly comes from a wrong encoding."""
    at = min(error.position, max(0, len(text) - 1))
    line, column = text.count("\n", 0, at), at - text.rfind("\n", 0, at)
    message = f"YAML does not allow the character U+{ord(text[at]):04X}"
    return _InvalidFrontmatter(message, line, column, BROKEN_CHARACTERS)


def _check_limits(text: str) -> None:
    """Reject aliases and deep nesting before the tree is built."""
    depth = 0
    for event in yaml.parse(text, Loader=yaml.BaseLoader):
        depth += isinstance(event, yaml.CollectionStartEvent)
        depth -= isinstance(event, yaml.CollectionEndEvent)
        mark = event.start_mark
        where = (mark.line, mark.column + 1) if mark else (0, 0)
        if isinstance(event, yaml.AliasEvent):
            raise _InvalidFrontmatter("aliases (*name) are not supported", *where)
        if depth > _MAX_DEPTH:
            raise _InvalidFrontmatter(f"nested deeper than {_MAX_DEPTH}", *where)


def _duplicate_keys(pairs: list[tuple[yaml.Node, yaml.Node]], first: int) -> Iterator[RawFinding]:
    seen: set[str] = set()
    for key, value in pairs:
        name, line = _key(key), first + key.start_mark.line
        if name in seen:
            message = f"the key {name} is repeated: the last one counts"
            yield RawFinding(
                "skill.frontmatter.doubled-key", line, message, key.start_mark.column + 1
            )
        seen.add(name)
        if isinstance(value, yaml.MappingNode):
            yield from _duplicate_keys(value.value, first)


def _key(node: yaml.Node) -> str:
    return str(node.value) if isinstance(node, yaml.ScalarNode) else "?"


def _plain(node: yaml.Node) -> object:
    """Convert a node to texts, lists and mappings; `_check_limits` bounds its depth."""
    if isinstance(node, yaml.MappingNode):
        return _mapping(node.value)
    if isinstance(node, yaml.SequenceNode):
        return [_plain(item) for item in node.value]
    return str(node.value)


def _mapping(pairs: list[tuple[yaml.Node, yaml.Node]]) -> dict[str, object]:
    return {_key(key): _plain(value) for key, value in pairs}


def _line_by_line(lines: tuple[str, ...], first: int) -> tuple[dict[str, object], dict[str, int]]:
    """Read the unindented `key: value` lines of invalid YAML."""
    values: dict[str, object] = {}
    numbers: dict[str, int] = {}
    for number, line in enumerate(lines, first):
        match = _KEY.match(line)
        if match is not None:
            values[match[1]] = (match[2] or "").strip().strip("\"'")
            numbers[match[1]] = number
    return values, numbers


def _nested(values: dict[str, object]) -> dict[str, object]:
    """Turn `a.b: c` into `a: {b: c}`; existing values are not replaced."""
    nested = {name: value for name, value in values.items() if "." not in name.strip(".")}
    for name, value in values.items():
        *path, last = name.split(".")[:_MAX_DEPTH]
        if not path or name in nested:
            continue
        place = nested
        for step in path:
            inner = place.setdefault(step, {})
            if not isinstance(inner, dict):
                break
            place = inner
        else:
            place.setdefault(last, value)
    return nested


def _unquoted_versions(lines: tuple[str, ...], first: int) -> Iterator[RawFinding]:
    for number, line in enumerate(lines, first):
        match = _NUMBER.match(line)
        if match is not None:
            message = f"{match[1]} without quotes is the number {float(match[1]):g} to most parsers"
            yield RawFinding(
                "skill.frontmatter.unquoted-version", number, message, match.start(1) + 1
            )
