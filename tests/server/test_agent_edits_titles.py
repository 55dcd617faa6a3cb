"""Titles and subtitles."""

from typing import Any

import pytest

from nemolocal_agent.edits import Media, MediaPool, apply_edits
from nemolocal_agent.intents import (
    AddSubtitles,
    AddTitle,
    ChangeTitle,
    Cue,
    Edit,
    RemoveTitle,
    Selector,
    first_span,
    last_span,
    span_between,
)
from nemolocal_contract.draft import Draft, Segment, Style, Track, TrackType, draft_from_wire

MEDIA_POOL = MediaPool((Media("a", "a.mp4", "video", 20_000),))
EMPTY = Draft(tracks=(), duration_ms=0)


def edited(*edits: Edit, draft: Draft = EMPTY) -> Draft:
    return apply_edits(edits, draft, MEDIA_POOL)


def texts(draft: Draft) -> list[list[str | None]]:
    return [[s.text for s in track.segments or ()] for track in draft.of_type(TrackType.TEXT)]


def only(draft: Draft) -> Segment:
    (track,) = draft.of_type(TrackType.TEXT)
    (segment,) = track.segments or ()
    return segment


def test_title_is_shown_for_three_seconds_by_default() -> None:
    title = only(edited(AddTitle("Hi")))
    assert (title.start_ms, title.duration_ms, title.text) == (0, 3000, "Hi")
    assert title.style == Style(color="white", position="top-center")
    title = only(edited(AddTitle("Hi", span_between(2000, 99_000), "red", "center", 96)))
    assert (title.start_ms, title.duration_ms) == (2000, 18_000)
    assert title.style == Style(color="red", position="center", size=96)


def test_simultaneous_titles_are_on_different_tracks() -> None:
    draft = edited(AddTitle("a"), AddTitle("b"), AddTitle("c", span_between(5000, 6000)))
    assert texts(draft) == [["a", "c"], ["b"]]


def test_new_title_track_gets_a_free_id() -> None:
    wire = {"t": [{"tt": 0, "id": "track_2", "sg": [{"s": 0, "d": 9000, "src": "a"}]}]}
    tracks = edited(AddTitle("x"), draft=draft_from_wire(wire)).tracks or ()
    assert [track.id for track in tracks] == ["track_2", "track_3"]


TWO = edited(AddTitle("Hello"), AddTitle("The End", last_span(3000)))


def test_title_change_keeps_the_other_fields() -> None:
    style: dict[str, Any] = {"size": 40, "color": "red", "pos": "top-left", "font": "x", "their": 1}
    title = {"id": "t", "s": 0, "d": 1000, "txt": "old", "st": style, "theirs": 1}
    tracks = [{"tt": 0, "sg": [{"s": 0, "d": 9000, "src": "a"}]}, {"tt": 7, "sg": [title]}]
    draft = draft_from_wire({"t": tracks})
    changed = only(edited(ChangeTitle(text="new", position="center"), draft=draft))
    assert (changed.text, changed.extra) == ("new", {"theirs": 1})
    assert changed.style == Style(
        size=40, color="red", position="center", font="x", extra={"their": 1}
    )
    grown = only(edited(ChangeTitle(grow=1.5), draft=draft))
    assert grown.style is not None
    assert grown.style.size == 60


def test_title_without_a_size_scales_from_the_default() -> None:
    draft = edited(AddTitle("x"), ChangeTitle(grow=1.5), ChangeTitle(color="gold"))
    assert only(draft).style == Style(color="gold", position="top-center", size=96)
    assert only(edited(ChangeTitle(size=9999), draft=draft)).style == Style(
        color="gold", position="top-center", size=400
    )


@pytest.mark.parametrize(
    ("selector", "expected"),
    [
        (Selector(), ["x", "x"]),
        (Selector(number=1), ["x", "The End"]),
        (Selector(number=-1), ["Hello", "x"]),
        (Selector(name="hello"), ["x", "The End"]),
        (Selector(name="end"), ["Hello", "x"]),
        (Selector(span=first_span(1000)), ["x", "The End"]),
    ],
)
def test_titles_are_selected_by_number_text_or_time(
    selector: Selector, expected: list[str]
) -> None:
    assert texts(edited(ChangeTitle(selector, text="x"), draft=TWO)) == [expected]


def test_title_moves_to_another_track_if_its_time_is_taken() -> None:
    moved = edited(ChangeTitle(Selector(number=2), span=span_between(5000, 7000)), draft=TWO)
    assert texts(moved) == [["Hello", "The End"]]
    beside = edited(ChangeTitle(Selector(number=2), span=first_span(2000)), draft=TWO)
    assert texts(beside) == [["Hello"], ["The End"]]
    assert texts(edited(ChangeTitle(span=first_span(2000)), draft=TWO)) == [["Hello"], ["The End"]]


def test_titles_can_be_removed() -> None:
    assert texts(edited(RemoveTitle(Selector(name="hello")), draft=TWO)) == [["The End"]]
    assert texts(edited(RemoveTitle(), draft=TWO)) == []


CUES = (Cue(0, 2000, "one"), Cue(3000, 5000, "two"), Cue(19_000, 30_000, "three"))


def test_subtitles_have_their_own_track_within_the_video() -> None:
    draft = edited(AddSubtitles((*CUES, Cue(25_000, 26_000, "after the end"))), draft=TWO)
    titles, subtitles = draft.of_type(TrackType.TEXT)
    assert (titles.name, subtitles.name) == ("Title", "Subtitles")
    assert times(subtitles) == [(0, 2000), (3000, 5000), (19_000, 20_000)]
    style = Style(size=48, color="white", position="bottom-center")
    assert {segment.style == style for segment in subtitles.segments or ()} == {True}


def times(track: Track) -> list[tuple[Any, Any]]:
    return [(segment.start_ms, segment.end_ms) for segment in track.segments or ()]


def test_new_subtitles_replace_the_old_ones_but_no_titles() -> None:
    again = AddSubtitles((Cue(0, 1000, "new"),))
    draft = edited(AddSubtitles(CUES), again, draft=TWO)
    assert texts(draft) == [["Hello", "The End"], ["new"]]
    assert texts(edited(RemoveTitle(), draft=draft)) == [["new"]]
    assert texts(edited(RemoveTitle(subtitles=True), draft=draft)) == [["Hello", "The End"]]
    assert texts(edited(RemoveTitle(), RemoveTitle(), draft=draft)) == []


def test_overlapping_subtitles_are_shown_together() -> None:
    cues = (Cue(1000, 4000, "b"), Cue(0, 2000, "a"), Cue(1000, 3000, "c"), Cue(9000, 8000, "no"))
    draft = edited(AddSubtitles((*cues, Cue(2000, 5000, "d"))))
    assert texts(draft) == [["a", "d"], ["b"], ["c"]]
    assert [times(track) for track in draft.of_type(TrackType.TEXT)] == [
        [(0, 2000), (2000, 5000)],
        [(1000, 4000)],
        [(1000, 3000)],
    ]
    assert texts(edited(AddSubtitles(CUES), draft=draft)) == [["one", "two", "three"]]
    assert texts(edited(RemoveTitle(subtitles=True), draft=draft)) == []


def test_title_is_never_on_the_subtitle_track() -> None:
    draft = edited(AddSubtitles(CUES), AddTitle("x", span_between(7000, 8000)))
    assert texts(draft) == [["one", "two", "three"], ["x"]]
    only_title = edited(ChangeTitle(text="y"), draft=draft)
    assert texts(only_title) == [["one", "two", "three"], ["y"]]
