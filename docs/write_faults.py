"""Writes docs/faults.md: how the reference client ends under every fault of the server's catalogue.

Each fault is armed for one request of a journey (token, session, upload, message, export, …) to a
real server on a socket. Client and server share one clock. Looking into the upload and rendering
are stood in for; everything else is as it is.
`python docs/write_faults.py` writes the file, `--check` exits 1 if it is not up to date.
"""

import asyncio
import itertools
import re
import select
import sys
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

from nemolocal_client import Attribution, Client, MemoryProfile, NemoError
from nemolocal_contract.clock import ManualClock
from nemolocal_contract.endpoints import FAULTS_ARM, HEALTH, JOURNAL
from nemolocal_render.job import RenderResult
from nemolocal_render.media import MediaInfo
from nemolocal_server.faults.catalogue import CATALOGUE
from nemolocal_server.serving import LocalServer
from nemolocal_server.settings import Settings
from nemolocal_server.silence import Silence

T = TypeVar("T")
TARGET = Path(__file__).with_name("faults.md")
MESSAGE = "trim to the first 4 seconds"
HEAD = """\
# What the client does under each fault

Made by `python docs/write_faults.py`; a test fails when it is not up to date, another one when the
sync and the async client differ. The fault befalls the first request to the endpoint, once.
*Ends* is what the caller of the library gets (*done*: as if nothing had happened); *waits* are the
client's own pauses in seconds of the clock, without the time it listens to a turn; *sent* is how
often the message was; *credits* is what the account paid, of the 50 that this edit costs.
"""
DONE = "done"
NUMBERS = itertools.count(1)
COLUMNS = ("fault", "request", "call", "ends", "waits", "sent", "credits")
# Turns of the server's loop until it has done what it can, and the seconds of real time that its
# threads get for their files; after so many of them in which nothing happens it hangs.
_TURNS, _THREADS, _HANGS = 48, 0.001, 20_000
# A shorter pause of the server is one turn of its loop: bytes may come one by one.
_BRIEF = 0.1
# Seconds in which whatever still runs comes to its end.
_LONG = 2000.0
# What else must go wrong, so that a request is sent at all.
BESIDES = {"render_cancel": ("render-stuck", "render"), "render_download": ("url-gone", "file")}
STEPS = {
    "token": "connect", "session": "open_session", "upload": "upload", "chat": "say",
    "state": "say", "balance": "balance", "claim_token": "claim_link", "render": "export",
    "render_status": "export", "render_cancel": "cancel_export", "render_download": "export",
    "file": "export",
}  # fmt: skip


class Row(msgspec.Struct, frozen=True):
    """A line of the table; `waits` is in seconds of the clock."""

    fault: str
    endpoint: str
    call: str
    ends: str
    waits: float
    sent: int
    credits: int


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
        if self._sleepers:
            self._wake_next()
        else:
            await asyncio.sleep(_THREADS)


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
    settings = {"port": 0, "silence": Silence(rate=0.0), **settings}
    clock, read = SharedClock(together), SyncStream.read

    def read_in_time(stream: Any, max_bytes: int, timeout: float | None = None) -> bytes:
        connection = stream.get_extra_info("socket")
        clock.until(lambda: bool(select.select([connection], [], [], 0)[0]))
        return read(stream, max_bytes, timeout)

    with (
        mock.patch("nemolocal_server.endpoints.uploads.probe", look_into),
        mock.patch.object(SyncStream, "read", read_in_time),
        LocalServer(Settings(**settings), clock, render) as server,
        tempfile.TemporaryDirectory(prefix="nemolocal-") as name,
        httpx.Client(base_url=server.base_url, trust_env=False, verify=False) as http,
    ):
        folder = Path(name)
        (folder / "clip.mp4").write_bytes(b"a clip")
        http.get(HEALTH.template)
        yield Stage(server.base_url, clock, folder, http)


def open_client(on: Stage, client_id: str, face: Callable[..., Any] = Client) -> Any:
    """A client that the server knows by this id."""
    profile = MemoryProfile()
    profile.client_id = lambda: client_id  # type: ignore[method-assign]
    return face(
        on.base_url,
        attribution=Attribution("nemolocal-faults", "1.0"),
        profile=profile,
        clock=ClientClock(on.clock),
        environment={},
    )


def journey(client: Any, folder: Path) -> Iterator[tuple[str, Callable[[], object]]]:
    """Everything that a client does, a call at a time; export and its cancellation come last."""
    yield "connect", client.connect
    yield "open_session", client.open_session
    yield "upload", lambda: client.upload(folder / "clip.mp4")
    yield "say", lambda: client.say(MESSAGE)
    yield "balance", client.balance
    yield "claim_link", client.claim_link
    yield "export", lambda: client.export(folder / "out.mp4")
    yield "cancel_export", client.cancel_export


def play(on: Stage, fault: str, endpoint: str, face: Callable[..., Any] = Client) -> Row:
    """Go the way with a fault in it; what came of the call that it befell."""
    name = f"client-{next(NUMBERS)}"
    on.http.delete(JOURNAL.template).raise_for_status()
    arm(on, name, fault, endpoint)
    if endpoint in BESIDES:
        arm(on, name, *BESIDES[endpoint])
    with open_client(on, name, face) as client:
        ways = journey(client, on.folder)
        call, ask = next(ways)
        while call != STEPS[endpoint]:
            _outcome(ask, on.base_url)
            call, ask = next(ways)
        on.clock.restart()
        ends = _outcome(ask, on.base_url)
        waits = on.clock.waited
        on.clock.stop()
        return Row(fault, endpoint, call, ends, waits, *_afterwards(on))


def arm(on: Stage, client_id: str, fault: str, endpoint: str) -> None:
    """Let a fault befall this client's first request to an endpoint."""
    match = {"endpoint": endpoint} | ({} if endpoint == "file" else {"client_id": client_id})
    on.http.post(FAULTS_ARM.template, json={"name": fault, "match": match}).raise_for_status()


def _outcome(ask: Callable[[], object], base_url: str) -> str:
    try:
        ask()
    except NemoError as error:
        said = re.sub(r"(anon_)?[0-9a-f]{10,}", "…", str(error).replace(base_url, "the server"))
        return f"{type(error).__name__}: {said}"
    return DONE


def _afterwards(on: Stage) -> tuple[int, int]:
    """How often the message was sent, and what it cost, once everything has come to its end."""
    on.clock.wait(_LONG)
    entries = on.http.get(JOURNAL.template, params={"endpoint": "chat"}).json()["entries"]
    turns = [entry["turn"] for entry in entries if entry["turn"] is not None]
    return len(turns), sum(turn["cost"] for turn in turns)


def main(arguments: list[str]) -> int:
    """Write the table, or only look whether it is as it should be."""
    text = table()
    if "--check" not in arguments:
        TARGET.write_text(text, encoding="utf-8")
        return 0
    return int(not TARGET.exists() or TARGET.read_text(encoding="utf-8") != text)


def table() -> str:
    """The whole file."""
    with stage() as on:
        rows = [play(on, fault, endpoint) for fault, endpoint in befallen()]
    lines = [" | ".join(COLUMNS), " | ".join(["---"] * len(COLUMNS)), *map(line_of, rows)]
    return HEAD + "".join(f"\n| {line} |" for line in lines) + "\n"


def line_of(row: Row) -> str:
    """The cells of a row."""
    ends = row.ends.replace("|", "\\|")
    cells = (f"`{row.fault}`", row.endpoint, f"`{row.call}`", ends, f"{row.waits:g}")
    return " | ".join([*cells, str(row.sent), str(row.credits)])


def befallen() -> list[tuple[str, str]]:
    """Every fault with every endpoint that it can befall."""
    return [(fault.name, endpoint) for fault in CATALOGUE.values() for endpoint in fault.endpoints]


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
