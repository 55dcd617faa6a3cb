"""Everything that the journal page and the HTML export show of one entry."""

import msgspec

from nemolocal_contract.journal import Entry
from nemolocal_server.services import Services

from .body_formatting import Body, Frame, format_body, is_stream, read_frames
from .entry_truth import EntryTruth, find_truth
from .journal_rows import JournalRow, build_row
from .replay import ReplayPlan, plan_replay
from .request_snippets import recorded_body, write_curl, write_httpx
from .waterfall import Axis, build_axis


class EntryDetail(msgspec.Struct, frozen=True):
    """An entry and what is derived from it; `scenario` is "" if it gives no scripted reply."""

    row: JournalRow
    axis: Axis
    truth: EntryTruth
    request: Body
    response: Body
    frames: list[Frame]
    is_stream: bool
    folded: str
    curl: str
    httpx: str
    scenario: str
    snippet_problem: str
    replay: ReplayPlan


def build_detail(
    services: Services, entry: Entry, base_url: str, language: str, scenario: str
) -> EntryDetail:
    """Return the detail of an entry; code in it calls the server at `base_url`."""
    axis = build_axis([entry])
    longest = max((fold.seconds for fold in axis.folds), default=0.0)
    return EntryDetail(
        row=build_row(entry, axis),
        axis=axis,
        truth=find_truth(services, entry, language),
        request=format_body(entry.request_body, entry.request_size),
        response=format_body(entry.response_body, entry.response_size),
        frames=read_frames(entry) if is_stream(entry) else [],
        is_stream=is_stream(entry),
        folded=f"{longest:.1f} s" if longest else "",
        curl=write_curl(entry, base_url),
        httpx=write_httpx(entry, base_url),
        scenario=scenario,
        snippet_problem=recorded_body(entry).problem,
        replay=plan_replay(services, entry),
    )
