"""Many clients at once: each sees its own things only, and gets what it would get alone."""

import asyncio
import copy
from pathlib import Path
from typing import Any

import httpx
import pytest

from nemolocal_contract.endpoints import Attribution, bearer_header
from nemolocal_contract.turn_events import SseParser, Text, decode_turn_events
from tests.support import patient_http
from tests.support.executor import FakeRenderExecutor
from tests.support.servers import ServerFactory

ATTRIBUTION = Attribution("ai-rtk-compressor", "1.0.0").headers()
MESSAGES = ("trim to the first 1 second", "add a title 'Mine'", "compress this video")


class Run:
    """What one client did and what came of it; `secrets` is what nobody else may ever see."""

    def __init__(self, client_id: str) -> None:
        self.client_id = client_id
        self.results: dict[str, Any] = {}
        self.seen: list[str] = []
        self.secrets: set[str] = set()
        self.sid = ""
        self.headers: dict[str, str] = {}


async def drive(http: httpx.AsyncClient, client_id: str, film: bytes) -> Run:
    """Token, session, upload, three edits, state, export and credits of one client."""
    run = Run(client_id)

    async def call(method: str, path: str, **rest: Any) -> Any:
        response = await http.request(method, path, headers={**run.headers, **ATTRIBUTION}, **rest)
        run.seen.append(response.text)
        return response.json()

    token = await http.post("/api/auth/anonymous-token", headers={"X-Client-Id": client_id})
    fresh = token.json()["data"]
    run.headers = bearer_header(fresh["token"])
    opened = await call("POST", "/api/tasks/me/with-session/nemo_agent", json={})
    run.sid = opened["data"]["session_id"]
    files = {"files": (f"film of {client_id}.mp4", film)}
    upload = await call("POST", f"/api/upload-video/nemo_agent/me/{run.sid}", files=files)
    cdn_url = upload["data"]["files"][0]["cdn_url"]
    run.results["words"] = [await say(http, run, message) for message in MESSAGES]
    state = (await call("GET", f"/api/state/nemo_agent/me/{run.sid}/latest"))["data"]["state"]
    run.results["draft"] = anonymous(state["draft"])
    run.results["media"] = [info["filename"] for info in state["video_infos"]]
    export = {"id": f"render of {client_id}", "sessionId": run.sid, "draft": state["draft"]}
    submitted = await call("POST", "/api/render/proxy/lambda", json=export)
    assert submitted.get("status") == "pending", submitted
    done = await finished(call, export["id"])
    run.results["render"] = (done["status"], done["progress"])
    run.results["credits"] = (await call("GET", "/api/credits/balance/simple"))["data"]
    names = {url.rpartition("/")[2] for url in (cdn_url, done["output"]["url"])}
    run.secrets = {run.sid, fresh["token"], fresh["user_id"], f"film of {client_id}.mp4", *names}
    run.secrets |= {opened["data"]["task_id"], state["video_infos"][0]["id"], export["id"]}
    return run


async def say(http: httpx.AsyncClient, run: Run, message: str) -> list[str]:
    body = {"session_id": run.sid, "new_message": {"parts": [{"text": message}]}}
    response = await http.post("/run_sse", headers={**run.headers, **ATTRIBUTION}, json=body)
    run.seen.append(response.text)
    events = [e for frame in SseParser().feed(response.content) for e in decode_turn_events(frame)]
    return [event.text for event in events if isinstance(event, Text)]


async def finished(call: Any, render_id: str) -> Any:
    while (status := await call("GET", f"/api/render/proxy/lambda/{render_id}"))["status"] in (
        "pending",
        "processing",
    ):
        await asyncio.sleep(0)
    return status


def anonymous(draft: dict[str, Any]) -> dict[str, Any]:
    """The draft without the ids of its media, which are drawn anew in every run."""
    known = copy.deepcopy(draft)
    for track in known["t"]:
        for segment in track["sg"]:
            segment.pop("src", None)
    return known


async def drive_all(base_url: str, clients: list[str], film: bytes) -> list[Run]:
    async with httpx.AsyncClient(base_url=base_url, timeout=300) as http:
        return await asyncio.gather(*(drive(http, client, film) for client in clients))


@pytest.fixture(params=[4, pytest.param(50, marks=pytest.mark.slow)])
def crowd(
    request: pytest.FixtureRequest,
    servers: ServerFactory,
    executor: FakeRenderExecutor,
    sample: Path,
) -> tuple[str, list[Run]]:
    """A server on which so many clients have been at work at the same time."""
    film = sample.read_bytes()
    # Otherwise the film would be looked into by a process for each of them.
    asyncio.run(drive_all(servers.start(executor), ["the first"], film))
    base_url = servers.start(executor, silent_rate=0.3, seed=5)
    clients = [f"client-{number:02}" for number in range(request.param)]
    return base_url, asyncio.run(drive_all(base_url, clients, film))


@pytest.mark.slow
def test_nobody_sees_anything_of_anybody_and_the_company_changes_nothing(
    crowd: tuple[str, list[Run]], servers: ServerFactory, executor: FakeRenderExecutor, sample: Path
) -> None:
    base_url, runs = crowd
    for run in runs:
        others = set().union(*(other.secrets for other in runs if other is not run))
        seen = "\n".join(run.seen)
        assert [secret for secret in others if secret in seen] == [], run.client_id
        assert run.results["credits"] == {"available": 50, "frozen": 0, "total": 50}
        assert run.results["media"] == [f"film of {run.client_id}.mp4"]
    nobody_opens_what_is_anothers(base_url, runs)
    for run in runs[:: len(runs) // 4]:
        alone = servers.start(executor, silent_rate=0.3, seed=5)
        (lonely,) = asyncio.run(drive_all(alone, [run.client_id], sample.read_bytes()))
        assert lonely.results == run.results
    silences = {tuple(map(bool, run.results["words"])) for run in runs}
    assert len(silences) > 1


def nobody_opens_what_is_anothers(base_url: str, runs: list[Run]) -> None:
    for run, other in zip(runs, [*runs[1:], runs[0]], strict=True):
        with patient_http.Client(base_url=base_url, headers={**run.headers, **ATTRIBUTION}) as http:
            for path in (
                f"/api/state/nemo_agent/me/{other.sid}/latest",
                f"/api/render/proxy/lambda/render of {other.client_id}",
                f"/api/render/proxy/render of {other.client_id}/download",
            ):
                assert http.get(path).json()["code"] == 1002
