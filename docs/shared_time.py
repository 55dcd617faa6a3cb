"""A server and a client on one clock, which jumps: how the table of faults is made, and tested.

Looking into an upload and rendering are stood in for; everything else is as it is.
"""

import asyncio
import select
import tempfile
import threading
import types
from collections.abc import Callable, Coroutine, Generator, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TypeVar
from unittest import mock

import httpx
import msgspec
from httpcore._backends.sync import SyncStream

from nemolocal_contract.clock import ManualClock
from nemolocal_contract.endpoints import HEALTH
from nemolocal_render.job import RenderResult
from nemolocal_render.media import MediaInfo
from nemolocal_server.serving import LocalServer
from nemolocal_server.settings import Settings
from nemolocal_server.turns.silent_turns import SilentTurnPolicy

T = TypeVar("T")
# Turns of the server's loop until it has done what it can, and the seconds of real time that the
# system gets for threads and sockets; after so many of them in which nothing happens it hangs.
_TURNS, _THREADS, _HANGS = 48, 0.001, 20_000
# A shorter pause of the server is one turn of its loop: bytes may come one by one.
_BRIEF = 0.1


class SharedClock(ManualClock):
    """The server's clock; it moves only while a client waits and the server has nothing to do.

    So no time passes while anybody works, however busy the machine is. `waited` are the pauses of
    the client, `listened` is what else passed between `restart` and `stop`. Of `together` brief
    pauses of the server only the last is a turn of its loop: so many slow bytes are read at once.
    """

    def __init__(self, together: int = 1) -> None:
        super().__init__()
        self.together, self._brief = together, 0
        self.waited = self.listened = self._since = 0.0
        self._loop: asyncio.AbstractEventLoop | None = None

    async def sleep(self, seconds: float) -> None:
        if seconds >= _BRIEF:
            await super().sleep(seconds)
        else:
            self._now += seconds
            self._brief += 1
            if not self._brief % self.together:
                await asyncio.sleep(0)

    def restart(self) -> None:
        """Count from now on."""
        self.waited, self._since = 0.0, self.time()

    def stop(self) -> None:
        """Count no longer."""
        self.listened = self.time() - self._since - self.waited

    def time(self) -> float:
        if self._loop is None and threading.current_thread().name == "nemolocal-server":
            self._loop = asyncio.get_running_loop()
        return super().time()

    def wait(self, seconds: float) -> None:
        self.waited += seconds
        self.until_done(self.advance(seconds))

    def until_done(self, work: Coroutine[Any, Any, T]) -> T:
        """Do something in the loop of the server, which has been called before."""
        assert self._loop is not None
        future = asyncio.run_coroutine_threadsafe(work, self._loop)
        self.until(future.done)
        return future.result()

    def until(self, come: Callable[[], bool]) -> None:
        """Let time pass until it has come, from one sleeper to the next."""
        loop = self._loop
        for _ in range(_HANGS if loop is not None else 0):
            if come():
                return
            assert loop is not None
            asyncio.run_coroutine_threadsafe(self._next(come), loop).result()
        assert loop is None, "the server says nothing and waits for nothing"

    async def _next(self, come: Callable[[], bool]) -> None:
        if await _turns(come):
            return
        # What is on its way is nobody's turn: the work of a thread, bytes between two sockets. On a
        # busy machine the clock would go on without them, at a turn that stalls for many minutes.
        await asyncio.sleep(_THREADS)
        # Whoever slept may have been given up in these turns.
        if not await _turns(come) and self._sleepers:
            self._wake_next()


@types.coroutine
def _turns(come: Callable[[], bool]) -> Generator[None, None, bool]:
    """Whether it has come, within so many turns of the loop; each is a bare `yield`."""
    for _ in range(_TURNS):
        yield
        if come():
            return True
    return False


class ClientClock:
    """The same clock as a client sees it: its pauses are counted."""

    def __init__(self, shared: SharedClock) -> None:
        self.time = self.elapsed = shared.time
        self.wait = shared.wait
        self._shared = shared

    async def sleep(self, seconds: float) -> None:
        self._shared.waited += seconds
        await self._shared.sleep(seconds)


class Stage(msgspec.Struct):
    """A server, its clock, and a place for files."""

    base_url: str
    clock: SharedClock
    folder: Path
    http: httpx.Client


async def render(plan: Any, destination: Path, on_progress: Callable[[int], None]) -> RenderResult:
    """Stands in for FFmpeg."""
    on_progress(50)
    destination.write_bytes(b"a render")
    return RenderResult(
        duration=plan.duration, size=8, frames=60, width=1280, height=720,
        encoder="none", encoder_reason="stood in for",
    )  # fmt: skip


async def look_into(path: Path, extension: str) -> MediaInfo:
    """Stands in for the probe."""
    del path
    return MediaInfo("video", extension, 10.0, 1280, 720, 30.0, "h264", "yuv420p", "aac")


@contextmanager
def stage(together: int = 1, **settings: Any) -> Iterator[Stage]:
    """A server of ours whose time jumps; so many of its slow bytes come `together`."""
    settings = {"port": 0, "silence": SilentTurnPolicy(rate=0.0), **settings}
    clock, read = SharedClock(together), SyncStream.read

    def read_in_time(stream: Any, max_bytes: int, timeout: float | None = None) -> bytes:
        connection = stream.get_extra_info("socket")
        clock.until(lambda: bool(select.select([connection], [], [], 0)[0]))
        return read(stream, max_bytes, timeout)

    with (
        mock.patch("nemolocal_server.api.upload_endpoints.probe", look_into),
        mock.patch.object(SyncStream, "read", read_in_time),
        LocalServer(Settings(**settings), clock, render) as server,
        tempfile.TemporaryDirectory(prefix="nemolocal-") as name,
        httpx.Client(base_url=server.base_url, timeout=60, trust_env=False, verify=False) as http,
    ):
        folder = Path(name)
        (folder / "clip.mp4").write_bytes(b"a clip")
        http.get(HEALTH.template)
        yield Stage(server.base_url, clock, folder, http)
