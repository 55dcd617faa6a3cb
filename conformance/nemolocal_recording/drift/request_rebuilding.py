"""Makes a request again from what a recording has kept of it."""

from collections.abc import Iterator
from typing import Any
from urllib.parse import quote, urlencode

import msgspec

from nemolocal_contract.responses import encode_json

from ..allowlist import ID_KEYS, METHODS, URL_KEYS
from ..recording import ExchangeRecord
from .id_bindings import CannotRebuild, IdBindings
from .made_texts import is_left_out, made_text
from .made_uploads import BOUNDARY, Piece, made_form

# The name that a replay gives as the skill.
_SKILL = "nemolocal-drift"
_BAD_TOKEN = 1001
_NOT_JSON = b"{"
_SENT_HEADERS = {
    "x-client-id": "X-Client-Id",
    "x-skill-source": "X-Skill-Source",
    "x-skill-version": "X-Skill-Version",
    "x-skill-platform": "X-Skill-Platform",
}


class RebuiltRequest(msgspec.Struct, frozen=True):
    """A request to send; `pieces` is its body."""

    method: str
    target: str
    headers: dict[str, str]
    pieces: list[Piece]


class RequestRebuilder:
    """Rebuilds the requests of a recording, in their order.

    `tokens` are the pseudonyms of tokens that were used with success and never issued in the
    recording: `own_token` stands for them.
    """

    def __init__(self, bindings: IdBindings, foreign: frozenset[str], own_token: str) -> None:
        self._bindings = bindings
        self._foreign = foreign
        self._own_token = own_token
        self._drafts: list[tuple[Any, Any]] = []

    def keep_drafts(self, recorded: Any, received: Any) -> None:
        """Remember the draft of a state, so that a client that sends it sends the one of now."""
        before, now = _draft_of(recorded), _draft_of(received)
        if isinstance(before, dict) and isinstance(now, dict):
            self._drafts.append((before, now))

    def rebuild(self, exchange: ExchangeRecord, message: str) -> RebuiltRequest:
        """Return the request of an exchange, with `message` for a text that was not kept.

        Raises CannotRebuild.
        """
        request = exchange.request
        if request.method not in METHODS:
            raise CannotRebuild("its method was not recorded")
        headers = self._headers(exchange)
        pieces, kind = self._body(exchange, message)
        if kind:
            headers["Content-Type"] = kind
        target = self._path(exchange)
        if request.query:
            target += f"?{urlencode(self._query(exchange, headers))}"
        return RebuiltRequest(request.method, target, headers, pieces)

    def _path(self, exchange: ExchangeRecord) -> str:
        request = exchange.request
        given = request.path.split("/")
        if request.template is None:
            return "/".join(quote(made_text(part), safe="") for part in given)
        pairs = zip(request.template.split("/"), given, strict=True)
        return "/".join(
            self._segment(held) if expected.startswith("{") else held for expected, held in pairs
        )

    def _segment(self, held: str) -> str:
        return quote(self._bindings.resolve(held), safe="")

    def _query(self, exchange: ExchangeRecord, headers: dict[str, str]) -> list[tuple[str, str]]:
        found = []
        for name, value in exchange.request.query:
            if exchange.request.token_in_url and name == "token":
                token = headers.get("Authorization", "").removeprefix("Bearer ")
                found.append((name, token or self._bindings.resolve("nmv_usr_aaaaaaaaaaaaaaaa")))
            else:
                found.append((made_text(name), made_text(value)))
        return found

    def _headers(self, exchange: ExchangeRecord) -> dict[str, str]:
        kept, found = exchange.request.headers, {}
        if (given := kept.get("authorization")) is not None:
            found["Authorization"] = self._authorization(given)
        for name, wire in _SENT_HEADERS.items():
            value = kept.get(name)
            if value is None:
                continue
            if name == "x-client-id" and value.strip():
                value = self._bindings.resolve(value)
            elif name == "x-skill-source" and is_left_out(value):
                value = _SKILL
            found[wire] = made_text(value)
        return found

    def _authorization(self, given: str) -> str:
        scheme, _, token = given.partition(" ")
        if scheme != "Bearer":
            return made_text(given)
        if token in self._foreign and not self._bindings.is_bound(token):
            if not self._own_token:
                raise CannotRebuild("it was made with a token of the user: give one with --token")
            self._bindings.set(token, self._own_token)
        return f"Bearer {self._bindings.resolve(token)}"

    def _body(self, exchange: ExchangeRecord, message: str) -> tuple[list[Piece], str]:
        """Return the body and its media type."""
        if exchange.request_body is None:
            raise CannotRebuild("its body was not recorded to its end")
        size, body = exchange.request_body.size, exchange.request_body.body
        given = exchange.request.headers.get("content-type", "")
        kind = "" if is_left_out(given) else given
        match body.get("kind"):
            case None:
                return [], kind
            case "json" if "json" in body:
                value = self._json(body["json"], message, exchange)
                return [encode_json(value)], kind or "application/json"
            case "form" if body.get("is_readable"):
                pieces = made_form(body["parts"], is_refused=not _is_success(exchange))
                return pieces, f"multipart/form-data; boundary={BOUNDARY}"
            case "text":
                return [_NOT_JSON, max(0, size - len(_NOT_JSON))], kind
            case "media":
                return [size], kind
        raise CannotRebuild("its body was not recorded in a form that can be made again")

    def _json(self, body: Any, message: str, exchange: ExchangeRecord) -> Any:
        if isinstance(body, dict) and "urls" in body and _is_success(exchange):
            raise CannotRebuild("the addresses that it uploads from are not in the recording")
        value = self._value("", body, {"message": message} if message else {})
        draft = body.get("draft") if isinstance(body, dict) else None
        if isinstance(draft, dict):
            for before, now in reversed(self._drafts):
                if before == draft:
                    return {**value, "draft": now}
        return value

    def _value(self, key: str, value: Any, texts: dict[str, str]) -> Any:
        if isinstance(value, dict):
            return {made_text(name): self._value(name, held, texts) for name, held in value.items()}
        if isinstance(value, list):
            return [self._value(key, held, texts) for held in value]
        if isinstance(value, str):
            return self._text(key, value, texts)
        if key in ID_KEYS and isinstance(value, int) and not isinstance(value, bool):
            bound = self._bindings.resolve(str(value))
            return int(bound) if bound.isdecimal() else bound
        return value

    def _text(self, key: str, value: str, texts: dict[str, str]) -> Any:
        if value == "<nested>":
            raise CannotRebuild("its JSON is too deep")
        if value == "<number>":
            return 1
        if key in URL_KEYS and not is_left_out(value):
            return self._bindings.resolve(value) if self._bindings.is_bound(value) else value
        if key in ID_KEYS and value.strip() and not is_left_out(value):
            return self._bindings.resolve(value)
        if key == "text" and is_left_out(value):
            return texts.pop("message", "") or made_text(value)
        return made_text(value)


def foreign_tokens(exchanges: list[ExchangeRecord]) -> frozenset[str]:
    """Return the tokens that a server accepted and that no reply of the recording has issued."""
    issued = {token for one in exchanges for token in _issued(one.json)}
    used = {
        one.request.headers.get("authorization", "").removeprefix("Bearer ")
        for one in exchanges
        if one.endpoint and one.is_complete and _code(one) != _BAD_TOKEN and _needs_token(one)
    }
    return frozenset(used - issued - {""})


def _issued(value: Any) -> Iterator[str]:
    data = value.get("data") if isinstance(value, dict) else None
    token = data.get("token") if isinstance(data, dict) else None
    if isinstance(token, str):
        yield token


def _needs_token(exchange: ExchangeRecord) -> bool:
    return exchange.endpoint not in ("token", "claim_page") and exchange.status < 400


def _code(exchange: ExchangeRecord) -> Any:
    return exchange.json.get("code") if isinstance(exchange.json, dict) else None


def _is_success(exchange: ExchangeRecord) -> bool:
    return exchange.status < 400 and _code(exchange) in (0, None)


def _draft_of(reply: Any) -> Any:
    for key in ("data", "state", "draft"):
        reply = reply.get(key) if isinstance(reply, dict) else None
    return reply
