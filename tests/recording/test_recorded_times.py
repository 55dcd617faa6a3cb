"""A client sees the same bytes at the same times with a recorder and without one."""

import contextlib
import re
from pathlib import Path
from unittest import mock

import httpx
import pytest

from nemolocal_client import Attribution, Client, NemoError
from nemolocal_client.operations import StreamChunk, StreamCut, StreamEnd
from nemolocal_client.profile import MemoryProfile
from nemolocal_client.transport import Stream
from nemolocal_contract.clock import MANUAL_CLOCK_START
from nemolocal_contract.endpoints import FAULTS_ARM
from nemolocal_recording.recording import assemble
from nemolocal_recording.recording_file import read_lines
from nemolocal_server.serving import LocalServer
from nemolocal_server.settings import Settings
from nemolocal_server.turns.turn_schedule import TurnTimes
from tests.mutation.clients.lockstep_clock import LockstepClock, lockstep_transport
from tests.support.executor import FakeRenderExecutor
from tests.support.recorder import running_recorder

SETTINGS = Settings(port=0, turn_times=TurnTimes(talk=(50.0, 50.0)))

_UUID = re.compile(rb"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}")


class WatchedClock(LockstepClock):
    """Notes at which time which bytes of streams reach the client."""

    def __init__(self) -> None:
        super().__init__()
        self.seen: dict[float, bytes] = {}
        self.endings: list[tuple[float, str]] = []

    def read_stream(self, stream: Stream) -> StreamChunk | StreamEnd | StreamCut:
        got = super().read_stream(stream)
        at = self.elapsed()
        if isinstance(got, StreamChunk):
            self.seen[at] = self.seen.get(at, b"") + got.data
        else:
            self.endings.append((at, type(got).__name__))
        return got


def watch(folder: Path, fault: str, *, with_recorder: bool) -> WatchedClock:
    """Let a client talk to a server, and return what it has seen."""
    clock = WatchedClock()
    path = folder / "recording.jsonl"
    with contextlib.ExitStack() as stack:
        transport = mock.patch("nemolocal_client.client.Transport", lockstep_transport(clock))
        stack.enter_context(transport)
        server = stack.enter_context(
            LocalServer(SETTINGS, clock, FakeRenderExecutor(), wrap=clock.wrap_app)
        )
        server.call(clock.attach())
        if fault:
            arm = {"name": fault, "match": {"endpoint": "chat"}, "args": {"after": 2}}
            address = f"{server.base_url}{FAULTS_ARM.path()}"
            httpx.post(address, json=arm, trust_env=False, timeout=60).raise_for_status()
        base_url = server.base_url
        if with_recorder:
            recorder = running_recorder(server.base_url, path, clock=clock)
            base_url = stack.enter_context(recorder).base_url
        client = stack.enter_context(
            Client(
                base_url, attribution=Attribution("s", "1.0"), profile=MemoryProfile(),
                clock=clock, environment={},
            )
        )  # fmt: skip
        with contextlib.suppress(NemoError):
            client.say("hello")
    return clock


def without_ids(seen: dict[float, bytes]) -> dict[float, bytes]:
    """Each event has a random id."""
    return {at: _UUID.sub(b"an id", data) for at, data in seen.items()}


@pytest.mark.parametrize("fault", ["", "cut-fin", "cut-reset"])
def test_client_sees_the_same_bytes_at_the_same_times(fault: str, tmp_path: Path) -> None:
    without = watch(tmp_path, fault, with_recorder=False)
    recorded = watch(tmp_path, fault, with_recorder=True)
    assert without_ids(recorded.seen) == without_ids(without.seen)
    kinds = [[kind for _, kind in clock.endings] for clock in (recorded, without)]
    assert kinds == [["StreamCut" if fault else "StreamEnd"]] * 2
    if not fault:  # While a connection is being cut, the clock does not wait for the client.
        assert recorded.endings == without.endings
    assert len(recorded.seen) >= 2
    (exchange,) = (
        one for one in assemble(read_lines(tmp_path / "recording.jsonl")).exchanges
        if one.endpoint == "chat"
    )  # fmt: skip
    assert exchange.ending == {"": "clean", "cut-fin": "fin", "cut-reset": "rst"}[fault]
    times = sorted({chunk.at for chunk in exchange.chunks})
    begun = MANUAL_CLOCK_START + exchange.request.at
    assert [MANUAL_CLOCK_START + at for at in times] == sorted(without.seen)
    assert min(without.seen) == begun + 15
