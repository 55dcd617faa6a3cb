"""Requests with another header, URL or body.

The response stays as it was recorded: that the server took the request gives the client away by
nothing but the request itself. Only the fields that say who called are worked out anew.
"""

import json
from collections.abc import Iterator, Sequence
from typing import Any

import msgspec

from nemolocal_contract.journal import Entry

from .client_change import FILE, ClientChange, endpoint_of, numbered, replaced

# Other values of a header, by its name in lower case; any other header gets the last.
_VALUES: dict[str, dict[str, str]] = {
    "authorization": {"no-token": "Bearer", "other-scheme": "Token [token]", "bare": "[token]"},
    "x-client-id": {"empty": "", "too-long": "x" * 65, "another": "another-client"},
    "x-skill-source": {"empty": "", "another": "another-skill"},
    "x-skill-version": {"empty": "", "another": "9.9.9"},
    "x-skill-platform": {"empty": "", "another": "terminal"},
    "accept": {"json": "application/json", "empty": ""},
    "content-type": {"text": "text/plain"},
}
_NOBODY: dict[str, Any] = {"token_id": None, "user_id": None}
_ANOTHER = {"another": "another"}
_MESSAGES = {
    "export": "export", "download": "download the video", "export-zh": "导出", "credits": "credits",
    "balance-zh": "余额", "status": "show tracks", "status-zh": "状态", "upload": "upload",
    "upload-zh": "上传", "file": "clip.mp4", "click": "Click the Export button",
    "open-zh": "打开面板", "token": "my token is [token]",
}  # fmt: skip


def without_headers(entries: Sequence[Entry]) -> Iterator[ClientChange]:
    """Each header of each request is left out."""
    for place, entry in enumerate(entries):
        for name in entry.request_headers:
            left = {n: v for n, v in entry.request_headers.items() if n != name}
            if name == "content-length" and entry.request_headers[name] != "0":
                left["transfer-encoding"] = "chunked"  # a body is announced by one of them
            yield _changed(entries, place, "drop-header", _title(name), _with(entry, left))


def with_other_headers(entries: Sequence[Entry]) -> Iterator[ClientChange]:
    """Each header of each request has another value; downloads are sent the token."""
    for place, entry in enumerate(entries):
        for name in entry.request_headers:
            for detail, value in _VALUES.get(name, _ANOTHER).items():
                headers = {**entry.request_headers, name: value}
                label = f"{_title(name)}={detail}"
                yield _changed(entries, place, "change-header", label, _with(entry, headers))
        if endpoint_of(entry) == FILE:
            headers = {**entry.request_headers, "authorization": "Bearer [token]"}
            sent = msgspec.structs.replace(entry, request_headers=headers)
            yield _changed(entries, place, "add-header", "Authorization", sent)


def with_token_in_url(entries: Sequence[Entry]) -> Iterator[ClientChange]:
    """The token is in the query of each URL."""
    for place, entry in enumerate(entries):
        url = f"{entry.url}{'&' if '?' in entry.url else '?'}token=[token]"
        shown = msgspec.structs.replace(entry, url=url, rules=(*entry.rules, "GEN-5"))
        yield _changed(entries, place, "token-in-url", "", shown)


def with_other_bodies(entries: Sequence[Entry]) -> Iterator[ClientChange]:
    """Each field of each JSON body is left out, null, empty, or of another type."""
    for place, entry in enumerate(entries):
        body = _json(entry.request_body)
        if not isinstance(body, dict):
            continue
        for path in _paths(body):
            name = ".".join(map(str, path))
            found = {"drop-field": _without(body, path), "null-field": _put(body, path, None)}
            value = _get(body, path)
            found["type-field"] = _put(body, path, 7 if not isinstance(value, int) else "7")
            if isinstance(value, str | list | dict):
                found["empty-field"] = _put(body, path, type(value)())
            for kind, changed in found.items():
                sent = msgspec.structs.replace(entry, request_body=_dumps(changed))
                yield _changed(entries, place, kind, name, sent)


def with_other_messages(entries: Sequence[Entry]) -> Iterator[ClientChange]:
    """Each message is one that another endpoint is for (CLI-2), or tells the token."""
    for place, entry in enumerate(entries):
        body = _json(entry.request_body)
        if entry.endpoint != "chat" or not isinstance(body, dict):
            continue
        for detail, text in _MESSAGES.items():
            changed = _put(body, ("new_message", "parts", 0, "text"), text)
            turn = entry.turn and msgspec.structs.replace(entry.turn, message=text)
            sent = msgspec.structs.replace(entry, request_body=_dumps(changed), turn=turn)
            yield _changed(entries, place, "change-message", detail, sent)


def _changed(
    entries: Sequence[Entry], place: int, kind: str, detail: str, entry: Entry
) -> ClientChange:
    return ClientChange(kind, place + 1, detail, numbered(replaced(entries, place, entry)))


def _with(entry: Entry, headers: dict[str, str]) -> Entry:
    """Return an entry with these headers, and what the journal says of a request with them."""
    bearer = entry.endpoint == "token" or headers.get("authorization", "").startswith("Bearer [")
    known: dict[str, Any] = {} if bearer or not entry.token_id else _NOBODY
    if entry.endpoint == "upload" and not headers.get("content-type", "").startswith("multi"):
        form = (
            "--boundary" if "content-type" in headers else f"<binary: {entry.request_size} bytes>"
        )
        known = {**known, "request_body": form}
    return msgspec.structs.replace(entry, request_headers=headers, **known)


def _title(name: str) -> str:
    return "-".join(word.capitalize() for word in name.split("-"))


Path = tuple[str | int, ...]


def _paths(body: dict[str, Any]) -> Iterator[Path]:
    """Return the paths of all fields of a request; a draft is one value (REN-1)."""
    for name, value in body.items():
        yield (name,)
        if name == "new_message" and isinstance(value, dict):
            yield (name, "parts")
            yield (name, "parts", 0)
            yield (name, "parts", 0, "text")
        elif name == "output" and isinstance(value, dict):
            yield from ((name, key) for key in value)
        elif name == "draft" and isinstance(value, dict) and "t" in value:
            yield (name, "t")


def _get(body: Any, path: Path) -> Any:
    for key in path:
        body = body[key]
    return body


def _put(body: dict[str, Any], path: Path, value: Any) -> dict[str, Any]:
    copied: dict[str, Any] = json.loads(_dumps(body))
    _get(copied, path[:-1])[path[-1]] = value
    return copied


def _without(body: dict[str, Any], path: Path) -> dict[str, Any]:
    copied: dict[str, Any] = json.loads(_dumps(body))
    del _get(copied, path[:-1])[path[-1]]
    return copied


def _dumps(body: Any) -> str:
    return json.dumps(body, ensure_ascii=False, separators=(",", ":"))


def _json(text: str) -> Any:
    return json.loads(text) if text.startswith("{") else None
