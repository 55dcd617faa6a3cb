"""Cuts that end before a late picture or sound begins, or begin after it has ended."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from nemolocal_render.job import RenderResult
from tests.support.audio import loudness, read_samples
from tests.support.frames import DecodedVideo
from tests.support.media import MediaCache, run_ffmpeg

pytestmark = pytest.mark.ffmpeg

Make = Callable[..., tuple[Path, RenderResult]]
RED = "color=red:s=160x90:r=30:d="
TONE = "aevalsrc='0.3*sin(2*PI*440*t)':s=48000:d="
H264 = "-c:v libx264 -preset ultrafast -c:a aac"

# Where the picture and the sound stand in the file: from when on, for how long.
KINDS: dict[str, tuple[str, str, str]] = {
    "late-picture.mp4": (f"-itsoffset 3 -i {RED}2", f"-i {TONE}5", H264),
    "late-picture.mkv": (f"-itsoffset 3 -i {RED}2", f"-i {TONE}5", H264),
    "late-picture.webm": (
        f"-itsoffset 3 -i {RED}2", f"-i {TONE}5", "-c:v libvpx -b:v 300k -c:a libopus",
    ),
    "late-picture.mov": (f"-itsoffset 3 -i {RED}2", f"-i {TONE}5", "-c:v prores -c:a pcm_s16le"),
    "early-picture.mp4": (f"-i {RED}1", f"-i {TONE}5", H264),
    "late-sound.mp4": (f"-i {RED}5", f"-itsoffset 3 -i {TONE}2", H264),
    "early-sound.mp4": (f"-i {RED}5", f"-i {TONE}1", H264),
}  # fmt: skip


@pytest.fixture
def timed(media_cache: MediaCache) -> Callable[[str], Path]:
    def make(name: str) -> Path:
        inputs = " ".join(part.replace("-i ", "-f lavfi -i ") for part in KINDS[name][:2]).split()
        inputs = [argument.replace("'", "") for argument in inputs]
        arguments = [*inputs, *"-map 0:v -map 1:a".split(), *KINDS[name][2].split()]
        return media_cache.file(name, lambda path: run_ffmpeg(*arguments, path), KINDS[name])

    return make


SLOW = pytest.mark.slow
CUTS: list[Any] = [
    ("late-picture.mp4", 0, 2000, {}),
    pytest.param("late-picture.mp4", 1000, 1000, {}, marks=SLOW),
    pytest.param("late-picture.mp4", 2000, 2000, {}, marks=SLOW),
    pytest.param("late-picture.mp4", 0, 5000, {}, marks=SLOW),
    pytest.param("late-picture.mp4", 500, 1500, {"fx": [{"type": "reverse"}]}, marks=SLOW),
    pytest.param("late-picture.mp4", 500, 700, {"sp": 2}, marks=SLOW),
    pytest.param("late-picture.mkv", 0, 2000, {}, marks=SLOW),
    pytest.param("late-picture.webm", 900, 500, {}, marks=SLOW),
    pytest.param("late-picture.mov", 0, 40, {}, marks=SLOW),
    pytest.param("early-picture.mp4", 3000, 1000, {}, marks=SLOW),
    pytest.param("late-sound.mp4", 0, 2000, {}, marks=SLOW),
    pytest.param("early-sound.mp4", 3000, 1000, {}, marks=SLOW),
]


@pytest.mark.slow
@pytest.mark.parametrize(("name", "start", "length", "fields"), CUTS)
def test_any_cut_of_an_uneven_file_is_rendered(
    make: Make,
    timed: Callable[[str], Path],
    name: str,
    start: int,
    length: int,
    fields: dict[str, Any],
) -> None:
    clip = {"src": str(timed(name)), "s": 0, "d": length, "ss": start, **fields}
    path, result = make([{"tt": 0, "sg": [clip]}])
    seen = DecodedVideo(path)
    assert len(seen) == result.frames == round(length * 0.03)
    # The first or the last picture stands where there is none.
    assert all(seen.rgb(n, 0.5, 0.5)[0] > 200 for n in range(len(seen)))
    silent = name in ("late-sound.mp4", "early-sound.mp4")
    if length > 100:
        assert (loudness(read_samples(path), 0.1, length / 1000 - 0.1) < 0.01) == silent


# A cut just behind the end of its sound reads the last samples of it to warm up, and drops them.
SILENT = [("late-sound.mp4", 500), ("early-sound.mp4", 1040), ("early-sound.mp4", 3000)]


@pytest.mark.slow
@pytest.mark.parametrize("speed", [1, 0.5, 2, 4])
@pytest.mark.parametrize(("name", "start"), SILENT)
def test_a_cut_without_sound_is_silent_before_and_behind_one_with_sound(
    make: Make, timed: Callable[[str], Path], name: str, start: int, speed: float
) -> None:
    silent = {"src": str(timed(name)), "ss": start, "sp": speed, "d": 400}
    heard = {"src": str(timed("early-sound.mp4")), "ss": 100, "d": 400}
    clips = [silent, heard, silent, silent, heard]
    path, _ = make([{"tt": 0, "sg": [{**c, "s": 400 * n} for n, c in enumerate(clips)]}])
    samples = read_samples(path)
    loud = [loudness(samples, n * 0.4 + 0.05, n * 0.4 + 0.35) > 0.01 for n in range(5)]
    assert loud == [False, True, False, False, True]


@pytest.mark.slow
@pytest.mark.parametrize("speeds", [(0.5, 0.5), (0.5, 2), (2, 0.5), (4, 0.25)])
def test_scraps_of_sound_at_another_speed_follow_each_other(
    make: Make, timed: Callable[[str], Path], speeds: tuple[float, float]
) -> None:
    """The last 20 ms of a sound are less than `atempo` works with."""
    file = str(timed("early-picture.mp4"))
    clips = [{"src": file, "ss": 4970, "sp": speed, "d": 20 / speed} for speed in speeds]
    places = [{**clip, "s": 100 * n} for n, clip in enumerate(clips)]
    path, result = make([{"tt": 1, "sg": places}])
    assert result.frames == len(DecodedVideo(path))
