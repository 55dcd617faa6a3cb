"""Generated clips: in the colours of their subject, moving, and the same for the same seed."""

import asyncio
from pathlib import Path
from typing import Any

import pytest

from nemolocal_render.scenes import SCENES, make_scene


@pytest.mark.rule("SSE-8")
def test_a_scene_is_as_long_as_asked_and_moves(tmp_path: Path, pictures: Any) -> None:
    path = tmp_path / "sunset.mp4"
    info = asyncio.run(make_scene("sunset", 0.5, 7, path))
    assert (info.kind, info.width, info.height, info.fps) == ("video", 1280, 720, 30)
    frames = pictures(path)
    assert len(frames) == 15


def test_the_seed_decides_and_nothing_else(tmp_path: Path) -> None:
    def made(name: str, seed: int) -> bytes:
        path = tmp_path / f"{name}.mp4"
        asyncio.run(make_scene("ocean", 0.2, seed, path))
        return path.read_bytes()

    first = made("a", 1)
    assert first == made("b", 1)
    assert first != made("c", 2)


def test_what_is_no_scene_is_refused(tmp_path: Path) -> None:
    with pytest.raises(KeyError):
        asyncio.run(make_scene("nobody", 1, 0, tmp_path / "x.mp4"))
    for seconds in (0, 61):
        with pytest.raises(ValueError, match="a scene is from 0 to 60 s long"):
            asyncio.run(make_scene("city", seconds, 0, tmp_path / "x.mp4"))
    assert len(SCENES) > 5
