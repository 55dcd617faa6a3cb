"""Files that were made to do harm are refused with a reason, or are no more than what they show."""

import asyncio
import contextlib
import ctypes
import os
import re
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from fixtures.attacks.bombs import bombs, movie_bombs, other_bombs
from fixtures.attacks.lures import lures
from nemolocal_render import ffmpeg_cli
from nemolocal_render.media import DEMUXERS, MediaInfo, MediaSource
from nemolocal_render.probing.media_previews import make_film_strip, measure_peaks
from tests.support.attacks import FRAMES, Outcome, is_cheap, try_files

pytestmark = [
    pytest.mark.ffmpeg,
    pytest.mark.skipif(sys.platform != "linux", reason="inotify and wait4 are Linux's"),
]

Attacks = dict[str, tuple[bytes, str]]

# One or two of each sort; all of them are tried in the deep run.
SOME_LURES = {
    "playlist.mp4",
    "called.mov",
    "entity.webp",
    "playlist-in-mkv.mkv",
    "elsewhere.mp4",
    "page-behind-gif.gif",
    "mp4-as-mp3.mp3",
}
SOME_BOMBS = {"samples.mp4", "slow.mp4", "deep.mkv", "hours.wav"}

_IN_OPEN = 0x20
# Nobody waits so long unless the test has failed.
_PATIENCE = 60.0


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

    def called(self, patience: float = 0.0) -> bool:
        """Whether somebody has connected, or does so within these seconds."""
        self._door.settimeout(patience)
        try:
            self._door.accept()[0].close()
        except (BlockingIOError, TimeoutError):
            return False
        return True

    def close(self) -> None:
        os.close(self._watch)
        self._door.close()


@pytest.fixture(scope="module")
def good(basic_clips: Path) -> dict[str, bytes]:
    """The sound files that attacks are made from."""
    names = {
        "clip.mp4": "h264-aac.mp4",
        "clip.mkv": "h264-flac.mkv",
        "clip.webm": "vp8-vorbis.webm",
        "still.jpg": "still.jpg",
        "still.gif": "still.gif",
        "tone.wav": "tone.wav",
    }
    return {name: (basic_clips / created).read_bytes() for name, created in names.items()}


@pytest.fixture(scope="module")
def canary(tmp_path_factory: pytest.TempPathFactory, good: dict[str, bytes]) -> Iterator[Canary]:
    path = tmp_path_factory.mktemp("private") / "canary.mp4"
    path.write_bytes(good["clip.mp4"])
    with closing(Canary(path)) as canary:
        yield canary


def failures(attacks: Attacks, folder: Path) -> dict[str, Outcome | None]:
    """The attacks that did not end as they should, or cost too much."""
    for name, (content, _) in attacks.items():
        (folder / name).write_bytes(content)
    outcomes = try_files([folder / name for name in attacks], folder / "work")
    return {
        name: outcomes.get(name)
        for name, (_, reason) in attacks.items()
        if name not in outcomes or not ends_well(outcomes[name], reason)
    }


def ends_well(outcome: Outcome, reason: str) -> bool:
    if not reason:
        return is_cheap(outcome) and outcome.get("frames") == FRAMES
    said = outcome.get("refused", "")
    clean = "\n" not in said and "canary" not in said
    return is_cheap(outcome) and clean and re.search(reason, said) is not None


def require_lures_lead_nowhere(attacks: Attacks, canary: Canary, folder: Path) -> None:
    assert not canary.opened()
    assert failures(attacks, folder) == {}
    assert not canary.opened()
    assert not canary.called()


@pytest.mark.slow
def test_some_lures_lead_nowhere(canary: Canary, good: dict[str, bytes], tmp_path: Path) -> None:
    attacks = lures(str(canary.path), canary.url, good)
    some = {name: attacks[name] for name in SOME_LURES}
    require_lures_lead_nowhere(some, canary, tmp_path)


@pytest.mark.slow
def test_lures_lead_nowhere(canary: Canary, good: dict[str, bytes], tmp_path: Path) -> None:
    require_lures_lead_nowhere(lures(str(canary.path), canary.url, good), canary, tmp_path)


async def preview(path: Path) -> None:
    """Make the previews of a file as if the probe had believed all that its name says."""
    name = path.suffix.removeprefix(".")
    info = MediaInfo("video", name, 2.0, 64, 64, 25.0, audio_codec="aac")
    for make in (make_film_strip, measure_peaks):
        with contextlib.suppress(ffmpeg_cli.FFmpegFailed):
            await make(MediaSource(path, info))


@pytest.mark.slow
def test_previews_of_lures_lead_nowhere(
    canary: Canary, good: dict[str, bytes], tmp_path: Path
) -> None:
    attacks = lures(str(canary.path), canary.url, good)
    known = [name for name in attacks if name.rpartition(".")[2] in DEMUXERS]
    assert len(known) > 10
    assert not canary.opened()
    for name in known:
        (tmp_path / name).write_bytes(attacks[name][0])
        asyncio.run(preview(tmp_path / name))
    assert not canary.opened()
    assert not canary.called()


@pytest.mark.slow
def test_some_bombs_do_not_go_off(good: dict[str, bytes], tmp_path: Path) -> None:
    attacks = {**movie_bombs(good["clip.mp4"]), **other_bombs(good)}
    assert failures({name: attacks[name] for name in SOME_BOMBS}, tmp_path) == {}


@pytest.mark.slow
def test_bombs_do_not_go_off(good: dict[str, bytes], tmp_path: Path) -> None:
    assert failures(bombs(good), tmp_path) == {}


@pytest.mark.slow
@pytest.mark.parametrize("name", ["playlist.mp4", "concat.mp4", "called.mov"])
def test_a_program_that_trusts_them_is_lured(
    name: str, canary: Canary, good: dict[str, bytes], tmp_path: Path
) -> None:
    attacks = lures(str(canary.path), canary.url, good)
    (tmp_path / name).write_bytes(attacks[name][0])
    trust = ["-safe", "0"]
    if name != "concat.mp4":
        trust = ["-f", "hls", "-allowed_extensions", "ALL", "-extension_picky", "0"]
        trust += ["-protocol_whitelist", "file,http,tcp"]
    program = [str(ffmpeg_cli.executable()), "-v", "quiet", "-nostdin", *trust]
    with subprocess.Popen([*program, "-i", str(tmp_path / name), "-f", "null", "-"]) as lured:
        if name == "called.mov":
            came = canary.called(_PATIENCE)
        else:
            lured.wait()
            came = canary.opened()
        lured.kill()
    assert came
