"""FFmpeg's work remembered from server to server: a hundred of them are handed the same files.

Nothing that is judged goes another way: the same bytes are probed once, and the same plan of the
same bytes is rendered once.
"""

import hashlib
import shutil
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest

from nemolocal_render.job import RenderResult
from nemolocal_render.plan import RenderPlan
from nemolocal_render.probe import probe
from nemolocal_server import probe_cache
from nemolocal_server.executor import LocalExecutor


class RememberingExecutor:
    """A `RenderExecutor` that makes each file once."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._execute = LocalExecutor(folder)
        self._made: dict[str, RenderResult] = {}

    async def __call__(
        self, plan: RenderPlan, destination: Path, on_progress: Callable[[int], None]
    ) -> RenderResult:
        """The file of this plan, from where it lies if it has been made before."""
        key = _key(plan)
        if key not in self._made:
            self._made[key] = await self._execute(plan, destination, on_progress)
            shutil.copyfile(destination, self._folder / key)
        on_progress(50)
        shutil.copyfile(self._folder / key, destination)
        return self._made[key]


def _key(plan: RenderPlan) -> str:
    text = repr(plan)
    for source in plan.sources:
        text = text.replace(str(source.path), _digest(Path(source.path)))
    return hashlib.sha256(text.encode()).hexdigest()


def _digest(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


def remember(patch: pytest.MonkeyPatch, folder: Path) -> RememberingExecutor:
    """Let servers made from now on remember, in this folder; the executor is to be given them."""
    patch.setattr(probe_cache, "probe", _probed(probe))
    return RememberingExecutor(folder)


def _probed(look: Callable[[Path, str], Awaitable[Any]]) -> Callable[[Path, str], Awaitable[Any]]:
    known: dict[tuple[str, str], Any] = {}

    async def remembering(path: Path, extension: str) -> Any:
        key = (_digest(path), extension)
        if key not in known:
            known[key] = await look(path, extension)
        return known[key]

    return remembering
