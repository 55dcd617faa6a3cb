"""The page *Journal* as HTML: its rows, an entry, replays and exports."""

import html
import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import cast

import httpx
import pytest

from nemolocal_conformance.traffic.journal_reader import read_journal
from nemolocal_contract.endpoints import CONTROL_PREFIX, REPLAY_OF
from nemolocal_dashboard.journal_pages import MAX_HEAD
from nemolocal_dashboard.replay import ReplayPlan, plan_replay
from nemolocal_server.services import Services
from nemolocal_server.serving import LocalServer
from tests.support.dashboard import dashboard_server, wait_until
from tests.support.http_caller import HttpCaller
from tests.support.journal_builder import JournalBuilder
from tests.support.servers import server_settings

HOSTILE = "<img src=x onerror=alert(1)>\"'</script><script>alert(2)</script>"


def row_ids(page: str) -> list[int]:
    return [int(number) for number in re.findall(r'class="row [a-z]*" data-id="(\d+)"', page)]


def read_rows(pages: httpx.Client, **query: str | int) -> str:
    """A page of rows, once all that has happened is written: reading the journal does that."""
    pages.get(f"{pages.base_url.copy_with(path=CONTROL_PREFIX)}/journal?limit=0").raise_for_status()
    return pages.get("/journal/rows", params=query).text


def journal_of(server: LocalServer) -> list[dict[str, object]]:
    entries = httpx.get(f"{server.base_url}{CONTROL_PREFIX}/journal").json()["entries"]
    assert isinstance(entries, list)
    return entries


def test_rows_are_newest_first_and_stay_while_new_ones_come(
    caller: HttpCaller, pages: httpx.Client
) -> None:
    for _ in range(60):
        caller.balance()
    page = read_rows(pages)
    ids = row_ids(page)
    until = ids[0]
    assert ids == list(range(until, until - 50, -1))
    before = pages.get("/journal/rows", params={"until": until, "page": 1}).text
    caller.balance()
    read_rows(pages)
    assert pages.get("/journal/rows", params={"until": until, "page": 1}).text == before
    assert row_ids(before) == list(range(until - 50, 0, -1))
    assert pages.get("/journal/count", params={"since": until}).json()["new"] == 1


def test_only_new_rows_are_read_again(caller: HttpCaller, pages: httpx.Client) -> None:
    """So that following a long journal costs what is new; the whole is read if that is less."""
    for _ in range(3):
        caller.balance()
    read_rows(pages)
    head = read_rows(pages, since=3)
    assert row_ids(head) == [5, 4]
    assert 'data-page="head" data-until="5" data-oldest="1" data-total="5"' in head
    assert row_ids(read_rows(pages, since=5)) == []
    # To count all that match, the server would search the whole journal for each new entry.
    assert "data-total" not in read_rows(pages, since=3, endpoint="balance")
    for _ in range(MAX_HEAD - 1):
        caller.balance()
    assert len(row_ids(read_rows(pages, since=4))) == MAX_HEAD
    for since in (3, 9999):
        again = read_rows(pages, since=since)
        assert row_ids(again) == list(range(MAX_HEAD + 4, MAX_HEAD - 46, -1))
        assert 'data-page="0"' in again


def test_entry_shows_both_bodies_and_what_was_true(
    caller: HttpCaller, pages: httpx.Client, sample: Path
) -> None:
    caller.upload(sample)
    caller.chat("trim to the first 1 second", fault="silent")
    read_rows(pages)
    page = html.unescape(pages.get("/journal/entries/4").text)
    assert "The edit was applied. The client received no text." in re.sub(r"<[^>]+>", "", page)
    assert "100 → 50" in page
    # The turn put the upload on the timeline first, and then trimmed it.
    assert "Version 3" in page
    assert "<li>Video added: my clip (0-1s)</li>" in page
    assert "Sending it again would apply the edit twice" in page
    assert '"text": "trim to the first 1 second"' in page
    assert "SSE-5" in page


def test_texts_of_strangers_are_text(caller: HttpCaller, pages: httpx.Client) -> None:
    caller.open_session(task_name=HOSTILE)
    caller.http.headers["User-Agent"] = caller.http.headers["X-Skill-Source"] = HOSTILE
    caller.chat(HOSTILE)
    caller.http.get("/" + HOSTILE)
    whole = read_rows(pages) + pages.get("/journal", params={"text": HOSTILE}).text
    for entry in range(1, 6):
        whole += pages.get(f"/journal/entries/{entry}").text
    whole += pages.get("/journal/export?format=html").text
    assert "alert(1)" in whole
    assert not re.search(r"<img|<script>|onerror=alert\(1\)>", whole)


@pytest.mark.parametrize("status", ["nope", "1 OR 1=1", "-1"])
def test_filter_that_makes_no_sense_is_explained(pages: httpx.Client, status: str) -> None:
    answer = pages.get("/journal/rows", params={"status": status}).json()
    assert answer["code"] == 400
    assert "status must be ok, failed, silent or a number" in answer["message"]


def test_entry_that_is_gone_says_so(pages: httpx.Client) -> None:
    assert "Entry not found" in pages.get("/journal?open=77").text
    for number in ("77", "9" * 5000, "-1", "x"):
        assert pages.get(f"/journal/entries/{number}").json()["code"] == 404
        assert pages.post(f"/journal/entries/{number}/replay", json={}).status_code == 404


def test_replay_is_a_new_marked_entry_that_costs_what_was_said(
    server: LocalServer, caller: HttpCaller, pages: httpx.Client, sample: Path
) -> None:
    caller.upload(sample)
    caller.http.post("/run_sse", json=caller.turn("make it black and white"))
    read_rows(pages)
    assert "this one costs no credits" in pages.get("/journal/entries/4").text
    assert pages.post("/journal/entries/4/replay", json={}).json() == {"replay_of": 4}

    def replayed() -> str | None:
        page = read_rows(pages, endpoint="chat")
        return page if len(row_ids(page)) == 2 else None

    assert "replay of #4" in wait_until(replayed)
    repeated = journal_of(server)[-1]
    assert repeated["request_headers"][REPLAY_OF.lower()] == "4"  # type: ignore[index]
    assert repeated["user_id"] == caller.user_id
    assert repeated["turn"]["resend"] is True  # type: ignore[index]
    assert "nmv_usr_" not in json.dumps(repeated)
    assert repeated["credits_before"] == repeated["credits_after"]


def test_first_edit_of_a_session_has_a_price_before_it_is_replayed(
    caller: HttpCaller, pages: httpx.Client, sample: Path
) -> None:
    caller.upload(sample)
    caller.chat("make it black and white", fault="silent-not-applied")
    read_rows(pages)
    assert "it would cost up to 50 of the user&#x27;s 100 credits" in pages.get(
        "/journal/entries/4"
    ).text.replace("&#39;", "&#x27;")


def test_scripted_turn_costs_what_its_reply_says_again(
    server: LocalServer, caller: HttpCaller, pages: httpx.Client, sample: Path
) -> None:
    caller.upload(sample)
    reply = {
        "match": {"message": "do it"},
        "say": "Done.",
        "edits": [{"edit": "aspect", "width": 9, "height": 16}],
        "credits": 30,
    }
    httpx.post(f"{server.base_url}{CONTROL_PREFIX}/replies", json=reply).raise_for_status()
    caller.chat("do it")
    read_rows(pages)
    page = html.unescape(pages.get("/journal/entries/4").text)
    assert "it would cost up to 30 of the user's 70 credits" in page


def test_what_cannot_be_replayed_says_why(
    caller: HttpCaller, pages: httpx.Client, sample: Path
) -> None:
    caller.upload(sample)
    read_rows(pages)
    answer = pages.post("/journal/entries/3/replay", json={}).json()
    assert (answer["code"], "does not store uploads" in answer["message"]) == (400, True)


def test_a_request_without_a_token_is_replayed_without_one(
    server: LocalServer, pages: httpx.Client
) -> None:
    httpx.get(f"{server.base_url}/api/credits/balance/simple")
    read_rows(pages)
    number = len(journal_of(server))
    answer = pages.post(f"/journal/entries/{number}/replay", json={}).json()
    assert answer == {"replay_of": number}
    wait_until(lambda: len(journal_of(server)) > number)
    first, again = journal_of(server)[-2:]
    assert again["request_headers"][REPLAY_OF.lower()] == str(number)  # type: ignore[index]
    assert "authorization" not in again["request_headers"]  # type: ignore[operator]
    assert (again["code"], again["token_id"]) == (first["code"], None)


def test_a_call_of_the_control_api_is_not_replayed() -> None:
    journal = JournalBuilder().request("", f"{CONTROL_PREFIX}/reset")
    plan = plan_replay(cast("Services", None), journal.entries[0])
    assert plan == ReplayPlan(problem="replay_of_control")


def test_token_that_was_revoked_is_not_used_again(
    server: LocalServer, caller: HttpCaller, pages: httpx.Client
) -> None:
    caller.balance()
    read_rows(pages)
    tokens = f"{server.base_url}{CONTROL_PREFIX}/tokens/1"
    assert httpx.post(tokens, json={"revoked": True}).json()
    assert "has expired or was deleted" in pages.get("/journal/entries/3").text
    assert pages.post("/journal/entries/3/replay", json={}).json()["code"] == 400
    assert len(journal_of(server)) == 3


def test_exports_have_what_is_filtered(
    caller: HttpCaller, pages: httpx.Client, tmp_path: Path
) -> None:
    caller.balance()
    caller.http.get("/nothing")
    for kind in ("jsonl", "har"):
        path = tmp_path / f"journal.{kind}"
        response = pages.get("/journal/export", params={"format": kind, "status": "failed"})
        assert response.headers["content-disposition"] == f'attachment; filename="journal.{kind}"'
        path.write_bytes(response.content)
        assert [entry.url for entry in read_journal(path).entries] == ["/nothing"]
    page = pages.get("/journal/export", params={"format": "html", "endpoint": "balance"}).text
    assert page.count('<details class="exported-entry">') == 1
    assert "default-src 'none'" in page
    assert not re.search(r"<script|<link|(href|src)=", page)
    assert pages.get("/journal/export?format=pdf").json()["code"] == 400


def test_redacted_export_has_no_text_of_a_client(
    caller: HttpCaller, pages: httpx.Client, tmp_path: Path
) -> None:
    path = tmp_path / "journal.jsonl"
    caller.open_session(task_name="canary-task", language="canary-language")
    session = caller.session
    said = {"session_id": session, "new_message": {"parts": [{"text": "canary-message"}]}}
    for url in ("/run_sse", f"/canary-path/{session}?canary-name=canary-value"):
        caller.http.post(url, json={**said, "canary-key": "canary-text"})
    files = {"files": ("canary-file.txt", b"canary-content")}
    caller.http.post(f"/api/upload-video/nemo_agent/me/{session}", files=files)
    caller.http.get("/nothing", headers={"X-Skill-Source": "canary-skill", "X-Other": "canary-x"})
    plain = pages.get("/journal/export?format=jsonl").text
    redacted = pages.get("/journal/export?format=redacted")
    assert "journal-redacted.jsonl" in redacted.headers["content-disposition"]
    secrets = ["canary", session, *(f"canary-{one}" for one in ("task", "message", "path", "x"))]
    assert all(secret in plain for secret in secrets)
    assert not any(secret in redacted.text for secret in secrets)
    archive = pages.get("/journal/export?format=redacted_har")
    assert "journal-redacted.har" in archive.headers["content-disposition"]
    assert not any(secret in archive.text for secret in secrets)
    path.write_bytes(archive.content)
    archived = read_journal(path).entries
    path.write_bytes(redacted.content)
    entries = read_journal(path).entries
    assert len(entries) == len(archived) == plain.count("\n")
    assert [one.status for one in entries] == [one.status for one in archived]
    chat = next(entry for entry in entries if entry.endpoint == "chat")
    assert chat.turn is not None
    assert chat.turn.message == "<text:14>"
    assert chat.session_id
    assert chat.request_body.count(chat.session_id) == 1
    assert 'data: {"content"' in chat.response_body


def test_scripted_reply_can_be_loaded_again(
    caller: HttpCaller, pages: httpx.Client, sample: Path, tmp_path: Path
) -> None:
    caller.upload(sample)
    caller.say("make it black and white")
    read_rows(pages)
    page = html.unescape(pages.get("/journal/entries/4").text)
    found = re.search(r'<pre id="reply-4" tabindex="0">(.*?)</pre>', page, re.DOTALL)
    assert found is not None
    scenario = tmp_path / "replies.toml"
    scenario.write_text(found[1], encoding="utf-8")
    with dashboard_server(server_settings(scenario=str(scenario))) as another:
        again = HttpCaller(another.base_url).connect()
        again.upload(sample)
        again.say("make it black and white")
        assert journal_of(another)[-1]["reply"]
        again.http.close()


def test_reading_the_page_does_not_write_what_waits(
    server: LocalServer, caller: HttpCaller, pages: httpx.Client
) -> None:
    """Or a page that is open would make every request of a load wait for the journal."""
    services = server.app.state.services
    flushed: list[int] = []
    original: Callable[[], None] = services.journal.flush

    def flush() -> None:
        flushed.append(1)
        original()

    services.journal.flush = flush
    caller.balance()
    pages.get("/journal/rows")
    pages.get("/journal")
    pages.get("/journal/count?since=0")
    assert flushed == []
