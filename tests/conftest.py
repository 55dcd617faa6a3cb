"""What every test may use: real media, made once per test process."""

import asyncio
from pathlib import Path

import pytest

from nemolocal_render.footage import make_music, make_sample


@pytest.fixture(scope="session")
def sample(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two seconds of video with sound."""
    path = tmp_path_factory.mktemp("media") / "my clip.mp4"
    asyncio.run(make_sample(path, seconds=2))
    return path


@pytest.fixture(scope="session")
def song(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A second of music."""
    path = tmp_path_factory.mktemp("media") / "song.m4a"
    asyncio.run(make_music("lofi", 1.0, path))
    return path
