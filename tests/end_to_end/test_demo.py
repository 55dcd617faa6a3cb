"""The main job as the README has it: the demo's file, frame by frame."""

import subprocess
import sys
from fractions import Fraction
from pathlib import Path

import av
import pytest

from nemolocal_render.synthetic.sample_media import (
    COUNTER_BITS,
    COUNTER_BLOCK,
    COUNTER_LEFT,
    COUNTER_TOP,
)

pytestmark = [pytest.mark.slow, pytest.mark.ffmpeg]

# The luma of every pixel, a row after the other; only what is needed is looked at.
TITLE_TOP, TITLE_BOTTOM, TITLE_LEFT, TITLE_RIGHT = 30, 90, 440, 840
NEARLY_WHITE = 225


@pytest.fixture(scope="module")
def demo(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, str]:
    """The file that `nemolocal demo` leaves, and what it printed."""
    folder = tmp_path_factory.mktemp("demo")
    command = [sys.executable, "-m", "nemolocal", "demo"]
    run = subprocess.run(command, cwd=folder, check=True, capture_output=True, text=True)
    assert [path.name for path in folder.iterdir()] == ["nemolocal-demo.mp4"]
    return folder / "nemolocal-demo.mp4", run.stdout


class Picture:
    """The brightness of one frame."""

    def __init__(self, frame: av.VideoFrame) -> None:
        plane = frame.planes[0]
        self._luma, self._stride = bytes(plane), plane.line_size

    def number(self) -> int:
        """The frame number that the sample carries in its pixels."""
        row = COUNTER_TOP + COUNTER_BLOCK // 2
        columns = (
            COUNTER_LEFT + COUNTER_BLOCK * n + COUNTER_BLOCK // 2 for n in range(COUNTER_BITS)
        )
        bits = ["1" if self._luma[row * self._stride + c] > 128 else "0" for c in columns]
        return int("".join(bits), 2)

    def title_pixels(self) -> int:
        rows = range(TITLE_TOP, TITLE_BOTTOM)
        lines = (
            self._luma[r * self._stride + TITLE_LEFT : r * self._stride + TITLE_RIGHT] for r in rows
        )
        return sum(pixel > NEARLY_WHITE for line in lines for pixel in line)


def pictures(path: Path) -> list[Picture]:
    with av.open(str(path)) as container:
        return [Picture(frame) for frame in container.decode(video=0)]


@pytest.mark.rule("REN-7")
def test_the_file_is_h264_yuv420p_with_aac_and_its_index_first(demo: tuple[Path, str]) -> None:
    with av.open(str(demo[0])) as container:
        video, audio = container.streams.video[0], container.streams.audio[0]
        assert (video.codec_context.name, video.codec_context.pix_fmt) == ("h264", "yuv420p")
        assert (video.width, video.height, video.average_rate) == (1280, 720, Fraction(30))
        assert audio.codec_context.name == "aac"
    head = demo[0].read_bytes()
    assert head.index(b"moov") < head.index(b"mdat")


@pytest.mark.rule("REN-7")
def test_the_trim_keeps_the_first_three_hundred_frames_and_no_other(demo: tuple[Path, str]) -> None:
    assert [picture.number() for picture in pictures(demo[0])] == list(range(300))


def test_the_title_is_there_for_three_seconds_and_gone_after(demo: tuple[Path, str]) -> None:
    bright = [picture.title_pixels() for picture in pictures(demo[0])]
    assert min(bright[:90]) > 1000
    assert max(bright[90:]) < 100


def test_the_music_is_heard_to_the_end(demo: tuple[Path, str]) -> None:
    with av.open(str(demo[0])) as container:
        frames = list(container.decode(audio=0))
    last_second = frames[-50:-2]
    assert all(any(bytes(frame.planes[0])) for frame in last_second)
    assert sum(frame.samples for frame in frames) == pytest.approx(480_000, abs=1024)


def test_each_wish_is_answered_in_words_also_where_the_backend_was_silent(
    demo: tuple[Path, str],
) -> None:
    said = demo[1].split("\n> ")[1:]
    assert len(said) == 3
    for wish, answer in zip(said, ("10", "Paradise Found", "Lo-fi"), strict=True):
        words = wish.partition("\n")[2]
        assert answer in words, f"no sentence says what {wish!r} changed"
