"""A turn that generates media for longer than planned still sends heartbeats (SSE-3)."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from nemolocal_contract.clock import WallClock
from nemolocal_contract.turn_events import Heartbeat, Text, TurnEvent
from nemolocal_render.media import MediaInfo
from nemolocal_server.data.tokens import NewToken
from nemolocal_server.services import Services
from nemolocal_server.settings import Settings
from nemolocal_server.turns.silent_turns import SilentTurnPolicy
from tests.support.clips import CLIP, open_session

SONG = MediaInfo(kind="audio", extension="m4a", duration=4.0, audio_codec="aac")
ENOUGH = 3
# Only ends a run in which no heartbeat comes.
GIVE_UP = 120


async def _events(services: Services, message: str) -> AsyncIterator[TurnEvent]:
    token = services.create_token(NewToken(credits=1000, plan="paid"))[1]
    session = open_session(services.context, token)
    async for event in services.turns.start(token, session, message).events():
        yield event


async def _count_heartbeats(monkeypatch: pytest.MonkeyPatch, message: str) -> tuple[int, TurnEvent]:
    """How many heartbeats came while FFmpeg worked, and the last event of the turn."""
    working, enough = asyncio.Event(), asyncio.Event()

    async def work(destination: Path) -> None:
        working.set()
        await enough.wait()
        working.clear()
        destination.write_bytes(b"media")

    async def scene(_name: str, _seconds: float, _seed: int, destination: Path) -> MediaInfo:
        await work(destination)
        return CLIP

    async def music(_mood: str, _seconds: float, destination: Path) -> MediaInfo:
        await work(destination)
        return SONG

    monkeypatch.setattr("nemolocal_server.turns.media_generator.make_scene", scene)
    monkeypatch.setattr("nemolocal_server.turns.media_generator.make_sound", music)
    monkeypatch.setattr("nemolocal_server.turns.media_generator.make_music", music)
    services = Services(Settings(silence=SilentTurnPolicy(rate=0)), WallClock(speed=10_000))
    services.start()
    count = 0
    last: TurnEvent = Heartbeat()
    try:
        async for event in _events(services, message):
            last = event
            count += working.is_set() and isinstance(event, Heartbeat)
            if count == ENOUGH:
                enough.set()
    finally:
        await services.close()
    return count, last


@pytest.mark.parametrize(
    "message", ["generate a clip of the sea", "add epic background music", "add a ding at 0:01"]
)
def test_heartbeats_go_on_while_media_are_generated(
    monkeypatch: pytest.MonkeyPatch, message: str
) -> None:
    count, last = asyncio.run(
        asyncio.wait_for(_count_heartbeats(monkeypatch, message), timeout=GIVE_UP)
    )
    assert count >= ENOUGH
    assert isinstance(last, Text)
