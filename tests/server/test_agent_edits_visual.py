"""Effects, rotations, transitions, overlays and the format."""

from typing import Any

import pytest

from nemolocal_agent.edits import Media, MediaPool, apply_edits
from nemolocal_agent.intents import (
    AddMusic,
    AddOverlay,
    AddTitle,
    AddTransition,
    ApplyEffect,
    Compress,
    Edit,
    PlaceUploads,
    RemoveClip,
    RemoveEffects,
    RemoveOverlays,
    RemoveTransitions,
    Selector,
    SetAspect,
    SetFit,
    SetFrameRate,
    SetResolution,
    SetVolume,
    Split,
    StartOver,
    TimelinePoint,
    first_span,
    span_between,
)
from nemolocal_contract.draft import Draft, Metadata, Segment, TrackType, draft_from_wire
from nemolocal_contract.effects import (
    Blur,
    Brightness,
    Effect,
    Flip,
    Grayscale,
    Reverse,
    Rotate,
    Zoom,
)

A = Media("a", "a.mp4", "video", 10_000)
B = Media("b", "b.mp4", "video", 4000)
C = Media("c", "c.mp4", "video", 300)
LOGO = Media("logo", "My Logo.png", "image", 0)
PHOTO = Media("photo", "photo.jpg", "image", 0)
EMPTY = Draft(tracks=(), duration_ms=0)
ROTATED = {"type": "rotate", "degrees": 90}
ACROSS, DOWN = ({"type": "flip", "axis": axis} for axis in ("horizontal", "vertical"))


def edited(*edits: Edit, draft: Draft = EMPTY, uploads: tuple[Media, ...] = (A, B)) -> Draft:
    return apply_edits(edits, draft, MediaPool(uploads))


def segments_of(draft: Draft, index: int = 0) -> tuple[Segment, ...]:
    return draft.of_type(TrackType.VIDEO)[index].segments or ()


def effects(*applied: Effect) -> object:
    return segments_of(edited(*(ApplyEffect(one) for one in applied)))[0].effects


def test_effect_replaces_one_of_its_type_in_place() -> None:
    assert effects(Blur(0.2), Grayscale(), Blur(0.9)) == (
        {"type": "blur", "amount": 0.9}, {"type": "grayscale"}
    )  # fmt: skip


@pytest.mark.parametrize(
    ("turns", "expected"),
    [
        ([Rotate(90)], (ROTATED,)),
        ([Rotate(90), Rotate(180)], ({"type": "rotate", "degrees": 270},)),
        ([Rotate(90), Rotate(270)], None),
        ([Flip(), Flip()], None),
        ([Flip("vertical")], (DOWN,)),
        ([Flip(), Flip("vertical")], ({"type": "rotate", "degrees": 180},)),
        ([Rotate(90), Flip()], (ROTATED, ACROSS)),
        ([Rotate(90), Flip(), Flip()], (ROTATED,)),
        ([Flip(), Rotate(270), Flip()], (ROTATED,)),
        ([Reverse()], ({"type": "reverse"},)),
        ([Reverse(), Reverse()], None),
    ],
)
def test_rotations_are_combined(turns: list[Effect], expected: object) -> None:
    assert effects(*turns) == expected


def test_effect_applies_to_the_selected_clips() -> None:
    second = segments_of(edited(ApplyEffect(Zoom(), Selector(number=2))))
    assert [segment.effects is None for segment in second] == [True, False]
    beginning = segments_of(edited(ApplyEffect(Blur(), Selector(span=first_span(3000)))))
    assert [(s.duration_ms, s.effects is None) for s in beginning] == [
        (3000, False), (7000, True), (4000, True)
    ]  # fmt: skip


def test_removing_effects_keeps_rotations_and_unknown_ones() -> None:
    fx = [{"type": "theirs"}, {"type": "blur"}, ROTATED, {"type": "zoom"}, {"no": "type"}]
    draft = draft_from_wire({"t": [{"tt": 0, "sg": [{"s": 0, "d": 9, "src": "a", "fx": fx}]}]})
    (bare,) = segments_of(edited(RemoveEffects(), draft=draft))
    assert bare.effects == ({"type": "theirs"}, ROTATED, {"no": "type"})
    (sharp,) = segments_of(edited(RemoveEffects("rotate"), draft=draft))
    assert sharp.effects == tuple(effect for effect in fx if effect is not ROTATED)
    (brighter,) = segments_of(edited(ApplyEffect(Brightness(0.2)), draft=draft))
    assert brighter.effects == (*fx, {"type": "brightness", "amount": 0.2})
    broken = {**ROTATED, "degrees": 7}
    draft = draft_from_wire({"t": [{"tt": 0, "sg": [{"d": 9, "src": "a", "fx": [broken]}]}]})
    assert segments_of(edited(ApplyEffect(Rotate(90)), draft=draft))[0].effects == (ROTATED,)


def test_transitions_need_adjacent_clips_and_fit_into_both() -> None:
    draft = edited(AddTransition("wipe-left"), uploads=(A, B, C))
    transitions = [segment.transition for segment in segments_of(draft)]
    found = [(one.type, one.duration_ms) for one in transitions if one is not None]
    assert found == [("wipe-left", 1000), ("wipe-left", 300)]
    assert transitions[-1] is None
    bare = edited(RemoveTransitions(), draft=draft)
    assert not any(segment.transition for segment in segments_of(bare))
    one = edited(AddTransition(duration_ms=600, selector=Selector(number=2)), draft=bare)
    assert [s.transition and s.transition.duration_ms for s in segments_of(one)] == [
        None,
        300,
        None,
    ]


def test_picture_in_picture_is_an_upload_or_a_clip_of_the_video() -> None:
    for draft in (
        edited(AddOverlay("picture-in-picture")),
        edited(AddOverlay("picture-in-picture", Selector(name="b"))),
        edited(PlaceUploads(), AddOverlay("picture-in-picture")),
        edited(PlaceUploads(), AddOverlay("picture-in-picture", Selector(number=2))),
        edited(PlaceUploads(Selector(number=1)), AddOverlay("picture-in-picture")),
    ):
        ((main,), (small,)) = segments_of(draft), segments_of(draft, 1)
        assert (main.source, main.start_ms, main.duration_ms) == ("a", 0, 10_000)
        assert (small.source, small.start_ms, small.duration_ms) == ("b", 0, 4000)
        overlay = {"position": "top-right", "width": 0.3, "opacity": 1.0, "margin": 0.03}
        assert small.effects == ({"type": "overlay", **overlay},)
        assert draft.of_type(TrackType.VIDEO)[1].name == "Overlay"


def test_overlay_has_the_requested_position_size_and_span() -> None:
    wanted = AddOverlay(
        "picture-in-picture", Selector(number=1), "center", 0.5, 0.4, span_between(1000, 3000)
    )
    draft = edited(PlaceUploads(), ApplyEffect(Blur()), wanted)
    ((main,), (small,)) = segments_of(draft), segments_of(draft, 1)
    assert (main.source, draft.duration_ms) == ("b", 4000)
    assert (small.start_ms, small.end_ms) == (1000, 3000)
    blur, overlay = small.effects or ()
    assert blur["type"] == "blur"
    assert (overlay["position"], overlay["width"], overlay["opacity"]) == ("center", 0.5, 0.4)


def test_part_of_a_clip_can_be_an_overlay() -> None:
    part = AddOverlay("picture-in-picture", Selector(number=1, span=first_span(3000)))
    draft = edited(PlaceUploads(), part)
    assert [(s.source, s.duration_ms) for s in segments_of(draft)] == [("a", 7000), ("b", 4000)]
    assert [(s.source, s.duration_ms) for s in segments_of(draft, 1)] == [("a", 3000)]


def test_overlay_split_by_a_moved_clip_gets_another_id() -> None:
    small = AddOverlay("picture-in-picture")
    part = AddOverlay("picture-in-picture", Selector(span=span_between(1000, 2000)))
    draft = edited(small, Split((TimelinePoint(2000),)), part)
    ids = [segment.id for track in draft.tracks or () for segment in track.segments or ()]
    assert len(ids) == len(set(ids)) == 5


def test_overlay_split_by_a_removed_clip_gets_another_id() -> None:
    small, later, sooner = (
        AddOverlay("picture-in-picture"),
        TimelinePoint(3000),
        TimelinePoint(2000),
    )
    gone = segments_of(edited(small, Split((later,)), Split((sooner,))))[1].id
    after = edited(small, Split((later,)), Split((sooner,)), RemoveClip(Selector(number=2)))
    assert [len(segments_of(after, index)) for index in range(2)] == [2, 2]
    assert gone not in [segment.id for index in range(2) for segment in segments_of(after, index)]


def test_simultaneous_overlays_are_on_different_tracks() -> None:
    draft = edited(AddOverlay("picture-in-picture"), AddOverlay("watermark"), uploads=(A, LOGO, B))
    assert [len(segments_of(draft, index)) for index in range(3)] == [1, 1, 1]
    ids = [track.id for track in draft.tracks or ()]
    assert len(set(ids)) == 3


@pytest.mark.parametrize(
    ("uploads", "selector", "source"),
    [
        ((A, LOGO, PHOTO), Selector(), "logo"),
        ((A, PHOTO), Selector(), "photo"),
        ((A, LOGO, PHOTO), Selector(name="photo.jpg"), "photo"),
    ],
)
def test_watermark_covers_the_whole_video(
    uploads: tuple[Media, ...], selector: Selector, source: str
) -> None:
    draft = edited(AddOverlay("watermark", selector), uploads=uploads)
    (mark,) = segments_of(draft, 1)
    assert (mark.source, mark.start_ms, mark.duration_ms) == (source, 0, draft.duration_ms)
    overlay = {"position": "bottom-right", "width": 0.15, "opacity": 0.8, "margin": 0.03}
    assert mark.effects == ({"type": "overlay", **overlay},)
    assert "logo" not in [segment.source for segment in segments_of(draft)] or source != "logo"


def test_image_placed_as_a_clip_can_become_the_watermark() -> None:
    draft = edited(PlaceUploads(), AddOverlay("watermark"), uploads=(A, LOGO))
    assert [segment.source for segment in segments_of(draft)] == ["a"]
    assert draft.duration_ms == 10_000


def test_removing_overlays_keeps_other_tracks() -> None:
    draft = edited(AddOverlay("watermark"), uploads=(A, LOGO))
    assert len(edited(RemoveOverlays(), draft=draft).of_type(TrackType.VIDEO)) == 1


@pytest.mark.parametrize(
    ("edit", "expected"),
    [
        (SetAspect(9, 16), {"width": 1080, "height": 1920, "fit": "crop"}),
        (SetAspect(16, 9, "blur"), {"width": 1920, "height": 1080, "fit": "blur"}),
        (SetAspect(1, 1), {"width": 1080, "height": 1080, "fit": "crop"}),
        (SetAspect(4, 5), {"width": 1080, "height": 1350, "fit": "crop"}),
        (SetAspect(21, 9), {"width": 2520, "height": 1080, "fit": "crop"}),
        (SetAspect(7, 3), {"width": 2520, "height": 1080, "fit": "crop"}),
        (SetFit("pad"), {"fit": "pad"}),
        (SetResolution("4k"), {"resolution": "4k"}),
        (SetFrameRate(24), {"fps": 24}),
        (Compress(), {"compression": {"mode": "rtk"}}),
        (Compress("size", 10), {"compression": {"mode": "size", "megabytes": 10}}),
        (Compress("quality"), {"compression": {"mode": "quality", "quality": "medium"}}),
        (
            Compress("quality", quality="low"),
            {"compression": {"mode": "quality", "quality": "low"}},
        ),
    ],
)
def test_project_settings_change_one_at_a_time(edit: Edit, expected: dict[str, Any]) -> None:
    draft = edited(edit, draft=draft_from_wire({"m": {"title": "x", "theirs": 1}}))
    assert draft.metadata == Metadata(title="x", extra={"theirs": 1}, **expected)


def test_start_over_keeps_the_uploads_and_the_title() -> None:
    draft = draft_from_wire({"t": [], "m": {"title": "x", "theirs": 1}, "theirs": 2})
    full = edited(SetAspect(9, 16), AddTitle("x"), AddMusic("calm"), SetVolume(0.5), draft=draft)
    bare = edited(StartOver(), draft=full)
    assert bare == draft_from_wire({"t": [], "d": 0, "m": {"title": "x", "theirs": 1}, "theirs": 2})
    assert len(segments_of(edited(PlaceUploads(), draft=bare))) == 2
