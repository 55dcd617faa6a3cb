"""Stands for what FFmpeg does: nothing is probed, composed or rendered, but it takes its time."""

import asyncio
import contextlib
import random
from collections.abc import Callable, Iterator
from pathlib import Path
from unittest.mock import patch

from nemolocal_contract.clock import ManualClock
from nemolocal_render.ffmpeg_cli import FFmpegFailed
from nemolocal_render.job import RenderJobFailed, RenderResult
from nemolocal_render.media import MediaInfo, MediaRejected
from nemolocal_render.planning.planner import RenderPlan
from nemolocal_server.api import upload_endpoints
from nemolocal_server.uploads.probe_cache import ProbeCache
from tests.support.clips import CLIP

RENDERED = b"a render"
"""What a finished render holds."""
REFUSED = b"bad"
"""What an upload begins with that is no clip."""
_SONG = MediaInfo(kind="audio", extension="m4a", duration=4.0, audio_codec="aac")


class PretendedWork:
    """Work that takes a while of a manual clock, and that fails now and then."""

    def __init__(self, clock: ManualClock, draw: random.Random) -> None:
        self._clock = clock
        self._draw = draw

    async def _work(self) -> bool:
        """Take a while; whether it is well."""
        if self._draw.random() < 0.5:
            await self._clock.sleep(self._draw.uniform(0, 30))
        for _ in range(self._draw.randrange(4)):
            await asyncio.sleep(0)
        return self._draw.random() < 0.8

    async def render(
        self, plan: RenderPlan, destination: Path, on_progress: Callable[[int], None]
    ) -> RenderResult:
        assert plan.duration > 0
        on_progress(40)
        if not await self._work():
            raise RenderJobFailed("too long for this test")
        destination.write_bytes(RENDERED)
        return RenderResult(1.0, 8, 30, 64, 64, "none", "planned")

    async def probe(self, path: Path, _extension: str) -> MediaInfo:
        await self._work()
        if path.read_bytes().startswith(REFUSED):
            raise MediaRejected("it is no clip")
        return CLIP

    async def make_music(self, _mood: str, _seconds: float, destination: Path) -> MediaInfo:
        if not await self._work():
            raise FFmpegFailed("no room for music")
        destination.write_bytes(b"la la la")
        return _SONG

    async def make_scene(
        self, _scene: str, _seconds: float, _seed: int, destination: Path
    ) -> MediaInfo:
        await self.make_music("", 0, destination)
        return CLIP

    @contextlib.contextmanager
    def in_place(self) -> Iterator[None]:
        """All but renders, which a server is given its executor for."""
        with (
            patch.object(upload_endpoints, "probe", self.probe),
            patch.object(upload_endpoints, "_probes", ProbeCache()),
            patch("nemolocal_server.turns.media_generator.make_music", self.make_music),
            patch("nemolocal_server.turns.media_generator.make_scene", self.make_scene),
        ):
            yield
