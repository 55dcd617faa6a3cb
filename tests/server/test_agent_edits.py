"""Cuts and clips: what the words say, nothing overlapping, nothing past its source."""

from typing import Any

import pytest

from nemolocal_agent.edits import MUSIC_TITLES, Media, MediaPool, apply_edits
from nemolocal_agent.errors import EditRejected
from nemolocal_agent.generation import split_stages
from nemolocal_agent.intents import (
    AddMusic,
    AddTitle,
    Compress,
    Edit,
    Generate,
    KeepSpan,
    Loop,
    PlaceUploads,
    RemoveClip,
    RemoveSpan,
    Selector,
    SetSpeed,
    Slideshow,
    Split,
    TimelinePoint,
    TimelineSpan,
    first_span,
    last_span,
    span_between,
)
from nemolocal_agent.timeline import clips_of
from nemolocal_contract.draft import Draft, Segment, TrackType, draft_from_wire
from nemolocal_render.synthetic.sample_media import MOODS

BEACH = Media("beach-id", "beach day.mp4", "video", 20_000)
CITY = Media("city-id", "city.mp4", "video", 8000)
PHOTO = Media("photo-id", "photo.jpg", "image", 0)
SECOND_PHOTO = Media("photo-2", "photo two.jpg", "image", 0)
SONG = Media("song-id", "song.mp3", "audio", 60_000)
EMPTY = Draft(tracks=(), duration_ms=0)


def edited(*edits: Edit, draft: Draft = EMPTY, uploads: tuple[Media, ...] = (BEACH,)) -> Draft:
    return apply_edits(edits, draft, MediaPool(uploads))


def lane(draft: Draft, kind: TrackType) -> tuple[Segment, ...]:
    (track,) = draft.of_type(kind)
    return track.segments or ()


def spans(draft: Draft, kind: TrackType = TrackType.VIDEO) -> list[tuple[Any, Any, Any]]:
    return [(s.start_ms, s.duration_ms, s.source_start_ms) for s in lane(draft, kind)]


def sources(draft: Draft) -> list[str | None]:
    return [segment.source for segment in lane(draft, TrackType.VIDEO)]


TWO = edited(PlaceUploads(), uploads=(BEACH, CITY))


def test_uploads_are_placed_one_after_the_other_in_upload_order() -> None:
    draft = edited(PlaceUploads(), uploads=(BEACH, SONG, PHOTO))
    assert spans(draft) == [(0, 20_000, 0), (20_000, 5000, 0)]
    assert sources(draft) == ["beach-id", "photo-id"]
    assert lane(draft, TrackType.VIDEO)[0].metadata == {"title": "beach day"}
    assert draft.duration_ms == 25_000


def test_a_later_upload_is_placed_after_what_is_there() -> None:
    draft = edited(PlaceUploads(), draft=edited(PlaceUploads()), uploads=(BEACH, PHOTO))
    assert spans(draft) == [(0, 20_000, 0), (20_000, 5000, 0)]
    assert len({s.id for s in lane(draft, TrackType.VIDEO)}) == 2


def test_an_upload_that_is_named_is_placed_alone_and_again() -> None:
    city = PlaceUploads(Selector(name="CITY"))
    assert sources(edited(city, city, uploads=(BEACH, CITY))) == ["city-id", "city-id"]
    second = PlaceUploads(Selector(number=2))
    assert sources(edited(second, uploads=(SONG, BEACH, CITY))) == ["city-id"]


@pytest.mark.parametrize("edit", [KeepSpan(first_span(5000)), Compress(), AddTitle("x")])
def test_any_edit_of_an_empty_timeline_places_the_uploads_first(edit: Edit) -> None:
    assert sources(edited(edit)) == ["beach-id"]


@pytest.mark.parametrize(
    ("span", "expected"),
    [
        (first_span(10_000), (0, 10_000, 0)),
        (last_span(5000), (0, 5000, 15_000)),
        (span_between(3000, 7000), (0, 4000, 3000)),
        (span_between(3000, 90_000), (0, 17_000, 3000)),
        (last_span(90_000), (0, 20_000, 0)),
        (TimelineSpan(TimelinePoint(share=0.25), TimelinePoint(share=0.5)), (0, 5000, 5000)),
    ],
)
def test_keep_leaves_the_span_and_moves_it_to_the_beginning(
    span: TimelineSpan, expected: tuple[int, int, int]
) -> None:
    draft = edited(KeepSpan(span))
    assert spans(draft) == [expected]
    assert draft.duration_ms == expected[1]


def test_keep_cuts_every_track_and_drops_what_is_left_empty() -> None:
    draft = edited(AddTitle("gone"), AddMusic("lofi", 0.5), KeepSpan(span_between(5000, 9000)))
    assert spans(draft, TrackType.AUDIO) == [(0, 4000, 5000)]
    assert draft.of_type(TrackType.TEXT) == []


def test_remove_takes_the_span_out_and_what_follows_moves_up() -> None:
    draft = edited(RemoveSpan(span_between(5000, 8000)))
    assert spans(draft) == [(0, 5000, 0), (5000, 12_000, 8000)]
    assert len({s.id for s in lane(draft, TrackType.VIDEO)}) == 2
    assert draft.duration_ms == 17_000


def test_remove_at_an_edge_leaves_one_piece_and_removes_again_when_asked_again() -> None:
    assert spans(edited(RemoveSpan(first_span(3000)))) == [(0, 17_000, 3000)]
    assert spans(edited(RemoveSpan(last_span(3000)))) == [(0, 17_000, 0)]
    once = edited(RemoveSpan(first_span(3000)))
    assert spans(edited(RemoveSpan(first_span(3000)), draft=once)) == [(0, 14_000, 6000)]


def test_removals_in_a_row_mean_the_timeline_before_the_first_of_them() -> None:
    both = edited(RemoveSpan(span_between(5000, 7000)), RemoveSpan(span_between(10_000, 12_000)))
    assert spans(both) == [(0, 5000, 0), (5000, 3000, 7000), (8000, 8000, 12_000)]
    parts = edited(PlaceUploads(), Split(parts=4))
    left = edited(RemoveClip(Selector(number=1)), RemoveClip(Selector(number=3)), draft=parts)
    assert spans(left) == [(0, 5000, 5000), (5000, 5000, 15_000)]


def test_cutting_a_fast_segment_counts_its_speed_in_the_source() -> None:
    fast = draft_from_wire(
        {"t": [{"tt": 0, "sg": [{"s": 0, "d": 5000, "src": "x", "sp": 2}]}], "d": 5000}
    )
    assert spans(edited(KeepSpan(span_between(1000, 3000)), draft=fast)) == [(0, 2000, 2000)]


def test_cutting_what_is_played_backwards_takes_from_the_other_end_of_the_source() -> None:
    clip = {"s": 0, "d": 5000, "src": "x", "ss": 1000, "fx": [{"type": "reverse"}]}
    backwards = draft_from_wire({"t": [{"tt": 0, "sg": [clip]}], "d": 5000})
    assert spans(edited(KeepSpan(first_span(2000)), draft=backwards)) == [(0, 2000, 4000)]
    assert spans(edited(RemoveSpan(first_span(2000)), draft=backwards)) == [(0, 3000, 1000)]


def test_one_clip_can_be_cut_and_the_later_ones_move_up() -> None:
    kept = edited(KeepSpan(span_between(1000, 5000), Selector(number=1)), draft=TWO)
    assert spans(kept) == [(0, 4000, 1000), (4000, 8000, 0)]
    removed = edited(
        RemoveSpan(first_span(2000), Selector(name="city")), draft=TWO, uploads=(BEACH, CITY)
    )
    assert spans(removed) == [(0, 20_000, 0), (20_000, 6000, 2000)]


@pytest.mark.parametrize(
    "which",
    [
        Selector(number=2),
        Selector(number=-1),
        Selector(name="CITY.mp4"),
        Selector(name="cit"),
        Selector(name="the city clip"),
        Selector(span=last_span(8000)),
    ],
)
def test_a_clip_is_found_by_number_name_or_time(which: Selector) -> None:
    draft = edited(RemoveClip(which), draft=TWO, uploads=(BEACH, CITY))
    assert spans(draft) == [(0, 20_000, 0)]


def test_a_span_of_a_named_clip_counts_from_its_beginning() -> None:
    draft = edited(RemoveClip(Selector(number=2, span=first_span(3000))), draft=TWO)
    assert spans(draft) == [(0, 20_000, 0), (20_000, 5000, 3000)]


def test_a_split_cuts_the_clips_and_changes_nothing_that_is_seen() -> None:
    draft = edited(Split((TimelinePoint(5000), TimelinePoint(2000, before_end=True))), draft=TWO)
    assert spans(draft) == [
        (0, 5000, 0), (5000, 15_000, 5000), (20_000, 6000, 0), (26_000, 2000, 6000)
    ]  # fmt: skip
    assert len({segment.id for segment in lane(draft, TrackType.VIDEO)}) == 4
    thirds = edited(Split(parts=3))
    assert [length for _, length, _ in spans(thirds)] == [6667, 6666, 6667]


def test_a_loop_plays_everything_or_one_clip_again() -> None:
    assert spans(edited(Loop(), draft=TWO)) == [
        (0, 20_000, 0), (20_000, 8000, 0), (28_000, 20_000, 0), (48_000, 8000, 0)
    ]  # fmt: skip
    one = edited(Loop(times=3, selector=Selector(number=2)), draft=TWO)
    assert [start for start, _, _ in spans(one)] == [0, 20_000, 28_000, 36_000]
    long = edited(Loop(duration_ms=45_000))
    assert spans(long) == [(0, 20_000, 0), (20_000, 20_000, 0), (40_000, 5000, 0)]
    assert len({segment.id for segment in lane(long, TrackType.VIDEO)}) == 3


@pytest.mark.parametrize(
    ("length", "until", "clips"),
    [(9_990, 30_000, 3), (9_999, 30_000, 3), (10_000, 30_050, 3), (9_000, 30_000, 4)],
)
def test_loop_until_a_time_leaves_no_sliver_at_its_end(length: int, until: int, clips: int) -> None:
    material = MediaPool((Media("a", "a.mp4", "video", length),))
    looped = apply_edits([Loop(duration_ms=until)], EMPTY, material)
    lengths = [segment.duration_ms or 0 for segment in clips_of(looped)]
    assert len(lengths) == clips
    assert abs(sum(lengths) - until) < 100
    assert min(lengths) >= 100


def test_speed_shortens_clips_multiplies_and_can_be_taken_back() -> None:
    fast = edited(SetSpeed(2), draft=TWO)
    assert spans(fast) == [(0, 10_000, 0), (10_000, 4000, 0)]
    assert [segment.speed for segment in lane(fast, TrackType.VIDEO)] == [2, 2]
    faster = edited(SetSpeed(1.5, Selector(number=2)), draft=fast)
    assert spans(faster) == [(0, 10_000, 0), (10_000, 2666, 0)]
    assert lane(faster, TrackType.VIDEO)[1].speed == 3
    assert edited(SetSpeed(0.5), draft=fast) == TWO


def test_speed_of_a_span_cuts_it_out_of_its_clip() -> None:
    draft = edited(SetSpeed(0.5, Selector(span=span_between(5000, 7000))))
    assert spans(draft) == [(0, 5000, 0), (5000, 4000, 5000), (9000, 13_000, 7000)]


def test_a_slow_picture_is_shown_longer_and_has_no_speed() -> None:
    draft = edited(SetSpeed(0.5), uploads=(PHOTO,))
    assert [(s.duration_ms, s.speed) for s in lane(draft, TrackType.VIDEO)] == [(10_000, None)]


def test_fades_and_transitions_stay_at_the_edges_of_what_is_cut() -> None:
    clip = {"id": "a", "s": 0, "d": 9000, "src": "x", "fi": 1000, "fo": 2000}
    clip |= {"tr": {"type": "crossfade", "d": 800}}
    other = {"id": "b", "s": 9000, "d": 500, "src": "x"}
    draft = draft_from_wire({"t": [{"tt": 0, "sg": [clip, other]}], "d": 9500})
    left, right, _ = lane(
        edited(RemoveSpan(span_between(3000, 8000)), draft=draft), TrackType.VIDEO
    )
    assert (left.fade_in_ms, left.fade_out_ms, left.transition) == (1000, None, None)
    assert (right.fade_in_ms, right.fade_out_ms) == (None, 1000)
    assert right.transition is not None
    assert right.transition.duration_ms == 500


def test_a_slideshow_shows_every_picture_in_turn() -> None:
    draft = edited(Slideshow(), uploads=(PHOTO, SECOND_PHOTO))
    assert spans(draft) == [(0, 3000, 0), (3000, 3000, 0)]
    slides = lane(draft, TrackType.VIDEO)
    zooms = [(slide.effects or ())[0] for slide in slides]
    assert [(zoom["type"], zoom["start"], zoom["end"]) for zoom in zooms] == [
        ("zoom", 1.0, 1.25), ("zoom", 1.25, 1.0)
    ]  # fmt: skip
    assert [slide.transition and slide.transition.duration_ms for slide in slides] == [500, None]


def test_a_slideshow_takes_pictures_from_between_the_clips_and_can_have_a_length() -> None:
    uploads = (PHOTO, BEACH, SECOND_PHOTO)
    draft = edited(PlaceUploads(), Slideshow(total_ms=5001), uploads=uploads)
    assert sources(draft) == ["beach-id", "photo-id", "photo-2"]
    assert [length for _, length, _ in spans(draft)] == [20_000, 2500, 2501]


def test_a_generated_clip_comes_after_what_is_there_and_needs_no_upload() -> None:
    clip = Generate("city", 4.5, "city at dawn")
    draft = edited(clip, uploads=())
    assert spans(draft) == [(0, 4500, 0)]
    assert lane(draft, TrackType.VIDEO)[0].metadata == {"title": "city at dawn"}
    both = apply_edits([PlaceUploads(), clip], EMPTY, MediaPool((BEACH,), (), {clip: "made-id"}))
    assert sources(both) == ["beach-id", "made-id"]


def test_a_generation_brings_the_music_and_the_title_that_nobody_asked_for() -> None:
    clip = Generate("ocean", 4.0, "big waves")
    assert split_stages((clip,)) == (
        (clip,), (AddMusic("ambient", 0.35), AddTitle("Big Waves", first_span(3000)))
    )  # fmt: skip
    all_of_it = (clip, AddTitle("Mine"), AddMusic("sad"))
    assert split_stages(all_of_it) == (all_of_it, ())
    assert split_stages((Generate("lava", 4.0, " "),))[1] == (AddMusic("lofi", 0.35),)
    assert split_stages((Compress(),)) == ((Compress(),),)


def test_placing_again_says_that_everything_is_there() -> None:
    with pytest.raises(EditRejected, match="on the timeline already"):
        edited(PlaceUploads(), PlaceUploads())


def test_every_mood_of_the_agent_can_be_composed() -> None:
    assert set(MUSIC_TITLES) == set(MOODS)
