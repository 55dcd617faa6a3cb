"""HAR 1.2 files as journals: our own with the server's state, those of others without it."""

import base64
import binascii
import re
from datetime import UTC, datetime
from typing import Any
from urllib.parse import SplitResult, urlsplit

import msgspec

from nemolocal_contract.endpoints import AUTHORIZATION, find_endpoint, parse_bearer_token
from nemolocal_contract.journal import Ending, Entry
from nemolocal_contract.plurals import pluralize
from nemolocal_contract.responses import decode_json

from ..evidence import redact_tokens
from .journal import MAX_ENTRIES, JournalUnreadable, LoadedJournal
from .recorded_call import TOKEN_PLACEHOLDER

_LOOPBACK = re.compile(r"(?:localhost|127\.[\d.]+|\[::1\])(?::\d+)?$")


class _HarNameValue(msgspec.Struct, frozen=True):
    name: str
    value: str = ""


class _HarContent(msgspec.Struct, frozen=True):
    size: float = 0
    text: str = ""
    encoding: str = ""


class _HarParam(msgspec.Struct, frozen=True, rename={"file_name": "fileName"}):
    name: str = ""
    file_name: str = ""


class _HarPostData(msgspec.Struct, frozen=True, rename={"mime_type": "mimeType"}):
    mime_type: str = ""
    text: str = ""
    params: list[_HarParam] = []


class _HarRequest(
    msgspec.Struct, frozen=True, rename={"body_size": "bodySize", "post_data": "postData"}
):
    method: str
    url: str
    headers: list[_HarNameValue] = []
    body_size: float = 0
    post_data: _HarPostData | None = None


class _HarResponse(msgspec.Struct, frozen=True, rename={"body_size": "bodySize"}):
    status: int = 0
    headers: list[_HarNameValue] = []
    content: _HarContent = _HarContent()
    body_size: float = 0


class _HarEntry(
    msgspec.Struct,
    frozen=True,
    rename={"started": "startedDateTime", "truth": "_nemolocal", "error": "_error"},
):
    started: str
    request: _HarRequest
    response: _HarResponse
    time: float = 0.0
    truth: dict[str, Any] | None = None
    error: str | None = None


class _HarLog(msgspec.Struct, frozen=True):
    entries: list[_HarEntry]


def read_har(log: object) -> LoadedJournal:
    """Read the `log` of a HAR file; raises `JournalUnreadable` with the place of the error."""
    try:
        items = msgspec.convert(log, _HarLog, strict=False).entries
    except msgspec.ValidationError as error:
        raise JournalUnreadable(f"line 1: not a HAR file: {error}") from None
    if len(items) > MAX_ENTRIES:
        raise JournalUnreadable(f"line 1: more than {MAX_ENTRIES:,} entries")
    ours = bool(items) and all(item.truth is not None for item in items)
    if ours:
        return LoadedJournal(
            tuple(_own_entry(item, number) for number, item in enumerate(items, 1))
        )
    return LoadedJournal(
        _HarEntryReader(items).entries(), has_endings=False, has_server_state=False
    )


def _own_entry(item: _HarEntry, number: int) -> Entry:
    fields = {
        **(item.truth or {}),
        "request_headers": _headers(item.request.headers),
        "request_body": item.request.post_data.text if item.request.post_data else "",
        "request_size": max(0, int(item.request.body_size)),
        "response_headers": _headers(item.response.headers),
        "response_body": item.response.content.text,
        "response_size": max(0, int(item.response.body_size)),
    }
    try:
        return msgspec.convert(fields, Entry)
    except msgspec.ValidationError as error:
        raise JournalUnreadable(f"entry {number}: {error}") from None


class _HarEntryReader:
    """Makes journal entries of what a browser or proxy recorded; tokens become numbers."""

    def __init__(self, items: list[_HarEntry]) -> None:
        self._items = items
        self._numbers: dict[str, int] = {}
        self._users: dict[int, str] = {}
        self._host = next((_host(i) for i in items if _endpoint(i) is not None), "")

    def entries(self) -> tuple[Entry, ...]:
        return tuple(self._entry(item, number) for number, item in enumerate(self._items, 1))

    def _entry(self, item: _HarEntry, number: int) -> Entry:
        sent, response = _headers(item.request.headers), _headers(item.response.headers)
        own = parse_bearer_token(sent.get(AUTHORIZATION.lower())) or ""
        body, reply = _body(item.request), _reply(item.response.content)
        token = self._token(item, own, reply)
        started = _seconds(item.started, number)
        return Entry(
            id=number,
            started=started,
            ended=started + max(0.0, item.time) / 1000,
            ending=_ending(item),
            method=item.request.method,
            url=_redact(self._url(item), own),
            endpoint=_endpoint(item) if _host(item) == self._host else None,
            status=max(0, item.response.status),
            code=_code(item.response.status, reply),
            rules=(),
            faults=(),
            token_id=token,
            user_id=self._users.get(token) if token is not None else None,
            session_id=None,
            render_id=None,
            turn=None,
            credits_before=None,
            credits_after=None,
            draft_before=None,
            draft_after=None,
            request_headers=_redact_headers(sent, own),
            request_body=_redact(body, own),
            request_size=max(0, int(item.request.body_size)),
            response_headers=_redact_headers(response, own),
            response_body=_redact(reply, own),
            response_size=len(reply.encode()),
            chunks=(),
            # If this was a local server, nobody knows the speed of its clock.
            speed=None if _LOOPBACK.match(self._host) else 1.0,
        )

    def _url(self, item: _HarEntry) -> str:
        """Return path and query for the server that is called, the whole URL for any other."""
        if _host(item) != self._host:
            return item.request.url
        parts = _parts(item)
        return f"{parts.path}?{parts.query}" if parts.query else parts.path

    def _token(self, item: _HarEntry, own: str, reply: str) -> int | None:
        """Return a number for the token that was sent or issued."""
        data = _data(reply) if _endpoint(item) in ("token", "session") else {}
        text = str(data.get("token") or "") if _endpoint(item) == "token" else own
        if not text:
            return None
        number = self._numbers.setdefault(text, len(self._numbers) + 1)
        if data.get("user_id"):
            self._users[number] = str(data["user_id"])
        return number


def _parts(item: _HarEntry) -> SplitResult:
    try:
        return urlsplit(item.request.url)
    except ValueError:  # no URL at all
        return urlsplit("")


def _endpoint(item: _HarEntry) -> str | None:
    found = find_endpoint(item.request.method, _parts(item).path)
    return found[0] if found else None


def _host(item: _HarEntry) -> str:
    return _parts(item).netloc.rpartition("@")[2].lower()


def _ending(item: _HarEntry) -> Ending:
    return "complete" if item.response.status > 0 and not item.error else "cut by server"


def _body(request: _HarRequest) -> str:
    """Return the body as our own journals have it: of a form only its size and its files."""
    sent = request.post_data
    if sent is None:
        return ""
    if not sent.mime_type.startswith("multipart/"):
        return sent.text
    found = re.findall(r'filename="([^"\r\n]{1,200})"', sent.text)
    names = [param.file_name for param in sent.params if param.file_name] or found
    files = f", files {', '.join(map(repr, names))}" if names else ""
    return f"<multipart/form-data: {pluralize(max(0, int(request.body_size)), 'byte')}{files}>"


def _reply(content: _HarContent) -> str:
    if content.encoding != "base64":
        return content.text
    try:
        return base64.b64decode(content.text).decode(errors="replace")
    except (binascii.Error, ValueError):
        return ""


def _code(status: int, reply: str) -> int | None:
    if status <= 0:
        return None
    body = _object(reply)
    if type(body.get("code")) is int:
        return int(body["code"])
    return status if status >= 400 else 0


def _data(reply: str) -> dict[str, Any]:
    data = _object(reply).get("data")
    return data if isinstance(data, dict) else {}


def _object(text: str) -> dict[str, Any]:
    try:
        body = decode_json(text) if text[:1] == "{" else None
    except (msgspec.DecodeError, RecursionError):
        return {}
    return body if isinstance(body, dict) else {}


def _headers(pairs: list[_HarNameValue]) -> dict[str, str]:
    found: dict[str, str] = {}
    for pair in pairs:
        name = pair.name.lower()
        found[name] = f"{found[name]}, {pair.value}" if name in found else pair.value
    return found


def _redact_headers(headers: dict[str, str], own: str) -> dict[str, str]:
    secret = AUTHORIZATION.lower()
    return {
        name: f"Bearer {TOKEN_PLACEHOLDER}" if name == secret and own else _redact(value, own)
        for name, value in headers.items()
        if "cookie" not in name
    }


def _redact(text: str, own: str) -> str:
    return redact_tokens(text.replace(own, TOKEN_PLACEHOLDER) if len(own) >= 8 else text)


def _seconds(text: str, number: int) -> float:
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        raise JournalUnreadable(
            f"entry {number}: startedDateTime is not a time: {text!r}"
        ) from None
    return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp()
