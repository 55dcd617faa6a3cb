"""What holds too much is refused before anybody walks through it; what may be is planned soon."""

import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from nemolocal_contract.draft import draft_from_wire
from nemolocal_render.media import MediaInfo
from nemolocal_render.planning.draft_limits import (
    MAX_EFFECTS,
    MAX_FIELDS,
    MAX_SEGMENTS,
    MAX_TOTAL_EFFECTS,
    MAX_TRACKS,
    read_draft,
)
from nemolocal_render.planning.plan_splitting import choose_worker_count, split_plan
from nemolocal_render.planning.planner import (
    MAX_WARNINGS,
    DraftRejected,
    MediaSource,
    RenderPlan,
    plan_render,
)

LONG = MediaInfo("video", "mp4", 7200.0, 3840, 2160, 60.0, audio_codec="aac")
SOURCES = {"clip": MediaSource(Path("/media/1.mp4"), LONG)}
# Seconds of processor time; ten times what each takes here, and a hundredth of what it took.
PROMISED = 5.0


class Untouched(list[Any]):
    """A list that may be counted, and not be looked through."""

    def __iter__(self) -> Iterator[Any]:
        raise AssertionError("was walked through")


class Fields(dict[str, Any]):
    """An object that may be counted, and not be looked through."""

    def __iter__(self) -> Iterator[str]:
        raise AssertionError("was walked through")

    items = values = keys = __iter__  # type: ignore[assignment]


def text(**fields: Any) -> dict[str, Any]:
    return {"s": 0, "d": 1000, "txt": "a", **fields}


def track(*segments: Any, **fields: Any) -> dict[str, Any]:
    return {"tt": 7, "sg": list(segments), **fields}


MANY = Fields({str(n): 0 for n in range(MAX_FIELDS + 1)})
SOME_EFFECTS = [{"type": "flip"}] * MAX_EFFECTS
TOO_MUCH: dict[str, tuple[dict[str, Any], str]] = {
    "tracks": ({"t": Untouched([{}] * (MAX_TRACKS + 1))}, "draft.t"),
    "empty tracks": ({"t": Untouched([[]] * 400_000)}, "draft.t"),
    "segments": ({"t": [{"sg": Untouched([{}] * (MAX_SEGMENTS + 1))}]}, "draft.t"),
    "segments together": (
        {"t": [track(*[{}] * 600), {"sg": Untouched([{}] * 600)}]}, "draft.t",
    ),
    "effects": (
        {"t": [track(text(), text(fx=Untouched([{}] * (MAX_EFFECTS + 1))))]},
        "draft.t[0].sg[1].fx",
    ),
    "effects together": (
        {"t": [track(*[text(fx=SOME_EFFECTS)] * (MAX_TOTAL_EFFECTS // MAX_EFFECTS + 1))]},
        "draft.t",
    ),
    "fields": (MANY, "draft"),
    "fields of a track": ({"t": [MANY]}, "draft.t[0]"),
    "fields of a segment": ({"t": [track(MANY)]}, "draft.t[0].sg[0]"),
    "fields of an effect": ({"t": [track(text(fx=[{}, MANY]))]}, "draft.t[0].sg[0].fx[1]"),
    "fields of a style": ({"t": [track(text(st=MANY))]}, "draft.t[0].sg[0].st"),
    "fields of a transition": ({"t": [track(text(tr=MANY))]}, "draft.t[0].sg[0].tr"),
}  # fmt: skip


@pytest.mark.parametrize(("wire", "path"), TOO_MUCH.values(), ids=TOO_MUCH)
@pytest.mark.rule("REN-9")
def test_what_holds_too_much_is_refused_before_it_is_walked_through(
    wire: dict[str, Any], path: str
) -> None:
    with pytest.raises(DraftRejected, match="at most") as refusal:
        read_draft(wire)
    assert refusal.value.path == path


@pytest.mark.parametrize(
    "wire", [{}, {"t": 1}, {"t": [1, None, {"sg": 2}]}, {"t": [{"sg": [3, {"fx": 4, "st": 5}]}]}]
)
def test_what_is_not_of_its_type_is_left_to_the_plan(wire: dict[str, Any]) -> None:
    with pytest.raises(DraftRejected):
        plan_render(read_draft(wire), SOURCES)


def test_a_plan_has_the_same_bounds() -> None:
    for wire, path in (
        ({"t": [track()] * (MAX_TRACKS + 1)}, "draft.t"),
        ({"t": [track(*[text()] * (MAX_SEGMENTS + 1))]}, "draft.t"),
        ({"t": [track(text(fx=[*SOME_EFFECTS, {}]))]}, "draft.t[0].sg[0].fx"),
        ({"t": [track(*[text(fx=SOME_EFFECTS)] * 101)]}, "draft.t"),
    ):
        with pytest.raises(DraftRejected, match="at most") as refusal:
            plan_render(draft_from_wire(wire), SOURCES)
        assert refusal.value.path == path


def test_more_warnings_than_anybody_reads_are_counted() -> None:
    unknown = [{"type": "glow"}] * MAX_EFFECTS
    plan = plan_render(read_draft({"t": [track(*[text(fx=unknown)] * 3)]}), SOURCES)
    assert len(plan.warnings) == MAX_WARNINGS + 1
    assert plan.warnings[-1] == "and 50 more warnings"


def clips(count: int, ms: int, **fields: Any) -> dict[str, Any]:
    return {"tt": 0, "sg": [{"src": "clip", "s": n * ms, "d": ms, **fields} for n in range(count)]}


def planned(*tracks: dict[str, Any], **metadata: Any) -> RenderPlan:
    return plan_render(read_draft({"t": list(tracks), "m": metadata}), SOURCES)


DEAR: dict[str, list[dict[str, Any]]] = {
    "effects": [clips(100, 1000, fx=[{"type": "zoom"}, {"type": "reverse"}] * 25)],
    "two hours backwards": [clips(1, 7_200_000, fx=[{"type": "reverse"}])],
    "transitions all the time": [clips(200, 36_000, tr={"type": "circle", "d": 36_000})],
    "clips beneath clips": [clips(2, 30_000, fx=[{"type": "overlay"}])] * 30,
    "clips that cover clips": [clips(2, 30_000)] * 100,
}


@pytest.mark.slow
@pytest.mark.parametrize("tracks", DEAR.values(), ids=DEAR)
def test_what_may_be_rendered_is_planned_and_divided_soon(tracks: list[dict[str, Any]]) -> None:
    begun = time.process_time()
    plan = planned(*tracks)
    parts = split_plan(plan, choose_worker_count(plan, 2))
    assert sum(part.frames for part in parts) == plan.frames
    assert time.process_time() - begun < PROMISED


@pytest.mark.slow
def test_pictures_shown_at_once_are_bounded() -> None:
    over = clips(1, 1000, fx=[{"type": "overlay"}])
    with pytest.raises(DraftRejected, match="at once") as refusal:
        planned(*[over] * 40)
    assert refusal.value.path == "draft.t"
    # What is covered is not read, and what follows is not read at once.
    later = [{"tt": 0, "sg": [{"src": "clip", "s": n * 1000, "d": 1000}]} for n in range(40)]
    assert planned(*[clips(1, 1000)] * 40).frames
    assert planned(*later).frames


def test_hours_played_backwards_are_bounded() -> None:
    backwards = clips(1, 7_200_000, fx=[{"type": "reverse"}])
    with pytest.raises(DraftRejected, match="hours of clips are reversed") as refusal:
        planned(backwards, backwards, backwards)
    assert refusal.value.path == "draft.t[2].sg[0].fx"
