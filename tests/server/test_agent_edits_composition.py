"""Looks, areas, chroma keys and split screens in a draft."""

import pytest

from nemolocal_agent.edits import Media, MediaPool, apply_edits
from nemolocal_agent.errors import EditRejected
from nemolocal_agent.intents import (
    AddOverlay,
    ApplyEffect,
    Edit,
    KeyOut,
    PlaceUploads,
    RemoveEffects,
    RemoveWatermark,
    Selector,
    SplitScreen,
)
from nemolocal_contract.draft import Draft, Segment, TrackType
from nemolocal_contract.effects import Blur, Brightness, RemoveLogo, preset_effect

A = Media("a", "a.mp4", "video", 10_000)
B = Media("b", "b.mp4", "video", 4000)
C = Media("c", "c.mp4", "video", 6000)
LOGO = Media("logo", "logo.png", "image", 0)
FIRST = PlaceUploads(Selector(name="a.mp4"))


def edited(*edits: Edit, uploads: tuple[Media, ...] = (A, B)) -> Draft:
    return apply_edits(edits, Draft(tracks=(), duration_ms=0), MediaPool(uploads))


def tracks_of(draft: Draft) -> list[tuple[Segment, ...]]:
    return [track.segments or () for track in draft.of_type(TrackType.VIDEO)]


def types_of(segment: Segment) -> list[object]:
    return [effect["type"] for effect in segment.effects or ()]


LOOKS = [
    ApplyEffect(preset_effect("vhs")),
    ApplyEffect(preset_effect("film-grain", 0.2)),
    ApplyEffect(Brightness(0.1)),
    ApplyEffect(Blur()),
    ApplyEffect(preset_effect("teal-orange")),
]


@pytest.mark.parametrize(
    ("removal", "left"),
    [
        (RemoveEffects("vhs"), ["film-grain", "brightness", "blur", "teal-orange"]),
        (RemoveEffects("blur"), ["vhs", "film-grain", "brightness", "teal-orange"]),
        (RemoveEffects(colors_only=True), ["vhs", "film-grain", "blur"]),
        (RemoveEffects(), []),
    ],
)
def test_exactly_what_is_named_is_removed(removal: Edit, left: list[str]) -> None:
    (clip,) = tracks_of(edited(FIRST, *LOOKS, removal))[0]
    assert types_of(clip) == left


def test_a_look_replaces_itself_and_nothing_else() -> None:
    (clip,) = tracks_of(edited(FIRST, *LOOKS, ApplyEffect(preset_effect("film-grain", 0.9))))[0]
    assert clip.effects is not None
    assert clip.effects[1] == {"type": "film-grain", "amount": 0.9}
    assert len(clip.effects) == len(LOOKS)


def test_what_is_not_there_is_not_removed() -> None:
    with pytest.raises(EditRejected, match="no such effect"):
        edited(FIRST, RemoveEffects("vhs"))


def test_a_watermark_is_an_overlay_or_filmed() -> None:
    removal = RemoveWatermark(RemoveLogo(0.65, 0.75))
    overlaid = edited(FIRST, AddOverlay("watermark"), removal, uploads=(A, LOGO))
    assert [types_of(clip) for track in tracks_of(overlaid) for clip in track] == [[]]
    (clip,) = tracks_of(edited(FIRST, removal))[0]
    assert types_of(clip) == ["remove-logo"]


def test_a_keyed_clip_lies_over_its_backdrop() -> None:
    wishes: list[list[Edit]] = [
        [FIRST, KeyOut()],
        [PlaceUploads(), KeyOut(backdrop="b.mp4")],
    ]
    for edits in wishes:
        below, above = tracks_of(edited(*edits))
        assert [(clip.source, clip.start_ms, clip.duration_ms) for clip in below] == [
            ("b", 0, 4000)
        ]
        assert [(clip.source, clip.start_ms, clip.duration_ms) for clip in above] == [
            ("a", 0, 10_000)
        ]
        assert types_of(above[0]) == ["chroma-key"]


def test_a_keyed_clip_lies_on_a_colour() -> None:
    (track,) = tracks_of(edited(FIRST, KeyOut("blue", "white")))
    assert [clip.effects for clip in track] == [
        ({"type": "chroma-key", "color": "blue", "similarity": 0.2, "background": "white"},)
    ]


@pytest.mark.parametrize(
    ("layout", "places"),
    [
        ("columns", [(3, 1, 0, 0), (3, 1, 1, 0), (3, 1, 2, 0)]),
        ("rows", [(1, 3, 0, 0), (1, 3, 0, 1), (1, 3, 0, 2)]),
        ("grid", [(2, 2, 0, 0), (2, 2, 1, 0), (2, 2, 0, 1)]),
    ],
)
def test_clips_of_a_split_screen_play_at_once(
    layout: str, places: list[tuple[int, int, int, int]]
) -> None:
    edit = SplitScreen(layout)  # type: ignore[arg-type]
    tracks = tracks_of(edited(edit, uploads=(A, B, C)))
    clips = [clip for track in tracks for clip in track]
    assert [clip.start_ms for clip in clips] == [0, 0, 0]
    assert [clip.source for clip in clips] == ["a", "b", "c"]
    names = ("columns", "rows", "column", "row")
    cells = [effect for clip in clips for effect in clip.effects or ()]
    assert [tuple(cell[name] for name in names) for cell in cells] == places


def test_a_split_screen_needs_two_clips() -> None:
    with pytest.raises(EditRejected, match="two clips"):
        edited(SplitScreen(), uploads=(A,))
    (one,), (other,) = tracks_of(edited(FIRST, SplitScreen(name="b.mp4")))
    assert (one.source, other.source) == ("a", "b")


def test_a_picture_of_a_split_screen_is_shown_as_long_as_the_clip() -> None:
    draft = edited(FIRST, SplitScreen(name="logo.png"), uploads=(A, LOGO))
    shown = [clip for track in tracks_of(draft) for clip in track]
    assert sorted((clip.source, clip.start_ms, clip.duration_ms) for clip in shown) == [
        ("a", 0, 10_000), ("logo", 0, 10_000),
    ]  # fmt: skip


def test_a_clip_that_is_there_already_is_shown_once_in_a_split_screen() -> None:
    shown = [clip for track in tracks_of(edited(SplitScreen(name="b.mp4"))) for clip in track]
    assert sorted(str(clip.source) for clip in shown) == ["a", "b"]


def test_a_backdrop_alone_has_nothing_before_it() -> None:
    with pytest.raises(EditRejected) as rejected:
        edited(FIRST, KeyOut(backdrop="a.mp4"))
    assert rejected.value.code == "no_video"


def test_the_only_clip_is_no_overlay() -> None:
    with pytest.raises(EditRejected) as rejected:
        edited(FIRST, AddOverlay("picture-in-picture", Selector(number=1)), uploads=(A,))
    assert rejected.value.code == "nothing_below"
