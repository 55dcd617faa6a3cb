"""Tool calls and their responses (SSE-2)."""

import json
from typing import Any, get_args

import pytest

from nemolocal_agent.intents import (
    AddMusic,
    AddSound,
    AddSubtitles,
    AddTitle,
    ApplyAudioEffect,
    ApplyEffect,
    Compress,
    Cue,
    CutSilence,
    Edit,
    Generate,
    KeepSpan,
    RemoveSpan,
    Selector,
    SetAspect,
    SetResolution,
    SetVolume,
    Split,
    SwapClips,
    TimelinePoint,
    TimelineSpan,
    Undo,
    first_span,
    last_span,
)
from nemolocal_agent.tool_calls import (
    ACTIONS,
    GRADES,
    PlannedToolCall,
    ToolName,
    group_edits,
    plan_tool_calls,
)
from nemolocal_contract.draft import Draft, draft_from_wire, draft_to_wire
from nemolocal_contract.effects import Brightness

BEFORE = draft_from_wire({
    "d": 10_000,
    "t": [{"tt": 0, "sg": [{"id": "a", "s": 0, "d": 6000}, {"id": "b", "s": 6000, "d": 4000}]}],
})  # fmt: skip
AFTER = draft_from_wire({
    "d": 9000,
    "t": [{"tt": 0, "sg": [{"id": "a", "s": 0, "d": 5000}, {"id": "c", "s": 5000, "d": 4000}]}],
    "m": {"compress": {"mode": "rtk"}},
})  # fmt: skip


def tool_call(*edits: Edit) -> PlannedToolCall:
    return PlannedToolCall(edits, BEFORE, AFTER)


def test_every_edit_has_an_action_of_its_own() -> None:
    assert set(ACTIONS) == set(get_args(Edit))
    assert len(set(ACTIONS.values())) == len(ACTIONS)


def test_every_tool_has_a_grade() -> None:
    assert set(GRADES) == set(get_args(ToolName))
    documented = {name for name, grade in GRADES.items() if grade == "documented"}
    assert documented == {"edit_multitrack", "generate_video_with_seedance"}


OPERATIONS: list[tuple[Edit, dict[str, Any]]] = [
    (
        KeepSpan(first_span(4000)),
        {"action": "trim", "track": "video", "start_ms": 0, "end_ms": 4000},
    ),
    (
        RemoveSpan(last_span(2500)),
        {"action": "cut", "track": "video", "start_ms": 7500, "end_ms": 10_000},
    ),
    (
        KeepSpan(TimelineSpan(TimelinePoint(share=0.5)), Selector(number=2)),
        {
            "action": "trim",
            "track": "video",
            "segment": {"number": 2},
            "span": {"start": {"share": 0.5, "from": "start"}, "end": {"ms": 0, "from": "end"}},
        },
    ),
    (
        Split((TimelinePoint(5000), TimelinePoint(1000, before_end=True))),
        {
            "action": "split",
            "track": "video",
            "at": [{"ms": 5000, "from": "start"}, {"ms": 1000, "from": "end"}],
        },
    ),
    (
        SwapClips(Selector(number=1), Selector(name="beach")),
        {
            "action": "swap_clips",
            "track": "video",
            "one": {"number": 1},
            "other": {"name": "beach"},
        },
    ),
    (
        ApplyEffect(Brightness(0.25), Selector(span=first_span(3000))),
        {
            "action": "apply_effect",
            "track": "video",
            "effect": {"type": "brightness", "amount": 0.25},
            "segment": {"start": {"ms": 0, "from": "start"}, "end": {"ms": 3000, "from": "start"}},
        },
    ),
    (
        AddTitle("Hi", color="red"),
        {"action": "add_title", "track": "text", "text": "Hi", "color": "red"},
    ),
    (
        AddSound("ding", TimelinePoint(5000)),
        {
            "action": "add_sound",
            "track": "audio",
            "name": "ding",
            "start": {"ms": 5000, "from": "start"},
        },
    ),
    (
        ApplyAudioEffect("echo", 200.0, "music"),
        {
            "action": "apply_audio_effect",
            "track": "audio",
            "name": "echo",
            "amount": 200.0,
            "target": "music",
        },
    ),
    (
        CutSilence(1000, -40.0),
        {"action": "cut_silence", "track": "video", "min_ms": 1000, "level_db": -40.0},
    ),
    (
        SetVolume(0.5, target="music"),
        {"action": "set_volume", "track": "audio", "volume": 0.5, "target": "music"},
    ),
]


@pytest.mark.parametrize(("edit", "operation"), OPERATIONS)
def test_tool_call_has_the_track_segment_and_times_of_the_edit(
    edit: Edit, operation: dict[str, Any]
) -> None:
    assert tool_call(edit).tool == "edit_multitrack"
    assert tool_call(edit).args() == {"operations": [operation]}
    assert json.loads(json.dumps(tool_call(edit).args())) == tool_call(edit).args()


ALONE: list[tuple[Edit, ToolName, dict[str, Any]]] = [
    (AddMusic("lofi", 0.35), "generate_background_music", {"mood": "lofi", "volume": 0.35}),
    (Generate("ocean", 5.0, "sea"), "generate_video_with_seedance", {"prompt": "sea"}),
    (AddSubtitles((Cue(0, 900, "a"),)), "add_subtitles",
     {"cues": [{"start_ms": 0, "end_ms": 900, "text": "a"}]}),
    (Undo(2), "restore_draft_version", {"action": "undo", "steps": 2}),
]  # fmt: skip


@pytest.mark.parametrize(("edit", "tool", "args"), ALONE)
def test_other_edits_have_their_own_tools(edit: Edit, tool: ToolName, args: dict[str, Any]) -> None:
    assert tool_call(edit).tool == tool
    sent = tool_call(edit).args()
    assert {name: sent[name] for name in args} == args


def test_consecutive_edits_of_one_tool_are_grouped() -> None:
    trim, title = KeepSpan(first_span(4000)), AddTitle("Hi")
    shape, size = SetAspect(9, 16), SetResolution("4k")
    calm, epic = AddMusic("calm"), AddMusic("epic")
    edits = (trim, title, calm, epic, shape, size, Compress(), trim)
    assert group_edits(edits) == [
        (trim, title), (calm,), (epic,), (shape, size, Compress()), (trim,)
    ]  # fmt: skip


def test_tool_response_has_the_changed_ids_and_the_duration() -> None:
    assert tool_call(KeepSpan(first_span(4000))).response() == {
        "status": "success",
        "added": ["c"],
        "removed": ["b"],
        "changed": ["a"],
        "duration_ms": 9000,
        "settings": {"compress": {"mode": "rtk"}},
    }
    nothing = PlannedToolCall((Compress(),), BEFORE, BEFORE).response()
    assert (nothing["added"], nothing["removed"], nothing["changed"]) == ([], [], [])
    assert "settings" not in nothing


def test_segments_without_ids_are_named_by_position() -> None:
    nameless = draft_from_wire({"t": [{"tt": 0, "sg": [{"s": 0, "d": 1000}]}]})
    response = PlannedToolCall((Compress(),), draft_from_wire({}), nameless).response()
    assert (response["added"], response["duration_ms"]) == (["0.0"], 0)


@pytest.mark.parametrize("kept", [0, 1])
def test_tool_response_ignores_copies_of_unchanged_tracks(kept: int) -> None:
    tracks = [{"tt": 0, "sg": [{"s": 0, "d": 9}]}, {"tt": 7, "sg": [{"id": "b", "s": 0, "d": 5}]}]
    before = draft_from_wire({"t": tracks})
    changed = draft_from_wire({"t": [{"tt": 7, "sg": [{"s": 0, "d": 7}]}]}).tracks or ()
    lanes = before.tracks or ()
    shared = Draft(tracks=(lanes[0], *changed) if kept == 0 else (*changed, lanes[1]))
    copied = draft_from_wire(draft_to_wire(shared))
    response = PlannedToolCall((Compress(),), before, shared).response()
    assert response == PlannedToolCall((Compress(),), before, copied).response()
    assert (response["added"], response["removed"], response["changed"]) == (
        (["1.0"], ["b"], []) if kept == 0 else ([], [], ["0.0"])
    )


def test_each_tool_call_starts_from_the_previous_draft() -> None:
    groups = group_edits((KeepSpan(first_span(4000)), Compress()))
    one, other = plan_tool_calls(groups, [BEFORE, AFTER, BEFORE])
    assert (one.edits, one.before, one.after) == ((KeepSpan(first_span(4000)),), BEFORE, AFTER)
    assert (other.edits, other.before, other.after) == ((Compress(),), AFTER, BEFORE)
