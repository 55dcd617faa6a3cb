"""Test media, made once and shared: by the workers of a run, and by later runs.

A file is known by its recipe, the version of FFmpeg and the source of the renderer that made it.
"""

import hashlib
import os
import shutil
import subprocess
from collections.abc import Callable
from functools import cache
from pathlib import Path

from filelock import FileLock

import nemolocal_render
from nemolocal_render import ffmpeg_cli


class MediaCache:
    """A folder of generated media. Each entry is made by whoever asks for it first."""

    def __init__(self, root: Path) -> None:
        self.root = root

    def folder(self, name: str, make: Callable[[Path], object], recipe: object = "") -> Path:
        """A folder that `make` has filled, complete or not there at all.

        `recipe` is whatever, beside the renderer's source, decides what `make` writes: arguments
        of FFmpeg, the text of a script.
        """
        key = hashlib.sha256(f"{ffmpeg_version()}\n{renderer_source()}\n{recipe!r}".encode())
        done = self.root / f"{name}-{key.hexdigest()[:16]}"
        if done.is_dir():
            return done
        self.root.mkdir(parents=True, exist_ok=True)
        with FileLock(f"{done}.lock"):
            if not done.is_dir():
                unfinished = done.with_suffix(".unfinished")
                shutil.rmtree(unfinished, ignore_errors=True)
                unfinished.mkdir()
                make(unfinished)
                _protect(unfinished)
                unfinished.rename(done)
        return done

    def file(self, name: str, make: Callable[[Path], object], recipe: object = "") -> Path:
        """The same for a single file of this name."""
        return self.folder(Path(name).stem, lambda into: make(into / name), (name, recipe)) / name


def _protect(folder: Path) -> None:
    """Whoever writes into what all tests share is to hear of it at once."""
    for path in folder.rglob("*"):
        if path.is_file():
            path.chmod(0o444)


@cache
def ffmpeg_version() -> str:
    """The first line of `ffmpeg -version`."""
    command = [str(ffmpeg_cli.executable()), "-version"]
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout.split("\n")[0]


@cache
def renderer_source() -> str:
    """A digest of the modules that make media: another renderer may make other files."""
    digest = hashlib.sha256()
    for module in sorted(Path(os.fspath(nemolocal_render.__path__[0])).rglob("*.py")):
        digest.update(module.read_bytes())
    return digest.hexdigest()


def run_ffmpeg(*arguments: str | Path, folder: Path | None = None) -> None:
    """FFmpeg as it is, without the project's sandbox; raises CalledProcessError."""
    command = [str(ffmpeg_cli.executable()), "-v", "error", "-nostdin", "-y", *map(str, arguments)]
    subprocess.run(command, check=True, cwd=folder)
