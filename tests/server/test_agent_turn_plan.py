"""Turns as plans: length, order, heartbeats and silence are decided by the key alone."""

import itertools

import pytest
from hypothesis import given, strategies as st

from nemolocal_contract.draft import Draft
from nemolocal_contract.events import Heartbeat, Text, ToolCall, ToolResult
from nemolocal_server.agent.generation import stages_of
from nemolocal_server.agent.intents import (
    AddMusic,
    AddTitle,
    Compress,
    Edit,
    Generate,
    Keep,
    PlaceUploads,
    Remove,
    SetVolume,
    Talk,
    Topic,
    after,
    between,
    first,
    last,
)
from nemolocal_server.agent.speech import say_done, say_failed, say_talk
from nemolocal_server.agent.turn_plan import (
    Commit,
    Step,
    TurnKey,
    plan_edit,
    plan_generation,
    plan_talk,
)
from nemolocal_server.draw import Draw

EDITS: tuple[Edit, ...] = (Keep(first(1000)),)
keys = st.builds(TurnKey, st.text(), st.integers(1, 99), st.integers(1, 99), st.text())


def length(steps: list[Step]) -> float:
    return sum(step.delay for step in steps)


@given(keys, st.integers(0, 5))
@pytest.mark.rule("SSE-11")
def test_an_edit_calls_its_tool_changes_the_draft_and_answers(key: TurnKey, seed: int) -> None:
    steps = plan_edit(EDITS, "done", key, Draw(seed), heartbeat=15)
    spoken = [type(step.action) for step in steps if not isinstance(step.action, Heartbeat)]
    assert spoken == [ToolCall, Commit, ToolResult, Text]
    assert 10 <= length(steps) <= 30 + 1e-9


@given(keys)
def test_a_silent_edit_is_the_same_without_the_text(key: TurnKey) -> None:
    told = plan_edit(EDITS, "done", key, Draw(0), heartbeat=15)
    silent = plan_edit(EDITS, None, key, Draw(0), heartbeat=15)
    assert silent == told[: len(silent)]
    assert not any(isinstance(step.action, Text) for step in silent)


@given(keys, st.floats(0.5, 20))
@pytest.mark.rule("SSE-3")
def test_nothing_is_silent_for_longer_than_the_heartbeat(key: TurnKey, heartbeat: float) -> None:
    for steps in (
        plan_edit(EDITS, "done", key, Draw(0), heartbeat),
        plan_talk("hi", key, Draw(0), heartbeat),
    ):
        gap = 0.0
        for step in steps:
            gap += step.delay
            assert gap <= heartbeat + 1e-6
            gap = gap if isinstance(step.action, Commit) else 0.0


@given(keys)
@pytest.mark.rule("SSE-11")
def test_talk_takes_five_to_fifteen_seconds(key: TurnKey) -> None:
    steps = plan_talk("hi", key, Draw(0), heartbeat=15)
    assert 5 <= length(steps) <= 15
    assert steps[-1].action == Text("hi")


def test_each_part_of_the_key_decides() -> None:
    parts = itertools.product(("a", "b"), (1, 2), (1, 2), ("x", "y"))
    draws = {Draw(0).fraction("silent", *TurnKey(*part).parts()) for part in parts}
    assert len(draws) == 16


def test_a_draw_stays_between_its_bounds() -> None:
    values = [Draw(1).between(10, 30, n) for n in range(500)]
    assert all(10 <= value < 30 for value in values)
    assert max(values) - min(values) > 15


@pytest.mark.rule("SSE-8", "SSE-11")
@given(keys)
def test_a_generation_has_two_stages_and_takes_its_time(key: TurnKey) -> None:
    stages = stages_of((Generate("ocean", 5.0, "ocean at dawn"),))
    assert stages[1] == (
        AddMusic("ambient", 0.35),
        AddTitle("Ocean At Dawn", first(3000)),
    )
    steps = plan_generation(stages, "done", key, Draw(0), heartbeat=15)
    said = [step.action for step in steps if not isinstance(step.action, Heartbeat)]
    assert [type(action) for action in said] == [
        ToolCall, Commit, ToolResult, ToolCall, Commit, ToolResult, Text
    ]  # fmt: skip
    tools = [action.name for action in said if isinstance(action, ToolCall)]
    assert tools == ["generate_video_with_seedance", "edit_multitrack"]
    assert [action.stage for action in said if isinstance(action, Commit)] == [0, 1]
    assert 100 <= length(steps) <= 300 + 1e-6


def test_what_was_asked_for_is_not_added_again() -> None:
    asked = (Generate("city", 5.0, "x"), AddMusic("epic", 1.0), AddTitle("Mine"))
    assert stages_of(asked) == (asked, ())


ALL_EDITS: tuple[Edit, ...] = (
    Generate("ocean", 5.0, "ocean at dawn"),
    PlaceUploads(),
    Keep(last(4000)),
    Keep(after(2000)),
    Remove(between(1000, 2500)),
    AddTitle("Hi"),
    AddMusic("lofi", 0.35),
    SetVolume(0.2, target="music"),
    Compress(),
)


@pytest.mark.rule("SSE-10")
def test_what_was_done_is_said_before_the_gui_talk() -> None:
    text = say_done(ALL_EDITS, Draft(tracks=()), "en")
    for said in (
        "generated a 5s clip: ocean at dawn",
        "put your footage on the timeline",
        "kept the last 4s",
        "kept everything after 2s",
        "removed the part from 1s to 2.5s",
        'added the title "Hi"',
        "Lo-fi background music at 35% volume",
        "set the background music to 20% volume",
        "RTK compression",
        "Click [Play]",
        "preview in timeline",
        "Export button",
    ):
        assert said in text
    assert text.index("compression") < text.index("Click")


@pytest.mark.rule("SSE-10")
def test_a_chinese_session_is_answered_in_chinese() -> None:
    text = say_done(ALL_EDITS, Draft(tracks=()), "zh-CN")
    for said in ("保留了视频的最后4秒", "2秒之后的部分", "移除了1-2.5秒", "Lo-fi背景音乐，音量35%"):
        assert said in text
    for gui in ("点击", "打开", "导出"):
        assert gui in text
    assert "前1秒" in say_done((Keep(first(1000)),), Draft(tracks=()), "zh")
    assert "拖拽" in say_talk(Talk("hello"), "zh")
    assert "没有扣除积分" in say_failed("x", "zh")


@pytest.mark.parametrize("topic", ["declined", "unknown"])
def test_what_is_not_done_is_said_not_to_be_charged(topic: Topic) -> None:
    assert "charged" in say_talk(Talk(topic), "en")
