"""Memoizes FFmpeg in a folder: equal bytes are probed once, equal plans rendered once.

Hundreds of servers are tested one after another with the same files. Nothing that is tested changes
except the time of a render: a memoized one ends at once.
"""

import contextlib
import hashlib
import os
import shutil
from collections.abc import Awaitable, Callable, Iterator
from functools import partial
from pathlib import Path
from typing import TypeVar
from unittest import mock

import msgspec

from nemolocal_render.job import RenderResult
from nemolocal_render.media import MediaInfo, MediaRejected
from nemolocal_render.planning.planner import RenderPlan
from nemolocal_render.probing.media_probe import probe
from nemolocal_render.synthetic import sample_media, scene_clips
from nemolocal_server.exports.render_executor import LocalExecutor, RenderExecutor

T = TypeVar("T")

# Checks that need FFmpeg to be running.
CHECKS_OF_RUNNING_WORK = frozenset({"credits.frozen", "render.queue"})


class ProbeResult(msgspec.Struct, frozen=True):
    """The media info of a file, or why it was rejected."""

    info: MediaInfo | None
    rejected: str = ""


class MemoizedMedia:
    """A folder of results by recipe; processes may share it."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    @contextlib.contextmanager
    def patch_servers(self) -> Iterator[None]:
        """Make servers that start in this block probe, generate and render by the cache."""
        stand_ins: dict[str, object] = {
            "nemolocal_server.api.upload_endpoints.probe": self._probe,
            "nemolocal_server.turns.media_generator.make_scene": self._make_scene,
            "nemolocal_server.turns.media_generator.make_music": self._make_music,
            "nemolocal_server.services.LocalExecutor": self._executor,
        }
        with contextlib.ExitStack() as stack:
            for name, value in stand_ins.items():
                stack.enter_context(mock.patch(name, value))
            yield

    def _executor(self, work: Path) -> RenderExecutor:
        return _MemoizingExecutor(self, LocalExecutor(work))

    async def _probe(self, path: Path, extension: str, *, lenient: bool = False) -> MediaInfo:
        name = f"{_digest(path.read_bytes())}.{extension}{'.lenient' if lenient else ''}.json"
        kept = self._folder / name
        found = _read(kept, ProbeResult)
        if found is None:
            try:
                found = ProbeResult(await _call_probe(path, extension, lenient=lenient))
            except MediaRejected as rejected:
                found = ProbeResult(None, str(rejected))
            _write(kept, found)
        if found.info is None:
            raise MediaRejected(found.rejected)
        return found.info

    async def _make_scene(
        self, name: str, seconds: float, seed: int, destination: Path
    ) -> MediaInfo:
        # The seed decides about the pictures alone, which no check looks at; some ask for many.
        return await self.file(
            ("scene", name, seconds),
            destination,
            MediaInfo,
            lambda: scene_clips.make_scene(name, seconds, seed, destination),
        )

    async def _make_music(self, mood: str, seconds: float, destination: Path) -> MediaInfo:
        return await self.file(
            ("music", mood, seconds),
            destination,
            MediaInfo,
            lambda: sample_media.make_music(mood, seconds, destination),
        )

    async def file(
        self,
        recipe: tuple[object, ...],
        destination: Path,
        facts: type[T],
        make: Callable[[], Awaitable[T]],
    ) -> T:
        """Put the file of a recipe at `destination`, made if necessary; return its facts."""
        kept = self._folder / _digest(repr(recipe).encode())
        reported = kept.with_suffix(".json")
        found = _read(reported, facts)
        if found is not None:
            shutil.copyfile(kept, destination)
            return found
        created = await make()
        _put(kept, lambda path: shutil.copyfile(destination, path))
        _write(reported, created)  # last: without it the file is not there
        return created


class _MemoizingExecutor:
    """A memoizing `RenderExecutor` of one server."""

    def __init__(self, memoized: MemoizedMedia, execute: RenderExecutor) -> None:
        self._memoized = memoized
        self._execute = execute

    async def __call__(
        self, plan: RenderPlan, destination: Path, on_progress: Callable[[int], None]
    ) -> RenderResult:
        result = await self._memoized.file(
            ("render", _recipe(plan)),
            destination,
            RenderResult,
            lambda: self._execute(plan, destination, on_progress),
        )
        on_progress(99)
        return result


async def _call_probe(path: Path, extension: str, *, lenient: bool) -> MediaInfo:
    look = partial(probe, lenient=True) if lenient else probe
    return await look(path, extension)


def _recipe(plan: RenderPlan) -> str:
    """Return the plan with the content of its sources instead of their paths."""
    text = repr(plan)
    for source in plan.sources:
        text = text.replace(str(source.path), _digest(Path(source.path).read_bytes()))
    return text


def _digest(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


def _read(path: Path, kind: type[T]) -> T | None:
    try:
        return msgspec.json.decode(path.read_bytes(), type=kind)
    except FileNotFoundError:
        return None


def _write(path: Path, value: object) -> None:
    _put(path, lambda unfinished: unfinished.write_bytes(msgspec.json.encode(value)))


def _put(path: Path, write: Callable[[Path], object]) -> None:
    """Write a file atomically, even if other processes write the same."""
    unfinished = path.with_name(f"{path.name}.{os.getpid()}.{os.urandom(4).hex()}")
    write(unfinished)
    unfinished.replace(path)
