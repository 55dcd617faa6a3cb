"""An exchange (a request and its response), and the journal entry that is built from it.

While a request passes, its bytes and what the endpoints know about it are only copied
(`RecordedExchange`). `build_entry` reads them later: it removes tokens, finds the response code and
tags the rules of the contract that the exchange is about.
"""

import functools
import re
from collections.abc import Iterable
from hashlib import sha256
from itertools import islice
from typing import Any

import msgspec

from nemolocal_contract.endpoints import (
    ANONYMOUS_TOKEN_PREFIX,
    AUTHORIZATION,
    RENDER_CANCEL,
    RENDER_DOWNLOAD,
    RENDER_STATUS,
    TOKEN,
    Endpoint,
    find_endpoint,
    missing_attribution,
)
from nemolocal_contract.journal import Credits, Ending, Entry, ModelEntry, TurnEntry, Understood
from nemolocal_contract.plurals import pluralize
from nemolocal_contract.responses import ResponseCode, decode_json

from ..data.store import Store
from ..data.token_redaction import MAX_ESCAPED_TOKEN_LENGTH, KnownTokens, Redactor

MAX_BODY = 64 * 1024
# Of field names and filenames that the client chose.
_MAX_UNKNOWN_FIELDS, _MAX_FIELD_NAME, _MAX_FILENAMES = 20, 100, 10
_HASH_DIGITS = 16
_CACHED_HASHES = 1024
# About how many bytes of memory an exchange takes besides its headers and bodies.
_OVERHEAD = 1_500
_TEXT = re.compile(
    r"text/|application/(?:[\w.-]+\+)?(?:json|xml)\b|application/x-www-form-urlencoded",
    re.IGNORECASE,
)
_FILENAME = re.compile(rb'filename="([^"\r\n]{1,200})"')
_RENDER_ENDPOINTS = (RENDER_STATUS, RENDER_CANCEL, RENDER_DOWNLOAD)
_RULE_OF_CODE = {
    ResponseCode.BAD_TOKEN: "GEN-3",
    ResponseCode.SESSION_NOT_FOUND: "SES-3",
    ResponseCode.NO_CREDITS: "CRD-4",
    ResponseCode.UNSUPPORTED_FILE: "UPL-3",
    ResponseCode.FILE_TOO_LARGE: "UPL-4",
    ResponseCode.BAD_REQUEST: "GEN-6",
    ResponseCode.EXPORT_BLOCKED: "REN-2",
    ResponseCode.NOT_FOUND: "GEN-6",
    ResponseCode.METHOD_NOT_ALLOWED: "GEN-6",
    ResponseCode.RATE_LIMITED: "AUTH-3",
}

RawHeaders = list[tuple[bytes, bytes]]


class BodyCapture(msgspec.Struct, gc=False):
    """The first bytes of a body, and the size of all of it."""

    size: int = 0
    # A little more than is stored, so that no half of a token is left at the end.
    head: bytearray = msgspec.field(default_factory=bytearray)

    def add(self, chunk: bytes) -> None:
        """Copy the next bytes while there is room for them."""
        self.size += len(chunk)
        room = MAX_BODY + MAX_ESCAPED_TOKEN_LENGTH - len(self.head)
        if room > 0:
            self.head += chunk[:room]

    def text(self, content_type: str, redactor: Redactor) -> str:
        """At most `MAX_BODY` bytes of text without tokens; `<video/mp4: 100 bytes>` if binary."""
        if not self.size:
            return ""
        kind = content_type.partition(";")[0].strip()
        if content_type.startswith("multipart/"):
            names = [name.decode(errors="replace") for name in _FILENAME.findall(self.head)]
            files = f", files {', '.join(map(repr, names[:_MAX_FILENAMES]))}" if names else ""
            return redactor.text(f"<{kind}: {pluralize(self.size, 'byte')}{files}>")
        if not (_TEXT.match(content_type) if content_type else b"\0" not in self.head):
            return f"<{kind or 'binary'}: {pluralize(self.size, 'byte')}>"
        text = self.head.decode(errors="replace")
        clean = redactor.json(text) if "json" in content_type else redactor.text(text)
        return clean.encode()[:MAX_BODY].decode(errors="ignore")


class StateLookup:
    """Balances and draft hashes; the draft of each version is read once."""

    def __init__(self, store: Store) -> None:
        self._store = store
        # A cached method would make a reference cycle, which only the garbage collector frees.
        self._hash = functools.lru_cache(_CACHED_HASHES)(functools.partial(_read_hash, store))

    def credits(self, token_id: int) -> Credits:
        """The credits of a token."""
        found = self._store.fetch_one_cached(
            Credits,
            """SELECT coalesce(sum(available), 0) AS available, coalesce(sum(frozen), 0) AS frozen
               FROM ledger WHERE token_id = :token""",
            token=token_id,
        )
        assert found is not None  # an aggregate always has a row
        return found

    def newest_draft(self, session_id: str) -> tuple[int, str] | tuple[None, None]:
        """The number of the newest draft version, and its hash; None if the session has none."""
        version: int | None = self._store.fetch_value(
            "SELECT max(version) FROM drafts WHERE session_id = :id", id=session_id
        )
        return (None, None) if version is None else (version, self._hash(session_id, version))

    def clear_cache(self) -> None:
        """After a restore, a version may have another draft than before."""
        self._hash.cache_clear()


def _read_hash(store: Store, session_id: str, version: int) -> str:
    """A hash that is equal for equal drafts, whatever the order of their fields."""
    text = store.fetch_value(
        "SELECT draft FROM drafts WHERE session_id = :id AND version = :version",
        id=session_id,
        version=version,
    )
    canonical = msgspec.json.encode(decode_json(text), order="sorted")
    return sha256(canonical).hexdigest()[:_HASH_DIGITS]


class RequestAnnotations(msgspec.Struct, gc=False):
    """What the bytes of a request do not say; the endpoints add what they know."""

    lookup: StateLookup
    token_id: int | None = None
    session_id: str | None = None
    render_id: str | None = None
    turn: TurnEntry | None = None
    credits_before: Credits | None = None
    credits_after: Credits | None = None
    draft_before: str | None = None
    draft_after: str | None = None
    draft_version_before: int | None = None
    draft_version_after: int | None = None
    unknown: tuple[str, ...] = ()
    reply: str | msgspec.UnsetType = msgspec.UNSET

    def set_token(self, token_id: int, *, fresh: bool = False) -> None:
        """Set the token of the request; `fresh` if the request created it."""
        if self.token_id is None and not fresh:
            self.credits_before = self.lookup.credits(token_id)
        self.token_id = token_id

    def set_session(self, session_id: str, *, fresh: bool = False) -> None:
        """Set the session of the request; `fresh` if the request created it."""
        if self.session_id is None and not fresh:
            self.draft_version_before, self.draft_before = self.lookup.newest_draft(session_id)
        self.session_id = session_id

    def set_render(self, render_id: str) -> None:
        """Set the render of the request, by the id that the client chose."""
        self.render_id = render_id

    def set_unknown_fields(self, names: Iterable[str]) -> None:
        """Set the fields of the request that the server does not know and ignores."""
        self.unknown = tuple(islice(names, _MAX_UNKNOWN_FIELDS))

    def set_turn(
        self,
        number: int,
        edits: int,
        understood: Understood | None,
        model: ModelEntry | None = None,
    ) -> None:
        """Set the turn that the request began, its number of edits, and who understood what."""
        self.turn = TurnEntry(
            number,
            edits,
            understood=understood or msgspec.UNSET,
            model=model or msgspec.UNSET,
        )

    def finish(self) -> None:
        """Read the state after the request, just before the last byte of the response is sent."""
        if self.token_id is not None:
            self.credits_after = self.lookup.credits(self.token_id)
        if self.session_id is not None:
            self.draft_version_after, self.draft_after = self.lookup.newest_draft(self.session_id)


class RecordedExchange(msgspec.Struct, gc=False):
    """A request and its response as they were copied, tokens included: never stored.

    Thousands may wait to be written; they never refer to each other, so the garbage collector need
    not look at them.
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
        bodies = len(self.request.head) + len(self.response.head)
        return _OVERHEAD + headers + len(self.path) + len(self.query) + bodies


def build_entry(exchange: RecordedExchange, known: KnownTokens) -> Entry:
    """The journal entry of an exchange, without tokens."""
    sent, answered = _headers(exchange.request_headers), _headers(exchange.response_headers)
    redactor = Redactor(sent.get(AUTHORIZATION.lower(), ""), known)
    received = exchange.response.text(answered.get("content-type", ""), redactor)
    code = _response_code(exchange.status, answered.get("content-type", ""), received)
    query = exchange.query.decode(errors="replace")
    url = f"{exchange.path}?{query}" if query else exchange.path
    name, endpoint = find_endpoint(exchange.method, exchange.path) or (None, None)
    return Entry(
        started=exchange.started,
        ended=exchange.ended,
        ending=exchange.ending,
        method=redactor.text(exchange.method),
        url=redactor.text(url),
        endpoint=name,
        status=exchange.status,
        code=code,
        rules=_tag_rules(endpoint, code, sent, url, redactor.bearer_token),
        request_headers=redactor.headers(sent),
        request_body=exchange.request.text(sent.get("content-type", ""), redactor),
        request_size=exchange.request.size,
        response_headers=redactor.headers(answered),
        response_body=received,
        response_size=exchange.response.size,
        chunks=tuple(exchange.chunks),
        speed=exchange.speed,
        **_annotation_fields(exchange, redactor),
    )


def _annotation_fields(exchange: RecordedExchange, redactor: Redactor) -> dict[str, Any]:
    annotations = exchange.annotations
    return {
        "faults": exchange.faults,
        "token_id": exchange.token_id,
        "user_id": exchange.user_id,
        "session_id": annotations.session_id,
        "render_id": annotations.render_id,
        "turn": annotations.turn and _without_tokens(annotations.turn, redactor),
        "credits_before": annotations.credits_before,
        "credits_after": annotations.credits_after,
        "draft_before": annotations.draft_before,
        "draft_after": annotations.draft_after,
        "draft_version_before": annotations.draft_version_before,
        "draft_version_after": annotations.draft_version_after,
        "reply": (
            annotations.reply
            if annotations.reply is msgspec.UNSET
            else redactor.text(annotations.reply)
        ),
        "unknown": tuple(redactor.text(name)[:_MAX_FIELD_NAME] for name in annotations.unknown),
    }


def _without_tokens(turn: TurnEntry, redactor: Redactor) -> TurnEntry:
    """What a model wrote may have tokens in it."""
    if turn.model is msgspec.UNSET or not turn.model.detail:
        return turn
    model = msgspec.structs.replace(turn.model, detail=redactor.text(turn.model.detail))
    return msgspec.structs.replace(turn, model=model)


class _CodeField(msgspec.Struct):
    code: int | None = None


def _response_code(status: int, content_type: str, body: str) -> int | None:
    """The code of a response, from its body or else its status; None if there was none."""
    if not status:
        return None
    if content_type.startswith("application/json"):
        try:
            code = msgspec.json.decode(body, type=_CodeField).code
        except msgspec.MsgspecError:  # a list, half a body, or a fault's broken JSON
            code = None
        if code is not None:
            return code
    return status if status >= 400 else int(ResponseCode.OK)


def _tag_rules(
    endpoint: Endpoint | None,
    code: int | None,
    headers: dict[str, str],
    url: str,
    token: str | None,
) -> tuple[str, ...]:
    """The rules at stake, each once: the endpoint's, the headers', the URL's, the code's."""
    rules = []
    if endpoint is not None:
        rules.append(endpoint.rule)
        if missing_attribution(headers):
            rules.append("GEN-4")
    # A claim token is allowed: it is made for a link.
    if ANONYMOUS_TOKEN_PREFIX in url or (token is not None and token in url):
        rules.append("GEN-5")
    if code == ResponseCode.BAD_REQUEST and endpoint == TOKEN:
        rules.append("AUTH-2")
    elif code == ResponseCode.SESSION_NOT_FOUND and endpoint in _RENDER_ENDPOINTS:
        rules.append("REN-8")
    elif code in _RULE_OF_CODE:
        rules.append(_RULE_OF_CODE[ResponseCode(code)])
    return tuple(dict.fromkeys(rules))


def _headers(pairs: RawHeaders) -> dict[str, str]:
    """Headers by lower-case name; the values of a repeated header are joined."""
    headers: dict[str, str] = {}
    for raw_name, raw_value in pairs:
        name, value = raw_name.decode("latin-1").lower(), raw_value.decode("latin-1")
        headers[name] = f"{headers[name]}, {value}" if name in headers else value
    return headers
