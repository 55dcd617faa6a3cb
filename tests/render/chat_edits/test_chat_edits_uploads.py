"""Messages about an uploaded LUT or subtitle file, in the pixels of rendered files."""

from pathlib import Path

import pytest

from tests.support.chat_edits import Ask
from tests.support.media import MediaCache, run_ffmpeg

pytestmark = [pytest.mark.slow, pytest.mark.ffmpeg]

# Red becomes blue, and blue red.
SWAPPED = "LUT_3D_SIZE 2\n" + "".join(
    f"{blue} {green} {red}\n" for blue in (0, 1) for green in (0, 1) for red in (0, 1)
)


@pytest.fixture(scope="session")
def red(media_cache: MediaCache) -> str:
    """Three seconds of red."""
    drawn = "color=0xe02020:s=320x180:r=30:d=3"

    def make(path: Path) -> None:
        run_ffmpeg("-f", "lavfi", "-i", drawn, "-pix_fmt", "yuv420p", path)

    return str(media_cache.file("red.mp4", make, drawn))


def test_uploaded_lut_changes_the_film_or_a_part_of_it(ask: Ask, red: str, tmp_path: Path) -> None:
    table = tmp_path / "Swapped.cube"
    table.write_bytes(b"\xef\xbb\xbf" + SWAPPED.replace("\n", "\r\n").encode())
    done = ask("apply my LUT", uploads=(red,), extras=(table,))
    assert done.shows((32, 32, 224), 10)
    half = ask("用swapped.cube调色，强度50%", uploads=(red,), extras=(table,))
    assert half.shows((128, 32, 128), 10)
    part = ask("apply swapped.cube from 1 to 2 seconds", uploads=(red,), extras=(table,))
    assert part.shows((224, 32, 32), 10)
    assert part.shows((32, 32, 224), 45)
    assert part.shows((224, 32, 32), 80)


def test_uploaded_subtitles_are_shown_at_their_times(ask: Ask, red: str, tmp_path: Path) -> None:
    subtitles = tmp_path / "subs.vtt"
    subtitles.write_text(
        "WEBVTT\n\n00:00.500 --> 00:01.000\nWWWW <i>WWWW</i>\n\n00:02.000 --> 00:09.000\nWWWW\n",
        encoding="utf-16",
    )
    done = ask("add captions from subs.vtt", uploads=(red,), extras=(subtitles,))
    bright = [done.seen.brightest(frame, 0, 0.6, 1, 1) > 180 for frame in (5, 20, 45, 75)]
    assert bright == [False, True, False, True]
    # The markup is shown as it is written, so the line is wider than that without it.
    wide = [done.seen.brightest(frame, 0.37, 0.6, 0.43, 1) > 180 for frame in (20, 75)]
    assert wide == [True, False]
