"""Edits on drafts: what the words say, nothing overlapping, nothing past its source."""

from typing import Any

import pytest
from hypothesis import given, strategies as st

from nemolocal_contract.draft import Draft, Segment, Style, Track, TrackType, draft_from_wire
from nemolocal_render.footage import MOODS
from nemolocal_render.scenes import SCENES
from nemolocal_server.agent.edits import MUSIC_TITLES, CannotEdit, Media, apply_edits
from nemolocal_server.agent.intents import (
    AddMusic,
    AddTitle,
    Compress,
    Edit,
    Generate,
    Keep,
    Moment,
    PlaceUploads,
    Remove,
    SetVolume,
    Span,
    after,
    between,
    first,
    last,
)

BEACH = Media("beach-id", "beach day.mp4", "video", 20_000)
PHOTO = Media("photo-id", "photo.jpg", "image", 0)
SONG = Media("song-id", "song.mp3", "audio", 60_000)
EMPTY = Draft(tracks=(), duration_ms=0)


class Made(dict[Edit, str]):
    """Everything that an edit could need has been made."""

    def __missing__(self, edit: Edit) -> str:
        assert isinstance(edit, AddMusic | Generate)
        return f"{edit.mood if isinstance(edit, AddMusic) else edit.scene}-id"


def edited(*edits: Edit, draft: Draft = EMPTY, uploads: tuple[Media, ...] = (BEACH,)) -> Draft:
    return apply_edits(edits, draft, list(uploads), Made())


def lane(draft: Draft, kind: TrackType) -> tuple[Segment, ...]:
    (track,) = draft.of_type(kind)
    return track.segments or ()


def spans(draft: Draft, kind: TrackType) -> list[tuple[Any, Any, Any]]:
    return [(s.start_ms, s.duration_ms, s.source_start_ms) for s in lane(draft, kind)]


def test_uploads_are_placed_one_after_the_other_in_upload_order() -> None:
    draft = edited(PlaceUploads(), uploads=(BEACH, SONG, PHOTO))
    assert spans(draft, TrackType.VIDEO) == [(0, 20_000, 0), (20_000, 5000, 0)]
    assert [s.source for s in lane(draft, TrackType.VIDEO)] == ["beach-id", "photo-id"]
    assert lane(draft, TrackType.VIDEO)[0].metadata == {"title": "beach day"}
    assert draft.duration_ms == 25_000


def test_a_later_upload_is_placed_after_what_is_there() -> None:
    draft = edited(PlaceUploads(), draft=edited(PlaceUploads()), uploads=(BEACH, PHOTO))
    assert spans(draft, TrackType.VIDEO) == [(0, 20_000, 0), (20_000, 5000, 0)]
    assert len({s.id for s in lane(draft, TrackType.VIDEO)}) == 2


@pytest.mark.parametrize("edit", [Keep(first(5000)), Compress(), AddTitle("x")])
def test_any_edit_of_an_empty_timeline_places_the_uploads_first(edit: Edit) -> None:
    assert lane(edited(edit), TrackType.VIDEO)[0].source == "beach-id"


@pytest.mark.parametrize(
    ("span", "expected"),
    [
        (first(10_000), (0, 10_000, 0)),
        (last(5000), (0, 5000, 15_000)),
        (between(3000, 7000), (0, 4000, 3000)),
        (between(3000, 90_000), (0, 17_000, 3000)),
        (last(90_000), (0, 20_000, 0)),
    ],
)
def test_keep_leaves_the_span_and_moves_it_to_the_beginning(
    span: Span, expected: tuple[int, int, int]
) -> None:
    draft = edited(Keep(span))
    assert spans(draft, TrackType.VIDEO) == [expected]
    assert draft.duration_ms == expected[1]


def test_keep_cuts_every_track_and_drops_what_is_left_empty() -> None:
    draft = edited(AddTitle("gone"), AddMusic("lofi", 0.5), Keep(between(5000, 9000)))
    assert spans(draft, TrackType.AUDIO) == [(0, 4000, 5000)]
    assert draft.of_type(TrackType.TEXT) == []


def test_remove_takes_the_span_out_and_what_follows_moves_up() -> None:
    draft = edited(Remove(between(5000, 8000)))
    assert spans(draft, TrackType.VIDEO) == [(0, 5000, 0), (5000, 12_000, 8000)]
    assert len({s.id for s in lane(draft, TrackType.VIDEO)}) == 2
    assert draft.duration_ms == 17_000


def test_remove_at_an_edge_leaves_one_piece() -> None:
    assert spans(edited(Remove(first(3000))), TrackType.VIDEO) == [(0, 17_000, 3000)]
    assert spans(edited(Remove(last(3000))), TrackType.VIDEO) == [(0, 17_000, 0)]


def test_cutting_a_fast_segment_counts_its_speed_in_the_source() -> None:
    fast = draft_from_wire(
        {"t": [{"tt": 0, "sg": [{"s": 0, "d": 5000, "src": "x", "sp": 2}]}], "d": 5000}
    )
    assert spans(edited(Keep(between(1000, 3000)), draft=fast), TrackType.VIDEO) == [
        (0, 2000, 2000)
    ]


def test_a_title_shows_for_three_seconds_unless_told_otherwise() -> None:
    (title,) = lane(edited(AddTitle("Hi")), TrackType.TEXT)
    assert (title.start_ms, title.duration_ms, title.text) == (0, 3000, "Hi")
    assert title.style == Style(color="white", position="top-center")
    (title,) = lane(edited(AddTitle("Hi", between(2000, 99_000), "red", "center")), TrackType.TEXT)
    assert (title.start_ms, title.duration_ms) == (2000, 18_000)
    assert title.style == Style(color="red", position="center")


def test_titles_at_the_same_time_lie_on_different_tracks() -> None:
    draft = edited(AddTitle("a"), AddTitle("b"), AddTitle("c", between(5000, 6000)))
    texts = [[s.text for s in track.segments or ()] for track in draft.of_type(TrackType.TEXT)]
    assert texts == [["a", "c"], ["b"]]


def test_music_lies_under_everything_and_is_replaced_not_doubled() -> None:
    draft = edited(AddMusic("lofi", 0.35), AddMusic("epic", 0.2))
    (music,) = lane(draft, TrackType.AUDIO)
    assert (music.source, music.duration_ms, music.volume) == ("epic-id", 20_000, 0.2)
    (quiet,) = lane(edited(SetVolume(0.1, target="music"), draft=draft), TrackType.AUDIO)
    assert quiet.volume == 0.1


def test_compress_marks_the_project_and_keeps_its_other_settings() -> None:
    draft = edited(Compress(), draft=draft_from_wire({"m": {"title": "x", "theirs": 1}}))
    assert draft.metadata is not None
    assert draft.metadata.compression == {"mode": "rtk"}
    assert (draft.metadata.title, draft.metadata.extra) == ("x", {"theirs": 1})


@pytest.mark.parametrize(
    ("edit", "uploads", "reason"),
    [
        (Compress(), (), "upload one first"),
        (Compress(), (SONG,), "upload one first"),
        (Keep(after(50_000)), (BEACH,), "ends before 50s"),
        (Remove(between(50_000, 60_000)), (BEACH,), "ends before 50s"),
        (Remove(Span()), (BEACH,), "remove everything"),
        (AddTitle("x", between(50_000, 53_000)), (BEACH,), "ends before 50s"),
        (SetVolume(0.5, target="music"), (BEACH,), "no background music"),
    ],
)
def test_what_cannot_be_done_is_refused_with_what_is_missing(
    edit: Edit, uploads: tuple[Media, ...], reason: str
) -> None:
    with pytest.raises(CannotEdit, match=reason):
        edited(edit, uploads=uploads)


def test_placing_again_says_that_everything_is_there() -> None:
    with pytest.raises(CannotEdit, match="on the timeline already"):
        edited(PlaceUploads(), PlaceUploads())


moments = st.builds(Moment, st.integers(0, 30_000), st.booleans())
spans_of_time = st.builds(Span, moments, moments)
any_edit = st.one_of(
    st.just(PlaceUploads()),
    st.builds(Keep, spans_of_time),
    st.builds(Remove, spans_of_time),
    st.builds(AddTitle, st.text(), spans_of_time),
    st.builds(AddMusic, st.sampled_from(sorted(MUSIC_TITLES)), st.floats(0, 1)),
    st.builds(SetVolume, st.floats(0, 1)),
    st.just(Compress()),
    st.builds(Generate, st.sampled_from(sorted(SCENES)), st.floats(1, 60), st.text()),
)
MADE = {f"{name}-id": 10**9 for name in (*MUSIC_TITLES, *SCENES)}
LENGTHS = {BEACH.id: BEACH.duration_ms, PHOTO.id: 10**9, **MADE}


@given(st.lists(any_edit, max_size=12))
def test_whatever_is_edited_the_timeline_stays_sound(edits: list[Edit]) -> None:
    draft = draft_from_wire({"t": [{"tt": 9, "theirs": [1], "sg": []}], "yours": {"a": None}})
    for edit in edits:
        try:
            draft = edited(edit, draft=draft, uploads=(BEACH, PHOTO))
        except CannotEdit:
            continue
        assert_sound(draft)
    assert draft.extra == {"yours": {"a": None}}


def assert_sound(draft: Draft) -> None:
    ids = [s.id for track in draft.tracks or () for s in track.segments or ()]
    assert len(ids) == len(set(ids))
    for track in draft.tracks or ():
        assert_track_sound(track)
    ends = [s.end_ms for track in draft.tracks or () for s in track.segments or ()]
    assert draft.duration_ms == max(ends, default=0)


def assert_track_sound(track: Track) -> None:
    at: float = 0
    for segment in sorted(track.segments or (), key=lambda s: s.start_ms or 0):
        assert (segment.start_ms or 0) >= at
        assert (segment.duration_ms or 0) > 0
        at = segment.end_ms
        if segment.source:
            used = (segment.source_start_ms or 0) + (segment.duration_ms or 0)
            assert used <= LENGTHS[segment.source]


def test_a_generated_clip_comes_after_what_is_there_and_needs_no_upload() -> None:
    clip = Generate("city", 4.5, "city at dawn")
    draft = edited(clip, uploads=())
    assert spans(draft, TrackType.VIDEO) == [(0, 4500, 0)]
    assert lane(draft, TrackType.VIDEO)[0].metadata == {"title": "city at dawn"}
    both = edited(PlaceUploads(), clip)
    assert [s.source for s in lane(both, TrackType.VIDEO)] == ["beach-id", "city-id"]


def test_every_mood_of_the_agent_can_be_composed() -> None:
    assert set(MUSIC_TITLES) == set(MOODS)
