"""The journal over HTTP: read it in three formats, summarise it, clear it (control API)."""

import asyncio
from collections.abc import AsyncIterator, Iterator

import msgspec
from starlette.requests import Request
from starlette.responses import Response, StreamingResponse

from nemolocal_contract.control_api import Cleared

from ...errors import bad_request
from ...journal.journal_formats import MEDIA_TYPES, JournalFormat, write_journal
from ...journal.journal_repository import JournalQuery
from ...request_context import services_of
from ...responses import json_response
from ...version import installed_version

_DEFAULT_FORMAT: JournalFormat = "json"


async def read_journal(request: Request) -> Response:
    """Return the entries, oldest first; `?format=json` (default), `jsonl` or `har`.

    Filters are `token_id`, `user_id`, `endpoint`, `session`, `since` (an entry id: only later
    ones) and `limit`.
    """
    kind = request.query_params.get("format", _DEFAULT_FORMAT)
    if kind not in MEDIA_TYPES:
        raise bad_request(f"query: `format` must be one of {', '.join(MEDIA_TYPES)}")
    journal = services_of(request).journal
    entries = journal.read_entries(_query(request))
    chunks = write_journal(kind, entries, journal.dropped, installed_version())
    return StreamingResponse(_in_event_loop(chunks), media_type=MEDIA_TYPES[kind])


async def summarise_journal(request: Request) -> Response:
    """Return counts and what the cloud would have charged; with the same filters."""
    return json_response(services_of(request).summarise(_query(request)))


async def clear_journal(request: Request) -> Response:
    """Delete all entries."""
    return json_response(Cleared(services_of(request).journal.clear()))


def _query(request: Request) -> JournalQuery:
    filters = {name: value for name, value in request.query_params.items() if name != "format"}
    try:
        return msgspec.convert(filters, JournalQuery, strict=False)
    except msgspec.ValidationError as error:
        raise bad_request(f"query: {error}") from error


async def _in_event_loop(chunks: Iterator[bytes]) -> AsyncIterator[bytes]:
    # Starlette reads a plain iterator in another thread, and the store belongs to this one.
    for chunk in chunks:
        yield chunk
        await asyncio.sleep(0)  # let other requests run between the chunks of a long journal
