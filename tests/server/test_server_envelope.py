"""The edges of the server: unknown paths, broken bodies, health, journal, data folder."""

import json
from pathlib import Path
from typing import Any

import httpx
import pytest
from hypothesis import given, strategies as st

from nemolocal_server.data.store import Store, StoreError
from nemolocal_server.data.token_redaction import redact
from nemolocal_server.journal.exchange import MAX_BODY
from nemolocal_server.journal.journal_limits import JournalLimits
from nemolocal_server.serving import ListenError, LocalServer
from nemolocal_server.settings import Settings
from tests.support import patient_http
from tests.support.http_caller import HttpCaller
from tests.support.servers import ServerFactory


@pytest.mark.slow
@pytest.mark.rule("GEN-6", "GEN-1")
def test_an_unknown_path_is_404_in_the_failure_envelope(base_url: str) -> None:
    response = patient_http.get(base_url + "/api/nothing")
    assert response.status_code == 404
    assert response.json() == {"code": 404, "message": "Not Found", "data": None}


@pytest.mark.slow
@pytest.mark.rule("GEN-6")
def test_a_wrong_method_is_405_and_says_which_are_right(base_url: str) -> None:
    response = patient_http.get(base_url + "/run_sse")
    assert (response.status_code, response.json()["code"]) == (405, 405)
    assert response.headers["allow"] == "POST"


@pytest.mark.slow
@pytest.mark.parametrize(
    "body", [b"", b"{", b'{"task_name": "\\ud800"}', b"\xff", b'{"a":' * 100_000]
)
@pytest.mark.rule("GEN-6")
def test_a_body_that_is_no_json_is_400(caller: HttpCaller, body: bytes) -> None:
    reply = caller.post("/api/tasks/me/with-session/nemo_agent", content=body)
    assert reply["code"] == 400
    assert "JSON" in reply["message"]


@pytest.mark.slow
def test_a_body_without_end_is_400_before_it_is_all_read(caller: HttpCaller) -> None:
    reply = caller.post("/run_sse", content=b" " * 5_000_000)
    assert reply["code"] == 400
    assert "4 MB" in reply["message"]


@pytest.mark.slow
def test_health_answers_without_a_token(base_url: str) -> None:
    health = patient_http.get(base_url + "/__nemolocal__/health").json()
    assert (health["name"], health["status"], health["speed"]) == ("nemolocal", "ok", 50.0)


def test_a_defect_is_500_in_the_envelope_without_its_innards(
    caller: HttpCaller, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_: object) -> None:
        raise RuntimeError("secret innards")

    monkeypatch.setattr("nemolocal_server.data.ledger.Ledger.balance", broken)
    response = caller.http.get("/api/credits/balance/simple")
    assert (response.status_code, response.json()["code"]) == (500, 500)
    assert "innards" not in response.text


@pytest.mark.slow
def test_the_journal_keeps_every_exchange_without_its_secrets(caller: HttpCaller) -> None:
    caller.say("hello")
    caller.http.get("/api/credits/balance/simple?a=1")
    entries = caller.get("/__nemolocal__/journal")["entries"]
    urls = [(entry["method"], entry["url"], entry["status"]) for entry in entries]
    assert urls == [
        ("POST", "/api/auth/anonymous-token", 200),
        ("POST", "/api/tasks/me/with-session/nemo_agent", 200),
        ("POST", "/run_sse", 200),
        ("GET", "/api/credits/balance/simple?a=1", 200),
    ]
    assert "hello" in entries[2]["request_body"]
    assert "Drag and drop" in entries[2]["response_body"]
    assert entries[2]["ended"] >= entries[2]["started"] + 5
    assert {entry["token_id"] for entry in entries} == {1}
    token = caller.http.headers["Authorization"].removeprefix("Bearer ")
    assert token not in json.dumps(entries)
    assert "[token]" in entries[2]["request_headers"]["authorization"]


@pytest.mark.slow
def test_the_journal_is_bounded(servers: ServerFactory) -> None:
    url = servers.start(journal=JournalLimits(max_entries=150))
    with patient_http.Client(base_url=url) as http:
        for _ in range(200):
            http.get("/nowhere")
        http.post("/nowhere", content=b"x" * (MAX_BODY + 9))
        entries = http.get("/__nemolocal__/journal").json()["entries"]
    assert len(entries) == 150
    assert len(entries[-1]["request_body"]) <= MAX_BODY


@pytest.mark.slow
@given(st.from_regex(r"nmv_usr_[A-Za-z0-9_-]{1,40}", fullmatch=True), st.text(), st.text())
def test_a_token_is_blanked_out_wherever_it_stands(token: str, before: str, after: str) -> None:
    assert token not in redact(f"{before}{token} {after}".replace(token, token, 1)) or token in (
        before + after
    )


@pytest.mark.slow
def test_a_taken_port_is_said_at_once(base_url: str) -> None:
    port = httpx.URL(base_url).port
    assert port is not None
    with pytest.raises(ListenError, match=f"cannot listen on 127.0.0.1:{port}.*--port"):
        LocalServer(Settings(port=port))


def test_a_data_folder_that_is_of_no_use_is_said_at_once(tmp_path: Path) -> None:
    file = tmp_path / "file"
    file.write_text("x")
    with pytest.raises(StoreError, match="cannot use data folder"):
        Store(file)
    (tmp_path / "nemolocal.sqlite3").write_bytes(b"this is no database, " * 100)
    with pytest.raises(StoreError, match=r"not a database.*--data"):
        Store(tmp_path)


@pytest.mark.parametrize("bad", [{"chaos": 1.5}, {"port": 70_000}, {"speed": 0.0}])
def test_settings_that_make_no_sense_are_refused_by_name(bad: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match=next(iter(bad))):
        Settings(**bad)


def test_a_transaction_is_all_or_nothing_also_inside_another() -> None:
    store = Store(None)
    count = "SELECT count(*) FROM journal"
    insert = "INSERT INTO journal (entry) VALUES ('x')"

    def fail_inside() -> None:
        with store.transaction():
            store.execute(insert)
            with store.transaction():
                store.execute(insert)
                raise KeyError("boom")

    with pytest.raises(KeyError):
        fail_inside()
    assert store.fetch_value(count) == 0
    store.close()
    assert not store.folder.exists()
