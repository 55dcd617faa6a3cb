"""Renders as the server keeps them: queue, status that never goes back, ownership, restart."""

import asyncio
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from nemolocal_contract.clock import ManualClock
from nemolocal_render.job import RenderJobFailed, RenderResult
from nemolocal_render.planning.planner import RenderPlan
from tests.support import patient_http
from tests.support.executor import FakeRenderExecutor
from tests.support.http_caller import HttpCaller, NewCaller
from tests.support.servers import ServerFactory


@pytest.mark.slow
@pytest.mark.rule("REN-1", "REN-3", "REN-4", "REN-5")
def test_a_render_goes_from_pending_to_completed_with_its_file(edited: HttpCaller) -> None:
    balance = edited.balance()
    submitted = edited.submit("render_1")
    assert submitted == {"id": "render_1", "status": "pending", "progress": 0}
    done = edited.finished("render_1")
    assert (done["status"], done["progress"]) == ("completed", 100)
    assert done["output"] | {"url": ""} == {"url": "", "duration": 2.0, "size": 8}
    assert done["warnings"] == ["a warning"]
    assert patient_http.get(done["output"]["url"]).content == b"a render"
    assert edited.http.get("/api/render/proxy/render_1/download").content == b"a render"
    assert edited.balance() == balance


@pytest.mark.slow
@pytest.mark.rule("REN-1")
def test_the_draft_that_was_sent_is_rendered_not_the_saved_one(
    edited: HttpCaller, executor: FakeRenderExecutor
) -> None:
    draft = edited.draft()
    draft["t"][0]["sg"][0]["d"] = 500
    edited.submit("render_1", draft)
    edited.finished("render_1")
    assert executor.plans[0].duration == 0.5
    assert edited.draft()["d"] == 2000


@pytest.mark.slow
def test_a_failed_render_says_why_and_has_no_file(
    edited: HttpCaller, executor: FakeRenderExecutor
) -> None:
    executor.failure = RenderJobFailed("the disk is full")
    edited.submit("render_1")
    assert edited.finished("render_1") == {
        "id": "render_1", "status": "failed", "progress": 99, "error": "the disk is full"
    }  # fmt: skip
    assert edited.get("/api/render/proxy/render_1/download")["code"] == 400


@pytest.mark.slow
def test_a_defect_in_a_render_fails_it_instead_of_hanging(
    edited: HttpCaller, executor: FakeRenderExecutor
) -> None:
    executor.failure = RuntimeError("a defect")
    edited.submit("render_1")
    assert "internal error" in edited.finished("render_1")["error"]


@pytest.mark.slow
@pytest.mark.rule("REN-6")
def test_a_used_id_is_a_duplicate_and_a_new_one_is_not(edited: HttpCaller) -> None:
    edited.submit("render_1")
    again = edited.submit("render_1")
    assert again["code"] == 400
    assert "duplicate id" in again["message"]
    assert edited.submit("render_2")["status"] == "pending"


@pytest.mark.slow
@pytest.mark.rule("REN-8")
def test_one_render_of_a_session_runs_at_a_time_the_others_wait(
    edited: HttpCaller, executor: FakeRenderExecutor
) -> None:
    for number in range(5):
        edited.submit(f"render_{number}")
    assert {edited.finished(f"render_{n}")["status"] for n in range(5)} == {"completed"}
    assert executor.most_at_once == 1


@pytest.mark.slow
@pytest.mark.rule("REN-8")
def test_a_render_belongs_to_its_token(
    edited: HttpCaller, new_caller: NewCaller, base_url: str
) -> None:
    edited.submit("render_1")
    other = new_caller(base_url, "client-2").connect()
    assert other.status("render_1")["code"] == 1002
    assert other.get("/api/render/proxy/render_1/download")["code"] == 1002
    assert other.submit("render_1", edited.draft())["code"] == 400  # none of its media are theirs


@pytest.mark.slow
@pytest.mark.parametrize("missing", ["X-Skill-Source", "X-Skill-Version", "X-Skill-Platform"])
@pytest.mark.rule("REN-2", "GEN-4")
def test_an_export_without_attribution_is_402_and_not_about_credits(
    edited: HttpCaller, missing: str
) -> None:
    draft = edited.draft()
    del edited.http.headers[missing]
    body = {"id": "render_1", "sessionId": edited.session, "draft": draft}
    response = edited.http.post("/api/render/proxy/lambda", json=body)
    assert (response.status_code, response.json()["code"]) == (402, 402)
    assert missing in response.json()["message"]
    assert "credit" not in response.json()["message"]
    assert edited.status("render_1")["code"] == 1002


@pytest.mark.slow
@pytest.mark.parametrize(
    ("change", "path"),
    [
        ({"t": []}, "draft"),
        ({"t": [{"tt": 0, "sg": [{"s": 0, "d": 1000, "src": "nobody"}]}]}, "draft.t[0].sg[0].src"),
        ({"t": "x"}, "draft.t"),
    ],
)
@pytest.mark.rule("REN-9")
def test_a_draft_that_cannot_be_rendered_is_400_with_the_path(
    edited: HttpCaller, executor: FakeRenderExecutor, change: dict[str, Any], path: str
) -> None:
    reply = edited.submit("render_1", {**edited.draft(), **change})
    assert reply["code"] == 400
    assert reply["message"].startswith(path)
    assert executor.plans == []


@pytest.mark.slow
@pytest.mark.parametrize(
    ("body", "said"),
    [
        ({"id": "", "sessionId": "1", "draft": {}}, "`id`"),
        ({"id": "x" * 129, "sessionId": "1", "draft": {}}, "`id`"),
        ({"id": "r", "session_id": "1", "draft": {}}, "sessionId"),
        ({"id": "r", "sessionId": "1", "draft": []}, "draft"),
        (
            {"id": "r", "sessionId": "1", "draft": {}, "output": {"quality": "best"}},
            "output.quality",
        ),
        ({"id": "r", "sessionId": "1", "draft": {}, "output": {"format": "avi"}}, "output.format"),
    ],
)
def test_a_bad_submit_is_400_and_names_the_field(
    caller: HttpCaller, body: dict[str, Any], said: str
) -> None:
    reply = caller.post("/api/render/proxy/lambda", json=body)
    assert reply["code"] == 400
    assert said in reply["message"]


@pytest.mark.slow
@pytest.mark.rule("REN-7")
def test_the_skill_decides_the_resolution_unless_the_request_does(
    edited: HttpCaller, executor: FakeRenderExecutor
) -> None:
    def size(render_id: str, **output: str) -> int:
        draft = {**edited.draft(), "m": {"width": 3840, "height": 2160}}
        body = {"id": render_id, "sessionId": edited.session, "draft": draft, "output": output}
        edited.post("/api/render/proxy/lambda", json=body)
        edited.finished(render_id)
        width: int = executor.plans[-1].width
        return width

    assert size("a") == 1920
    assert size("b", resolution="4k") == 3840
    edited.http.headers["X-Skill-Source"] = "4k-with-session"
    assert size("c") == 3840
    assert size("d", resolution="720p") == 1280


@pytest.mark.slow
@pytest.mark.rule("REN-4")
def test_render_replies_may_be_nested_instead(
    servers: ServerFactory, new_caller: NewCaller, executor: FakeRenderExecutor, sample: Path
) -> None:
    caller = new_caller(servers.start(executor, render="nested")).connect()
    caller.upload(sample)
    caller.say("compress it")
    assert caller.submit("r")["data"]["status"] == "pending"
    while (reply := caller.status("r"))["data"]["status"] != "completed":
        pass
    assert reply["success"] is True
    assert patient_http.get(reply["data"]["outputUrl"]).status_code == 200


@pytest.mark.slow
@pytest.mark.rule("SES-2")
def test_what_was_saved_is_there_after_a_restart_and_renders_are_taken_up(
    servers: ServerFactory,
    new_caller: NewCaller,
    executor: FakeRenderExecutor,
    sample: Path,
    tmp_path: Path,
) -> None:

    executor.gate = asyncio.Event()  # the first server's render never ends by itself
    caller = new_caller(servers.start(executor, data_dir=tmp_path)).connect()
    caller.upload(sample)
    caller.say('add a title "Kept" for 1 second')
    caller.submit("render_1")
    while caller.status("render_1")["progress"] < 99:
        pass
    before = (caller.draft(), caller.balance())
    servers.stop()
    executor.gate = None

    caller.http.base_url = servers.start(executor, data_dir=tmp_path)
    assert (caller.draft(), caller.balance()) == before
    assert caller.finished("render_1")["status"] == "completed"


@pytest.mark.slow
def test_time_stamps_follow_the_clock_of_the_server(base_url: str) -> None:
    assert (
        patient_http.get(base_url + "/nowhere").headers["date"] == "Tue, 14 Nov 2023 22:13:20 GMT"
    )


@pytest.mark.slow
@pytest.mark.rule("REN-8")
@pytest.mark.parametrize("waiting", [False, True])
def test_a_render_that_is_cancelled_ends_and_leaves_room_for_the_next(
    servers: ServerFactory,
    new_caller: NewCaller,
    executor: FakeRenderExecutor,
    sample: Path,
    waiting: bool,
) -> None:
    executor.gate = asyncio.Event()
    caller = new_caller(servers.start(executor)).connect()
    caller.upload(sample)
    caller.say("compress it")
    caller.submit("render_1")
    victim = "render_1"
    if waiting:
        caller.submit("render_2")
        victim = "render_2"
    while caller.status("render_1")["progress"] < 99:
        pass
    cancelled = caller.post(f"/api/render/proxy/lambda/{victim}/cancel")
    assert (cancelled["status"], cancelled["error"]) == ("failed", "cancelled")
    assert caller.post(f"/api/render/proxy/lambda/{victim}/cancel") == cancelled
    executor.gate = None
    caller.submit("render_3")
    if waiting:
        caller.post("/api/render/proxy/lambda/render_1/cancel")
    assert caller.finished("render_3")["status"] == "completed"
    assert caller.status(victim) == cancelled


class HeldAfterwards(FakeRenderExecutor):
    """Has its file in place and does not come back."""

    async def __call__(
        self, plan: RenderPlan, destination: Path, on_progress: Callable[[int], None]
    ) -> RenderResult:
        await super().__call__(plan, destination, lambda _percent: None)
        on_progress(99)
        await asyncio.Event().wait()
        raise AssertionError("nobody sets it")


@pytest.mark.slow
@pytest.mark.rule("REN-8")
def test_a_render_that_is_cancelled_when_it_is_done_leaves_no_file(
    servers: ServerFactory, new_caller: NewCaller, sample: Path, tmp_path: Path
) -> None:
    data = tmp_path / "data"
    caller = new_caller(servers.start(HeldAfterwards(), data_dir=data)).connect()
    caller.upload(sample)
    caller.say("compress it")
    caller.submit("render_1")
    while caller.status("render_1")["progress"] < 99:
        pass
    assert list((data / "renders").iterdir())
    caller.post("/api/render/proxy/lambda/render_1/cancel")
    # The next one of the session begins when this one has ended.
    caller.submit("render_2")
    while caller.status("render_2")["progress"] < 99:
        pass
    assert len(list((data / "renders").iterdir())) == 1


@pytest.mark.slow
@pytest.mark.rule("REN-8")
def test_nobody_cancels_the_render_of_another(
    edited: HttpCaller, new_caller: NewCaller, base_url: str
) -> None:
    edited.submit("render_1")
    other = new_caller(base_url, "client-2").connect()
    assert other.post("/api/render/proxy/lambda/render_1/cancel")["code"] == 1002
    assert edited.finished("render_1")["status"] == "completed"


@pytest.mark.slow
@pytest.mark.rule("REN-8", "AUTH-5")
def test_a_token_that_ends_orphans_its_renders(
    servers: ServerFactory, new_caller: NewCaller, executor: FakeRenderExecutor, sample: Path
) -> None:
    clock = ManualClock(autojump=True)
    caller = new_caller(servers.start(executor, clock=clock)).connect()
    caller.upload(sample)
    caller.say("compress it")
    caller.submit("render_1")
    url = caller.finished("render_1")["output"]["url"]
    clock.wait(7 * 86_400)
    assert caller.status("render_1")["code"] == 1001
    caller.connect()
    assert caller.status("render_1")["code"] == 1002
    assert patient_http.get(url).status_code == 200


@pytest.mark.slow
@pytest.mark.rule("REN-10")
def test_a_render_waits_as_long_as_in_the_cloud_where_that_is_asked_for(
    servers: ServerFactory, new_caller: NewCaller, executor: FakeRenderExecutor, sample: Path
) -> None:
    clock = ManualClock(autojump=True)
    caller = new_caller(servers.start(executor, clock=clock, render_queue=(30.0, 90.0))).connect()
    caller.upload(sample)
    caller.say("compress it")
    before = clock.time()
    caller.submit("render_1")
    caller.finished("render_1")
    assert 30 <= clock.time() - before <= 90
