"""Cuts and clips: the right ranges, without overlaps, within the sources."""

from typing import Any

import pytest

from nemolocal_agent.edits import MUSIC_TITLES, Media, MediaPool, apply_edits
from nemolocal_agent.errors import EditRejected
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
from nemolocal_agent.tool_calls import split_stages
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


def segments_of(draft: Draft, kind: TrackType) -> tuple[Segment, ...]:
    (track,) = draft.of_type(kind)
    return track.segments or ()


def spans(draft: Draft, kind: TrackType = TrackType.VIDEO) -> list[tuple[Any, Any, Any]]:
    return [(s.start_ms, s.duration_ms, s.source_start_ms) for s in segments_of(draft, kind)]


def sources(draft: Draft) -> list[str | None]:
    return [segment.source for segment in segments_of(draft, TrackType.VIDEO)]


TWO = edited(PlaceUploads(), uploads=(BEACH, CITY))


def test_uploads_are_placed_in_upload_order() -> None:
    draft = edited(PlaceUploads(), uploads=(BEACH, SONG, PHOTO))
    assert spans(draft) == [(0, 20_000, 0), (20_000, 5000, 0)]
    assert sources(draft) == ["beach-id", "photo-id"]
    assert segments_of(draft, TrackType.VIDEO)[0].metadata == {"title": "beach day"}
    assert draft.duration_ms == 25_000


def test_a_later_upload_is_placed_after_what_is_there() -> None:
    draft = edited(PlaceUploads(), draft=edited(PlaceUploads()), uploads=(BEACH, PHOTO))
    assert spans(draft) == [(0, 20_000, 0), (20_000, 5000, 0)]
    assert len({s.id for s in segments_of(draft, TrackType.VIDEO)}) == 2


def test_named_upload_is_placed_alone_and_again() -> None:
    city = PlaceUploads(Selector(name="CITY"))
    assert sources(edited(city, city, uploads=(BEACH, CITY))) == ["city-id", "city-id"]
    second = PlaceUploads(Selector(number=2))
    assert sources(edited(second, uploads=(SONG, BEACH, CITY))) == ["city-id"]


@pytest.mark.parametrize("edit", [KeepSpan(first_span(5000)), Compress(), AddTitle("x")])
def test_edit_of_an_empty_timeline_places_the_uploads_first(edit: Edit) -> None:
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
def test_kept_span_moves_to_the_start(span: TimelineSpan, expected: tuple[int, int, int]) -> None:
    draft = edited(KeepSpan(span))
    assert spans(draft) == [expected]
    assert draft.duration_ms == expected[1]


def test_keep_cuts_all_tracks_and_removes_empty_ones() -> None:
    draft = edited(AddTitle("gone"), AddMusic("lofi", 0.5), KeepSpan(span_between(5000, 9000)))
    assert spans(draft, TrackType.AUDIO) == [(0, 4000, 5000)]
    assert draft.of_type(TrackType.TEXT) == []


def test_removed_span_moves_the_rest_up() -> None:
    draft = edited(RemoveSpan(span_between(5000, 8000)))
    assert spans(draft) == [(0, 5000, 0), (5000, 12_000, 8000)]
    assert len({s.id for s in segments_of(draft, TrackType.VIDEO)}) == 2
    assert draft.duration_ms == 17_000


def test_removal_at_an_end_leaves_one_clip_and_can_be_repeated() -> None:
    assert spans(edited(RemoveSpan(first_span(3000)))) == [(0, 17_000, 3000)]
    assert spans(edited(RemoveSpan(last_span(3000)))) == [(0, 17_000, 0)]
    once = edited(RemoveSpan(first_span(3000)))
    assert spans(edited(RemoveSpan(first_span(3000)), draft=once)) == [(0, 14_000, 6000)]


def test_consecutive_removals_refer_to_the_original_timeline() -> None:
    both = edited(RemoveSpan(span_between(5000, 7000)), RemoveSpan(span_between(10_000, 12_000)))
    assert spans(both) == [(0, 5000, 0), (5000, 3000, 7000), (8000, 8000, 12_000)]
    parts = edited(PlaceUploads(), Split(parts=4))
    left = edited(RemoveClip(Selector(number=1)), RemoveClip(Selector(number=3)), draft=parts)
    assert spans(left) == [(0, 5000, 5000), (5000, 5000, 15_000)]


def test_trim_of_a_fast_clip_scales_its_source_offset() -> None:
    fast = draft_from_wire(
        {"t": [{"tt": 0, "sg": [{"s": 0, "d": 5000, "src": "x", "sp": 2}]}], "d": 5000}
    )
    assert spans(edited(KeepSpan(span_between(1000, 3000)), draft=fast)) == [(0, 2000, 2000)]


def test_trim_of_a_reversed_clip_skips_the_other_end_of_its_source() -> None:
    clip = {"s": 0, "d": 5000, "src": "x", "ss": 1000, "fx": [{"type": "reverse"}]}
    backwards = draft_from_wire({"t": [{"tt": 0, "sg": [clip]}], "d": 5000})
    assert spans(edited(KeepSpan(first_span(2000)), draft=backwards)) == [(0, 2000, 4000)]
    assert spans(edited(RemoveSpan(first_span(2000)), draft=backwards)) == [(0, 3000, 1000)]


def test_cut_of_one_clip_moves_the_later_ones_up() -> None:
    kept = edited(KeepSpan(span_between(1000, 5000), Selector(number=1)), draft=TWO)
    assert spans(kept) == [(0, 4000, 1000), (4000, 8000, 0)]
    removed = edited(
        RemoveSpan(first_span(2000), Selector(name="city")), draft=TWO, uploads=(BEACH, CITY)
    )
    assert spans(removed) == [(0, 20_000, 0), (20_000, 6000, 2000)]


@pytest.mark.slow
@pytest.mark.parametrize(
    "selector",
    [
        Selector(number=2),
        Selector(number=-1),
        Selector(name="CITY.mp4"),
        Selector(name="cit"),
        Selector(name="the city clip"),
        Selector(span=last_span(8000)),
    ],
)
def test_clip_is_selected_by_number_name_or_time(selector: Selector) -> None:
    draft = edited(RemoveClip(selector), draft=TWO, uploads=(BEACH, CITY))
    assert spans(draft) == [(0, 20_000, 0)]


def test_span_of_a_clip_is_relative_to_its_start() -> None:
    draft = edited(RemoveClip(Selector(number=2, span=first_span(3000))), draft=TWO)
    assert spans(draft) == [(0, 20_000, 0), (20_000, 5000, 3000)]


def test_split_does_not_change_the_picture() -> None:
    draft = edited(Split((TimelinePoint(5000), TimelinePoint(2000, before_end=True))), draft=TWO)
    assert spans(draft) == [
        (0, 5000, 0), (5000, 15_000, 5000), (20_000, 6000, 0), (26_000, 2000, 6000)
    ]  # fmt: skip
    assert len({segment.id for segment in segments_of(draft, TrackType.VIDEO)}) == 4
    thirds = edited(Split(parts=3))
    assert [length for _, length, _ in spans(thirds)] == [6667, 6666, 6667]


def test_loop_repeats_everything_or_one_clip() -> None:
    assert spans(edited(Loop(), draft=TWO)) == [
        (0, 20_000, 0), (20_000, 8000, 0), (28_000, 20_000, 0), (48_000, 8000, 0)
    ]  # fmt: skip
    one = edited(Loop(times=3, selector=Selector(number=2)), draft=TWO)
    assert [start for start, _, _ in spans(one)] == [0, 20_000, 28_000, 36_000]
    long = edited(Loop(duration_ms=45_000))
    assert spans(long) == [(0, 20_000, 0), (20_000, 20_000, 0), (40_000, 5000, 0)]
    assert len({segment.id for segment in segments_of(long, TrackType.VIDEO)}) == 3


@pytest.mark.parametrize(
    ("length", "until", "clips"),
    [(9_990, 30_000, 3), (9_999, 30_000, 3), (10_000, 30_050, 3), (9_000, 30_000, 4)],
)
def test_loop_to_a_length_drops_a_tiny_rest(length: int, until: int, clips: int) -> None:
    media_pool = MediaPool((Media("a", "a.mp4", "video", length),))
    looped = apply_edits([Loop(duration_ms=until)], EMPTY, media_pool)
    lengths = [segment.duration_ms or 0 for segment in clips_of(looped)]
    assert len(lengths) == clips
    assert abs(sum(lengths) - until) < 100
    assert min(lengths) >= 100


def test_speed_changes_multiply_and_can_be_reset() -> None:
    fast = edited(SetSpeed(2), draft=TWO)
    assert spans(fast) == [(0, 10_000, 0), (10_000, 4000, 0)]
    assert [segment.speed for segment in segments_of(fast, TrackType.VIDEO)] == [2, 2]
    faster = edited(SetSpeed(1.5, Selector(number=2)), draft=fast)
    assert spans(faster) == [(0, 10_000, 0), (10_000, 2666, 0)]
    assert segments_of(faster, TrackType.VIDEO)[1].speed == 3
    assert edited(SetSpeed(0.5), draft=fast) == TWO


def test_speed_of_a_span_splits_its_clip() -> None:
    draft = edited(SetSpeed(0.5, Selector(span=span_between(5000, 7000))))
    assert spans(draft) == [(0, 5000, 0), (5000, 4000, 5000), (9000, 13_000, 7000)]


def test_slower_image_is_only_shown_longer() -> None:
    draft = edited(SetSpeed(0.5), uploads=(PHOTO,))
    assert [(s.duration_ms, s.speed) for s in segments_of(draft, TrackType.VIDEO)] == [
        (10_000, None)
    ]


def test_fades_and_transitions_stay_at_the_ends_of_a_cut_clip() -> None:
    clip = {"id": "a", "s": 0, "d": 9000, "src": "x", "fi": 1000, "fo": 2000}
    clip |= {"tr": {"type": "crossfade", "d": 800}}
    other = {"id": "b", "s": 9000, "d": 500, "src": "x"}
    draft = draft_from_wire({"t": [{"tt": 0, "sg": [clip, other]}], "d": 9500})
    left, right, _ = segments_of(
        edited(RemoveSpan(span_between(3000, 8000)), draft=draft), TrackType.VIDEO
    )
    assert (left.fade_in_ms, left.fade_out_ms, left.transition) == (1000, None, None)
    assert (right.fade_in_ms, right.fade_out_ms) == (None, 1000)
    assert right.transition is not None
    assert right.transition.duration_ms == 500


def test_slideshow_shows_every_image() -> None:
    draft = edited(Slideshow(), uploads=(PHOTO, SECOND_PHOTO))
    assert spans(draft) == [(0, 3000, 0), (3000, 3000, 0)]
    slides = segments_of(draft, TrackType.VIDEO)
    zooms = [(slide.effects or ())[0] for slide in slides]
    assert [(zoom["type"], zoom["start"], zoom["end"]) for zoom in zooms] == [
        ("zoom", 1.0, 1.25), ("zoom", 1.25, 1.0)
    ]  # fmt: skip
    assert [slide.transition and slide.transition.duration_ms for slide in slides] == [500, None]


def test_slideshow_moves_placed_images_and_can_have_a_length() -> None:
    uploads = (PHOTO, BEACH, SECOND_PHOTO)
    draft = edited(PlaceUploads(), Slideshow(total_ms=5001), uploads=uploads)
    assert sources(draft) == ["beach-id", "photo-id", "photo-2"]
    assert [length for _, length, _ in spans(draft)] == [20_000, 2500, 2501]


def test_generated_clip_is_appended_and_needs_no_upload() -> None:
    clip = Generate("city", 4.5, "city at dawn")
    draft = edited(clip, uploads=())
    assert spans(draft) == [(0, 4500, 0)]
    assert segments_of(draft, TrackType.VIDEO)[0].metadata == {"title": "city at dawn"}
    both = apply_edits([PlaceUploads(), clip], EMPTY, MediaPool((BEACH,), (), {clip: "made-id"}))
    assert sources(both) == ["beach-id", "made-id"]


def test_generation_adds_music_and_a_title() -> None:
    clip = Generate("ocean", 4.0, "big waves")
    assert split_stages((clip,)) == (
        (clip,), (AddMusic("ambient", 0.35), AddTitle("Big Waves", first_span(3000)))
    )  # fmt: skip
    all_of_it = (clip, AddTitle("Mine"), AddMusic("sad"))
    assert split_stages(all_of_it) == (all_of_it, ())
    assert split_stages((Generate("lava", 4.0, " "),))[1] == (AddMusic("lofi", 0.35),)
    assert split_stages((Compress(),)) == ((Compress(),),)


def test_placing_uploads_twice_is_rejected() -> None:
    with pytest.raises(EditRejected, match="on the timeline already"):
        edited(PlaceUploads(), PlaceUploads())


def test_every_mood_of_the_agent_can_be_composed() -> None:
    assert set(MUSIC_TITLES) == set(MOODS)
