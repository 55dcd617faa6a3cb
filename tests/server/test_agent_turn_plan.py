"""Turns as plans: length, order, heartbeats and silence are decided by the key alone."""

import itertools
from typing import Any

import pytest
from hypothesis import given, strategies as st

from nemolocal_agent.intents import (
    AddMusic,
    AddTitle,
    Compress,
    Edit,
    Generate,
    KeepSpan,
    first_span,
)
from nemolocal_agent.tool_calls import PlannedToolCall, group_edits, split_stages
from nemolocal_contract.draft import Draft
from nemolocal_contract.turn_events import Heartbeat, Text, ToolCall, ToolResult
from nemolocal_server.seeded_random import SeededRandom
from nemolocal_server.turns.turn_schedule import (
    CommitEdits,
    TurnScheduler,
    TurnSeed,
    TurnStep,
    TurnTimes,
    limit_duration,
)

keys = st.builds(TurnSeed, st.text(), st.integers(1, 99), st.integers(1, 99), st.text())


def jobs(*edits: Edit) -> tuple[PlannedToolCall, ...]:
    return tuple(PlannedToolCall(group, Draft(), Draft()) for group in group_edits(edits))


TRIM = jobs(KeepSpan(first_span(1000)))


def length(steps: list[TurnStep]) -> float:
    return sum(step.delay for step in steps)


def actions(steps: list[TurnStep]) -> list[object]:
    return [step.action for step in steps if not isinstance(step.action, Heartbeat)]


@pytest.mark.slow
@given(keys, st.integers(0, 5))
@pytest.mark.rule("SSE-11")
def test_an_edit_calls_its_tool_changes_the_draft_and_answers(key: TurnSeed, seed: int) -> None:
    steps = TurnScheduler(key, SeededRandom(seed), 15).edit(TRIM, "done")
    assert [type(action) for action in actions(steps)] == [ToolCall, CommitEdits, ToolResult, Text]
    assert 10 <= length(steps) <= 30 + 1e-9


@pytest.mark.slow
@given(keys)
def test_an_edit_of_several_kinds_calls_several_tools_and_tells_nothing_too_early(
    key: TurnSeed,
) -> None:
    several = jobs(KeepSpan(first_span(1000)), AddTitle("x"), AddMusic("calm"), Compress())
    said = actions(TurnScheduler(key, SeededRandom(0), 15).edit(several, "done"))
    assert [type(action) for action in said] == [
        *[ToolCall] * 3, CommitEdits, *[ToolResult] * 3, Text
    ]  # fmt: skip
    calls = [(action.id, action.name) for action in said if isinstance(action, ToolCall)]
    assert calls == [(a.id, a.name) for a in said if isinstance(a, ToolResult)]
    assert [name for _, name in calls] == [
        "edit_multitrack", "generate_background_music", "update_project_settings"
    ]  # fmt: skip
    assert len({call_id for call_id, _ in calls}) == 3


@pytest.mark.slow
@given(keys)
def test_a_silent_edit_is_the_same_without_the_text(key: TurnSeed) -> None:
    reported = TurnScheduler(key, SeededRandom(0), 15).edit(TRIM, "done")
    silent = TurnScheduler(key, SeededRandom(0), 15).edit(TRIM, None)
    assert silent == reported[: len(silent)]
    assert not any(isinstance(step.action, Text) for step in silent)


@pytest.mark.slow
@given(keys, st.floats(0.5, 20))
@pytest.mark.rule("SSE-3")
def test_nothing_is_silent_for_longer_than_the_heartbeat(key: TurnSeed, heartbeat: float) -> None:
    for steps in (
        TurnScheduler(key, SeededRandom(0), heartbeat).edit(TRIM, "done"),
        TurnScheduler(key, SeededRandom(0), heartbeat).reply("hi"),
    ):
        gap = 0.0
        for step in steps:
            gap += step.delay
            assert gap <= heartbeat + 1e-6
            gap = gap if isinstance(step.action, CommitEdits) else 0.0


@pytest.mark.slow
@given(keys)
@pytest.mark.rule("SSE-11")
def test_talk_takes_five_to_fifteen_seconds(key: TurnSeed) -> None:
    steps = TurnScheduler(key, SeededRandom(0), 15).reply("hi")
    assert 5 <= length(steps) <= 15
    assert steps[-1].action == Text("hi")


def test_each_part_of_the_key_decides() -> None:
    parts = itertools.product(("a", "b"), (1, 2), (1, 2), ("x", "y"))
    draws = {SeededRandom(0).random("silent", *TurnSeed(*part).key()) for part in parts}
    assert len(draws) == 16


def test_a_draw_stays_between_its_bounds() -> None:
    values = [SeededRandom(1).uniform(10, 30, n) for n in range(500)]
    assert all(10 <= value < 30 for value in values)
    assert max(values) - min(values) > 15


@pytest.mark.slow
@pytest.mark.rule("SSE-8", "SSE-11")
@given(keys)
def test_a_generation_has_two_stages_and_takes_its_time(key: TurnSeed) -> None:
    stages = split_stages((Generate("ocean", 5.0, "ocean at dawn"),))
    assert stages[1] == (
        AddMusic("ambient", 0.35),
        AddTitle("Ocean At Dawn", first_span(3000)),
    )
    calls = [jobs(*edits) for edits in stages]
    steps = TurnScheduler(key, SeededRandom(0), 15).generation(calls, "done")
    said = actions(steps)
    assert [type(action) for action in said] == [
        ToolCall, CommitEdits, ToolResult, ToolCall, ToolCall, CommitEdits, ToolResult,
        ToolResult, Text
    ]  # fmt: skip
    tools = [action.name for action in said if isinstance(action, ToolCall)]
    assert tools == [
        "generate_video_with_seedance", "generate_background_music", "edit_multitrack"
    ]  # fmt: skip
    assert [action.stage for action in said if isinstance(action, CommitEdits)] == [0, 1]
    assert 100 <= length(steps) <= 300 + 1e-6


@pytest.mark.slow
@given(keys)
def test_a_generation_without_anything_to_add_still_comes_to_its_second_end(key: TurnSeed) -> None:
    asked = (Generate("city", 5.0, "x"), AddMusic("epic", 1.0), AddTitle("Mine"))
    assert split_stages(asked) == (asked, ())
    steps = TurnScheduler(key, SeededRandom(0), 15).generation([jobs(*asked), ()], None)
    assert actions(steps)[-1] == CommitEdits(1)
    assert 90 <= length(steps) <= 300 + 1e-6


@pytest.mark.slow
@given(keys)
def test_turns_last_as_long_as_is_set(key: TurnSeed) -> None:
    times = TurnTimes(talk=(1, 2), edit=(3, 4), generation=(5, 6), limit=2)
    edit = TurnScheduler(key, SeededRandom(0), 15, times).edit(TRIM, "done")
    assert 1 <= length(TurnScheduler(key, SeededRandom(0), 15, times).reply("hi")) <= 2
    assert 3 - 1e-6 <= length(edit) <= 4 + 1e-6
    assert (
        5 - 1e-6
        <= length(TurnScheduler(key, SeededRandom(0), 15, times).generation([TRIM, TRIM], "done"))
        <= 6
    )
    assert length(limit_duration(edit, times.limit)) == pytest.approx(2)


@pytest.mark.slow
@pytest.mark.parametrize("wrong", [{"talk": (2, 1)}, {"edit": (-1, 1)}, {"limit": 0}])
def test_a_turn_cannot_last_less_than_nothing(wrong: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match="turn_times"):
        TurnTimes(**wrong)
