"""Measures the agent on a long timeline: `python -m benchmarks.agent`.

Planning a turn is measured in this process: understanding the message, previewing the edit on the
stored draft, writing the reply, planning the stream and holding the credits: everything before the
first byte. Reading the state is measured over sockets, by the CPU time of a server process.
"""

import argparse
import asyncio
import contextlib
import os
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from statistics import median

import msgspec

from nemolocal_agent import DraftVersion, NoEdit, parse_message
from nemolocal_contract import endpoints as wire
from nemolocal_contract.draft import Draft, Segment, Track, TrackType
from nemolocal_render.temporary_folder import TemporaryFolder
from nemolocal_server.context import ServerContext, open_context
from nemolocal_server.data.sessions import SessionRecord
from nemolocal_server.data.tokens import NewToken, TokenRecord
from nemolocal_server.settings import Settings
from nemolocal_server.turns.draft_service import DraftService
from nemolocal_server.turns.running_turn import TurnIntent
from nemolocal_server.turns.turn_planner import TurnPlanner
from nemolocal_server.turns.turn_repository import TurnRepository
from nemolocal_server.turns.turn_schedule import TurnSeed

from .http_load import measure_rate
from .server_process import start_server

_PLAN_MS, _STATE_MS = 1.0, 2.0
_CLIP_MS = 2000
_TOKEN = "nmv_usr_for-the-agent-bench"
MESSAGES = (
    "trim to the first 100 seconds",
    "remove the last 5 seconds",
    "add a title 'Hello' for 3 seconds",
    "add lo-fi background music at 35% volume",
    "compress this video",
    "make it brighter",
    "add a crossfade between the clips",
    "remove the second clip",
    "swap clip 1 and clip 2",
    "reverse the order of the clips",
    "rotate it by 90 degrees",
    "remove all effects",
    "mute the video",
    "fade out at the end",
    "play it at 2x speed",
    "what is this?",
)


class AgentFixture(msgspec.Struct, frozen=True):
    """A server context with one account, whose only session has a long timeline."""

    core: ServerContext
    token: TokenRecord
    session: SessionRecord


def main(argv: Sequence[str] | None = None) -> int:
    """Measure and print; the reader decides whether it is good."""
    arguments = _arguments(argv)
    print(f"{os.cpu_count()} cores, a draft of {arguments.segments} segments", flush=True)
    with TemporaryFolder("bench") as folder:
        data = folder / "data"
        fixture = make_fixture(data, arguments.segments)
        try:
            _print_plans(fixture, arguments.rounds)
        finally:
            fixture.core.store.close()
        _print_state(data, fixture.session, arguments.seconds)
    return 0


def _arguments(argv: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.agent", description=__doc__)
    parser.add_argument("--segments", type=int, default=500, help="on the timeline")
    parser.add_argument("--rounds", type=int, default=50, help="of each message")
    parser.add_argument("--seconds", type=float, default=3.0, help="of reading the state")
    return parser.parse_args(argv)


def make_fixture(data: Path, segments: int) -> AgentFixture:
    """Create a data folder with a session of so many segments, and open it."""
    core = open_context(Settings(data_dir=data))
    with core.store.transaction():
        _, token, _ = core.tokens.create(NewToken(token=_TOKEN, credits=100))
        core.ledger.grant(token.id, 100, "made by hand")
    session = core.sessions.create(token, "project", "en")
    core.sessions.add_version(session.id, DraftVersion(2, long_draft(segments), 1, 1))
    return AgentFixture(core, token, session)


def long_draft(segments: int) -> Draft:
    """Return a draft of so many clips in a row, as after some edits."""
    clips = tuple(
        Segment(
            id=f"seg_{number + 1}",
            start_ms=number * _CLIP_MS,
            duration_ms=_CLIP_MS,
            source=f"asset_{number % 20}",
            source_start_ms=number,
            volume=0.8,
            effects=({"type": "contrast", "amount": 0.1},),
            metadata={"title": f"clip {number + 1}"},
        )
        for number in range(segments)
    )
    track = Track(type=TrackType.VIDEO, id="track_1", name="Video", segments=clips)
    return Draft(tracks=(track,), duration_ms=segments * _CLIP_MS)


def plan_turn(fixture: AgentFixture, message: str, number: int) -> str:
    """Plan a turn without running it; return the result: edited, refused or talk."""
    core = fixture.core
    planner = TurnPlanner(core, TurnRepository(core), DraftService(core))
    key = TurnSeed(fixture.token.client_id, fixture.session.ordinal, number, message)
    wanted = parse_message(message)
    turn = planner.plan(fixture.token, fixture.session, key, TurnIntent(wanted))
    if isinstance(wanted, NoEdit):
        return "talk"
    return "edited" if turn.stages else "refused"


def _print_plans(fixture: AgentFixture, rounds: int) -> None:
    medians = []
    for message in MESSAGES:
        times, came_to = _time_plans(fixture, message, rounds)
        medians.append(median(times))
        text = f"{median(times):7.3f} ms median, {min(times):7.3f} best, {max(times):7.3f} worst"
        print(f"{message:42} {text}  {came_to}", flush=True)
    print(
        f"a turn planned in{'':25} {max(medians):7.3f} ms at the median of the slowest message "
        f"(target: {_PLAN_MS:g} ms)",
        flush=True,
    )


def _time_plans(fixture: AgentFixture, message: str, rounds: int) -> tuple[list[float], str]:
    """Return the CPU time of each plan in ms, and the result of the turn."""
    times, came_to = [], ""
    for number in range(1, rounds + 1):
        with _rolled_back(fixture.core):
            started = time.thread_time()
            came_to = plan_turn(fixture, message, number)
            times.append((time.thread_time() - started) * 1000)
    return times, came_to


class _RollBack(Exception):
    """Rolls a transaction back."""


@contextlib.contextmanager
def _rolled_back(core: ServerContext) -> Iterator[None]:
    """Roll back everything written in this block, so that turns do not affect each other."""
    with contextlib.suppress(_RollBack), core.store.transaction():
        yield
        raise _RollBack


def _print_state(data: Path, session: SessionRecord, seconds: float) -> None:
    path = wire.STATE.path(user=wire.CURRENT_USER, session=session.id)
    with start_server(data) as own:
        rate = asyncio.run(measure_rate(own, path, _TOKEN, seconds))
    assert rate.statuses == {"200"}, rate
    # Where the system does not report CPU time, measure a busy server by the wall clock.
    cost = (
        rate.cpu_microseconds / 1000
        if rate.cpu_microseconds is not None
        else 1000 / rate.per_second
    )
    print(
        f"a state read in{'':27} {cost:7.3f} ms of processor time, over a socket "
        f"(target: {_STATE_MS:g} ms), {rate.per_second:,.0f} requests/s",
        flush=True,
    )


if __name__ == "__main__":
    raise SystemExit(main())
