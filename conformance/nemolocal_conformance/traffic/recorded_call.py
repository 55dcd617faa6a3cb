"""One recorded exchange as client checks see it: the request, its target and its response."""

import functools
import re
from typing import Any

import msgspec

from nemolocal_contract.endpoints import AUTHORIZATION, CLIENT_ID, endpoints
from nemolocal_contract.journal import Entry
from nemolocal_contract.responses import ResponseCode, decode_json

TOKEN_PLACEHOLDER = "[token]"
"""What stands in a journal for the value of a token."""


class RecordedCall:
    """A parsed journal entry: missing ids are "", bodies that are not JSON are None."""

    def __init__(self, entry: Entry) -> None:
        self.entry = entry

    def __repr__(self) -> str:
        return f"RecordedCall({self.label}, {self.code})"

    @property
    def id(self) -> int:
        return self.entry.id

    @property
    def endpoint(self) -> str:
        """The name of the contract's endpoint, "" for any other path."""
        return self.entry.endpoint or ""

    @property
    def label(self) -> str:
        """A short description: `12 POST /run_sse`."""
        return f"{self.id} {self.entry.method} {self.path[:120]}"

    @property
    def path(self) -> str:
        return self.entry.url.partition("?")[0]

    @property
    def code(self) -> int | None:
        return self.entry.code

    @property
    def is_ok(self) -> bool:
        """Whether it succeeded, and the response reached the client."""
        return self.entry.code == ResponseCode.OK and self.entry.ending == "complete"

    @property
    def token_id(self) -> int | None:
        return self.entry.token_id

    @property
    def is_anonymous(self) -> bool:
        """Whether the token is known to be an anonymous one (AUTH-1)."""
        return (self.entry.user_id or "").startswith("anon_")

    @property
    def has_manual_token(self) -> bool:
        """Whether the token is known not to be an anonymous one."""
        return self.entry.user_id is not None and not self.is_anonymous

    @property
    def client_id(self) -> str:
        return self.header(CLIENT_ID).strip()

    @property
    def has_bearer(self) -> bool:
        return self.header(AUTHORIZATION).lower().startswith("bearer ")

    def header(self, name: str) -> str:
        """Return a header of the request without the spaces around it, "" if it is missing."""
        return self.entry.request_headers.get(name.lower(), "").strip()

    @functools.cached_property
    def request_json(self) -> Any:
        """The JSON of the request, None if it has none."""
        return _json(self.entry.request_body)

    @functools.cached_property
    def response_json(self) -> Any:
        """The JSON of the response, None if it has none."""
        return _json(self.entry.response_body)

    @functools.cached_property
    def session_id(self) -> str:
        """The id of the session, as the client sent it."""
        named = _named(self.path, "session") or _text(self.request_json, "session_id")
        return named or _text(self.request_json, "sessionId") or self.entry.session_id or ""

    @functools.cached_property
    def render_id(self) -> str:
        """The id of the render, as the client sent it."""
        named = _named(self.path, "render") if self.endpoint.startswith("render_") else ""
        if self.endpoint == "render":
            named = _text(self.request_json, "id")
        return named or self.entry.render_id or ""

    @functools.cached_property
    def message(self) -> str:
        """The message to the chat."""
        new = self.request_json.get("new_message") if isinstance(self.request_json, dict) else None
        parts = new.get("parts") if isinstance(new, dict) else None
        said = [_text(part, "text") for part in parts] if isinstance(parts, list) else []
        told = self.entry.turn.message if self.entry.turn else ""
        return "\n".join(filter(None, said)) or told

    @functools.cached_property
    def render_reply(self) -> dict[str, Any]:
        """A render reply of either shape as one flat object (REN-4); empty if there is none."""
        body = self.response_json if isinstance(self.response_json, dict) else {}
        data = body.get("data")
        if isinstance(data, dict):
            return {**data, "output": {"url": data.get("outputUrl")}}
        return body

    @functools.cached_property
    def request_key(self) -> tuple[str, ...]:
        """A key of the request without its token: a repetition has the same key."""
        what: tuple[str, ...] = (self.entry.request_body,)
        if self.endpoint == "render":
            what = (self.session_id,)
        elif self.endpoint == "upload" and self.request_json is None:
            # A form is identified by its files: its boundary changes, but not its length.
            names = self.entry.request_body.partition(" bytes, ")[2]
            what = (names, self.header("content-length"))
        return self.endpoint, self.entry.method, self.path, *what

    @property
    def endpoint_key(self) -> tuple[str, ...]:
        """A key of the endpoint and path, whatever the body."""
        return self.endpoint, self.entry.method, self.path

    @property
    def is_body_unread(self) -> bool:
        """Whether it was rejected before the server read its body, which is unknown then."""
        announced = self.header("transfer-encoding") or self.header("content-length")
        return not self.entry.request_body and announced not in ("", "0")

    @property
    def state(self) -> Any:
        """The state that a state read returned, None if it cannot be read any more."""
        data = self.response_json.get("data") if isinstance(self.response_json, dict) else None
        return data.get("state") if isinstance(data, dict) else None

    @property
    def new_session_id(self) -> str:
        """The id of the session that it opened."""
        data = self.response_json.get("data") if isinstance(self.response_json, dict) else None
        return _text(data, "session_id")


def url_path(url: str) -> str:
    """Return the path of a URL; a journal entry has nothing else of it."""
    rest = url.partition("://")[2]
    path = f"/{rest.partition('/')[2]}" if rest else url
    return path.partition("?")[0]


def _named(path: str, name: str) -> str:
    found = _patterns(name).match(path)
    return next(filter(None, found.groups()), "") if found else ""


@functools.cache
def _patterns(name: str) -> re.Pattern[str]:
    """Return a pattern of all templates of the contract with this parameter."""
    templates = {e.template for e in endpoints().values() if f"{{{name}}}" in e.template}
    found = "|".join(_pattern(template, name) for template in sorted(templates))
    return re.compile(f"(?:{found})$")


def _pattern(template: str, name: str) -> str:
    escaped = re.escape(template).replace(rf"\{{{name}\}}", "([^/]+)")
    return re.sub(r"\\\{\w+\\\}", "[^/]+", escaped)


def _text(body: Any, name: str) -> str:
    value = body.get(name) if isinstance(body, dict) else None
    return value if isinstance(value, str) else ""


def _json(text: str) -> Any:
    try:
        return decode_json(text) if text[:1] in "{[" else None
    except (msgspec.DecodeError, RecursionError):
        return None
