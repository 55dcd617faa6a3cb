"""What every test may use: real media, made once per test process."""

import asyncio
import os
from pathlib import Path

import pytest
from hypothesis import settings

from nemolocal_render.footage import make_music, make_sample

# `ci` always draws the same examples and never measures time; HYPOTHESIS_PROFILE=nightly draws new
# ones, ten times as many, and has what takes minutes tested too.
settings.register_profile("ci", derandomize=True, deadline=None)
settings.register_profile("nightly", deadline=None, max_examples=1000, print_blob=True)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "ci"))


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
