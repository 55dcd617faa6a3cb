"""Snapshot, restore, reset: the past of a server kept, put back and forgotten."""

import asyncio
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from nemolocal_contract.clock import ManualClock
from nemolocal_server.data.migrations import TABLES
from nemolocal_server.data.store import Store
from tests.support import patient_http
from tests.support.executor import FakeRenderExecutor
from tests.support.http_caller import HttpCaller, NewCaller
from tests.support.servers import ServerFactory

CONTROL = "/__nemolocal__"
TRIM = "trim to the first 1 second"


def take(caller: HttpCaller) -> str:
    snapshot_id: str = caller.post(CONTROL + "/snapshot", json={})["id"]
    return snapshot_id


def restore(caller: HttpCaller, snapshot_id: str) -> dict[str, Any]:
    reply: dict[str, Any] = caller.post(CONTROL + "/restore", json={"id": snapshot_id})
    return reply


@pytest.fixture(params=["memory", "folder"])
def somewhere(
    request: pytest.FixtureRequest,
    servers: ServerFactory,
    executor: FakeRenderExecutor,
    tmp_path: Path,
) -> str:
    """A server with its store in memory, and one with its store in a folder."""
    folder = tmp_path / "data" if request.param == "folder" else None
    base_url: str = servers.start(executor, data_dir=folder)
    return base_url


@pytest.mark.slow
@pytest.mark.usefixtures("copied_music")
def test_a_restored_server_is_as_it_was(
    somewhere: str,
    new_caller: NewCaller,
    sample: Path,
) -> None:
    caller = new_caller(somewhere).connect()
    caller.upload(sample)
    caller.say("edit my raw video footage")
    caller.submit("render_1")
    url = caller.finished("render_1")["output"]["url"]
    draft, balance = caller.draft(), caller.balance()
    journal = caller.get(CONTROL + "/journal")
    snapshot_id = take(caller)
    caller.say(TRIM)
    caller.say("add upbeat background music")
    other = new_caller(somewhere, "other").connect()
    assert restore(caller, snapshot_id) == {"id": snapshot_id}
    assert caller.get(CONTROL + "/journal") == journal
    assert (caller.draft(), caller.balance()) == (draft, balance)
    assert patient_http.get(url).content == b"a render"
    assert caller.state()["state"]["generated_media"] == []
    assert other.get("/api/credits/balance/simple")["code"] == 1001
    assert caller.state()["state"]["video_infos"][0]["filename"] == sample.name


@pytest.mark.slow
def test_a_snapshot_can_be_restored_again_and_after_a_reset(
    somewhere: str, new_caller: NewCaller, sample: Path
) -> None:
    caller = new_caller(somewhere).connect()
    snapshot_id = take(caller)
    caller.upload(sample)
    for _ in range(2):
        assert caller.post(CONTROL + "/reset", json={}) == {"token_id": None}
        assert caller.get("/api/credits/balance/simple")["code"] == 1001
        restore(caller, snapshot_id)
        assert caller.draft() == {"t": [], "d": 0}
        assert caller.state()["state"]["video_infos"] == []
        caller.say("hello")


@pytest.mark.slow
def test_the_hash_of_a_draft_is_right_after_time_went_back(edited: HttpCaller) -> None:
    snapshot_id = take(edited)
    hashes = []
    for message in (TRIM, "add a title 'Hi'", TRIM):
        edited.say(message)
        hashes.append(edited.get(CONTROL + "/journal")["entries"][-1]["draft_after"])
        restore(edited, snapshot_id)
    assert hashes[0] == hashes[2] != hashes[1]


@pytest.mark.slow
def test_a_snapshot_outlives_the_server(
    servers: ServerFactory, new_caller: NewCaller, tmp_path: Path
) -> None:
    caller = new_caller(servers.start(data_dir=tmp_path)).connect()
    token = caller.http.headers["Authorization"]
    snapshot_id = take(caller)
    caller.post(CONTROL + "/reset", json={})
    servers.stop()
    again = new_caller(servers.start(data_dir=tmp_path))
    again.http.headers["Authorization"] = token
    restore(again, snapshot_id)
    assert again.balance()["total"] == 100


def test_a_snapshot_links_files_and_copies_them_where_there_are_no_links(
    servers: ServerFactory,
    new_caller: NewCaller,
    sample: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    caller = new_caller(servers.start(data_dir=tmp_path)).connect()
    caller.upload(sample)
    (media,) = (tmp_path / "media").iterdir()
    linked = tmp_path / "snapshots" / take(caller) / "media" / media.name
    assert linked.samefile(media)

    def refuse(*_: object) -> None:
        raise OSError("no links here")

    monkeypatch.setattr(os, "link", refuse)
    copied = tmp_path / "snapshots" / take(caller) / "media" / media.name
    assert copied.read_bytes() == media.read_bytes()
    assert not copied.samefile(media)
    assert not any((tmp_path / "work").glob("snapshot-*"))


@pytest.mark.slow
def test_a_snapshot_is_refused_while_something_runs(
    executor: FakeRenderExecutor, edited: HttpCaller
) -> None:
    executor.gate = asyncio.Event()
    edited.submit("render_1")
    reply = edited.post(CONTROL + "/snapshot", json={})
    assert reply["code"] == 400
    assert "0 turns and 1 render are running" in reply["message"]


@pytest.mark.slow
def test_a_reset_stops_what_runs_and_ends_its_streams(
    servers: ServerFactory, new_caller: NewCaller
) -> None:
    caller = new_caller(servers.start(clock=ManualClock())).connect()
    with caller.http.stream("POST", "/run_sse", json=caller.turn("hello")) as stream:
        assert caller.post(CONTROL + "/snapshot", json={})["code"] == 400
        assert caller.post(CONTROL + "/reset", json={})["token_id"] is None
        assert stream.read() == b""
    assert caller.post(CONTROL + "/snapshot", json={})["id"]


@pytest.mark.slow
def test_one_token_is_reset_and_nobody_else(
    base_url: str, new_caller: NewCaller, sample: Path
) -> None:
    one, two = (new_caller(base_url, name).connect() for name in ("one", "two"))
    for caller in (one, two):
        caller.upload(sample)
        caller.say("edit my raw video footage")
        caller.submit("render_1")
        caller.finished("render_1")
    media = patient_http.get(one.state()["state"]["video_infos"][0]["cdn_url"])
    assert media.status_code == 200
    assert one.post(CONTROL + "/reset", json={"token_id": 1}) == {"token_id": 1}
    assert one.get(f"/api/state/nemo_agent/me/{one.session}/latest")["code"] == 1002
    assert one.status("render_1")["code"] == 1002
    assert one.balance() == {"available": 100, "frozen": 0, "total": 100}
    assert patient_http.get(str(media.url)).status_code == 404
    assert {e["token_id"] for e in two.get(CONTROL + "/journal?user_id=" + two.user_id)["entries"]}
    assert two.balance()["available"] == 50
    assert two.status("render_1")["status"] == "completed"
    assert one.open_session().draft() == {"t": [], "d": 0}


@pytest.mark.slow
def test_a_token_that_is_reset_loses_its_running_work_only(
    servers: ServerFactory,
    new_caller: NewCaller,
    executor: FakeRenderExecutor,
    sample: Path,
) -> None:
    base_url = servers.start(executor)
    one, two = (new_caller(base_url, name).connect() for name in ("one", "two"))
    for caller in (one, two):
        caller.upload(sample)
        caller.say("edit my raw video footage")
    executor.gate = asyncio.Event()
    one.submit("render_1")
    two.submit("render_1")
    while executor.running < 2:
        one.balance()
    one.post(CONTROL + "/reset", json={"token_id": 1})
    assert executor.running == 1
    assert two.status("render_1")["status"] == "processing"


@pytest.mark.slow
def test_an_upload_into_a_session_that_is_forgotten_meanwhile_finds_no_session(
    servers: ServerFactory, new_caller: NewCaller, sample: Path, tmp_path: Path
) -> None:
    caller = new_caller(servers.start(data_dir=tmp_path)).connect()
    head = b'--b\r\nContent-Disposition: form-data; name="files"; filename="a.mp4"\r\n\r\n'

    def body() -> Iterator[bytes]:
        yield head + sample.read_bytes()
        # Once its file lies there, the server has found the session.
        while not any((tmp_path / "work").iterdir()):
            caller.post(CONTROL + "/restore", json={"id": "none"})
        caller.post(CONTROL + "/reset", json={"token_id": 1})
        yield b"\r\n--b--\r\n"

    reply = patient_http.post(
        f"{caller.http.base_url}/api/upload-video/nemo_agent/me/{caller.session}",
        headers={**caller.http.headers, "Content-Type": "multipart/form-data; boundary=b"},
        content=body(),
        timeout=120,
    )
    assert reply.json()["code"] == 1002
    assert not [*(tmp_path / "work").iterdir(), *(tmp_path / "media").iterdir()]


def test_a_reset_disarms_the_faults_of_what_it_forgets(
    base_url: str, new_caller: NewCaller
) -> None:
    one, two = (new_caller(base_url, name).connect() for name in ("one", "two"))

    def arm(**match: object) -> str:
        fault_id: str = one.post(
            CONTROL + "/faults", json={"name": "rate-limited", "match": match}
        )["id"]
        return fault_id

    def armed() -> list[str]:
        return [fault["id"] for fault in one.get(CONTROL + "/faults")["armed"]]

    of_one, _, of_two, of_all = (
        arm(token_id=1), arm(user_id=one.user_id), arm(user_id=two.user_id), arm(),
    )  # fmt: skip
    one.post(CONTROL + "/reset", json={"token_id": 1})
    assert of_one not in armed()
    assert armed() == [of_two, of_all]
    one.post(CONTROL + "/reset", json={})
    assert armed() == []


@pytest.mark.slow
@pytest.mark.parametrize(
    ("path", "body", "names"),
    [
        ("restore", {"id": "../../etc"}, "`id`"),
        ("restore", {"id": "0" * 32}, "`id`"),
        ("restore", {}, "id"),
        ("restore", {"id": 1}, "$.id"),
        ("reset", {"token_id": 99}, "`token_id`"),
        ("reset", {"token_id": "1"}, "$.token_id"),
        ("reset", {"tokenid": 1}, "tokenid"),
        ("reset", {"token_id": 2**70}, "$.token_id"),
    ],
)
def test_a_wrong_body_is_refused_by_field(
    base_url: str, path: str, body: dict[str, Any], names: str
) -> None:
    response = patient_http.post(f"{base_url}{CONTROL}/{path}", json=body)
    assert (response.status_code, response.json()["code"]) == (400, 400)
    assert names in response.json()["message"]


def test_an_empty_body_does_not_reset_everything_by_accident(caller: HttpCaller) -> None:
    headers = {"Content-Type": "application/json"}
    reply = caller.post(CONTROL + "/reset", headers=headers)
    assert (reply["code"], reply["message"]) == (
        400,
        "body is empty: send {} to delete everything, or name a `token_id`",
    )
    reply = caller.post(CONTROL + "/restore", headers=headers)
    assert reply["message"] == "body is empty: send a JSON object"
    assert caller.balance()["total"] == 100


def test_the_control_api_can_be_left_out(servers: ServerFactory) -> None:
    base_url = servers.start(control=False)
    for path in ("journal", "journal/summary", "openapi.json", "tokens", "clock"):
        assert patient_http.get(f"{base_url}{CONTROL}/{path}").status_code == 404
    for path in ("snapshot", "restore", "reset"):
        assert patient_http.post(f"{base_url}{CONTROL}/{path}", json={}).status_code == 404
    assert patient_http.get(f"{base_url}{CONTROL}/health").status_code == 200


@pytest.mark.slow
def test_a_wrong_method_names_all_the_right_ones(base_url: str) -> None:
    response = patient_http.put(f"{base_url}{CONTROL}/journal")
    assert response.status_code == 405
    assert set(response.headers["allow"].split(", ")) == {"GET", "HEAD", "DELETE"}
    assert httpx.head(f"{base_url}{CONTROL}/journal").status_code == 200


def test_every_table_has_its_place_in_a_reset() -> None:
    # A new table belongs in `Namespaces.forget` if it has something of a token.
    of_tokens = {
        "sessions", "claims", "edits", "turns", "drafts", "assets", "renders", "render_faults",
        "ledger", "journal",
    }  # fmt: skip
    store = Store(None)
    assert set(TABLES) == of_tokens | {"tokens", "journal_dropped", "replies"}
    store.close()
