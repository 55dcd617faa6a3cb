"""The page *Journal*: the paged list, an entry, replay and exports."""

import asyncio
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from typing import Any
from urllib.parse import urlencode

import msgspec
from starlette.requests import Request
from starlette.responses import Response, StreamingResponse
from starlette.routing import BaseRoute, Route

from nemolocal_contract.endpoints import CONTROL_PREFIX, UI_PREFIX, endpoints
from nemolocal_contract.html_page import read_colors
from nemolocal_contract.journal import Entry
from nemolocal_contract.responses import ResponseCode
from nemolocal_server.errors import ContractError, bad_request
from nemolocal_server.faults.catalogue import CATALOGUE
from nemolocal_server.journal.journal_formats import MEDIA_TYPES, JournalFormat, write_journal
from nemolocal_server.journal.journal_search import JournalFilter, JournalSearch
from nemolocal_server.request_context import base_url, services_of
from nemolocal_server.responses import json_response
from nemolocal_server.version import installed_version

from .entry_detail import EntryDetail, build_detail
from .journal_rows import build_rows, format_duration, format_size
from .page_rendering import fragment_response, render_fragment, render_response, texts_of
from .replay import plan_replay, start_replay

ScenarioWriter = Callable[[Sequence[Entry], str], str]
"""Returns a scenario file with scripted replies made from entries, with this description."""
RedactorMaker = Callable[[], Callable[[Entry], Entry]]
"""Makes a function that redacts the entries of one export by an allowlist."""

PAGE_SIZE = 50
"""Rows in a page of the list."""
MAX_HEAD = 2 * PAGE_SIZE
"""Rows that are added to the list at once; if there are more, the list begins anew."""
_MAX_PAGE = 10**6
_MAX_DIGITS = 15
_EXPORTS: dict[str, JournalFormat] = {
    "jsonl": "jsonl", "har": "har", "redacted": "jsonl", "redacted_har": "har",
}  # fmt: skip
_REDACTED_NAMES = {"redacted": "journal-redacted.jsonl", "redacted_har": "journal-redacted.har"}
# An HTML file with more entries is slow to open.
_MAX_HTML_ENTRIES = 2_000


def routes(write_scenario: ScenarioWriter, make_redactor: RedactorMaker) -> list[BaseRoute]:
    """Return the routes of the page."""
    pages = _JournalPages(write_scenario, make_redactor)
    path = f"{UI_PREFIX}/journal"
    return [
        Route(path, pages.show),
        Route(f"{path}/rows", pages.rows),
        Route(f"{path}/count", pages.count),
        Route(f"{path}/entries/{{entry}}", pages.entry),
        Route(f"{path}/entries/{{entry}}/replay", pages.replay, methods=["POST"]),
        Route(f"{path}/export", pages.export),
    ]


class _JournalPages:
    def __init__(self, write_scenario: ScenarioWriter, make_redactor: RedactorMaker) -> None:
        self._write_scenario = write_scenario
        self._make_redactor = make_redactor

    async def show(self, request: Request) -> Response:
        """Show the newest entries, and the entry of `?open=`."""
        search, wanted = _search(request), _filter(request)
        opened = _number(request, "open", 0)
        entry = search.find(opened) if opened else None
        return render_response(
            request,
            "journal.html",
            title="nav_journal",
            active="journal",
            filter=wanted,
            query=_query(wanted),
            endpoint_names=_endpoint_names(),
            fault_names=list(CATALOGUE),
            clients=search.recent_clients(),
            detail=None if entry is None else self._detail(request, entry),
            is_gone=bool(opened) and entry is None,
            **_rows(search, wanted, search.newest_id, 0),
        )

    async def rows(self, request: Request) -> Response:
        """Return a page of rows; `until` is the newest entry to include, `page` counts from 0.

        With `since`, return the rows of all later entries instead; if they are too many, or if that
        entry is not there yet after a reset, the first page.
        """
        search, wanted = _search(request), _filter(request)
        until = _number(request, "until", search.newest_id)
        since = _number(request, "since", until + 1)
        values = _head(search, wanted, since, until) if since <= until else None
        if values is None:
            page = min(_number(request, "page", 0), _MAX_PAGE)
            values = _rows(search, wanted, until, page)
        return fragment_response(request, "_journal_rows.html", query=_query(wanted), **values)

    async def count(self, request: Request) -> Response:
        """Return the number of matching entries after the entry `since`."""
        search, wanted = _search(request), _filter(request)
        newest, since = search.newest_id, _number(request, "since", 0)
        return json_response({"new": search.count(wanted, newest, since), "newest": newest})

    async def entry(self, request: Request) -> Response:
        """Return the detail of an entry."""
        entry = _find(request)
        return fragment_response(
            request, "_entry_detail.html", detail=self._detail(request, entry), **_FORMATS
        )

    async def replay(self, request: Request) -> Response:
        """Send the request of an entry again; 400 if that is impossible, 202 once started."""
        entry = _find(request)
        plan = plan_replay(services_of(request), entry)
        if plan.problem:
            raise bad_request(texts_of(request)(plan.problem))
        start_replay(request, entry)
        return json_response({"replay_of": entry.id}, 202)

    async def export(self, request: Request) -> Response:
        """Return the matching entries as a file.

        `format` is jsonl, har or html, or without texts and ids redacted (JSON Lines) or
        redacted_har.
        """
        kind = request.query_params.get("format", "")
        search, wanted = _search(request), _filter(request)
        services_of(request).journal.flush()
        until = search.newest_id
        if kind == "html":
            chunks, media_type = self._html(request, search, wanted), "text/html; charset=utf-8"
        elif (chosen := _EXPORTS.get(kind)) is not None:
            entries = search.read(wanted, until)
            if kind in _REDACTED_NAMES:
                entries = map(self._make_redactor(), entries)
            dropped = services_of(request).journal.dropped
            chunks = write_journal(chosen, entries, dropped, installed_version())
            media_type = MEDIA_TYPES[chosen]
        else:
            raise bad_request(
                "query: `format` must be one of jsonl, har, html, redacted, redacted_har"
            )
        name = _REDACTED_NAMES.get(kind, f"journal.{kind}")
        headers = {"content-disposition": f'attachment; filename="{name}"'}
        return StreamingResponse(_in_event_loop(chunks), headers=headers, media_type=media_type)

    def _html(
        self, request: Request, search: JournalSearch, wanted: JournalFilter
    ) -> Iterator[bytes]:
        """Yield the parts of one HTML file that opens offline."""
        until = search.newest_id
        total = search.count(wanted, until)
        shown = min(total, _MAX_HTML_ENTRIES)
        yield render_fragment(
            request,
            "export_head.html",
            styles=_styles(),
            total=total,
            shown=shown,
            query=_query(wanted),
        ).encode()
        for page in range(-(-shown // PAGE_SIZE)):
            for entry in search.page(wanted, until, page * PAGE_SIZE, PAGE_SIZE):
                detail = self._detail(request, entry)
                yield render_fragment(
                    request, "export_entry.html", detail=detail, **{**_FORMATS, "offline": True}
                ).encode()
        yield b"</main>\n</html>\n"

    def _detail(self, request: Request, entry: Entry) -> EntryDetail:
        scenario = ""
        if entry.endpoint == "chat":
            scenario = self._write_scenario([entry], f"The reply of journal entry {entry.id}.")
        language = texts_of(request).language
        return build_detail(services_of(request), entry, base_url(request), language, scenario)


# The functions with which templates format values.
_FORMATS = {"format_duration": format_duration, "format_size": format_size, "offline": False}


def _search(request: Request) -> JournalSearch:
    return JournalSearch(services_of(request).context.store)


def _rows(search: JournalSearch, wanted: JournalFilter, until: int, page: int) -> dict[str, Any]:
    """Return what the template of a page of rows needs."""
    entries = search.page(wanted, until, page * PAGE_SIZE, PAGE_SIZE)
    return {
        "page": page,
        "page_size": PAGE_SIZE,
        "until": until,
        "total": search.count(wanted, until),
        **_listed(search, entries, page * PAGE_SIZE),
    }


def _head(
    search: JournalSearch, wanted: JournalFilter, since: int, until: int
) -> dict[str, Any] | None:
    """Return what the template needs for the rows after `since`; None if they are too many.

    Without the total if there is a filter: counting would read the whole journal each time.
    """
    entries = search.page(wanted, until, 0, MAX_HEAD + 1, since)
    if len(entries) > MAX_HEAD:
        return None
    return {
        "page": "head",
        "until": until,
        "total": None if _query(wanted) else search.count(wanted, until),
        **_listed(search, entries, 0),
    }


def _listed(search: JournalSearch, entries: Sequence[Entry], before: int) -> dict[str, Any]:
    """Return the rows of entries before which there are that many in the list."""
    rows, axis = build_rows(entries)
    # The first row of the table has the names of the columns.
    first_row = before + 1
    oldest = search.oldest_id
    return {"rows": rows, "axis": axis, "first_row": first_row, "oldest": oldest, **_FORMATS}


def _filter(request: Request) -> JournalFilter:
    """Return the filters of the query, which are those of `JournalFilter`."""
    known = JournalFilter.__struct_fields__
    given = {name: value for name, value in request.query_params.items() if name in known}
    try:
        return msgspec.convert(given, JournalFilter)
    except msgspec.ValidationError as error:
        raise bad_request(f"query: {error}") from error


def _query(wanted: JournalFilter) -> str:
    """Return the filters as a query string, "" if there are none."""
    return urlencode(msgspec.to_builtins(wanted))


def _number(request: Request, name: str, default: int) -> int:
    text = request.query_params.get(name, "")
    if not text:
        return default
    if not _is_number(text):
        raise bad_request(f"query: `{name}` must be a non-negative number")
    return int(text)


def _find(request: Request) -> Entry:
    text = request.path_params["entry"]
    entry = _search(request).find(int(text)) if _is_number(text) else None
    if entry is None:
        raise ContractError(ResponseCode.NOT_FOUND, f"the journal has no entry {text[:20]!r}")
    return entry


def _is_number(text: str) -> bool:
    """Return whether this is a number that the database can hold."""
    return text.isdecimal() and text.isascii() and len(text) <= _MAX_DIGITS


def _endpoint_names() -> list[str]:
    """Return the endpoints of the contract by name: the journal has no others."""
    return [
        name
        for name, endpoint in endpoints().items()
        if not endpoint.template.startswith(CONTROL_PREFIX)
    ]


def _styles() -> str:
    from importlib.resources import files

    folder = files(__package__).joinpath("static")
    own = (folder.joinpath(name).read_text("utf-8") for name in ("base.css", "journal.css"))
    return "\n".join((read_colors(), *own))


async def _in_event_loop(chunks: Iterator[bytes]) -> AsyncIterator[bytes]:
    # Starlette reads a plain iterator in another thread, and the store belongs to this one.
    for chunk in chunks:
        yield chunk
        await asyncio.sleep(0)
