"""Transitions: centred on the cut, mixed at their middle, and as long as there is room."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from nemolocal_contract.effects import TRANSITIONS
from nemolocal_render.job import RenderResult
from tests.support.audio import read_samples, tone_strength
from tests.support.frames import DecodedVideo

pytestmark = pytest.mark.ffmpeg

Make = Callable[..., tuple[Path, RenderResult]]
SIZE = {"width": 160, "height": 90}
RED, BLUE = (255, 0, 0), (0, 0, 255)


def video(*segments: dict[str, Any]) -> dict[str, Any]:
    return {"tt": 0, "sg": [{"s": 0, "d": 1000, **s} for s in segments]}


def two(kind: str, length: Any = 400, **changes: Any) -> list[dict[str, Any]]:
    """Red until the first second, then blue."""
    first = {"src": "red.mp4", "tr": {"type": kind, "d": length}, **changes}
    return [video(first, {"src": "blue.mp4", "s": 1000, "ss": 500})]


def near(one: tuple[int, ...], other: tuple[int, ...], slack: int = 14) -> bool:
    return all(abs(a - b) <= slack for a, b in zip(one, other, strict=True))


@pytest.mark.slow
def test_a_crossfade_shows_both_in_its_middle(make: Make) -> None:
    path, result = make(two("crossfade"), **SIZE)
    seen = DecodedVideo(path)
    assert (len(seen), result.warnings) == (60, ())
    assert near(seen.rgb(23, 0.5, 0.5), RED)
    assert near(seen.rgb(30, 0.5, 0.5), (128, 0, 128))
    assert near(seen.rgb(36, 0.5, 0.5), BLUE, 30)
    reds = [seen.rgb(n, 0.5, 0.5)[0] for n in range(24, 37)]
    assert reds == sorted(reds, reverse=True)


# Left, right, above, below, the middle, a corner: where red and blue are seen half way.
_POINTS = ((0.1, 0.5), (0.9, 0.5), (0.5, 0.1), (0.5, 0.9), (0.5, 0.5), (0.02, 0.02))


@pytest.mark.slow
@pytest.mark.parametrize(
    ("kind", "seen_there"),
    [
        ("wipe-left", "RB...."),
        pytest.param("wipe-right", "BR....", marks=pytest.mark.slow),
        pytest.param("wipe-up", "..RB..", marks=pytest.mark.slow),
        pytest.param("wipe-down", "..BR..", marks=pytest.mark.slow),
        pytest.param("slide-left", "RB....", marks=pytest.mark.slow),
        pytest.param("slide-right", "BR....", marks=pytest.mark.slow),
        ("slide-up", "..RB.."),
        pytest.param("slide-down", "..BR..", marks=pytest.mark.slow),
        pytest.param("circle", "....BR", marks=pytest.mark.slow),
        pytest.param("pixelate", "......", marks=pytest.mark.slow),
        pytest.param("dissolve", "......", marks=pytest.mark.slow),
    ],
)
def test_the_middle_of_each(make: Make, kind: str, seen_there: str) -> None:
    path, result = make(two(kind), **SIZE)
    seen = DecodedVideo(path)
    assert (len(seen), result.warnings) == (60, ())
    assert near(seen.rgb(23, 0.5, 0.5), RED, 20)
    assert near(seen.rgb(37, 0.5, 0.5), BLUE, 20)
    for (x, y), letter in zip(_POINTS, seen_there, strict=True):
        if letter != ".":
            assert near(seen.rgb(30, x, y), RED if letter == "R" else BLUE, 40), (x, y)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("kind", "low", "high"),
    [("black", 0, 40), pytest.param("white", 220, 256, marks=pytest.mark.slow)],
)
def test_through_black_and_white(make: Make, kind: str, low: int, high: int) -> None:
    seen = DecodedVideo(make(two(f"fade-{kind}"), **SIZE)[0])
    assert all(low <= part < high for part in seen.rgb(28, 0.5, 0.5))
    assert near(seen.rgb(23, 0.5, 0.5), RED, 20)


@pytest.mark.slow
def test_every_name_has_a_transition(make: Make) -> None:
    names = [*TRANSITIONS, None]
    segments = [
        {"src": ("red.mp4", "blue.mp4")[n % 2], "s": 300 * n, "d": 300}
        | ({"tr": {"type": kind, "d": 200}} if kind else {})
        for n, kind in enumerate(names)
    ]
    path, result = make([video(*segments)], **SIZE)
    seen = DecodedVideo(path)
    assert (len(seen), result.warnings) == (9 * len(names), ())
    for n in range(len(names)):
        assert near(seen.rgb(9 * n + 4, 0.5, 0.5), (RED, BLUE)[n % 2], 30)


@pytest.mark.slow
def test_the_sources_are_shown_on(make: Make) -> None:
    cut = {"type": "crossfade", "d": 400}
    lane = video(
        {"src": "sample.mp4", "ss": 1000, "tr": cut}, {"src": "sample.mp4", "s": 1000, "ss": 2000}
    )
    seen = DecodedVideo(make([lane])[0])
    # 60 goes on to 66 while 54 is there since 54 - 60 + 60: half way both are 60.
    assert seen.counter(30) == 60
    assert [seen.counter(n) for n in range(24)] == list(range(30, 54))
    assert [seen.counter(n) for n in range(37, 60)] == list(range(67, 90))


@pytest.mark.slow
def test_without_more_material_the_last_and_the_first_picture_stand(make: Make) -> None:
    cut = {"type": "wipe-left", "d": 600}
    ends = {"src": "sample.mp4", "ss": 3000, "tr": cut}
    starts = {"src": "sample.mp4", "s": 1000, "ss": 0}
    seen = DecodedVideo(make([video(ends, starts)])[0])
    assert len(seen) == 60
    # The left of the strip still shows the old picture, the edge has passed the right of it.
    assert [seen.counter(n) for n in (20, 38, 39, 40)] == [110, 8, 9, 10]
    backwards = {**starts, "ss": 2970, "d": 1000, "fx": [{"type": "reverse"}]}
    seen = DecodedVideo(make([video({**ends, "ss": 0}, backwards)])[0])
    assert [seen.counter(n) for n in (20, 39, 40, 59)] == [20, 109, 108, 89]


@pytest.mark.slow
def test_too_long_ones_are_shortened_and_said(make: Make) -> None:
    lane = video(
        {"src": "red.mp4", "d": 200, "tr": {"type": "crossfade", "d": 3000}},
        {"src": "blue.mp4", "s": 200, "d": 100, "tr": {"type": "circle"}},
        {"src": "red.mp4", "s": 300, "d": 33, "tr": {"type": "circle"}},
        {"src": "blue.mp4", "s": 333, "d": 100},
    )
    path, result = make([lane], **SIZE)
    assert len(DecodedVideo(path)) == 13
    assert result.warnings == (
        "draft.t[0].sg[0].tr.d: the clips are too short, it takes 100 ms",
        "draft.t[0].sg[1].tr.d: the clips are too short, it takes 0 ms",
        "draft.t[0].sg[2].tr.d: the clips are too short, it takes 0 ms",
    )


@pytest.mark.slow
def test_speed_and_transitions(make: Make) -> None:
    cut = {"type": "crossfade", "d": 400}
    lane = video(
        {"src": "sample.mp4", "ss": 0, "sp": 2, "tr": cut},
        {"src": "sample.mp4", "s": 1000, "ss": 1000, "sp": 0.5, "d": 500},
    )
    seen = DecodedVideo(make([lane])[0])
    assert (len(seen), seen.counter(20), seen.counter(40)) == (45, 40, 35)


@pytest.mark.slow
def test_sound_crosses_with_the_picture(make: Make) -> None:
    heard = read_samples(make(two("crossfade"), **SIZE)[0])
    assert abs(len(heard) - 96_000) <= 1024
    low, high = (
        [tone_strength(heard, hertz, t, t + 0.05) for t in (0.7, 0.975, 1.25)]
        for hertz in (440, 880)
    )
    assert low == pytest.approx([0.3, 0.21, 0], abs=0.03)
    assert high == pytest.approx([0, 0.21, 0.3], abs=0.03)


@pytest.mark.slow
def test_sound_goes_over_at_the_cut_where_there_is_no_more_of_it(make: Make) -> None:
    whole = {"src": "red.mp4", "d": 2000, "tr": {"type": "circle", "d": 1000}}
    heard = read_samples(make([video(whole, {"src": "blue.mp4", "s": 2000, "d": 2000})], **SIZE)[0])
    assert tone_strength(heard, 440, 1.3, 1.4) == pytest.approx(0.3, abs=0.03)
    assert tone_strength(heard, 440, 1.9, 1.95) == pytest.approx(0.3, abs=0.03)
    assert tone_strength(heard, 880, 2.05, 2.1) == pytest.approx(0.3, abs=0.03)
    assert tone_strength(heard, 880, 2.6, 2.7) == pytest.approx(0.3, abs=0.03)


@pytest.mark.slow
def test_audio_tracks_have_crossfades_too(make: Make) -> None:
    lane = {
        "tt": 1,
        "sg": [
            {"src": "red.mp4", "s": 0, "d": 1000, "tr": {"type": "crossfade"}},
            {"src": "blue.mp4", "s": 1000, "ss": 500, "d": 1000},
        ],
    }
    heard = read_samples(make([lane], **SIZE)[0])
    assert tone_strength(heard, 440, 0.975, 1.025) == pytest.approx(0.21, abs=0.03)
    assert tone_strength(heard, 880, 0.975, 1.025) == pytest.approx(0.21, abs=0.03)
