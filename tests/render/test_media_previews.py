"""Previews of media: small pictures at the right times, and peaks where the sound is."""

import asyncio
import io
from pathlib import Path

import av
import pytest

from nemolocal_render.ffmpeg_cli import FFmpegFailed
from nemolocal_render.media import MediaSource
from nemolocal_render.probing.media_previews import (
    TILE_HEIGHT,
    TILE_WIDTH,
    make_film_strip,
    measure_peaks,
    tile_count,
)
from nemolocal_render.probing.media_probe import probe
from tests.support.media import MediaCache, run_ffmpeg

pytestmark = [pytest.mark.ffmpeg, pytest.mark.slow]


@pytest.fixture(scope="session")
def halves(media_cache: MediaCache) -> MediaSource:
    """Two seconds of red in silence, then two of blue with a loud tone."""

    def make(path: Path) -> None:
        red, blue = (f"color={name}:s=320x240:r=25:d=2" for name in ("red", "blue"))
        sound = "anullsrc=r=48000:d=2[a];sine=f=440:r=48000:d=2,volume=7[b];[a][b]concat=v=0:a=1[s]"
        graph = f"{red}[r];{blue}[u];[r][u]concat=v=1:a=0[v];{sound}"
        run_ffmpeg(
            *("-filter_complex", graph, "-map", "[v]", "-map", "[s]"),
            *("-c:v", "libx264", "-pix_fmt", "yuv420p", "-c:a", "aac", path),
        )

    path = media_cache.file("halves.mp4", make)
    return MediaSource(path, asyncio.run(probe(path, "mp4")))


def colors(strip: bytes) -> list[tuple[int, int, int]]:
    """The colour in the middle of each picture of a strip."""
    with av.open(io.BytesIO(strip), "r") as file:
        frame = next(file.decode(video=0)).to_ndarray(format="rgb24")
    assert frame.shape[0] == TILE_HEIGHT
    middles = range(TILE_WIDTH // 2, frame.shape[1], TILE_WIDTH)
    pixels = (map(int, frame[TILE_HEIGHT // 2, x]) for x in middles)
    return [(red, green, blue) for red, green, blue in pixels]


def test_a_strip_shows_each_moment_where_it_is(halves: MediaSource) -> None:
    shown = colors(asyncio.run(make_film_strip(halves)))
    assert len(shown) == tile_count(halves.info.duration) == 8
    assert ["red" if red > 200 > blue else "blue" for red, _, blue in shown] == (
        ["red"] * 4 + ["blue"] * 4
    )


def test_peaks_are_where_the_sound_is(halves: MediaSource) -> None:
    peaks = asyncio.run(measure_peaks(halves))
    assert len(peaks) == pytest.approx(80, abs=3)
    assert max(peaks[:38]) == 0
    # A sine of 0.125, seven times as loud, from one channel to two of equal power.
    assert peaks[42:78] == pytest.approx([0.125 * 7 / 2**0.5] * 36, abs=0.02)


def test_a_picture_has_one_tile(tmp_path: Path) -> None:
    path = tmp_path / "one.png"
    run_ffmpeg("-f", "lavfi", "-i", "color=lime:s=640x480:d=1", "-frames:v", "1", path)
    source = MediaSource(path, asyncio.run(probe(path, "png")))
    ((red, green, blue),) = colors(asyncio.run(make_film_strip(source)))
    assert green > 200 > max(red, blue)


def test_a_file_that_lies_about_itself_has_no_preview(halves: MediaSource, tmp_path: Path) -> None:
    path = tmp_path / "broken.mp4"
    path.write_bytes(halves.path.read_bytes()[:2000] + bytes(5000))
    broken = MediaSource(path, halves.info)
    for make in (make_film_strip, measure_peaks):
        with pytest.raises(FFmpegFailed):
            asyncio.run(make(broken))


def test_the_number_of_pictures_and_peaks_is_bounded() -> None:
    assert [tile_count(seconds) for seconds in (0, 0.1, 3, 21_600)] == [1, 1, 6, 60]
