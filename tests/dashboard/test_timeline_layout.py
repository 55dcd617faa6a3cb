"""Where a timeline draws what: positions, pictures, waveforms, fades, bounds."""

from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given, strategies as st

from nemolocal_contract.draft import Draft, draft_from_wire
from nemolocal_dashboard.timeline_layout import (
    VIEW_WIDTH,
    ZOOMS,
    Clip,
    SourceSpan,
    Timeline,
    TimelineMedia,
    choose_scale,
    lay_out_timeline,
    source_spans,
    to_pixels,
)

MEDIA = {
    "a": TimelineMedia(10.0, "/a.jpg", 20, "/a.svg"),
    "b": TimelineMedia(4.0, "", 1, "/b.svg"),
}


def draft(*tracks: dict[str, Any], length: float = 10_000) -> Draft:
    return draft_from_wire({"t": list(tracks), "d": length})


def video(*segments: dict[str, Any], **more: Any) -> dict[str, Any]:
    return {"tt": 0, "n": "Video", "sg": list(segments), **more}


def audio(*segments: dict[str, Any]) -> dict[str, Any]:
    return {"tt": 1, "n": "BGM", "sg": list(segments)}


def text(*segments: dict[str, Any]) -> dict[str, Any]:
    return {"tt": 7, "sg": list(segments)}


def clips(timeline: Timeline) -> list[Clip]:
    return [clip for row in timeline.rows for clip in row.clips]


@pytest.mark.parametrize("zoom", ZOOMS)
def test_clips_stand_where_their_times_are_at_every_zoom(zoom: int) -> None:
    made = draft(video({"s": 0, "d": 4000, "src": "a"}, {"s": 4000, "d": 6000, "src": "a"}))
    timeline = lay_out_timeline(made, MEDIA, zoom)
    first, second = clips(timeline)
    assert timeline.scale == pytest.approx(VIEW_WIDTH / 10 * zoom, abs=1e-3) or zoom == 9
    assert (first.x, second.x) == (0, to_pixels(4000, timeline.scale))
    assert first.x + first.width == pytest.approx(second.x, abs=0.01)
    assert second.x + second.width == pytest.approx(timeline.width, abs=0.02)


def test_the_whole_timeline_is_in_view_and_no_drawing_is_huge() -> None:
    assert choose_scale(20_000, 1, 1000) == 50
    assert choose_scale(20_000, 3, 1000) == 150
    assert choose_scale(100, 9) == 4000
    six_hours = 6 * 3_600_000
    assert to_pixels(six_hours, choose_scale(six_hours, 9)) <= 30_000


def test_texts_are_above_pictures_and_those_above_sound() -> None:
    made = draft(
        audio({"s": 0, "d": 10_000, "src": "b"}),
        video({"s": 0, "d": 10_000, "src": "a"}),
        video({"s": 0, "d": 1000, "src": "a", "fx": [{"type": "overlay"}]}, n="Overlay"),
        text({"s": 0, "d": 1000, "txt": "Hi"}),
        {"tt": 42, "sg": []},
    )
    timeline = lay_out_timeline(made, MEDIA, 1)
    assert [row.label for row in timeline.rows] == [
        "Title", "Overlay", "Video", "BGM", "Track type 42",
    ]  # fmt: skip
    ends = [row.y + row.height for row in timeline.rows]
    assert all(end < row.y for end, row in zip(ends, timeline.rows[1:], strict=False))
    assert lay_out_timeline(made, MEDIA, 1, "zh").rows[1].label == "画中画"


def test_pictures_show_the_moments_of_the_source_at_its_speed() -> None:
    """A clip from second 2 at double speed ends at second 10: pictures 4 to 19 of 20."""
    made = draft(video({"s": 0, "d": 4000, "src": "a", "ss": 2000, "sp": 2}), length=4000)
    (clip,) = clips(lay_out_timeline(made, MEDIA, 1))
    indexes = [tile.index for tile in clip.tiles]
    assert indexes == sorted(indexes)
    assert (indexes[0], clip.marks) == (4, ("2×",))
    assert 17 <= indexes[-1] <= 19
    assert [tile.x for tile in clip.tiles] == sorted({tile.x for tile in clip.tiles})
    last = clip.tiles[-1]
    assert last.x < clip.width <= last.x + last.width + 0.01


def test_a_waveform_is_the_part_of_the_file_that_plays() -> None:
    made = draft(audio({"s": 1000, "d": 2000, "src": "b", "ss": 500, "sp": 0.5, "v": 0.35}))
    (clip,) = clips(lay_out_timeline(made, MEDIA, 1))
    assert clip.waveform is not None
    assert (clip.waveform.start, clip.waveform.seconds, clip.waveform.duration) == (0.5, 1.0, 4.0)
    assert clip.marks == ("0.5×", "35 %")


def test_fades_and_transitions_are_as_long_as_their_times() -> None:
    segment = {
        "s": 0,
        "d": 5000,
        "src": "a",
        "fi": 1000,
        "fo": 500,
        "tr": {"type": "circle", "d": 800},
    }
    timeline = lay_out_timeline(draft(video(segment)), MEDIA, 1)
    (clip,) = clips(timeline)
    assert clip.fade_in == to_pixels(1000, timeline.scale)
    assert clip.fade_out == to_pixels(500, timeline.scale)
    assert clip.transition == to_pixels(800, timeline.scale)
    assert clip.transition_title == "circle into the next clip (0.8s)"


def test_the_ruler_counts_seconds_with_room_for_its_labels() -> None:
    for seconds in (0.4, 3, 14, 75, 4000, 21_600):
        for zoom in ZOOMS:
            timeline = lay_out_timeline(draft(length=seconds * 1000), MEDIA, zoom)
            labelled = [tick for tick in timeline.ticks if tick.label]
            gaps = [after.x - before.x for before, after in pairwise(labelled)]
            assert labelled[0].x == 0
            assert min(gaps, default=64) >= 63.9
            assert len({tick.label for tick in labelled}) == len(labelled)


def test_a_second_of_an_upload_is_found_on_the_timeline() -> None:
    made = draft(
        video(
            {"s": 0, "d": 2000, "src": "a", "ss": 6000},
            {"s": 2000, "d": 1000, "src": "b"},
            {"s": 3000, "d": 2000, "src": "a", "ss": 0, "sp": 2},
        )
    )
    assert source_spans(made, "a") == (SourceSpan(6, 8, 0, 1), SourceSpan(0, 4, 3, 2))


def test_many_clips_are_counted_not_drawn() -> None:
    made = draft(video(*[{"s": n * 10, "d": 10, "src": "a"} for n in range(2100)]))
    timeline = lay_out_timeline(made, MEDIA, 9)
    assert (len(clips(timeline)), timeline.left_out) == (2000, 100)
    assert sum(len(clip.tiles) for clip in clips(timeline)) < 2700


NUMBERS = st.none() | st.integers(-(10**20), 10**20) | st.floats(-1e300, 1e300)
SEGMENTS = st.fixed_dictionaries(
    {},
    optional={
        **dict.fromkeys(("s", "d", "ss", "sp", "v", "fi", "fo"), NUMBERS),
        "src": st.sampled_from(["a", "b", "gone"]),
        "txt": st.text(max_size=9),
        "tr": st.fixed_dictionaries({}, optional={"type": st.text(max_size=5), "d": NUMBERS}),
        "fx": st.lists(st.dictionaries(st.text(max_size=4), NUMBERS, max_size=2), max_size=2),
    },
)
TRACKS = st.fixed_dictionaries(
    {"tt": st.sampled_from([0, 1, 7, 42, -1])}, optional={"sg": st.lists(SEGMENTS, max_size=4)}
)


@pytest.mark.slow
@given(st.lists(TRACKS, max_size=4), NUMBERS, st.sampled_from(ZOOMS))
def test_no_draft_breaks_the_drawing(
    tracks: list[dict[str, Any]], length: float | None, zoom: int
) -> None:
    timeline = lay_out_timeline(draft_from_wire({"t": tracks, "d": length}), MEDIA, zoom)
    assert 0 < timeline.width <= 31_000
    assert len(timeline.ticks) <= 1100
    for clip in clips(timeline):
        assert clip.width >= 1
        assert 0 <= clip.fade_in <= clip.width
        assert 0 <= clip.fade_out <= clip.width
        assert all(0 <= tile.index < 20 for tile in clip.tiles)


@pytest.mark.parametrize(("language", "muted"), [("en", "muted"), ("zh", "静音")])
def test_a_silent_clip_says_so(language: str, muted: str) -> None:
    clip = {"s": 0, "d": 5000, "src": "a"}
    titles = []
    for volume in (0, 0.5, 1):
        drawn = lay_out_timeline(draft(video({**clip, "v": volume})), MEDIA, 1, language)
        titles += [one.title for one in clips(drawn)]
    assert [muted in title for title in titles] == [True, False, False]
    assert ["50 %" in title for title in titles] == [False, True, False]


def test_an_upload_without_a_length_shows_its_first_picture() -> None:
    media = {"a": TimelineMedia(0.0, "/a.jpg", 20, "")}
    (clip,) = clips(lay_out_timeline(draft(video({"s": 0, "d": 5000, "src": "a"})), media, 1))
    assert {tile.index for tile in clip.tiles} == {0}
