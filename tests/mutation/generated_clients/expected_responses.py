"""What a server answers to a request that is repeated: a model of a few lines.

All other changes keep the recorded response, so that nothing but the request can tell.
"""

import re
from collections.abc import Callable

import msgspec

from nemolocal_contract.journal import Entry
from nemolocal_contract.responses import ResponseCode

_SESSION_ID = re.compile(r'("session_id":")(\d)')


def response_to_repetition(entry: Entry) -> Entry:
    """Return the entry of the same request, sent again."""
    change = _REPETITIONS.get(entry.endpoint or "") if entry.code == ResponseCode.OK else None
    return change(entry) if change else entry


def refused(entry: Entry, code: int, message: str) -> Entry:
    """Return an entry whose request was refused."""
    body = f'{{"code":{code},"message":"{message}","data":null}}'
    return msgspec.structs.replace(
        entry,
        status=code if code < 1000 else 200,
        code=code,
        turn=None,
        response_body=body,
        response_headers={"content-type": "application/json"},
        response_size=len(body),
        chunks=(),
    )


def _limited(entry: Entry) -> Entry:
    """A second token for the same client id (AUTH-3)."""
    limited = refused(entry, ResponseCode.RATE_LIMITED, "one token in 7 days")
    return msgspec.structs.replace(limited, token_id=None, user_id=None)


def _another_session(entry: Entry) -> Entry:
    """Another session: its id begins with another digit (SES-1)."""
    body = _SESSION_ID.sub(_with_next_digit, entry.response_body)
    found = re.search(r'"session_id":"(\d+)"', body)
    return msgspec.structs.replace(
        entry, response_body=body, session_id=found.group(1) if found else entry.session_id
    )


def _with_next_digit(found: re.Match[str]) -> str:
    return f"{found.group(1)}{int(found.group(2)) % 9 + 1}"


def _duplicate(entry: Entry) -> Entry:
    """An id that was used before (REN-6)."""
    return refused(entry, ResponseCode.BAD_REQUEST, "duplicate id")


_REPETITIONS: dict[str, Callable[[Entry], Entry]] = {
    "token": _limited,
    "session": _another_session,
    "render": _duplicate,
}
