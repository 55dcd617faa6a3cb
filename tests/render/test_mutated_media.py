"""Damaged media, whatever the damage: refused with a reason, or described by sound figures."""

import asyncio
import logging
import math
import os
import random
from pathlib import Path
from typing import Any

import pytest

from nemolocal_contract.media import ACCEPTED_EXTENSIONS
from nemolocal_render.cpu_count import usable_cores
from nemolocal_render.media import MediaInfo, MediaRejected
from nemolocal_render.probing.media_probe import probe
from nemolocal_render.probing.probe_worker import inspect_media
from nemolocal_render.probing.sniff import sniff
from tests.support.mutated_media import mutated

# One of each accepted kind at least, and small.
NAMES = (
    *("red.mp4", "silent.mp4", "sound.mp4", "small.mov", "small.avi", "small.webm", "small.mkv"),
    *("small.jpg", "small.png", "small.webp", "still.gif", "small.gif"),
    *("music.m4a", "small.mp3", "small.wav", "small.aac"),
)


@pytest.fixture(scope="module")
def samples(media: Path) -> dict[str, bytes]:
    assert {name.rpartition(".")[2] for name in NAMES} == set(ACCEPTED_EXTENSIONS)
    return {name: (media / name).read_bytes() for name in NAMES}


def require_sound_figures(info: MediaInfo) -> None:
    """What is there has a size, a length and a rate; nothing is below zero or endless."""
    numbers = [value for name in info.__struct_fields__ if _is_number(value := getattr(info, name))]
    assert all(math.isfinite(number) and number >= 0 for number in numbers), info
    present: list[float] = []
    if info.kind != "audio":
        present += [info.width, info.height]
    if info.kind != "image":
        present += [info.duration, info.bit_rate]
    if info.kind == "video":
        present += [info.fps, info.picture_duration]
    if info.has_audio:
        present += [info.sample_rate, info.channels]
    assert min(present) > 0, info


def _is_number(value: object) -> bool:
    return isinstance(value, int | float)


def require_plain(refusal: MediaRejected, folder: Path) -> None:
    text = str(refusal)
    assert text.isprintable(), text
    assert str(folder) not in text, text
    assert "takes too long" not in text, text


def test_some_damaged_files_are_refused_or_described(
    samples: dict[str, bytes], tmp_path: Path
) -> None:
    described = 0
    for extension, content in mutated(samples, random.Random(1), 48):
        path = tmp_path / f"upload.{extension}"
        path.write_bytes(content)
        try:
            require_sound_figures(inspect_media(path, sniff(path, extension)))
            described += 1
        except MediaRejected as refusal:
            require_plain(refusal, tmp_path)
    assert 10 < described < 38


@pytest.mark.slow
@pytest.mark.ffmpeg
@pytest.mark.parametrize(
    ("seed", "count"), [(2, 60), pytest.param(None, 300, marks=pytest.mark.nightly)]
)
def test_damaged_files_leave_neither_a_file_nor_a_child(
    samples: dict[str, bytes],
    tmp_path: Path,
    caplog: pytest.LogCaptureFixture,
    monkeypatch: pytest.MonkeyPatch,
    seed: int | None,
    count: int,
) -> None:
    seed = random.randrange(2**32) if seed is None else seed
    print(f"the seed is {seed}")  # shown with a failure
    started: list[int] = []
    start = asyncio.create_subprocess_exec

    async def start_and_note(*args: Any, **options: Any) -> asyncio.subprocess.Process:
        process = await start(*args, **options)
        started.append(process.pid)
        return process

    async def look(number: int, extension: str, content: bytes, turn: asyncio.Semaphore) -> None:
        path = tmp_path / f"upload-{number}.{extension}"
        async with turn:
            path.write_bytes(content)
            try:
                require_sound_figures(await probe(path, extension))
            except MediaRejected as refusal:
                require_plain(refusal, tmp_path)
            path.unlink()

    async def look_at_all() -> None:
        turn = asyncio.Semaphore(usable_cores())
        async with asyncio.TaskGroup() as group:
            for number, file in enumerate(mutated(samples, random.Random(seed), count)):
                group.create_task(look(number, *file, turn))

    monkeypatch.setattr(asyncio, "create_subprocess_exec", start_and_note)
    asyncio.run(look_at_all())
    assert len(started) > count // 3
    assert [pid for pid in started if _lives(pid)] == []
    assert list(tmp_path.iterdir()) == []
    # A child that ends without an answer was killed by its limits, or has a defect.
    assert [record.message for record in caplog.records if record.levelno >= logging.WARNING] == []


def _lives(group: int) -> bool:
    try:
        os.killpg(group, 0)
    except ProcessLookupError:
        return False
    return True
