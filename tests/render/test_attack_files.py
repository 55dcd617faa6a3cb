"""Files that were made to do harm are refused with a reason, or are no more than what they show."""

import ctypes
import json
import os
import re
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from nemolocal_render import ffmpeg

TRIAL = Path(__file__).parents[2] / "fixtures" / "attacks" / "trial.py"
SECONDS, MEGABYTES = 1.0, 300.0
FRAMES = 6
_IN_OPEN = 0x20

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="inotify and wait4 are Linux's")


class Canary:
    """A sound file and a port that nobody has a reason to touch, and whether somebody did."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._libc = ctypes.CDLL(None)
        self._watch = self._libc.inotify_init1(os.O_NONBLOCK)
        self._libc.inotify_add_watch(self._watch, os.fsencode(path), _IN_OPEN)
        self._door = socket.create_server(("127.0.0.1", 0))
        self.url = f"http://127.0.0.1:{self._door.getsockname()[1]}"

    def opened(self) -> bool:
        """Whether the file was opened since this was asked last."""
        try:
            return bool(os.read(self._watch, 4096))
        except BlockingIOError:
            return False

    def called(self, seconds: float = 0.0) -> bool:
        """Whether somebody has connected, or does so in this time."""
        self._door.settimeout(seconds)
        try:
            self._door.accept()[0].close()
        except (BlockingIOError, TimeoutError):
            return False
        return True

    def close(self) -> None:
        os.close(self._watch)
        self._door.close()


@pytest.fixture(scope="module")
def good(
    tmp_path_factory: pytest.TempPathFactory, fixture_script: Callable[[str], Any]
) -> dict[str, bytes]:
    """The sound files that attacks are made from."""
    folder = tmp_path_factory.mktemp("good")
    names = {
        "clip.mp4": "h264-aac.mp4",
        "clip.mkv": "h264-flac.mkv",
        "clip.webm": "vp8-vorbis.webm",
        "still.jpg": "still.jpg",
        "still.gif": "still.gif",
        "tone.wav": "tone.wav",
    }
    fixture_script("media/make.py").make_media(folder, names.values())
    return {name: (folder / made).read_bytes() for name, made in names.items()}


@pytest.fixture(scope="module")
def canary(tmp_path_factory: pytest.TempPathFactory, good: dict[str, bytes]) -> Iterator[Canary]:
    path = tmp_path_factory.mktemp("private") / "canary.mp4"
    path.write_bytes(good["clip.mp4"])
    with closing(Canary(path)) as canary:
        yield canary


def tried(attacks: dict[str, Any], folder: Path) -> dict[str, Any]:
    """What came of each attack, by its name."""
    for name, (content, _) in attacks.items():
        (folder / name).write_bytes(content)
    paths = [str(folder / name) for name in attacks]
    command = [sys.executable, str(TRIAL), str(folder / "work"), *paths]
    (folder / "work").mkdir()
    lines = subprocess.run(command, check=True, capture_output=True, text=True).stdout.splitlines()
    assert list((folder / "work").glob("render-*")) == []
    return {outcome["name"]: outcome for outcome in map(json.loads, lines)}


def wrong(attacks: dict[str, Any], outcomes: dict[str, Any]) -> dict[str, Any]:
    """The attacks that did not end as they should, or cost too much."""
    return {
        name: outcomes.get(name)
        for name, (_, reason) in attacks.items()
        if not ends_well(outcomes.get(name, {}), reason)
    }


def ends_well(outcome: dict[str, Any], reason: str) -> bool:
    cheap = outcome["seconds"] < SECONDS and outcome["megabytes"] < MEGABYTES
    if not reason:
        return cheap and outcome.get("frames") == FRAMES
    said = outcome.get("refused", "")
    clean = "\n" not in said and "canary" not in said
    return cheap and clean and re.search(reason, said) is not None


def test_lures_lead_nowhere(
    canary: Canary, good: dict[str, bytes], fixture_script: Callable[[str], Any], tmp_path: Path
) -> None:
    attacks = fixture_script("attacks/lures.py").lures(str(canary.path), canary.url, good)
    assert not canary.opened()
    outcomes = tried(attacks, tmp_path)
    assert wrong(attacks, outcomes) == {}
    assert not canary.opened()
    assert not canary.called()


def test_bombs_do_not_go_off(
    good: dict[str, bytes], fixture_script: Callable[[str], Any], tmp_path: Path
) -> None:
    attacks = fixture_script("attacks/bombs.py").bombs(good)
    assert wrong(attacks, tried(attacks, tmp_path)) == {}


def test_there_are_attacks_enough(
    good: dict[str, bytes], fixture_script: Callable[[str], Any]
) -> None:
    lures = fixture_script("attacks/lures.py").lures("/x", "http://x", good)
    bombs = fixture_script("attacks/bombs.py").bombs(good)
    assert len(lures) + len(bombs) >= 60


@pytest.mark.parametrize("name", ["playlist.mp4", "concat.mp4", "called.mov"])
def test_a_program_that_trusts_them_is_lured(
    name: str,
    canary: Canary,
    good: dict[str, bytes],
    fixture_script: Callable[[str], Any],
    tmp_path: Path,
) -> None:
    attacks = fixture_script("attacks/lures.py").lures(str(canary.path), canary.url, good)
    (tmp_path / name).write_bytes(attacks[name][0])
    trust = ["-safe", "0"]
    if name != "concat.mp4":
        trust = ["-f", "hls", "-allowed_extensions", "ALL", "-extension_picky", "0"]
        trust += ["-protocol_whitelist", "file,http,tcp"]
    program = [str(ffmpeg.executable()), "-v", "quiet", "-nostdin", *trust]
    with subprocess.Popen([*program, "-i", str(tmp_path / name), "-f", "null", "-"]) as lured:
        came = canary.called(20) if name == "called.mov" else lured.wait() >= 0 and canary.opened()
        lured.kill()
    assert came
