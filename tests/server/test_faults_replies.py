"""Refusals, pages of HTML and faults of renders, as an httpx client sees them on a real socket."""

from pathlib import Path

import httpx
import pytest

from nemolocal_contract.endpoints import FAULT
from tests.support.executor import FakeRenderExecutor
from tests.support.http_caller import HttpCaller, NewCaller
from tests.support.servers import ServerFactory

FREE = {"available": 100, "frozen": 0, "total": 100}


@pytest.fixture
def ready(caller: HttpCaller, sample: Path) -> HttpCaller:
    """A caller with an upload, nothing on its timeline yet."""
    caller.upload(sample)
    return caller


REFUSALS: list[tuple[str, int, int, str]] = [
    ("rate-limited;retry_after=7", 429, 429, "7 s"),
    ("token-expired", 200, 1001, "anonymous-token"),
    ("session-lost", 200, 1002, "Session not found"),
    ("out-of-credits", 200, 2001, "?bind=anon_"),
]


@pytest.mark.slow
@pytest.mark.parametrize(("fault", "status", "code", "said"), REFUSALS)
def test_a_refusal_is_an_envelope_and_nothing_happens(
    ready: HttpCaller, fault: str, status: int, code: int, said: str
) -> None:
    response = ready.chat("compress it", fault)
    assert (response.status_code, response.json()["code"]) == (status, code)
    assert said in response.json()["message"]
    if code == 429:
        assert response.headers["retry-after"] == "7"
    if code != 1001:
        assert (ready.draft()["t"], ready.balance()) == ([], FREE)


@pytest.mark.slow
def test_an_expired_token_stays_expired_and_the_client_may_ask_again(caller: HttpCaller) -> None:
    assert caller.chat("compress it", "token-expired").json()["code"] == 1001
    assert caller.get("/api/credits/balance/simple")["code"] == 1001
    assert caller.connect().balance() == FREE


@pytest.mark.slow
def test_refusals_speak_the_dialect_of_the_caller(
    servers: ServerFactory, new_caller: NewCaller
) -> None:
    caller = new_caller(servers.start(errors="http")).connect()
    assert caller.chat("compress it", "session-lost").status_code == 404
    assert caller.chat("compress it", "token-expired").status_code == 401


@pytest.mark.slow
def test_credits_that_run_out_in_mid_turn_break_the_stream_off(ready: HttpCaller) -> None:
    body = ready.chat("compress it", "out-of-credits-mid-turn").content
    assert b"functionCall" in body
    assert b"functionResponse" not in body
    assert b'"code":2001' in body.split(b"\n\n")[-2]
    assert (ready.draft()["t"], ready.balance()) == ([], FREE)


@pytest.mark.slow
@pytest.mark.parametrize(("fault", "status"), [("server-error", 500), ("bad-gateway", 502)])
def test_a_broken_server_answers_in_html(caller: HttpCaller, fault: str, status: int) -> None:
    response = caller.http.get("/api/credits/balance/simple", headers={FAULT: fault})
    assert (response.status_code, response.headers["content-type"]) == (
        status, "text/html; charset=utf-8",
    )  # fmt: skip
    assert response.text.startswith("<html>")
    assert caller.balance() == FREE


@pytest.mark.slow
def test_an_export_may_be_blocked_or_called_a_duplicate(edited: HttpCaller) -> None:
    assert edited.submit("r-1", fault="export-blocked")["code"] == 402
    duplicate = edited.submit("r-1", fault="duplicate-id")
    assert (duplicate["code"], "duplicate id 'r-1'" in duplicate["message"]) == (400, True)
    assert edited.submit("r-1")["status"] == "pending"


@pytest.mark.slow
def test_a_render_fails_and_the_next_one_does_not(edited: HttpCaller) -> None:
    edited.submit("r-1", fault="render-fails-once")
    failed = edited.finished("r-1")
    assert (failed["status"], bool(failed["error"])) == ("failed", True)
    edited.submit("r-2")
    assert edited.finished("r-2")["status"] == "completed"


@pytest.mark.slow
def test_a_stuck_render_never_moves_on_until_it_is_cancelled(edited: HttpCaller) -> None:
    edited.submit("r-1", fault="render-stuck;progress=70")
    while edited.status("r-1")["progress"] != 70:
        pass
    assert {edited.status("r-1")["status"] for _ in range(20)} == {"processing"}
    assert edited.post("/api/render/proxy/lambda/r-1/cancel")["status"] == "failed"
    edited.submit("r-2")
    assert edited.finished("r-2")["status"] == "completed"


@pytest.mark.slow
def test_a_stuck_render_is_stuck_after_a_restart_too(
    servers: ServerFactory,
    new_caller: NewCaller,
    executor: FakeRenderExecutor,
    sample: Path,
    tmp_path: Path,
) -> None:
    caller = new_caller(servers.start(executor, data_dir=tmp_path)).connect()
    caller.upload(sample)
    caller.say("edit my raw video footage")
    caller.submit("r-1", fault="render-stuck")
    while not caller.status("r-1")["progress"]:
        pass
    servers.stop()
    again = new_caller(servers.start(executor, data_dir=tmp_path))
    again.http.headers["Authorization"] = caller.http.headers["Authorization"]
    assert {again.status("r-1")["status"] for _ in range(50)} <= {"pending", "processing"}


@pytest.mark.slow
def test_the_file_of_a_render_is_gone_and_the_fallback_works(edited: HttpCaller) -> None:
    edited.submit("r-1", fault="url-gone")
    url = edited.finished("r-1")["output"]["url"]
    assert edited.http.get(url).status_code == 404
    assert edited.http.get("/api/render/proxy/r-1/download").content == b"a render"


@pytest.mark.slow
@pytest.mark.parametrize(
    ("how", "error"), [("fin", httpx.RemoteProtocolError), ("reset", httpx.ReadError)]
)
def test_half_of_a_file_is_an_error_of_the_connection(
    edited: HttpCaller, how: str, error: type[Exception]
) -> None:
    edited.submit("r-1", fault=f"truncated-download;how={how}")
    url = edited.finished("r-1")["output"]["url"]
    with pytest.raises(error):
        edited.http.get(url)
    assert edited.http.get("/api/render/proxy/r-1/download").content == b"a render"


def test_half_of_a_file_may_look_whole(edited: HttpCaller) -> None:
    edited.submit("r-1", fault="truncated-download;how=clean")
    output = edited.finished("r-1")["output"]
    short = edited.http.get(output["url"])
    assert (short.status_code, short.content) == (200, b"a re")
    assert len(short.content) < output["size"]


@pytest.mark.slow
def test_faults_that_follow_a_render_are_in_the_journal(edited: HttpCaller) -> None:
    edited.submit("r-1", fault="render-fails-once, slow-bytes;seconds=0")
    edited.finished("r-1")
    entries = edited.get("/__nemolocal__/journal")["entries"]
    assert [e["faults"] for e in entries if e["method"] == "POST" and e["faults"]] == [
        ["render-fails-once", "slow-bytes"]
    ]
    assert entries[-1]["faults"] == ["render-fails-once"]
