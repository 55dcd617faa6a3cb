"""Sound: backwards, quieter under other sound, and in its place to the sample."""

from collections.abc import Callable
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

from nemolocal_render.job import RenderResult
from tests.support.audio import loudness, read_samples, tone_strength
from tests.support.media import MediaCache, run_ffmpeg

pytestmark = pytest.mark.ffmpeg

Make = Callable[..., tuple[Path, RenderResult]]
SIZE = {"width": 64, "height": 36}
REVERSE = [{"type": "reverse"}]


def audio(*segments: dict[str, Any]) -> dict[str, Any]:
    return {"tt": 1, "sg": [{"src": "tones.mp4", "s": 0, "d": 1000, **s} for s in segments]}


def video(*segments: dict[str, Any]) -> dict[str, Any]:
    return {"tt": 0, "sg": [{"src": "blue.mp4", "s": 0, "d": 1000, **s} for s in segments]}


@pytest.mark.slow
@pytest.mark.parametrize("most", [60.0, 0.3])
def test_backwards(make: Make, monkeypatch: pytest.MonkeyPatch, most: float) -> None:
    monkeypatch.setattr("nemolocal_render.filtergraph.audio_filters._REVERSED", most)
    heard = read_samples(make([audio({"ss": 500, "d": 1000, "fx": REVERSE})], **SIZE)[0])
    assert abs(len(heard) - 48_000) <= 1024
    low, high = (
        [tone_strength(heard, hertz, t, t + 0.1) for t in (0.3, 0.6)] for hertz in (440, 880)
    )
    assert low == pytest.approx([0, 0.3], abs=0.03)
    assert high == pytest.approx([0.3, 0], abs=0.03)


@pytest.mark.slow
def test_it_begins_at_its_sample_wherever_it_is_cut(make: Make) -> None:
    heard = read_samples(make([audio({"s": 250, "ss": 700, "d": 500, "v": 1})], **SIZE)[0])
    loud = [n for n, value in enumerate(heard) if abs(value) > 0.02]
    assert loud[0] == pytest.approx(12_000, abs=80)
    assert loud[-1] == pytest.approx(36_000, abs=80)

    # The change of tone, 300 ms after the cut, is where it was.
    def crossings(start: int) -> int:
        part = heard[start : start + 2400]
        return sum(a < 0 <= b for a, b in pairwise(part))

    assert (crossings(26_400 - 2500), crossings(26_400 + 100)) == (22, 44)


@pytest.mark.slow
def test_music_is_quieter_while_a_clip_is_heard(make: Make) -> None:
    music = {"src": "red.mp4", "d": 2000, "fx": [{"type": "duck", "amount": 0.6}]}
    clips = video({"s": 750, "d": 500})
    heard = read_samples(make([clips, audio(music)], **SIZE)[0])
    quiet = [tone_strength(heard, 440, t, t + 0.1) for t in (0.1, 0.76, 0.95, 1.14, 1.6)]
    assert quiet == pytest.approx([0.3, 0.12, 0.12, 0.12, 0.3], abs=0.02)
    half = tone_strength(heard, 440, 0.61, 0.64)
    assert half == pytest.approx(0.21, abs=0.03)
    silent = [video({"s": 750, "d": 500, "v": 0}), audio(music)]
    assert tone_strength(read_samples(make(silent, **SIZE)[0]), 440, 0.95, 1.05) == pytest.approx(
        0.3, abs=0.02
    )


@pytest.mark.slow
def test_fades_and_transitions_keep_their_lengths(make: Make) -> None:
    cut = {"type": "crossfade", "d": 200}
    lane = audio(
        {"src": "red.mp4", "d": 1000, "fi": 500, "tr": cut},
        {"src": "blue.mp4", "s": 1000, "ss": 500, "fo": 500},
    )
    heard = read_samples(make([lane], **SIZE)[0])
    assert tone_strength(heard, 440, 0.2, 0.3) == pytest.approx(0.15, abs=0.03)
    assert tone_strength(heard, 880, 1.7, 1.8) == pytest.approx(0.15, abs=0.03)
    assert tone_strength(heard, 440, 1.2, 1.3) < 0.01


@pytest.mark.slow
@pytest.mark.parametrize(
    "layout",
    ["5.1", *(pytest.param(name, marks=pytest.mark.slow) for name in ("7.1", "quad", "5.1(side)"))],
)
def test_many_channels_become_two_as_loud_as_ffmpeg_makes_them(
    make: Make, media_cache: MediaCache, layout: str
) -> None:
    def draw(path: Path) -> None:
        count = {"quad": 4, "7.1": 8}.get(layout, 6)
        same = "|".join(f"c{number}=c0" for number in range(count))
        tone = "aevalsrc=0.3*sin(2*PI*440*t):s=48000:d=1"
        run_ffmpeg("-f", "lavfi", "-i", tone, "-af", f"pan={layout}|{same}", path)
        run_ffmpeg("-i", path, "-ac", "2", path.with_name("two.wav"))

    around = media_cache.folder("around", lambda into: draw(into / "around.wav"), layout)
    heard, expected = (
        tone_strength(
            read_samples(make([audio({"src": str(around / name)})], **SIZE)[0]), 440, 0.2, 0.8
        )
        for name in ("around.wav", "two.wav")
    )
    assert heard == pytest.approx(expected, rel=0.02)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("ends", "starts"),
    [
        (2000, 0),
        *(pytest.param(*each, marks=pytest.mark.slow) for each in ((1500, 500), (2000, 500))),
        pytest.param(1800, 0, marks=pytest.mark.slow),
    ],
)
def test_a_crossfade_is_as_loud_as_what_it_crosses(make: Make, ends: int, starts: int) -> None:
    """Clips whose sources have more to be heard, on either side, or nothing more."""
    cut = {"type": "crossfade", "d": 600}
    clips = video(
        {"src": "red.mp4", "ss": ends - 1000, "tr": cut}, {"s": 1000, "ss": starts, "d": 1000}
    )
    heard = read_samples(make([clips], **SIZE)[0])
    usual = loudness(heard, 0.2, 0.5)
    levels = [loudness(heard, 0.5 + 0.05 * n, 0.55 + 0.05 * n) for n in range(20)]
    assert min(levels) > 0.85 * usual
    assert max(levels) < 1.2 * usual
    assert tone_strength(heard, 440, 0.4, 0.6) == pytest.approx(0.3, abs=0.03)
    assert tone_strength(heard, 880, 1.4, 1.6) == pytest.approx(0.3, abs=0.03)


@pytest.mark.slow
def test_sound_that_meets_none_fades_with_the_pictures(make: Make) -> None:
    cut = {"type": "crossfade", "d": 600}
    clips = video({"src": "red.mp4", "tr": cut}, {"s": 1000, "v": 0})
    heard = read_samples(make([clips], **SIZE)[0])
    early, late = (loudness(heard, at, at + 0.1) for at in (0.7, 1.15))
    assert early > 2 * late > 0
