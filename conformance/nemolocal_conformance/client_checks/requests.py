"""What every request carries: attribution, the token in its place, and what is accepted."""

from collections.abc import Iterator

from nemolocal_contract.headers import (
    ANONYMOUS_TOKEN_PREFIX,
    ATTRIBUTION,
    missing_attribution,
)

from ..reports.report_text import MISSING_PREFIX
from ..traffic.client_log import ClientLog
from ..traffic.recorded_call import TOKEN_PLACEHOLDER, RecordedCall
from .client_check import ClientFinding, client_check, failed, passed

_PLATFORMS = ("clawhub", "cursor", "unknown")


@client_check("client.attribution", "CLI-1", "GEN-4")
def requests_are_attributed(log: ClientLog) -> Iterator[ClientFinding]:
    """All three attribution headers MUST be on every request, the token call included."""
    for act in log.contract_calls:
        lacking = missing_attribution(act.entry.request_headers)
        told = f"{MISSING_PREFIX}{', '.join(lacking)}"
        yield failed("attribution headers", "all three", told, act) if lacking else passed(act)


@client_check("client.attribution.stable", "CLI-1")
def attribution_stays_the_same(log: ClientLog) -> Iterator[ClientFinding]:
    """A client SHOULD call on behalf of one skill, in one version, from one platform."""
    first: dict[tuple[str, ...], RecordedCall] = {}
    for act in log.contract_calls:
        if not missing_attribution(act.entry.request_headers):
            first.setdefault(tuple(act.header(name) for name in ATTRIBUTION), act)
    if len(first) > 1:
        yield failed("it changes", "one attribution", sorted(first), *first.values())
    elif first:
        yield passed(*first.values())


@client_check("client.attribution.platform", "CLI-1")
def platform_is_a_known_one(log: ClientLog) -> Iterator[ClientFinding]:
    """The platform SHOULD be clawhub, cursor or unknown, after the install path."""
    first: dict[str, RecordedCall] = {}
    for act in log.contract_calls:
        if platform := act.header(ATTRIBUTION[2]).strip():
            first.setdefault(platform, act)
    for platform, act in first.items():
        known = platform in _PLATFORMS
        expected = "clawhub, cursor or unknown"
        yield passed(act) if known else failed("another platform", expected, platform, act)


@client_check("client.bearer", "GEN-3")
def calls_carry_the_token(log: ClientLog) -> Iterator[ClientFinding]:
    """Every call but the token call MUST carry `Authorization: Bearer`."""
    for act in log.contract_calls:
        if act.endpoint == "token":
            continue
        sent = act.header("authorization")
        yield passed(act) if act.has_bearer else failed("no bearer token", "Bearer …", sent, act)


@client_check("client.token-in-url", "GEN-5", "CLI-9")
def token_is_in_no_url(log: ClientLog) -> Iterator[ClientFinding]:
    """A token MUST never stand in a URL; a claim token may, in the link that it is for."""
    for act in log.all_calls:
        if act.endpoint == "claim_page":
            continue
        shown = "GEN-5" in act.entry.rules or _has_token(act.entry.url)
        yield failed("a token in it", "none", act.entry.url, act) if shown else passed(act)


@client_check("client.token-in-body", "CLI-9")
def token_is_in_no_body(log: ClientLog) -> Iterator[ClientFinding]:
    """A token MUST never be told to anybody, the chat included."""
    for act in log.contract_calls:
        if act.entry.request_body:
            shown = _has_token(act.entry.request_body)
            yield failed("a token in the body", "none", act.label, act) if shown else passed(act)


@client_check("client.chat.accept", "SSE-1")
def chat_accepts_a_stream(log: ClientLog) -> Iterator[ClientFinding]:
    """A message MUST be sent with `Accept: text/event-stream`."""
    for act in log.calls_to("chat"):
        sent = act.header("accept")
        right = "text/event-stream" in sent
        yield passed(act) if right else failed("accept", "text/event-stream", sent, act)


def _has_token(text: str) -> bool:
    return TOKEN_PLACEHOLDER in text or ANONYMOUS_TOKEN_PREFIX in text
