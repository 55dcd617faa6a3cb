"""An exchange as it passed by, and the entry that it becomes: read, judged, without tokens."""

from typing import Any

import msgspec

from nemolocal_contract.endpoints import (
    ANONYMOUS_TOKEN_PREFIX,
    AUTHORIZATION,
    find_endpoint,
    parse_bearer_token,
)
from nemolocal_contract.journal import Ending, Entry

from ..data.known_tokens import KnownTokens
from .annotations import RequestAnnotations
from .body_capture import BodyCapture
from .redaction import Redactor
from .rule_tags import response_code, tag_rules

RawHeaders = list[tuple[bytes, bytes]]
# What an exchange takes in memory besides its bytes, about.
_OVERHEAD = 1_500
# Of a field that a client made up.
_LONGEST_NAME = 100


class RecordedExchange(msgspec.Struct, gc=False):
    """A request and its response, copied while they passed, tokens and all.

    It lives in memory only; what is stored of it is its `build_entry`. The garbage collector need
    not look at the thousands of them that may wait: they never refer to each other.
    """

    method: str
    path: str
    query: bytes
    request_headers: RawHeaders
    annotations: RequestAnnotations
    started: float
    request: BodyCapture
    response: BodyCapture
    response_headers: RawHeaders = []
    status: int = 0
    chunks: list[tuple[float, int]] = []
    ended: float = 0.0
    ending: Ending = "complete"
    faults: tuple[str, ...] = ()
    token_id: int | None = None
    user_id: str | None = None
    speed: float | None = None
    memory_size: int = 0

    def estimate_memory_size(self) -> int:
        """About how many bytes of memory it takes."""
        headers = sum([len(name) + len(value) for name, value in self.request_headers])
        kept = self.request.captured_size + self.response.captured_size
        return _OVERHEAD + headers + len(self.path) + len(self.query) + kept


def build_entry(exchange: RecordedExchange, known: KnownTokens) -> Entry:
    """What the journal keeps of an exchange."""
    sent, answered = _headers(exchange.request_headers), _headers(exchange.response_headers)
    redactor = Redactor(sent.get(AUTHORIZATION.lower(), ""), known)
    received = exchange.response.text(answered.get("content-type", ""), redactor)
    return Entry(
        started=exchange.started,
        ended=exchange.ended,
        ending=exchange.ending,
        request_headers=redactor.headers(sent),
        request_body=exchange.request.text(sent.get("content-type", ""), redactor),
        request_size=exchange.request.size,
        response_headers=redactor.headers(answered),
        response_body=received,
        response_size=exchange.response.size,
        chunks=tuple(exchange.chunks),
        speed=exchange.speed,
        **_request_fields(exchange, sent, answered, received, redactor),
        **_annotation_fields(exchange, redactor),
    )


def _request_fields(
    exchange: RecordedExchange,
    sent: dict[str, str],
    answered: dict[str, str],
    received: str,
    redactor: Redactor,
) -> dict[str, Any]:
    """What was asked of whom, and what the reply comes to."""
    url = _url(exchange)
    name, endpoint = find_endpoint(exchange.method, exchange.path) or (None, None)
    code = response_code(exchange.status, answered.get("content-type", ""), received)
    return {
        "method": redactor.text(exchange.method),
        "url": redactor.text(url),
        "endpoint": name,
        "status": exchange.status,
        "code": code,
        "rules": tag_rules(endpoint, code, sent, token_in_url=_has_token(url, sent)),
    }


def _annotation_fields(exchange: RecordedExchange, redactor: Redactor) -> dict[str, Any]:
    """What no byte of the exchange says."""
    annotations = exchange.annotations
    return {
        "faults": exchange.faults,
        "token_id": exchange.token_id,
        "user_id": exchange.user_id,
        "session_id": annotations.session_id,
        "render_id": annotations.render_id,
        "turn": annotations.turn,
        "credits_before": annotations.credits_before,
        "credits_after": annotations.credits_after,
        "draft_before": annotations.draft_before,
        "draft_after": annotations.draft_after,
        "unknown": tuple(redactor.text(name)[:_LONGEST_NAME] for name in annotations.unknown),
    }


def _url(exchange: RecordedExchange) -> str:
    query = exchange.query.decode(errors="replace")
    return f"{exchange.path}?{query}" if query else exchange.path


def _has_token(url: str, headers: dict[str, str]) -> bool:
    """GEN-5; a claim token may stand in the link that it is made for."""
    own = parse_bearer_token(headers.get(AUTHORIZATION.lower()))
    return ANONYMOUS_TOKEN_PREFIX in url or (own is not None and own in url)


def _headers(pairs: RawHeaders) -> dict[str, str]:
    """Headers by lower-case name; the values of one that stands twice are joined."""
    headers: dict[str, str] = {}
    for raw_name, raw_value in pairs:
        name, value = raw_name.decode("latin-1").lower(), raw_value.decode("latin-1")
        headers[name] = f"{headers[name]}, {value}" if name in headers else value
    return headers
