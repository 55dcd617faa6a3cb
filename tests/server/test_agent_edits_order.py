"""The order of clips, and how titles, overlays and music ripple with the video."""

from typing import Any

import pytest

from nemolocal_agent.edits import Media, MediaPool, apply_edits
from nemolocal_agent.intents import (
    AddMusic,
    AddOverlay,
    AddTitle,
    AddTransition,
    Edit,
    Generate,
    KeepSpan,
    Loop,
    Merge,
    MoveClip,
    PlaceUploads,
    RemoveClip,
    RemoveSpan,
    ReverseOrder,
    Selector,
    SetSpeed,
    Slideshow,
    SwapClips,
    TimelineSpan,
    first_span,
    span_between,
)
from nemolocal_contract.draft import Draft, Segment, TrackType, draft_from_wire, draft_to_wire

A = Media("a", "a.mp4", "video", 10_000)
B = Media("b", "b.mp4", "video", 4000)
C = Media("c", "c.mp4", "video", 6000)
LOGO = Media("logo", "logo.png", "image", 0)
SONG = Media("song", "song.mp3", "audio", 9000)
UPLOADS = MediaPool((A, B, C), (SONG,))
EMPTY = Draft(tracks=(), duration_ms=0)


def edited(*edits: Edit, draft: Draft = EMPTY, media_pool: MediaPool = UPLOADS) -> Draft:
    return apply_edits(edits, draft, media_pool)


def segments_of(draft: Draft, kind: TrackType, index: int = 0) -> tuple[Segment, ...]:
    return draft.of_type(kind)[index].segments or ()


def order(draft: Draft) -> str:
    return "".join(str(segment.source) for segment in segments_of(draft, TrackType.VIDEO))


def times(segments: tuple[Segment, ...]) -> list[tuple[Any, Any]]:
    return [(segment.start_ms, segment.end_ms) for segment in segments]


THREE = edited(PlaceUploads())


@pytest.mark.parametrize(
    ("edit", "expected"),
    [
        (MoveClip(Selector(number=3), 1), "cab"),
        (MoveClip(Selector(number=1), -1), "bca"),
        (MoveClip(Selector(name="b"), 3), "acb"),
        (SwapClips(Selector(number=1), Selector(name="c")), "cba"),
        (ReverseOrder(), "cba"),
        (RemoveClip(Selector(number=2)), "ac"),
    ],
)
def test_clips_can_be_reordered(edit: Edit, expected: str) -> None:
    draft = edited(edit, draft=THREE)
    assert order(draft) == expected
    lengths = {"a": 10_000, "b": 4000, "c": 6000}
    assert draft.duration_ms == sum(lengths[name] for name in expected)
    assert times(segments_of(draft, TrackType.VIDEO))[1][0] == lengths[expected[0]]


def test_transitions_stay_at_their_cuts() -> None:
    draft = edited(AddTransition(selector=Selector(number=1)), ReverseOrder(), draft=THREE)
    transitions = [segment.transition for segment in segments_of(draft, TrackType.VIDEO)]
    assert [transition is not None for transition in transitions] == [True, False, False]


def test_merge_closes_gaps_and_appends_unplaced_uploads() -> None:
    clips = [{"s": 500, "d": 1000, "src": "a"}, {"s": 4000, "d": 1000, "src": "b"}]
    title = {"s": 4200, "d": 300, "txt": "over b"}
    wire = {"t": [{"tt": 0, "sg": clips}, {"tt": 7, "sg": [title]}], "d": 5000}
    draft = edited(Merge(), draft=draft_from_wire(wire))
    assert times(segments_of(draft, TrackType.VIDEO)) == [(0, 1000), (1000, 2000), (2000, 8000)]
    assert order(draft) == "abc"
    assert times(segments_of(draft, TrackType.TEXT)) == [(1200, 1500)]
    assert order(edited(Merge())) == "abc"


def test_gaps_keep_their_length_at_another_speed() -> None:
    clips = [{"s": 500, "d": 1000, "src": "a"}, {"s": 4000, "d": 1000, "src": "b"}]
    title = {"s": 100, "d": 200, "txt": "before all"}
    gappy = draft_from_wire({"t": [{"tt": 0, "sg": clips}, {"tt": 7, "sg": [title]}], "d": 5000})
    cases: list[tuple[Edit, Any, Any]] = [
        (RemoveSpan(first_span(400)), [(100, 1100), (3600, 4600)], []),
        (RemoveSpan(span_between(2000, 3000)), [(500, 1500), (3000, 4000)], [(100, 300)]),
        (SetSpeed(2), [(500, 1000), (3500, 4000)], [(100, 300)]),
        (
            SwapClips(Selector(number=1), Selector(number=2)),
            [(0, 1000), (1000, 2000)],
            [(100, 300)],
        ),
    ]
    for edit, expected, titles in cases:
        draft = edited(edit, draft=gappy)
        assert times(segments_of(draft, TrackType.VIDEO)) == expected, edit
        assert [times(t.segments or ()) for t in draft.of_type(TrackType.TEXT)] == (
            [titles] if titles else []
        )


def test_titles_ripple_with_the_video() -> None:
    over_b = edited(AddTitle("b", span_between(11_000, 13_000)), draft=THREE)
    cases: list[tuple[Edit, Any]] = [
        (RemoveClip(Selector(number=1)), [(1000, 3000)]),
        (RemoveClip(Selector(number=2)), []),
        (RemoveSpan(span_between(12_000, 12_500)), [(11_000, 12_500)]),
        (SetSpeed(2), [(5500, 6500)]),
        (SetSpeed(0.5, Selector(number=1)), [(21_000, 23_000)]),
        (KeepSpan(span_between(1000, 3000), Selector(number=2)), [(10_000, 12_000)]),
        (Loop(times=2, selector=Selector(number=1)), [(21_000, 23_000)]),
        (Loop(), [(11_000, 13_000)]),
        (MoveClip(Selector(number=2), 1), [(1000, 3000)]),
        (ReverseOrder(), [(7000, 9000)]),
        (Slideshow(), [(11_000, 13_000)]),
    ]
    for edit, expected in cases:
        media_pool = MediaPool((*UPLOADS.uploads, LOGO), UPLOADS.generated)
        draft = edited(edit, draft=over_b, media_pool=media_pool)
        tracks = draft.of_type(TrackType.TEXT)
        assert (times(tracks[0].segments or ()) if tracks else []) == expected, edit


def test_title_over_several_clips_keeps_its_time_when_reordered() -> None:
    draft = edited(AddTitle("ab", span_between(9000, 12_000)), draft=THREE)
    assert times(segments_of(edited(ReverseOrder(), draft=draft), TrackType.TEXT)) == [
        (9000, 12_000)
    ]


def test_track_keeps_its_times_if_segments_would_overlap() -> None:
    titles = (
        AddTitle("ab", span_between(9000, 12_000)),
        AddTitle("c", span_between(15_000, 17_000)),
    )
    draft = edited(*titles, draft=THREE)
    moved = edited(MoveClip(Selector(number=3), 2), draft=draft)
    assert times(segments_of(moved, TrackType.TEXT)) == [(9000, 12_000), (15_000, 17_000)]


def test_watermark_of_the_whole_video_still_covers_it() -> None:
    media_pool = MediaPool((A, B, LOGO))
    draft = edited(AddOverlay("watermark"), media_pool=media_pool)
    cases: list[tuple[Edit, Any]] = [
        (RemoveSpan(first_span(1000)), 13_000),
        (Loop(), 28_000),
        (ReverseOrder(), 14_000),
        (SetSpeed(2), 7000),
        (Generate("sunset", 3.0, "sunset"), 17_000),
    ]
    for edit, length in cases:
        after = edited(edit, draft=draft, media_pool=media_pool)
        assert times(segments_of(after, TrackType.VIDEO, 1)) == [(0, length)]


def test_overlay_clip_is_cut_with_the_video_and_never_gets_longer() -> None:
    media_pool = MediaPool((A, B))
    overlay = AddOverlay("picture-in-picture", Selector(name="b"), span=span_between(2000, 9000))
    draft = edited(overlay, media_pool=media_pool)
    assert times(segments_of(draft, TrackType.VIDEO, 1)) == [(2000, 6000)]

    cut = segments_of(
        edited(RemoveSpan(span_between(3000, 4000)), draft=draft, media_pool=media_pool), *UPPER
    )
    assert times(cut) == [(2000, 3000), (3000, 5000)]
    assert [segment.source_start_ms for segment in cut] == [0, 2000]
    assert len({segment.id for segment in cut}) == 2

    slow = segments_of(edited(SetSpeed(0.5), draft=draft, media_pool=media_pool), *UPPER)
    assert times(slow) == [(4000, 8000)]
    fast = segments_of(edited(SetSpeed(2), draft=draft, media_pool=media_pool), *UPPER)
    assert times(fast) == [(1000, 3000)]
    assert fast[0].speed is None


UPPER = (TrackType.VIDEO, 1)


def test_music_always_ends_with_the_video() -> None:
    song = AddMusic(name="song")
    media_pool = MediaPool((A, SONG))
    draft = edited(song, media_pool=media_pool)
    assert times(segments_of(draft, TrackType.AUDIO)) == [(0, 9000), (9000, 10_000)]
    cases: list[tuple[Edit, Any]] = [
        (SetSpeed(2), [(0, 5000)]),
        (Loop(), [(0, 9000), (9000, 18_000), (18_000, 20_000)]),
        (KeepSpan(first_span(5000), Selector(number=1)), [(0, 5000)]),
        (KeepSpan(TimelineSpan()), [(0, 9000), (9000, 10_000)]),
        (Generate("sunset", 2.0, "x"), [(0, 9000), (9000, 12_000)]),
    ]
    for edit, expected in cases:
        after = edited(edit, draft=draft, media_pool=media_pool)
        assert times(segments_of(after, TrackType.AUDIO)) == expected, edit
        parts = segments_of(after, TrackType.AUDIO)
        assert len({part.id for part in parts}) == len(parts)


def test_music_is_cut_with_the_whole_timeline() -> None:
    draft = edited(
        AddMusic(name="song"), KeepSpan(span_between(2000, 6000)), media_pool=MediaPool((A, SONG))
    )
    (part,) = segments_of(draft, TrackType.AUDIO)
    assert (part.start_ms, part.duration_ms, part.source_start_ms) == (0, 4000, 2000)


def test_fade_out_stays_at_the_end_of_the_music() -> None:
    music = {"id": "m", "s": 0, "d": 9000, "src": "song", "fi": 500, "fo": 1000}
    tracks = [{"tt": 0, "sg": [{"s": 0, "d": 9000, "src": "a"}]}]
    tracks += [{"tt": 1, "n": "BGM", "sg": [music]}]
    draft = edited(Loop(), draft=draft_from_wire({"t": tracks, "d": 9000}))
    fades = [(part.fade_in_ms, part.fade_out_ms) for part in segments_of(draft, TrackType.AUDIO)]
    assert fades == [(500, None), (None, 1000)]


def test_music_of_unknown_length_is_not_extended() -> None:
    tracks: list[dict[str, Any]] = [{"tt": 0, "sg": [{"s": 0, "d": 9000, "src": "a"}]}]
    tracks += [{"tt": 1, "n": "BGM", "sg": [{"s": 0, "d": 9000, "src": "unknown"}]}]
    draft = edited(Loop(), draft=draft_from_wire({"t": tracks, "d": 9000}))
    assert times(segments_of(draft, TrackType.AUDIO)) == [(0, 9000)]


def test_tracks_of_unknown_types_do_not_change() -> None:
    theirs = {"tt": 9, "theirs": [1], "sg": [{"s": 100, "d": 90_000, "theirs": {"a": None}}]}
    tracks = [theirs, {"tt": 0, "sg": [{"s": 0, "d": 9000, "src": "a"}]}]
    draft = edited(KeepSpan(first_span(2000)), draft=draft_from_wire({"t": tracks}))
    assert draft_to_wire(draft)["t"][0] == theirs
    assert draft.duration_ms == 90_100


def test_empty_track_with_unknown_fields_is_kept() -> None:
    title = {"tt": 7, "theirs": 1, "sg": [{"s": 5000, "d": 1000, "txt": "x"}]}
    tracks = [title, {"tt": 0, "sg": [{"s": 0, "d": 9000, "src": "a"}]}]
    draft = edited(KeepSpan(first_span(2000)), draft=draft_from_wire({"t": tracks}))
    assert draft_to_wire(draft)["t"][0] == {"tt": 7, "theirs": 1, "sg": []}
