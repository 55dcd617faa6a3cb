"""A server and a client on one virtual clock, for the table of faults and its tests.

Probing and rendering are replaced by fakes; everything else is the product.
"""

import asyncio
import select
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from unittest import mock

import httpx
import msgspec
from httpcore._backends.sync import SyncStream

from nemolocal_contract.clock import ManualClock
from nemolocal_render.job import RenderResult
from nemolocal_render.media import MediaInfo
from nemolocal_server.serving import LocalServer
from nemolocal_server.settings import Settings
from nemolocal_server.turns.silent_turns import SilentTurnPolicy

# Turns of the event loop in which the server, and an async client in its loop, do what they can,
# and the real time in seconds that bytes between sockets get.
SETTLE_TURNS, _GRACE = 48, 0.001
# A shorter pause of the server is one turn of its loop: bytes may come one by one.
_BRIEF = 0.1


class SharedClock(ManualClock):
    """The server's clock; it moves only while a client waits and the server has nothing to do.

    So no time passes while anything works, however busy the machine is. `waited` is the time of the
    client's own pauses, `listened` the other time between `restart` and `stop`. Of `together` brief
    pauses of the server only the last is a turn of its loop: so many slow bytes are read at once.
    """

    def __init__(self, together: int = 1) -> None:
        super().__init__(settle_turns=SETTLE_TURNS, grace=_GRACE)
        self.together, self._brief = together, 0
        self.waited = self.listened = self._since = 0.0

    async def sleep(self, seconds: float) -> None:
        if seconds >= _BRIEF:
            await super().sleep(seconds)
        else:
            self._now += seconds
            self._brief += 1
            if not self._brief % self.together:
                await asyncio.sleep(0)

    def wait(self, seconds: float) -> None:
        self.waited += seconds
        super().wait(seconds)

    def restart(self) -> None:
        """Start to count pauses."""
        self.waited, self._since = 0.0, self.time()

    def stop(self) -> None:
        """Stop to count pauses."""
        self.listened = self.time() - self._since - self.waited


class ClientClock:
    """The same clock as a client sees it: its pauses are counted."""

    def __init__(self, shared: SharedClock) -> None:
        self.time = self.elapsed = shared.time
        self.wait = shared.wait
        self._shared = shared

    async def sleep(self, seconds: float) -> None:
        self._shared.waited += seconds
        await self._shared.sleep(seconds)


class ClockedServer(msgspec.Struct):
    """A server, its clock, and a place for files."""

    base_url: str
    clock: SharedClock
    folder: Path
    http: httpx.Client


async def fake_render(
    plan: Any, destination: Path, on_progress: Callable[[int], None]
) -> RenderResult:
    """Stand in for FFmpeg."""
    on_progress(50)
    destination.write_bytes(b"a render")
    return RenderResult(
        duration=plan.duration, size=8, frames=60, width=1280, height=720,
        encoder="none", encoder_reason="a fake render",
    )  # fmt: skip


async def fake_probe(path: Path, extension: str) -> MediaInfo:
    """Stand in for the probe."""
    del path
    return MediaInfo("video", extension, 10.0, 1280, 720, 30.0, "h264", "yuv420p", "aac")


@contextmanager
def clocked_server(together: int = 1, **settings: Any) -> Iterator[ClockedServer]:
    """Run a local server on a shared clock; `together` slow bytes arrive at once."""
    settings = {"port": 0, "silence": SilentTurnPolicy(rate=0.0), **settings}
    clock, read = SharedClock(together), SyncStream.read

    def read_in_time(stream: Any, max_bytes: int, timeout: float | None = None) -> bytes:
        connection = stream.get_extra_info("socket")
        clock.wait_until(lambda: bool(select.select([connection], [], [], 0)[0]))
        return read(stream, max_bytes, timeout)

    with (
        mock.patch("nemolocal_server.api.upload_endpoints.probe", fake_probe),
        mock.patch.object(SyncStream, "read", read_in_time),
        LocalServer(Settings(**settings), clock, fake_render) as server,
        tempfile.TemporaryDirectory(prefix="nemolocal-") as name,
        httpx.Client(base_url=server.base_url, timeout=60, trust_env=False, verify=False) as http,
    ):
        folder = Path(name)
        (folder / "clip.mp4").write_bytes(b"a clip")
        server.call(clock.attach())
        yield ClockedServer(server.base_url, clock, folder, http)
