"""The pages of sessions and renders as the server renders them."""

from collections.abc import Callable, Iterator
from html.parser import HTMLParser
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest

from nemolocal_contract.control_api import TurnDetail
from nemolocal_contract.endpoints import UI_PREFIX
from nemolocal_dashboard.session_pages import _tool_uses
from nemolocal_render.job import RenderResult
from nemolocal_render.planning.render_plan import RenderPlan
from nemolocal_render.render_log import CURRENT_LOG, SERVER, LoggedPart
from nemolocal_server.turns.silent_turns import SilentTurnPolicy
from tests.support.dashboard import dashboard_server
from tests.support.executor import FakeRenderExecutor
from tests.support.http_caller import HttpCaller
from tests.support.servers import server_settings

TRIM = "trim to the first 1 second"
HOSTILE = "<script>alert(1)</script><img src=x onerror=alert(1)>\"'&"


class PartsExecutor(FakeRenderExecutor):
    """Renders in five parts: of a worker, of one with a hostile name, here, reused and waiting."""

    async def __call__(
        self, plan: RenderPlan, destination: Path, on_progress: Callable[[int], None]
    ) -> RenderResult:
        parts = [LoggedPart(0.25 * n, 0.25) for n in range(5)]
        log = CURRENT_LOG.get()
        assert log is not None
        log.set_parts(parts, 5)
        states = (("alpha:17", 0.509), (HOSTILE, 1.0), (SERVER, 1.0), ("", 1.0), ("", 0.0))
        for part, (worker, done) in zip(parts, states, strict=True):
            part.worker, part.done = worker, done
        return await super().__call__(plan, destination, on_progress)


@pytest.fixture(scope="module")
def caller(sample: Path) -> Iterator[HttpCaller]:
    """A caller with a placed upload, whose second turn is silent and applied nothing."""
    settings = server_settings(silence=SilentTurnPolicy(script=".n......"))
    with dashboard_server(settings, execute=PartsExecutor()) as server:
        caller = HttpCaller(server.base_url).connect()
        caller.upload(sample)
        for message in ("edit my raw video footage", TRIM, TRIM):
            caller.say(message)
        yield caller
        caller.http.close()


class Elements(HTMLParser):
    """The elements of a page with their attributes, and its text."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.found: list[tuple[str, dict[str, str | None]]] = []
        self.text = ""
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.found.append((tag, dict(attrs)))

    def handle_data(self, data: str) -> None:
        self.text += data

    def all(self, **wanted: str) -> list[dict[str, str | None]]:
        """The attributes of the elements that have these (`data_truth` for `data-truth`)."""
        pairs = {(name.replace("_", "-"), value) for name, value in wanted.items()}
        return [attributes for _, attributes in self.found if pairs <= {*attributes.items()}]


def page(caller: HttpCaller, path: str, **options: Any) -> Elements:
    response = caller.http.get(f"{UI_PREFIX}/{path}", **options)
    assert response.status_code == 200, response.text
    return Elements(response.text)


def test_a_silent_turn_is_marked_with_its_truth(caller: HttpCaller) -> None:
    shown = page(caller, f"sessions/{caller.session}")
    truths = [a["data-truth"] for a in shown.all() if "data-truth" in a]
    assert truths == ["applied", "not_applied", "applied"]
    assert shown.text.count("The stream ended without text") == 1
    listed = page(caller, "sessions")
    assert "project" in listed.text
    assert listed.all(href=f"{UI_PREFIX}/sessions/{caller.session}")


def test_a_version_is_drawn_as_it_was_with_what_it_changed(caller: HttpCaller) -> None:
    path = f"sessions/{caller.session}/timeline"
    before, after = page(caller, f"{path}?version=2"), page(caller, f"{path}?version=3")
    assert before.all(data_version="2", data_duration="2.0")
    assert after.all(data_version="3", data_duration="1.0")
    assert "trimmed to 1s" in after.text
    assert "made by turn 3" in after.text
    clips = [[a for a in shown.all() if a.get("data-segment")] for shown in (before, after)]
    assert [float(clip["width"] or 0) for (clip,) in clips] == [880, 880]


def test_the_player_plays_the_upload_until_there_is_a_render(
    caller: HttpCaller, sample: Path
) -> None:
    first = caller.session
    caller.open_session().upload(sample)
    for message in ("edit my raw video footage", TRIM):
        caller.say(message)
    asset = caller.get(f"/__nemolocal__/sessions/{caller.session}")["assets"][0]["id"]
    shown = page(caller, f"sessions/{caller.session}")
    assert shown.all(id="video", src=f"/cdn/media/{asset}.mp4")
    assert [a["data-spans"] for a in shown.all(id="timeline-box")] == ["[[0.0,1.0,0.0,1.0]]"]
    caller.submit("render_1")
    url = caller.finished("render_1")["output"]["url"]
    shown = page(caller, f"sessions/{caller.session}")
    assert shown.all(id="video", src=url.removeprefix(str(caller.http.base_url).rstrip("/")))
    assert "Render “render_1” of version 3" in shown.text
    caller.session = first


def test_what_strangers_sent_is_text(caller: HttpCaller) -> None:
    first = caller.session
    caller.open_session(task_name=HOSTILE)
    caller.say(HOSTILE)
    caller.say(f"add a title '{HOSTILE}'")
    for path in ("sessions", f"sessions/{caller.session}"):
        shown = page(caller, path)
        assert HOSTILE in shown.text
        assert not [tag for tag, attributes in shown.found if "onerror" in attributes]
        scripts = [attributes for tag, attributes in shown.found if tag == "script"]
        assert all((script["src"] or "").startswith(UI_PREFIX) for script in scripts)
    caller.session = first


def test_pages_have_no_inline_style_and_no_inline_script(caller: HttpCaller) -> None:
    caller.submit("render_2")
    caller.finished("render_2")
    file_id = caller.get("/__nemolocal__/renders")["renders"][0]["file_id"]
    for path in ("sessions", f"sessions/{caller.session}", "renders", f"renders/{file_id}"):
        for tag, attributes in page(caller, path).found:
            assert tag != "style"
            assert "style" not in attributes
            assert not any(name.startswith("on") for name in attributes)


def test_a_render_shows_its_state_its_log_and_how_to_stop_it(caller: HttpCaller) -> None:
    caller.submit("render_3")
    caller.finished("render_3")
    file_id = caller.get("/__nemolocal__/renders")["renders"][0]["file_id"]
    shown = page(caller, f"renders/{file_id}")
    assert shown.all(data_status="completed")
    assert "planned" in shown.text
    assert "waits for a place" in shown.text
    assert not [a for a in shown.all() if "data-post" in a]


def test_a_render_shows_each_part_its_worker_and_its_progress(caller: HttpCaller) -> None:
    caller.submit("render_4")
    caller.finished("render_4")
    file_id = caller.get("/__nemolocal__/renders")["renders"][0]["file_id"]
    known = caller.get(f"/__nemolocal__/renders/{file_id}")
    assert known["parts"] == 5
    assert [(part["begin"], part["worker"], part["progress"]) for part in known["part_states"]] == [
        (0.0, "alpha:17", 50),
        (0.25, HOSTILE, 100),
        (0.5, "server", 100),
        (0.75, "", 100),
        (1.0, "", 0),
    ]
    shown = page(caller, f"renders/{file_id}")
    assert "5 parts, by 2 workers of the farm so far" in shown.text
    rows = " ".join(shown.text.split()).partition("Worker ")[2].partition(" Log ")[0]
    assert rows == (
        "0.00 – 0.25 s 50 % alpha:17 "
        f"0.25 – 0.50 s 100 % {HOSTILE} "
        "0.50 – 0.75 s 100 % this server "
        "0.75 – 1.00 s 100 % was there already "
        "1.00 – 1.25 s 0 % waits"
    )
    assert not [tag for tag, attributes in shown.found if "onerror" in attributes]


@pytest.mark.parametrize(
    "path", ["sessions/1", "renders/1", "sessions/1/record", "sessions/1/timeline"]
)
def test_what_is_gone_is_a_page_that_says_so(caller: HttpCaller, path: str) -> None:
    response = caller.http.get(f"{UI_PREFIX}/{path}")
    assert response.status_code == 404
    assert "no such page" in response.text


@pytest.mark.parametrize(("name", "value"), [("version", "99"), ("zoom", "2"), ("view", "x")])
def test_an_impossible_choice_is_named(caller: HttpCaller, name: str, value: str) -> None:
    response = caller.http.get(f"{UI_PREFIX}/sessions/{caller.session}?{name}={value}")
    assert response.status_code == 400
    assert f"`{name}` must be from" in response.json()["message"]


def test_pages_speak_chinese(caller: HttpCaller) -> None:
    shown = page(caller, f"sessions/{caller.session}", headers={"Accept-Language": "zh-CN,zh"})
    assert "时间线" in shown.text
    assert "未生效" in shown.text


def test_a_result_without_its_call_is_shown_by_itself() -> None:
    call = {"kind": "tool_call", "name": "trim", "args": {"a": 1}}
    result = {"kind": "tool_result", "name": "trim", "response": {"ok": True}}
    turn = cast("TurnDetail", SimpleNamespace(events=(result, call, result, result)))
    uses = _tool_uses(turn)
    assert [(use.name, bool(use.args), bool(use.response)) for use in uses] == [
        ("trim", False, True),
        ("trim", True, True),
        ("trim", False, True),
    ]
