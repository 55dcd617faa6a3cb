"""Renders over the control API: their plan, encoder, log and commands, and how to stop them."""

import asyncio
from pathlib import Path
from typing import Any

import pytest

from tests.support.executor import FakeRenderExecutor
from tests.support.http_caller import HttpCaller, NewCaller
from tests.support.servers import ServerFactory

CONTROL = "/__nemolocal__"


def render(caller: HttpCaller) -> dict[str, Any]:
    """The newest render."""
    file_id = caller.get(f"{CONTROL}/renders")["renders"][0]["file_id"]
    return caller.get(f"{CONTROL}/renders/{file_id}")


def test_a_render_shows_what_its_draft_comes_to(edited: HttpCaller) -> None:
    edited.say("add a title 'Hi' for 1 second")
    edited.submit("render_1")
    edited.finished("render_1")
    found = render(edited)
    plan = found["plan"]
    assert (plan["frames"], plan["fps"], plan["duration"]) == (60, 30.0, 2.0)
    assert (plan["layers"], plan["sounds"], plan["titles"]) == ([1], [1], 1)
    assert (found["render"]["id"], found["render"]["status"]) == ("render_1", "completed")
    assert found["result"]["encoder_reason"] == found["encoder_reason"] == "planned"
    assert edited.http.get(found["render"]["url"]).content == b"a render"


def test_a_running_render_is_stopped_from_there(
    edited: HttpCaller, executor: FakeRenderExecutor
) -> None:
    executor.gate = asyncio.Event()
    edited.submit("render_1")
    while render(edited)["render"]["progress"] < 40:
        pass
    found = render(edited)
    assert (found["render"]["status"], found["render"]["url"]) == ("processing", None)
    path = f"{CONTROL}/renders/{found['render']['file_id']}/cancel"
    assert edited.post(path, json={})["status"] == "failed"
    assert edited.status("render_1")["error"] == "cancelled"


@pytest.mark.slow
@pytest.mark.ffmpeg
def test_the_commands_are_exact_and_name_no_folder(
    servers: ServerFactory, new_caller: NewCaller, sample: Path, tmp_path: Path
) -> None:
    folder = tmp_path / "data with a space"
    caller = new_caller(servers.start(data_dir=folder)).connect()
    caller.upload(sample)
    caller.say("edit my raw video footage")
    caller.say("make it twice as fast")
    caller.submit("render_1")
    assert caller.finished("render_1")["status"] == "completed"
    response = caller.http.get(
        f"{CONTROL}/renders/{caller.get(CONTROL + '/renders')['renders'][0]['file_id']}"
    )
    found = response.json()
    assert str(tmp_path) not in response.text
    (command,) = found["commands"]
    asset = caller.get(f"{CONTROL}/sessions/{caller.session}")["assets"][0]
    assert f"-i file:{asset['id']}.mp4" in command["line"]
    assert command["line"].startswith("ffmpeg ")
    assert any("setpts" in graph for graph in command["graphs"].values())
    assert (found["workers"], found["parts"]) == (1, 1)
    texts = [line["text"] for line in found["log"]]
    assert texts[0] == "waits for a place"
    assert "checked: 30 frames, 1280x720, as planned" in texts
    assert found["encoder"] == found["result"]["encoder"]
