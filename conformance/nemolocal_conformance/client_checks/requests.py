"""What every request must contain: attribution headers, the token in its header, `Accept`."""

from collections.abc import Iterator

from nemolocal_contract.endpoints import (
    ANONYMOUS_TOKEN_PREFIX,
    ATTRIBUTION,
    missing_attribution,
)
from nemolocal_contract.generations import GENERATION_2_PLATFORMS

from ..reports.report_text import MISSING_PREFIX
from ..traffic.client_log import ClientLog
from ..traffic.recorded_call import TOKEN_PLACEHOLDER, RecordedCall
from .client_check import ClientFinding, client_check, failed, inconclusive, passed

_PLATFORMS = ("clawhub", "cursor", "unknown")


@client_check("client.attribution", "CLI-1", "GEN-4")
def requests_are_attributed(log: ClientLog) -> Iterator[ClientFinding]:
    """All three attribution headers MUST be on every request, the token call included."""
    for call in log.contract_calls:
        lacking = missing_attribution(call.entry.request_headers)
        actual = f"{MISSING_PREFIX}{', '.join(lacking)}"
        yield failed("attribution headers", "all three", actual, call) if lacking else passed(call)


@client_check("client.attribution.stable", "CLI-1")
def attribution_stays_the_same(log: ClientLog) -> Iterator[ClientFinding]:
    """A client SHOULD call on behalf of one skill, in one version, from one platform."""
    first: dict[tuple[str, ...], RecordedCall] = {}
    for call in log.contract_calls:
        if not missing_attribution(call.entry.request_headers):
            first.setdefault(tuple(call.header(name) for name in ATTRIBUTION), call)
    if len(first) > 1:
        yield failed("attributions", "one", sorted(first), *first.values())
    elif first:
        yield passed(*first.values())


@client_check("client.attribution.platform", "CLI-1")
def platform_is_a_known_one(log: ClientLog) -> Iterator[ClientFinding]:
    """The platform SHOULD be clawhub, cursor or unknown, after the install path."""
    first: dict[str, RecordedCall] = {}
    for call in log.contract_calls:
        if platform := call.header(ATTRIBUTION[2]).strip():
            first.setdefault(platform, call)
    for platform, call in first.items():
        if platform in _PLATFORMS:
            yield passed(call)
        elif platform in GENERATION_2_PLATFORMS:
            yield inconclusive("the platform of a client of generation 2; CLI-1 is about 1", call)
        else:
            yield failed("X-Skill-Platform", "clawhub, cursor or unknown", platform, call)


@client_check("client.bearer", "GEN-3")
def calls_carry_the_token(log: ClientLog) -> Iterator[ClientFinding]:
    """Every call except the token call MUST have `Authorization: Bearer`."""
    for call in log.contract_calls:
        if call.endpoint == "token":
            continue
        sent = call.header("authorization")
        yield passed(call) if call.has_bearer else failed("Authorization", "Bearer …", sent, call)


@client_check("client.token-in-url", "GEN-5", "CLI-9")
def token_is_in_no_url(log: ClientLog) -> Iterator[ClientFinding]:
    """A token MUST NOT be in a URL, except a claim token in its own link."""
    for call in log.all_calls:
        if call.endpoint == "claim_page":
            continue
        shown = "GEN-5" in call.entry.rules or _has_token(call.entry.url)
        yield failed("tokens in the URL", "none", call.entry.url, call) if shown else passed(call)


@client_check("client.token-in-body", "CLI-9")
def token_is_in_no_body(log: ClientLog) -> Iterator[ClientFinding]:
    """A token MUST NOT be in a body, such as a chat message."""
    for call in log.contract_calls:
        if call.entry.request_body:
            shown = _has_token(call.entry.request_body)
            yield failed("tokens in the body", "none", call.label, call) if shown else passed(call)


@client_check("client.chat.accept", "SSE-1")
def chat_accepts_a_stream(log: ClientLog) -> Iterator[ClientFinding]:
    """A message MUST be sent with `Accept: text/event-stream`."""
    for call in log.calls_to("chat"):
        sent = call.header("accept")
        right = "text/event-stream" in sent.lower()
        yield passed(call) if right else failed("Accept", "text/event-stream", sent, call)


def _has_token(text: str) -> bool:
    return TOKEN_PLACEHOLDER in text or ANONYMOUS_TOKEN_PREFIX in text
