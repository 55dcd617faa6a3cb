"""Checks frontmatter, attribution headers and secrets."""

import re
from collections.abc import Iterator
from itertools import islice

from nemolocal_contract.endpoints import (
    ANONYMOUS_TOKEN_PREFIX,
    ATTRIBUTION,
    AUTHORIZATION,
    CLAIM_TOKEN_PREFIX,
    CLIENT_ID,
)

from ..model import RawFinding
from ..parse.document import Skill

_SECRET = re.compile(
    rf"\b(?:{ANONYMOUS_TOKEN_PREFIX}|{CLAIM_TOKEN_PREFIX})[\w-]{{8,200}}"
    r"|\beyJ[\w-]{10,500}\.[\w-]{10,500}|(?i:\bbearer )(?=[\w.-]{0,60}\d)[\w.-]{20,200}"
)
# nmv_usr_xxxxxxxx and nmv_usr_your-token-here are examples.
_EXAMPLE_TOKEN = re.compile(r"x{4}|your|example|token|abcdef|123456|\.{3}", re.IGNORECASE)
_TOKEN_IN_URL = re.compile(
    r"(?:https?://|/api/|/run_sse|\$\{?\w{1,30}\}?/)[^\s`)]{0,200}?"
    r"(?:[?&](?:token|access_token|auth_token|nemo_token|auth|bearer|api_key|authorization)="
    rf"|/(?:\$\{{?(?:\w{{0,20}}_)?TOKEN\b|<token>|{ANONYMOUS_TOKEN_PREFIX}\w))",
    re.IGNORECASE,
)
NEGATION = re.compile(
    r"\b(?:never|not|don['’]?t|avoid|instead of|rather than)\b|不要|不得|切勿|不能|禁止|别再",
    re.IGNORECASE,
)
_MAX_FINDINGS = 20


def check_frontmatter(skill: Skill) -> Iterator[RawFinding]:
    """Check that the frontmatter is complete."""
    head = skill.frontmatter
    if skill.is_flattened:
        yield RawFinding("skill.page.flattened", 1, "no frontmatter: this is the text of a page")
        return
    if not head.start:
        yield RawFinding("skill.frontmatter.missing", 1, "the document does not begin with ---")
        return
    for name, value in (("name", head.text("name")), ("version", skill.version)):
        if not value:
            message = f"the frontmatter has no {name}"
            yield RawFinding(
                f"skill.frontmatter.no-{name}", head.lines.get(name, head.start), message
            )
    if not skill.description:
        message = "the frontmatter has no description"
        yield RawFinding(
            "skill.frontmatter.no-description", head.lines.get("description", 1), message
        )


def check_attribution(skill: Skill) -> Iterator[RawFinding]:
    """Check that the text names the three headers, and the name of the frontmatter."""
    text = "\n".join(skill.lines).lower()
    missing = [name for name in ATTRIBUTION if name.lower() not in text]
    if missing:
        message = f"not in the document: {', '.join(missing)}"
        yield RawFinding("skill.attribution.unstated", 0, message)
    own = skill.frontmatter.text("name")
    if own and skill.stated_name and skill.stated_name != own:
        line = next(n for n, text in enumerate(skill.lines, 1) if skill.stated_name in text)
        marked = (n for n, s in enumerate(skill.lines, 1) if "x-skill-source" in s.lower())
        line = next((n for n in marked if skill.stated_name in skill.lines[n - 1]), line)
        message = f"X-Skill-Source is {skill.stated_name} here, but the name is {own}"
        column = skill.lines[line - 1].find(skill.stated_name) + 1
        yield RawFinding("skill.attribution.name", line, message, column)


def check_secrets(skill: Skill) -> Iterator[RawFinding]:
    """Check for tokens in the document and in its URLs; no message repeats one."""
    found = (
        RawFinding("skill.auth.hard-coded-token", number, "this is a token", match.start() + 1)
        for number, line in enumerate(skill.lines, 1)
        for match in islice(_SECRET.finditer(line), _MAX_FINDINGS)
        if not _EXAMPLE_TOKEN.search(match.group())
    )
    yield from islice(found, _MAX_FINDINGS)
    for number, line in enumerate(skill.lines, 1):
        at = _TOKEN_IN_URL.search(line)
        if at is not None and not NEGATION.search(line[: at.start()]):
            message = "the URL contains a token"
            yield RawFinding("skill.auth.token-in-url", number, message, at.start() + 1)


def check_bearer(skill: Skill) -> Iterator[RawFinding]:
    """Check that the text names the headers of tokens, if no command does (GEN-3, AUTH-2)."""
    text = "\n".join(skill.lines).lower()
    commanded = {use.name for use in skill.endpoints for c in skill.commands if c.line == use.line}
    if "bearer" not in text and not commanded - {"", "token"}:
        message = f"the document never says that requests carry {AUTHORIZATION}: Bearer"
        yield RawFinding("skill.auth.no-bearer", 0, message)
    asks = [use for use in skill.endpoints if use.name == "token"]
    if asks and CLIENT_ID.lower() not in text and "token" not in commanded:
        message = f"the document never says that a token request carries {CLIENT_ID}"
        yield RawFinding("skill.auth.no-client-id", asks[0].line, message, asks[0].column)


def check_environment(skill: Skill) -> Iterator[RawFinding]:
    """Check that NEMO_TOKEN is used before a free token is requested (AUTH-8)."""
    asks = [use for use in skill.endpoints if use.name == "token"]
    text = "\n".join(skill.lines)
    stated = re.search(
        r"NEMO_TOKEN[^\n]{0,60}\b(?:environment|env|set|exists|present|found)\b"
        r"|\benv\w{0,10}\b[^\n]{0,40}NEMO_TOKEN|\$\{NEMO_TOKEN:-|-[zn] \"?\$\{?NEMO_TOKEN",
        text,
    )
    if asks and stated is None:
        message = "the document requests a token without checking NEMO_TOKEN"
        yield RawFinding("skill.auth.environment", asks[0].line, message, asks[0].column)
