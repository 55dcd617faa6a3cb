"""Exports that hold too much are refused at once; large ones keep nobody waiting."""

import asyncio
import json
import threading
from typing import Any

import pytest

from nemolocal_render.planning.draft_limits import MAX_SEGMENTS
from nemolocal_render.planning.planner import RenderPlan, plan_render
from nemolocal_server.body_memory import MAX_BODY
from nemolocal_server.exports import export_service
from tests.support.executor import FakeRenderExecutor
from tests.support.http_caller import HttpCaller


def title(**fields: Any) -> dict[str, Any]:
    return {"s": 0, "d": 1000, "txt": "a", **fields}


PAIRS = [{"type": "zoom"}, {"type": "reverse"}]


@pytest.mark.slow
@pytest.mark.rule("REN-9")
@pytest.mark.parametrize(
    ("draft", "path"),
    [
        ({"t": [{"tt": 7, "sg": [title(fx=PAIRS * 10_000)]}]}, "draft.t[0].sg[0].fx"),
        ({"t": [[]] * 400_000}, "draft.t"),
        ({"t": [{"tt": 7, "sg": [{}] * 400_000}]}, "draft.t"),
    ],
    ids=["effects", "tracks", "segments"],
)
def test_too_much_is_refused_with_its_path(
    edited: HttpCaller, executor: FakeRenderExecutor, draft: dict[str, Any], path: str
) -> None:
    reply = edited.submit("render_1", draft)
    assert (reply["code"], reply["data"]) == (400, None)
    assert reply["message"].startswith(f"{path}: has ")
    assert executor.plans == []


def nested(levels: int) -> Any:
    """A list in a list, and so on."""
    return json.loads("[" * levels + "]" * levels)


@pytest.mark.rule("REN-9")
@pytest.mark.parametrize(
    ("unknown", "reason"),
    [
        pytest.param(nested(900), "is nested more than 50 levels deep", id="deep"),
        pytest.param(
            [[]] * 900_000, "has more than 100000 values", marks=pytest.mark.slow, id="wide"
        ),
    ],
)
def test_unknown_fields_may_not_contain_anything_at_all(
    edited: HttpCaller, executor: FakeRenderExecutor, unknown: Any, reason: str
) -> None:
    """900 levels can be decoded, but not encoded again a few calls deeper."""
    draft = {"t": [{"tt": 7, "sg": [title()]}], "m": {"x": unknown}}
    reply = edited.submit("render_1", draft)
    assert (reply["code"], reply["message"]) == (400, f"draft: {reason}")
    assert executor.plans == []


@pytest.mark.rule("REN-9")
def test_a_body_that_is_too_large_is_not_read_to_its_end(edited: HttpCaller) -> None:
    body = json.dumps({"id": "r", "sessionId": edited.session, "draft": {"x": "a" * MAX_BODY}})
    reply = edited.post("/api/render/proxy/lambda", content=body)
    assert (reply["code"], reply["message"]) == (400, "body is larger than 4 MB")


@pytest.mark.slow
def test_the_largest_draft_is_planned_beside_the_loop(
    edited: HttpCaller, executor: FakeRenderExecutor, monkeypatch: pytest.MonkeyPatch
) -> None:
    waiting = []

    def plan(*arguments: Any) -> Any:
        try:
            asyncio.get_running_loop()
        except RuntimeError:
            waiting.append(threading.current_thread().name)
        return plan_render(*arguments)

    monkeypatch.setattr(export_service, "plan_render", plan)
    edited.submit("small")
    assert edited.finished("small")["status"] == "completed"
    assert waiting == []
    large = {"t": [{"tt": 7, "sg": [title()] * MAX_SEGMENTS}]}
    edited.submit("large", large)
    assert edited.finished("large")["status"] == "completed"
    assert (len(waiting), len(executor.plans)) == (1, 2)


@pytest.mark.slow
def test_an_accepted_plan_is_rendered_as_it_is(
    edited: HttpCaller, executor: FakeRenderExecutor, monkeypatch: pytest.MonkeyPatch
) -> None:
    planned = []

    def plan(*arguments: Any) -> RenderPlan:
        planned.append(plan_render(*arguments))
        return planned[-1]

    monkeypatch.setattr(export_service, "plan_render", plan)
    edited.submit("render_1")
    assert edited.finished("render_1")["status"] == "completed"
    assert len(planned) == len(executor.plans) == 1
    assert planned[0] is executor.plans[0]


@pytest.mark.slow
def test_a_token_in_a_title_is_never_rendered(
    edited: HttpCaller, executor: FakeRenderExecutor
) -> None:
    token = edited.http.headers["authorization"].partition(" ")[2]
    edited.submit("render_1", {"t": [{"tt": 7, "sg": [title(txt=f"mine: {token}")]}]})
    assert edited.finished("render_1")["status"] == "completed"
    (text,) = (one.text for one in executor.plans[0].titles)
    assert text.startswith("mine: ")
    assert token not in text


@pytest.mark.slow
@pytest.mark.rule("REN-6")
def test_an_id_that_is_taken_meanwhile_is_a_duplicate(
    edited: HttpCaller, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Two requests with one id, the second of which comes while the first is planned."""
    large = {"t": [{"tt": 7, "sg": [title()] * MAX_SEGMENTS}]}
    began, go_on = threading.Event(), threading.Event()

    def plan(draft: Any, *rest: Any) -> Any:
        if len(draft.tracks[0].segments) == MAX_SEGMENTS and not began.is_set():
            began.set()
            go_on.wait(60)
        return plan_render(draft, *rest)

    monkeypatch.setattr(export_service, "plan_render", plan)
    replies: list[dict[str, Any]] = []
    first = threading.Thread(target=lambda: replies.append(edited.submit("render_1", large)))
    first.start()
    assert began.wait(60)
    small = {"t": [{"tt": 7, "sg": [title()]}]}
    assert edited.submit("render_1", small)["status"] == "pending"
    go_on.set()
    first.join()
    assert "duplicate id" in replies[0]["message"]
