"""The journal over HTTP: read it in three formats, sum it up, forget it."""

import asyncio
from collections.abc import AsyncIterator, Iterator

import msgspec
from starlette.requests import Request
from starlette.responses import Response, StreamingResponse

from nemolocal_contract.control_api import Cleared

from ...errors import bad_request
from ...journal.journal_formats import MEDIA_TYPES, JournalFormat, write_journal
from ...journal.journal_repository import JournalQuery
from ...responses import json_response
from ...version import installed_version
from ..request_dependencies import services_of

_DEFAULT_FORMAT: JournalFormat = "json"


async def read_journal(request: Request) -> Response:
    """The entries that are wanted, oldest first; `?format=json` (default), `jsonl` or `har`.

    Filters are `token_id`, `user_id`, `endpoint`, `session`, `since` (an entry's id: only later
    ones) and `limit`.
    """
    kind = request.query_params.get("format", _DEFAULT_FORMAT)
    if kind not in MEDIA_TYPES:
        raise bad_request(f"query: `format` must be one of {', '.join(MEDIA_TYPES)}")
    journal = services_of(request).journal
    written = write_journal(
        kind, journal.read_entries(_wanted(request)), journal.dropped, installed_version()
    )
    return StreamingResponse(_on_this_thread(written), media_type=MEDIA_TYPES[kind])


async def summarise_journal(request: Request) -> Response:
    """Counts, and what the cloud would have taken; the same filters."""
    return json_response(services_of(request).summarise(_wanted(request)))


async def clear_journal(request: Request) -> Response:
    """Forget all entries; what is asked from now on is a new run."""
    return json_response(Cleared(services_of(request).journal.clear()))


def _wanted(request: Request) -> JournalQuery:
    given = {name: value for name, value in request.query_params.items() if name != "format"}
    try:
        return msgspec.convert(given, JournalQuery, strict=False)
    except msgspec.ValidationError as error:
        raise bad_request(f"query: {error}") from error


async def _on_this_thread(written: Iterator[bytes]) -> AsyncIterator[bytes]:
    # A plain iterator would be read in a thread of the pool, and the store belongs to this one.
    for piece in written:
        yield piece
        await asyncio.sleep(0)  # a long journal is no reason to let others wait
