"""Parses a skill document from bytes into one frozen value; invalid content does not raise."""

import os
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import msgspec

from nemolocal_contract.endpoints import CLOUD_BASE_URL, Attribution

from ..attribution import attribution_of, platform_of
from ..model import (
    EndpointMention,
    ErrorRow,
    EventRow,
    ExamplePhrase,
    FormatList,
    Frontmatter,
    GuiRow,
    LimitKind,
    RawFinding,
    RouteRow,
    SkillLimits,
    StatedLimit,
)
from .curl import CurlCommand, find_assignments, find_curl_commands
from .endpoint_mentions import find_base_urls, find_endpoint_mentions
from .example_phrases import find_example_phrases
from .frontmatter import BROKEN_CHARACTERS, ParsedFrontmatter, parse_frontmatter
from .markdown import Table, find_code_blocks, find_inline_commands, find_tables
from .shell_words import ShellWord
from .stated_limits import find_formats, find_polling_loops, find_stated_limits
from .tables import error_rows, event_rows, gui_rows, routing_rows

MAX_BYTES = 300_000
"""The maximum number of bytes that are read; real skills are much shorter."""

_BOM = "\ufeff"
_LINE_END = re.compile(r"\r\n|\r|\n")
# UTF-8 that was decoded as Windows-1252: â€", Ã©, å¯¼ …
_TAIL = "\u0080-\u00bf€‚ƒ„…†‡ˆ‰Š‹ŒŽ‘’“”•–—˜™š›œžŸ"
_MOJIBAKE = re.compile(f"[Â-Ã][\u0080-\u00bf]|â[{_TAIL}][{_TAIL}]|[ã-ï][{_TAIL}]{{2}}")
_CONTROL = re.compile("[\x00-\x08\x0b\x0e-\x1f\x7f]")
# "X-Skill-Source is 4k-with-session", "X-Skill-Source: my-skill", but not <name> or $NAME.
_STATED_NAME = re.compile(
    r"X-Skill-Source[`*\"' ]{0,4}(?:\||\bis\b|:|=)[`*\"' ]{0,4}"
    r"(?!(?:the|this|a|an|your|from|set|always|its)\b)([a-z0-9][\w-]{1,80})",
    re.IGNORECASE,
)
_INSTALLED = re.compile(r"\bskills? install ([a-z0-9][a-z0-9-]{1,79}?)(?![a-z0-9-])")


class DecodedText(msgspec.Struct, frozen=True):
    """The lines of a document without line ends, and the findings in its bytes."""

    lines: tuple[str, ...]
    raw_findings: tuple[RawFinding, ...] = ()


def decode(content: bytes) -> DecodedText:
    """Decode a document as UTF-8, or as Windows-1252 if it is not UTF-8."""
    findings: list[RawFinding] = []
    if len(content) > MAX_BYTES:
        message = f"the document has {len(content)} bytes, but only {MAX_BYTES} are read"
        findings.append(RawFinding("skill.text.too-long", 1, message))
        content = content[:MAX_BYTES]
    text = _text(content, findings)
    lines = tuple(_LINE_END.split(text.removeprefix(_BOM)))
    findings += _find_damage(lines)
    return DecodedText(tuple(_CONTROL.sub(" ", line) for line in lines), tuple(findings))


def _text(content: bytes, findings: list[RawFinding]) -> str:
    if content.startswith((b"\xff\xfe", b"\xfe\xff")):
        message = "the document is UTF-16"
        findings.append(RawFinding("skill.text.encoding", 1, message))
        return content.decode("utf-16", errors="replace")
    try:
        return content.decode()
    except UnicodeDecodeError as error:
        if error.end >= len(content) == MAX_BYTES:
            return content.decode(errors="ignore")
        line = content.count(b"\n", 0, error.start) + 1
        message = f"byte 0x{content[error.start]:02x} is not UTF-8: read as Windows-1252"
        findings.append(RawFinding("skill.text.encoding", line, message))
        return content.decode("cp1252", errors="replace")


def _find_damage(lines: tuple[str, ...], first: int = 1) -> list[RawFinding]:
    """Return the first finding of each kind from a line on; a damaged document has many."""
    found: dict[str, RawFinding] = {}
    for number, line in enumerate(lines[first - 1 :], first):
        for check, pattern, template in (
            ("skill.text.mojibake", _MOJIBAKE, "{!r} is text in a wrong encoding"),
            ("skill.text.control-character", _CONTROL, "{!r} is a control character"),
        ):
            match = pattern.search(line) if check not in found else None
            if match is not None:
                message = template.format(match.group())
                found[check] = RawFinding(check, number, message, match.start() + 1)
    return list(found.values())


class BaseUrl(msgspec.Struct, frozen=True):
    """An origin of the API that the document mentions."""

    url: str
    line: int
    column: int


class Skill(msgspec.Struct, frozen=True):
    """A skill document.

    `name` is that of the frontmatter, or on a page without one, the header that the text states.
    `body_line` is the first line after the frontmatter. `is_flattened`: it is the text of a page,
    not a SKILL.md.
    """

    path: str
    name: str
    version: str
    description: str
    platform: str
    stated_name: str
    is_flattened: bool
    body_line: int
    lines: tuple[str, ...]
    frontmatter: Frontmatter
    raw_findings: tuple[RawFinding, ...]
    base_urls: tuple[BaseUrl, ...]
    stated_limits: tuple[StatedLimit, ...]
    formats: tuple[FormatList, ...]
    routing: tuple[RouteRow, ...]
    errors: tuple[ErrorRow, ...]
    gui: tuple[GuiRow, ...]
    events: tuple[EventRow, ...]
    endpoints: tuple[EndpointMention, ...]
    commands: tuple[CurlCommand, ...]
    assignments: dict[str, ShellWord]
    examples: tuple[ExamplePhrase, ...]

    @property
    def base_url(self) -> str:
        """The first origin in the document, else the cloud's."""
        return self.base_urls[0].url if self.base_urls else CLOUD_BASE_URL

    @property
    def limits(self) -> SkillLimits:
        """The first limit of each kind."""
        return SkillLimits(
            upload_bytes=self._first("upload_limit"),
            formats=next((f.names for f in self.formats if f.is_accepted_list), ()),
            poll_seconds=self._first("poll_interval"),
            poll_tries=self._first("poll_tries"),
            turn_seconds=self._first("turn_timeout"),
            token_days=self._first("token_life"),
            credits=self._first("grant"),
            resolution=self._first("resolution_given"),
        )

    def attribution(self, environment: Mapping[str, str] = os.environ) -> Attribution:
        """Return the attribution of this skill's calls (CLI-1)."""
        return attribution_of(self.name, self.version, self.platform, environment)

    def limits_of_kind(self, kind: LimitKind) -> tuple[StatedLimit, ...]:
        """Return the limits of a kind, in the order of the document."""
        return tuple(s for s in self.stated_limits if s.kind == kind)

    def _first(self, kind: LimitKind) -> int | None:
        return next((s.value for s in self.limits_of_kind(kind)), None)


def read_skill(path: Path) -> Skill:
    """Read the skill in a file, or in the SKILL.md of a folder; raises `OSError`."""
    if os.path.isdir(path):
        path = path / "SKILL.md"
    return parse_skill(path.read_bytes(), path)


def parse_skill(content: bytes, path: Path) -> Skill:
    """Parse a skill; no content makes this fail. The platform comes from the path."""
    decoded = decode(content)
    lines = decoded.lines
    parsed = parse_frontmatter(lines)
    head, body = parsed.frontmatter, parsed.body_line
    blocks = find_code_blocks(lines, body)
    tables = find_tables(lines, body)
    inline = find_inline_commands(lines, body)
    commands = find_curl_commands(tuple(sorted((*blocks, *inline), key=lambda block: block.line)))
    text = "\n".join(lines[body - 1 :])
    stated = _STATED_NAME.search(text)
    stated_name = stated[1] if stated else ""
    return Skill(
        path=str(path),
        name=head.text("name") or stated_name or _name_in_install_command(text),
        version=_version(head),
        description=head.text("description"),
        platform=platform_of(path),
        stated_name=stated_name,
        is_flattened=not head.start and path.suffix.lower() != ".md",
        body_line=body,
        lines=lines,
        frontmatter=head,
        raw_findings=_raw_findings(decoded, parsed),
        base_urls=tuple(BaseUrl(*found) for found in find_base_urls(lines, body)),
        stated_limits=_by_position((*find_stated_limits(lines, 1), *find_polling_loops(blocks))),
        formats=find_formats(lines, 1),
        endpoints=find_endpoint_mentions(lines, body, tables, commands),
        commands=commands,
        assignments=find_assignments(blocks),
        examples=find_example_phrases(lines, body),
        **_rows(tables, lines, body),
    )


def _raw_findings(decoded: DecodedText, parsed: ParsedFrontmatter) -> tuple[RawFinding, ...]:
    """Return the findings of both; what breaks the frontmatter is not reported a second time."""
    found = [*decoded.raw_findings, *parsed.raw_findings]
    if any(finding.check == BROKEN_CHARACTERS for finding in parsed.raw_findings):
        same = ("skill.text.mojibake", "skill.text.control-character")
        found = [f for f in found if f.check not in same or f.line >= parsed.body_line]
        told = {finding.check for finding in found}
        below = _find_damage(decoded.lines, parsed.body_line)
        found += [finding for finding in below if finding.check not in told]
    return tuple(found)


def _rows(tables: tuple[Table, ...], lines: tuple[str, ...], body: int) -> dict[str, Any]:
    return {
        "routing": routing_rows(tables),
        "errors": error_rows(tables, lines, body),
        "gui": gui_rows(tables),
        "events": event_rows(tables),
    }


def _by_position(statements: tuple[StatedLimit, ...]) -> tuple[StatedLimit, ...]:
    return tuple(sorted(statements, key=lambda s: (s.line, s.column, s.kind)))


def _version(head: Frontmatter) -> str:
    """Return the version, which may be in the metadata."""
    metadata = head.values.get("metadata")
    inner = metadata.get("version") if isinstance(metadata, dict) else None
    return head.text("version") or (inner.strip() if isinstance(inner, str) else "")


def _name_in_install_command(text: str) -> str:
    match = _INSTALLED.search(text)
    return match[1] if match else ""
