"""Drafts that scripts give: names of uploads in them, and how much a draft may hold."""

from typing import Any, cast

import msgspec
import pytest

from nemolocal_agent.edits import Media, MediaPool, apply_edits
from nemolocal_agent.errors import EditRejected
from nemolocal_agent.intents import PatchDraft, ReplaceDraft
from nemolocal_contract.draft import (
    Draft,
    Segment,
    Track,
    TrackType,
    draft_from_wire,
    draft_to_wire,
)

POOL = MediaPool(
    (Media("a", "a.mp4", "video", 10_000),), extras=(Media("l", "warm.cube", "lut", 0),)
)
EMPTY = Draft(tracks=(), duration_ms=0)


def video(*segments: Segment) -> dict[str, Any]:
    """A draft on the wire."""
    draft = Draft(tracks=(Track(type=TrackType.VIDEO, segments=segments),))
    return cast(dict[str, Any], msgspec.to_builtins(draft_to_wire(draft)))


def replaced(draft: dict[str, Any]) -> Segment:
    """The first segment after the draft was given."""
    after = apply_edits([ReplaceDraft(draft)], EMPTY, POOL)
    return after.of_type(TrackType.VIDEO)[0].segments[0]  # type: ignore[index]


@pytest.mark.parametrize(
    ("named", "source"), [("a.mp4", "a"), ("a", "a"), ("other.mp4", "other.mp4")]
)
def test_clip_is_named_by_its_upload(named: str, source: str) -> None:
    shown = replaced(video(Segment(id="1", start_ms=0, duration_ms=2000, source=named)))
    assert (shown.source, shown.duration_ms) == (source, 2000)


def test_lut_is_named_by_its_upload_and_other_effects_stay() -> None:
    effects: tuple[dict[str, Any], ...] = (
        {"type": "lut", "source": "warm.cube"}, {"type": "lut", "source": "none.cube"},
        {"type": "blur", "amount": 0.5},
    )  # fmt: skip
    shown = replaced(video(Segment(id="1", duration_ms=2000, source="a", effects=effects)))
    assert shown.effects == ({"type": "lut", "source": "l"}, *effects[1:])


@pytest.mark.parametrize(
    ("count", "length_ms", "code"),
    [(151, 1000, "too_many_clips"), (2, 4_000_000, "too_long")],
)
def test_draft_that_is_too_large_is_rejected(count: int, length_ms: int, code: str) -> None:
    clips = [
        Segment(id=str(n), start_ms=n * length_ms, duration_ms=length_ms, source="a")
        for n in range(count)
    ]
    with pytest.raises(EditRejected) as rejected:
        apply_edits([ReplaceDraft(video(*clips))], EMPTY, POOL)
    assert rejected.value.code == code


def test_patched_draft_is_checked_like_a_given_one() -> None:
    draft = draft_from_wire(video(Segment(id="1", start_ms=0, duration_ms=2000, source="a")))
    patch = (
        {"op": "replace", "path": "/t/0/sg/0/src", "value": "a.mp4"},
        {"op": "replace", "path": "/t/0/sg/0/d", "value": 5000},
    )
    after = apply_edits([PatchDraft(patch)], draft, POOL)
    (track,) = after.of_type(TrackType.VIDEO)
    assert [(one.source, one.duration_ms) for one in track.segments or ()] == [("a", 5000)]
    assert after.duration_ms == 5000
    with pytest.raises(EditRejected) as rejected:
        apply_edits([PatchDraft(({**patch[1], "value": 8_000_000},))], draft, POOL)
    assert rejected.value.code == "too_long"
