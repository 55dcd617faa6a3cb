"""What every request carries: attribution, the token in its place, and what is accepted."""

from collections.abc import Iterator

from nemolocal_contract.headers import (
    ANONYMOUS_TOKEN_PREFIX,
    ATTRIBUTION,
    missing_attribution,
)

from ..records.act import BLANK, Act
from ..records.record import Record
from ..reports.wording import MISSING
from .rule import Finding, broken, client_check, held

_PLATFORMS = ("clawhub", "cursor", "unknown")


@client_check("client.attribution", "CLI-1", "GEN-4")
def requests_are_attributed(record: Record) -> Iterator[Finding]:
    """All three attribution headers MUST be on every request, the token call included."""
    for act in record.calls:
        lacking = missing_attribution(act.entry.request_headers)
        told = f"{MISSING}{', '.join(lacking)}"
        yield broken("attribution headers", "all three", told, act) if lacking else held(act)


@client_check("client.attribution.stable", "CLI-1")
def attribution_stays_the_same(record: Record) -> Iterator[Finding]:
    """A client SHOULD call on behalf of one skill, in one version, from one platform."""
    first: dict[tuple[str, ...], Act] = {}
    for act in record.calls:
        if not missing_attribution(act.entry.request_headers):
            first.setdefault(tuple(act.header(name) for name in ATTRIBUTION), act)
    if len(first) > 1:
        yield broken("it changes", "one attribution", sorted(first), *first.values())
    elif first:
        yield held(*first.values())


@client_check("client.attribution.platform", "CLI-1")
def platform_is_a_known_one(record: Record) -> Iterator[Finding]:
    """The platform SHOULD be clawhub, cursor or unknown, after the install path."""
    first: dict[str, Act] = {}
    for act in record.calls:
        if platform := act.header(ATTRIBUTION[2]).strip():
            first.setdefault(platform, act)
    for platform, act in first.items():
        known = platform in _PLATFORMS
        expected = "clawhub, cursor or unknown"
        yield held(act) if known else broken("another platform", expected, platform, act)


@client_check("client.bearer", "GEN-3")
def calls_carry_the_token(record: Record) -> Iterator[Finding]:
    """Every call but the token call MUST carry `Authorization: Bearer`."""
    for act in record.calls:
        if act.endpoint == "token":
            continue
        sent = act.header("authorization")
        yield held(act) if act.has_bearer else broken("no bearer token", "Bearer …", sent, act)


@client_check("client.token-in-url", "GEN-5", "CLI-9")
def token_is_in_no_url(record: Record) -> Iterator[Finding]:
    """A token MUST never stand in a URL; a claim token may, in the link that it is for."""
    for act in record.acts:
        if act.endpoint == "claim_page":
            continue
        shown = "GEN-5" in act.entry.rules or _has_token(act.entry.url)
        yield broken("a token in it", "none", act.entry.url, act) if shown else held(act)


@client_check("client.token-in-body", "CLI-9")
def token_is_in_no_body(record: Record) -> Iterator[Finding]:
    """A token MUST never be told to anybody, the chat included."""
    for act in record.calls:
        if act.entry.request_body:
            shown = _has_token(act.entry.request_body)
            yield broken("a token in the body", "none", act.what, act) if shown else held(act)


@client_check("client.chat.accept", "SSE-1")
def chat_accepts_a_stream(record: Record) -> Iterator[Finding]:
    """A message MUST be sent with `Accept: text/event-stream`."""
    for act in record.of("chat"):
        sent = act.header("accept")
        right = "text/event-stream" in sent
        yield held(act) if right else broken("accept", "text/event-stream", sent, act)


def _has_token(text: str) -> bool:
    return BLANK in text or ANONYMOUS_TOKEN_PREFIX in text
