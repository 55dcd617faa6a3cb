"""Requests with somebody else's id: the server refuses them, and the client goes on as recorded.

Unlike other changes of a request these change the response, since no server may answer them
otherwise (GEN-3, GEN-7, SES-3, REN-8, REN-9).
"""

import re
from collections.abc import Iterator, Sequence

import msgspec

from nemolocal_contract.journal import Entry
from nemolocal_contract.responses import ResponseCode

from .client_change import ClientChange, numbered, replaced
from .expected_responses import refused

_OTHER_SESSION, _OTHER_RENDER = "9" * 19, "render_999"
_RENDER_ID = re.compile(r"render_\w+")
_SOURCE = re.compile(r'("src":")[^"]+')
_TASK = re.compile(r'("task_id":")[^"]+')
_RENDER_ENDPOINTS = ("render_status", "render_download", "render_cancel")


def with_other_sessions(entries: Sequence[Entry]) -> Iterator[ClientChange]:
    """Each session id is one that this client was never given."""
    for place, entry in enumerate(entries):
        session = entry.session_id
        if not session or entry.endpoint == "session":
            continue
        changed = _put(entry, session, _OTHER_SESSION)
        if changed is not entry:
            changed = msgspec.structs.replace(changed, session_id=None, render_id=None)
            yield _refused(entries, place, "other-session", changed, _unknown("session"))


def with_other_users(entries: Sequence[Entry]) -> Iterator[ClientChange]:
    """Each `me` in a path is another user's id."""
    for place, entry in enumerate(entries):
        changed = _put(entry, "/me/", "/anon_other/")
        if changed is not entry:
            yield _refused(entries, place, "other-user", changed, _unknown("session"))


def with_other_renders(entries: Sequence[Entry]) -> Iterator[ClientChange]:
    """Each poll, download and cancellation is about an export that this client never began."""
    for place, entry in enumerate(entries):
        if entry.endpoint in _RENDER_ENDPOINTS:
            url = _RENDER_ID.sub(_OTHER_RENDER, entry.url)
            changed = msgspec.structs.replace(entry, url=url, render_id=None)
            yield _refused(entries, place, "other-render", changed, _unknown("render"))


def with_other_tokens(entries: Sequence[Entry]) -> Iterator[ClientChange]:
    """Each token is one that the server does not know."""
    for place, entry in enumerate(entries):
        if entry.token_id is not None and entry.endpoint not in (None, "token"):
            changed = msgspec.structs.replace(
                entry, token_id=None, user_id=None, session_id=None, render_id=None
            )
            code = ResponseCode.BAD_TOKEN, "unknown token"
            yield _refused(entries, place, "other-token", changed, code)


def with_other_assets(entries: Sequence[Entry]) -> Iterator[ClientChange]:
    """The draft of each export uses media that this session has not."""
    for place, entry in enumerate(entries):
        if entry.endpoint != "render":
            continue
        body, count = _SOURCE.subn(r"\g<1>unknown", entry.request_body)
        if count:
            changed = msgspec.structs.replace(entry, request_body=body)
            code = ResponseCode.BAD_REQUEST, "draft.t.0.sg.0.src: unknown media"
            yield _refused(entries, place, "other-asset", changed, code)


def with_other_tasks(entries: Sequence[Entry]) -> Iterator[ClientChange]:
    """Each claim token is asked for with a task that this client has not."""
    for place, entry in enumerate(entries):
        if entry.endpoint == "claim_token":
            body = _TASK.sub(r"\g<1>unknown", entry.request_body)
            changed = msgspec.structs.replace(entry, request_body=body)
            yield _refused(entries, place, "other-task", changed, _unknown("task"))


def _unknown(what: str) -> tuple[int, str]:
    return ResponseCode.SESSION_NOT_FOUND, f"{what} not found"


def _put(entry: Entry, old: str, new: str) -> Entry:
    """Return the entry with another id in its URL and body; itself if it names none."""
    if old not in entry.url and old not in entry.request_body:
        return entry
    return msgspec.structs.replace(
        entry,
        url=entry.url.replace(old, new),
        request_body=entry.request_body.replace(old, new),
    )


def _refused(
    entries: Sequence[Entry], place: int, kind: str, entry: Entry, code: tuple[int, str]
) -> ClientChange:
    changed = replaced(entries, place, refused(entry, *code))
    return ClientChange(kind, place + 1, "", numbered(changed))
