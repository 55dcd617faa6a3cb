"""What is read from the lines that FFmpeg prints of the sound and the picture of a file."""

import asyncio
from pathlib import Path
from typing import Any

import pytest

from nemolocal_render.ffmpeg_cli import FFmpegFailed
from nemolocal_render.media import MediaInfo, MediaSource
from nemolocal_render.probing import content_analysis, media_previews

SOURCE = MediaSource(Path("/a.mp4"), MediaInfo("video", "mp4", 10.0, 64, 36, 30.0, "h264"))


@pytest.mark.parametrize(
    ("printed", "silences"),
    [
        (["start=1.5", "end=3.25"], [(1.5, 3.25)]),
        (["start=-0.02", "end=1", "start=8"], [(0.0, 1.0), (8.0, 10.0)]),
        (["end=2", "start=4", "end=99"], [(4.0, 10.0)]),
    ],
    ids=["within", "up to the end", "an end without a start"],
)
def test_silences_lie_within_the_file(
    printed: list[str], silences: list[tuple[float, float]], monkeypatch: pytest.MonkeyPatch
) -> None:
    async def run(*_: Any) -> list[str]:
        return [f"lavfi.silence_{line}" for line in printed]

    monkeypatch.setattr(content_analysis, "_run", run)
    assert asyncio.run(content_analysis.find_silences(SOURCE, -35, 0.5)) == silences


def test_no_picture_is_no_film_strip(monkeypatch: pytest.MonkeyPatch) -> None:
    """FFmpeg can end well without a picture: where no key frame can be decoded."""

    async def run(_: MediaSource, folder: Path, __: list[str]) -> None:
        (folder / "strip.jpg").touch()

    monkeypatch.setattr(media_previews, "_run", run)
    with pytest.raises(FFmpegFailed, match="no picture that can be shown"):
        asyncio.run(media_previews.make_film_strip(SOURCE))
