"""What a row of the journal says about an entry, and the bodies beside it."""

import httpx
import msgspec
import pytest

from nemolocal.dashboard_pages import LazyDashboard
from nemolocal_contract.clock import ManualClock
from nemolocal_contract.endpoints import UI_PREFIX, Attribution
from nemolocal_contract.journal import Entry
from nemolocal_dashboard.body_formatting import read_frames
from nemolocal_dashboard.journal_rows import client_name, find_marks, message_of, status_text
from nemolocal_server.app import add_dashboard
from nemolocal_server.serving import LocalServer
from tests.support.journal_builder import JournalBuilder
from tests.support.servers import server_settings


def chat(**fields: object) -> Entry:
    return JournalBuilder().chat("trim  it", **fields).entries[0]  # type: ignore[arg-type]


def test_message_of_a_turn_that_did_not_start_is_read_from_its_request() -> None:
    assert message_of(chat()) == message_of(chat(turn=None)) == "trim it"
    assert message_of(chat(turn=None, request_body="{")) == ""
    assert message_of(msgspec.structs.replace(chat(), endpoint="state")) == ""


def test_code_is_shown_where_it_says_more_than_the_status() -> None:
    rows = [chat(), chat(code=1001), chat(status=404, code=404), chat(status=0)]
    assert [status_text(row) for row in rows] == ["200", "200 · 1001", "404", "—"]


def test_client_is_its_skill_or_else_its_program() -> None:
    plain = dict.fromkeys(Attribution("a", "b").headers(), "")
    assert client_name(chat()) == "skill 1.0"
    assert client_name(chat(headers={**plain, "User-Agent": "curl/8.5 x"})) == "curl/8.5"
    assert client_name(chat(headers={**plain, "User-Agent": ""})) == ""


def test_marks_tell_what_was_unusual() -> None:
    keys = [mark.text for mark in find_marks(chat(faults=("stall",), ending="cut by client"))]
    assert keys == ["mark_fault", "mark_cut_by_client"]
    assert find_marks(chat()) == []
    turn = chat().turn
    assert turn is not None
    simulated = chat(turn=msgspec.structs.replace(turn, edits=1, understood="none"))
    assert [(mark.text, mark.kind) for mark in find_marks(simulated)] == [
        ("mark_simulated", "info")
    ]


def test_events_shown_have_an_end_and_heartbeats_are_one() -> None:
    text = 'data: {"type":"text","content":"a"}\n\n'
    assert len(read_frames(chat(reply="data:\n\n" * 50 + text, chunks=()))) == 2
    assert len(read_frames(chat(reply=text * 600, chunks=()))) == 500


@pytest.mark.parametrize("path", ["/journal", "/verdict"])
def test_dashboard_of_serve_is_built_by_the_first_page_and_then_kept(path: str) -> None:
    pages = LazyDashboard()
    server = LocalServer(server_settings(), ManualClock(autojump=True))
    add_dashboard(server.app, pages)
    with server, httpx.Client(base_url=f"{server.base_url}{UI_PREFIX}", timeout=60) as client:
        answers = [client.get(path) for _ in range(2)]
        assert [answer.status_code for answer in answers] == [200, 200]
        assert "text/html" in answers[0].headers["content-type"]
        assert client.get("/static/none.js").status_code == 404
        refused = client.get("/journal/rows", params={"page": "x"})
        assert "`page` must be a non-negative number" in refused.json()["message"]
