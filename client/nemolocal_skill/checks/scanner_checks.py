"""Predicts what the scanner of the registry remarks: secrets, files, consent and privacy.

The scanner compares what the frontmatter declares with what the text does. Its remarks do not
concern the API, so all of them are notes, or warnings where users are kept in the dark.
"""

import re
from collections.abc import Iterator

from ..model import RawFinding
from ..parse.document import Skill

_TOKEN = "NEMO_TOKEN"
_ASKS = re.compile(
    r"\b(?:consent|permission|agree\w{0,4}|approv\w{1,3}|confirm\w{0,4} (?:with|before))\b"
    r"|\bask\w{0,3}\b[^.;\n]{0,30}\b(?:user|before|first)\b|同意|询问用户|征得",
    re.IGNORECASE,
)
_HIDES = re.compile(
    r"\bsilently\b|\binvisibl[ey]\b|\bin the background\b[^.\n]{0,30}\bnever\b"
    r"|\b(?:never|do not|don['’]?t) (?:mention|tell|show|reveal)\b[^.\n]{0,40}"
    r"\b(?:auth\w{0,12}|setup|client[- ]ids?|sign[- ]?in)\b",
    re.IGNORECASE,
)
# A line about tokens or setup; "wait silently" is about the stream.
_SETUP = re.compile(
    r"\btokens?\b|\bset-?ups?\b|\bauth\w{0,12}\b|\bclient[- ]?ids?\b", re.IGNORECASE
)
_MEDIA = r"(?:files?|footage|videos?|clips?|media|uploads?|photos?|recordings?|materials?)"
_DESTINATION = re.compile(
    rf"\b{_MEDIA}\b[^.;\n]{{0,80}}\b(?:cloud|servers?|third[- ]part\w{{1,3}}|nemovideo)\b"
    rf"|\b(?:cloud|servers?|nemovideo)\b[^.;\n]{{0,60}}\b{_MEDIA}\b"
    r"|(?:上传|发送|传)[^。\n]{0,20}(?:云|服务器|NemoVideo)|云端",
    re.IGNORECASE,
)


def check_scanner_remarks(skill: Skill) -> Iterator[RawFinding]:
    """Check declared variables and paths, consent, and where media go; not on flattened pages."""
    if not skill.frontmatter.start or skill.is_flattened:
        return
    uses = {use.name: use for use in reversed(skill.endpoints) if use.name}
    body = "\n".join(skill.lines[skill.body_line - 1 :])
    requires = _requires(skill)
    line = skill.frontmatter.lines.get("metadata", skill.frontmatter.start)
    if "token" in uses and _TOKEN in _texts(requires.get("env")):
        message = f"{_TOKEN} is declared as required, but the skill makes one itself"
        yield RawFinding("skill.scanner.variable", line, message)
    for path in _texts(requires.get("configPaths", requires.get("config"))):
        if path.rstrip("/") not in body:
            message = f"the config path {path} is declared, but the text never uses it"
            yield RawFinding("skill.scanner.config-path", line, message)
    if "token" in uses:
        yield from _check_consent(skill, body, uses["token"].line)
    if "upload" in uses and not _DESTINATION.search(body):
        message = "the text does not say where uploaded files go"
        yield RawFinding("skill.scanner.media", uses["upload"].line, message)


def _requires(skill: Skill) -> dict[str, object]:
    """Return `requires` of the metadata, wherever the host expects it."""
    metadata = skill.frontmatter.values.get("metadata")
    hosts = list(metadata.values()) if isinstance(metadata, dict) else []
    for place in (*hosts, metadata, skill.frontmatter.values):
        found = place.get("requires") if isinstance(place, dict) else None
        if isinstance(found, dict):
            return found
    return {}


def _texts(value: object) -> tuple[str, ...]:
    items = value if isinstance(value, list) else [value]
    return tuple(item for item in items if isinstance(item, str) and item)


def _check_consent(skill: Skill, body: str, token_line: int) -> Iterator[RawFinding]:
    for number in range(skill.body_line, len(skill.lines) + 1):
        line = skill.lines[number - 1]
        hides = _HIDES.search(line)
        if hides is not None and _SETUP.search(line):
            message = f'"{hides.group()}": the user does not learn that a token is made'
            yield RawFinding("skill.scanner.hidden", number, message, hides.start() + 1)
            return
    if not _ASKS.search(body):
        message = "a token is taken without asking the user"
        yield RawFinding("skill.scanner.consent", token_line, message)
