"""The journal's three formats, its filters, its bound, and that no secret gets into it."""

import json
from datetime import datetime
from pathlib import Path
from typing import Any
from urllib.parse import quote

import msgspec
import pytest
from hypothesis import given, strategies as st

from nemolocal_contract.journal import JOURNAL_VERSION, Entry
from nemolocal_server.data.token_redaction import REDACTED, Redactor
from nemolocal_server.journal.exchange import MAX_BODY, BodyCapture
from nemolocal_server.journal.journal_limits import JournalLimits
from tests.support import patient_http
from tests.support.http_caller import HttpCaller, NewCaller
from tests.support.servers import ServerFactory

JOURNAL = "/__nemolocal__/journal"


@pytest.mark.slow
def test_json_lines_can_be_read_without_the_server(edited: HttpCaller) -> None:
    response = edited.http.get(JOURNAL, params={"format": "jsonl"})
    assert response.headers["content-type"].startswith("application/x-ndjson")
    lines = [msgspec.json.decode(line, type=Entry) for line in response.content.splitlines()]
    assert [line.id for line in lines] == sorted(line.id for line in lines)
    assert {line.version for line in lines} == {JOURNAL_VERSION}
    assert lines[-1].turn is not None
    assert lines[-1].turn.truth == "applied"


@pytest.mark.slow
def test_json_says_how_many_entries_made_room(caller: HttpCaller) -> None:
    reply = caller.get(JOURNAL)
    assert (reply["version"], reply["dropped"], len(reply["entries"])) == (JOURNAL_VERSION, 0, 2)


@pytest.mark.slow
def test_the_http_archive_has_what_har_1_2_demands(edited: HttpCaller) -> None:
    edited.http.get("/api/credits/balance/simple?a=1&b=")
    log = edited.http.get(JOURNAL, params={"format": "har"}).json()["log"]
    assert log["version"] == "1.2"
    assert set(log["creator"]) == {"name", "version"}
    for entry in log["entries"]:
        check_har_entry(entry)
    assert log["entries"][-1]["request"]["queryString"] == [
        {"name": "a", "value": "1"}, {"name": "b", "value": ""},
    ]  # fmt: skip
    chat = log["entries"][-2]
    assert chat["_nemolocal"]["turn"]["truth"] == "applied"
    assert chat["timings"]["receive"] > 0
    assert "request_body" not in chat["_nemolocal"]


def check_har_entry(entry: dict[str, Any]) -> None:
    """The fields that the HAR 1.2 text calls mandatory, with their types."""
    assert datetime.fromisoformat(entry["startedDateTime"]).tzinfo is not None
    timings = entry["timings"]
    assert entry["time"] == pytest.approx(sum(timings.values()))
    assert min(timings.values()) >= 0
    assert entry["cache"] == {}
    request, response = entry["request"], entry["response"]
    for message in (request, response):
        assert (message["httpVersion"], message["cookies"]) == ("HTTP/1.1", [])
        assert (message["headersSize"], type(message["bodySize"])) == (-1, int)
        assert all(set(pair) == {"name", "value"} for pair in message["headers"])
    assert request["url"].startswith("http://127.0.0.1:")
    assert {"method", "queryString"} <= set(request)
    assert request.get("postData", {"mimeType": "", "params": [], "text": ""}).keys() == {
        "mimeType", "params", "text",
    }  # fmt: skip
    assert {"status", "statusText", "redirectURL"} <= set(response)
    assert {"size", "mimeType", "text"} == set(response["content"])


@pytest.mark.slow
def test_entries_are_found_by_who_what_where_and_since(
    base_url: str, new_caller: NewCaller
) -> None:
    one, two = (new_caller(base_url, name).connect() for name in ("one", "two"))
    one.say("hello")
    two.balance()

    def ids(**query: Any) -> list[int]:
        reply = one.http.get(JOURNAL, params=query).json()
        return [entry["id"] for entry in reply["entries"]]

    assert ids() == [1, 2, 3, 4, 5, 6]
    assert ids(token_id=1) == ids(user_id=one.user_id) == [1, 2, 5]
    assert ids(endpoint="session") == [2, 4]
    assert ids(session=one.session) == [2, 5]
    assert ids(since=4) == [5, 6]
    assert ids(since=1, limit=2) == [2, 3]
    assert ids(limit=0) == ids(since=6) == []


@pytest.mark.slow
@pytest.mark.parametrize(
    "query", ["format=xml", "since=x", "limit=-1", "token_id=1.5", "colour=red", "since=1e99"]
)
def test_a_filter_that_makes_no_sense_is_refused_by_name(base_url: str, query: str) -> None:
    response = patient_http.get(f"{base_url}{JOURNAL}?{query}")
    assert (response.status_code, response.json()["code"]) == (400, 400)
    assert query.partition("=")[0] in response.json()["message"]


@pytest.mark.slow
def test_what_was_dropped_is_counted_and_a_cleared_journal_begins_anew(
    servers: ServerFactory,
) -> None:
    url = servers.start(journal=JournalLimits(max_entries=50))
    with patient_http.Client(base_url=url) as http:
        for _ in range(100):
            http.get("/nowhere")
        assert http.get(JOURNAL).json()["dropped"] == 50
        assert "50 older ones dropped" in http.get(JOURNAL + "/summary").json()["line"]
        assert http.delete(JOURNAL).json() == {"deleted": 50}
        assert http.get(JOURNAL).json() == {"version": JOURNAL_VERSION, "dropped": 0, "entries": []}
        http.get("/nowhere")
        assert [entry["id"] for entry in http.get(JOURNAL).json()["entries"]] == [101]


@pytest.mark.slow
def test_the_journal_outlives_the_server(
    servers: ServerFactory, new_caller: NewCaller, tmp_path: Path
) -> None:
    new_caller(servers.start(data_dir=tmp_path)).connect()
    servers.stop()
    reply = patient_http.get(servers.start(data_dir=tmp_path) + JOURNAL).json()
    assert [entry["endpoint"] for entry in reply["entries"]] == ["token", "session"]


@pytest.mark.slow
def test_a_form_is_described_and_a_file_too(edited: HttpCaller) -> None:
    url = edited.state()["state"]["video_infos"][0]["cdn_url"]
    size = len(patient_http.get(url).content)
    upload, *_, download = edited.get(JOURNAL)["entries"][2:]
    assert upload["request_body"] == (
        f"<multipart/form-data: {upload['request_size']} bytes, files 'my clip.mp4'>"
    )
    assert download["response_body"] == f"<video/mp4: {size} bytes>"
    assert download["endpoint"] is None


@pytest.mark.slow
def test_no_bearer_value_is_kept_whatever_it_looks_like(caller: HttpCaller) -> None:
    secret = "sk-hand/made+token=="
    for where in (f"?key={quote(secret, safe='')}", f"?key={secret}", ""):
        caller.http.post(
            f"/run_sse{where}",
            headers={"Authorization": f"Bearer {secret}", "Cookie": "a=secret-cookie"},
            content=b"{" + secret.encode(),
        )
    caller.http.get("/workspace/claim?ct=clm_abcdef")
    caller.http.get("/api/nothing?t=nmv%5Fusr_abcdef", headers={"Authorization": "odd-scheme-x"})
    kept = json.dumps(caller.get(JOURNAL))
    for hidden in (secret, "secret-cookie", "abcdef", "odd-scheme-x", "hand%2Fmade"):
        assert hidden not in kept


@pytest.mark.slow
def test_a_token_in_a_url_is_flagged_a_claim_token_in_its_link_is_not(caller: HttpCaller) -> None:
    caller.http.get("/api/credits/balance/simple?token=nmv_usr_abc")
    caller.http.get("/workspace/claim?ct=clm_abc")
    wrong, right = caller.get(JOURNAL)["entries"][-2:]
    assert (wrong["code"], wrong["url"]) == (1001, f"/api/credits/balance/simple?token={REDACTED}")
    assert "GEN-5" in wrong["rules"]
    assert "GEN-5" not in right["rules"]


@pytest.mark.slow
@given(st.integers(MAX_BODY - 60, MAX_BODY + 5), st.text("abcdefgh", min_size=8, max_size=60))
def test_no_half_of_a_token_stays_where_a_body_is_cut(room: int, token: str) -> None:
    body = BodyCapture()
    body.add(b"x" * room + token.encode() + b"x" * MAX_BODY)
    kept = body.text("text/plain", Redactor(f"Bearer {token}"))
    assert len(kept) <= MAX_BODY
    assert REDACTED.startswith(kept.strip("x"))


def test_a_body_of_many_chunks_keeps_its_head_and_its_size() -> None:
    body = BodyCapture()
    for _ in range(100):
        body.add("é".encode() * 1000)
    kept = body.text("application/json", Redactor(""))
    assert (body.size, len(kept.encode())) == (200_000, MAX_BODY)
    assert set(kept) == {"é"}
    binary = BodyCapture()
    binary.add(b"\0\1")
    assert binary.text("", Redactor("")) == "<binary: 2 bytes>"
