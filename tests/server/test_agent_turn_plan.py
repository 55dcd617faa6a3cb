"""Turns as plans: length, order, heartbeats and silence are decided by the key alone."""

import itertools
from typing import Any

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
    first,
)
from nemolocal_server.agent.tools import Job, group_edits
from nemolocal_server.agent.turn_plan import (
    Commit,
    Step,
    TurnKey,
    TurnTimes,
    plan_edit,
    plan_generation,
    plan_talk,
    within_limit,
)
from nemolocal_server.draw import Draw

keys = st.builds(TurnKey, st.text(), st.integers(1, 99), st.integers(1, 99), st.text())


def jobs(*edits: Edit) -> tuple[Job, ...]:
    return tuple(Job(group, Draft(), Draft()) for group in group_edits(edits))


TRIM = jobs(Keep(first(1000)))


def length(steps: list[Step]) -> float:
    return sum(step.delay for step in steps)


def actions(steps: list[Step]) -> list[object]:
    return [step.action for step in steps if not isinstance(step.action, Heartbeat)]


@given(keys, st.integers(0, 5))
@pytest.mark.rule("SSE-11")
def test_an_edit_calls_its_tool_changes_the_draft_and_answers(key: TurnKey, seed: int) -> None:
    steps = plan_edit(TRIM, "done", key, Draw(seed), heartbeat=15)
    assert [type(action) for action in actions(steps)] == [ToolCall, Commit, ToolResult, Text]
    assert 10 <= length(steps) <= 30 + 1e-9


@given(keys)
def test_an_edit_of_several_kinds_calls_several_tools_and_tells_nothing_too_early(
    key: TurnKey,
) -> None:
    several = jobs(Keep(first(1000)), AddTitle("x"), AddMusic("calm"), Compress())
    said = actions(plan_edit(several, "done", key, Draw(0), heartbeat=15))
    assert [type(action) for action in said] == [
        *[ToolCall] * 3, Commit, *[ToolResult] * 3, Text
    ]  # fmt: skip
    calls = [(action.id, action.name) for action in said if isinstance(action, ToolCall)]
    assert calls == [(a.id, a.name) for a in said if isinstance(a, ToolResult)]
    assert [name for _, name in calls] == [
        "edit_multitrack", "generate_background_music", "update_project_settings"
    ]  # fmt: skip
    assert len({call_id for call_id, _ in calls}) == 3


@given(keys)
def test_a_silent_edit_is_the_same_without_the_text(key: TurnKey) -> None:
    told = plan_edit(TRIM, "done", key, Draw(0), heartbeat=15)
    silent = plan_edit(TRIM, None, key, Draw(0), heartbeat=15)
    assert silent == told[: len(silent)]
    assert not any(isinstance(step.action, Text) for step in silent)


@given(keys, st.floats(0.5, 20))
@pytest.mark.rule("SSE-3")
def test_nothing_is_silent_for_longer_than_the_heartbeat(key: TurnKey, heartbeat: float) -> None:
    for steps in (
        plan_edit(TRIM, "done", key, Draw(0), heartbeat),
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
    steps = plan_generation([jobs(*edits) for edits in stages], "done", key, Draw(0), heartbeat=15)
    said = actions(steps)
    assert [type(action) for action in said] == [
        ToolCall, Commit, ToolResult, ToolCall, ToolCall, Commit, ToolResult, ToolResult, Text
    ]  # fmt: skip
    tools = [action.name for action in said if isinstance(action, ToolCall)]
    assert tools == [
        "generate_video_with_seedance", "generate_background_music", "edit_multitrack"
    ]  # fmt: skip
    assert [action.stage for action in said if isinstance(action, Commit)] == [0, 1]
    assert 100 <= length(steps) <= 300 + 1e-6


@given(keys)
def test_a_generation_without_anything_to_add_still_comes_to_its_second_end(key: TurnKey) -> None:
    asked = (Generate("city", 5.0, "x"), AddMusic("epic", 1.0), AddTitle("Mine"))
    assert stages_of(asked) == (asked, ())
    steps = plan_generation([jobs(*asked), ()], None, key, Draw(0), heartbeat=15)
    assert actions(steps)[-1] == Commit(1)
    assert 90 <= length(steps) <= 300 + 1e-6


@given(keys)
def test_turns_last_as_long_as_is_set(key: TurnKey) -> None:
    times = TurnTimes(talk=(1, 2), edit=(3, 4), generation=(5, 6), limit=2)
    edit = plan_edit(TRIM, "done", key, Draw(0), 15, times)
    assert 1 <= length(plan_talk("hi", key, Draw(0), 15, times)) <= 2
    assert 3 - 1e-6 <= length(edit) <= 4 + 1e-6
    assert 5 - 1e-6 <= length(plan_generation([TRIM, TRIM], "done", key, Draw(0), 15, times)) <= 6
    assert length(within_limit(edit, times.limit)) == pytest.approx(2)


@pytest.mark.parametrize("wrong", [{"talk": (2, 1)}, {"edit": (-1, 1)}, {"limit": 0}])
def test_a_turn_cannot_last_less_than_nothing(wrong: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match="turn_times"):
        TurnTimes(**wrong)
