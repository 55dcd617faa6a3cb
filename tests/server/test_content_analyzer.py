"""Files are analyzed before a turn that depends on them is planned, each once."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path

import msgspec
import pytest

from nemolocal_agent import Analysis, AnalysisRequest, SilenceRequest, Silences
from nemolocal_contract.clock import ManualClock
from nemolocal_contract.turn_events import Text
from nemolocal_render.ffmpeg_cli import FFmpegFailed
from nemolocal_render.media import MediaInfo, MediaSource
from nemolocal_server import ids
from nemolocal_server.data.sessions import Asset, SessionRecord
from nemolocal_server.data.tokens import NewToken, TokenRecord
from nemolocal_server.services import Services
from nemolocal_server.settings import Settings
from nemolocal_server.turns import content_analyzer
from nemolocal_server.turns.content_analyzer import run_analysis
from nemolocal_server.turns.silent_turns import SilentTurnPolicy

TALK = MediaInfo("video", "mp4", 10.0, 64, 36, 30.0, "h264", "yuv420p", "aac")
PAUSE = Silences(((2000, 4000),))


class Conversation:
    """A session with an upload, on a server without a socket."""

    def __init__(self, services: Services, clock: ManualClock) -> None:
        self.services, self.clock = services, clock
        self.token: TokenRecord = services.create_token(NewToken(credits=1000, plan="paid"))[1]
        self.session: SessionRecord = services.context.sessions.create(self.token, "project", "en")
        path = services.context.store.work / ids.new_file_id()
        path.write_bytes(b"a clip")
        asset = Asset(ids.new_file_id(), self.session.id, "upload", "talk.mp4", "hash", TALK)
        services.context.assets.add([(asset, path)])

    async def say(self, message: str) -> tuple[bool, str]:
        """Whether files were analyzed, and what was answered."""
        intent, waited = await self.services.turns.understand(self.token, self.session, message)
        turn = self.services.turns.start(self.token, self.session, message, intent=intent)
        await self.clock.advance(1000)
        said = [step.action for step in turn.steps]
        return waited, "".join(action.text for action in said if isinstance(action, Text))

    @property
    def length_ms(self) -> float:
        newest = self.services.context.sessions.newest_draft(self.session.id)
        return newest.duration_ms or 0


@asynccontextmanager
async def conversation() -> AsyncIterator[Conversation]:
    clock = ManualClock()
    services = Services(Settings(silence=SilentTurnPolicy(rate=0)), clock)
    services.start()
    try:
        yield Conversation(services, clock)
    finally:
        await services.close()


@pytest.fixture
def analyzed(monkeypatch: pytest.MonkeyPatch) -> Callable[[Analysis | None], list[AnalysisRequest]]:
    """Replace FFmpeg: every file has this result, or cannot be analyzed; returns the requests."""

    def install(result: Analysis | None) -> list[AnalysisRequest]:
        requests: list[AnalysisRequest] = []

        async def analyze(_: MediaSource, request: AnalysisRequest) -> Analysis:
            requests.append(request)
            if result is None:
                raise FFmpegFailed("FFmpeg was stopped after 60 s")
            return result

        monkeypatch.setattr("nemolocal_server.turns.content_analyzer.run_analysis", analyze)
        return requests

    return install


def test_silence_is_cut_and_the_file_is_analyzed_once(
    analyzed: Callable[[Analysis | None], list[AnalysisRequest]],
) -> None:
    requests = analyzed(PAUSE)

    async def talk() -> None:
        async with conversation() as one:
            waited, said = await one.say("remove the silence")
            assert waited
            assert "quieter than -35 dB" in said
            assert one.length_ms == 10_000 - 1840
            await one.say("undo")
            waited, again = await one.say("remove the silence")
            assert not waited
            assert "quieter than -35 dB" in again

    asyncio.run(talk())
    assert len(requests) == 1


def test_each_limit_is_analyzed_and_other_edits_need_none(
    analyzed: Callable[[Analysis | None], list[AnalysisRequest]],
) -> None:
    requests = analyzed(PAUSE)

    async def talk() -> None:
        async with conversation() as one:
            assert not (await one.say("add reverb"))[0]
            assert not (await one.say("hello"))[0]
            assert (await one.say("remove silences longer than 1 second"))[0]
            assert (await one.say("add captions"))[0]

    asyncio.run(talk())
    assert len(requests) == 2


def test_a_file_that_cannot_be_analyzed_is_said_so_and_nothing_is_charged(
    analyzed: Callable[[Analysis | None], list[AnalysisRequest]],
) -> None:
    analyzed(None)

    async def talk() -> None:
        async with conversation() as one:
            _, said = await one.say("remove the silence")
            assert "could not be analyzed" in said
            assert one.length_ms == 0
            assert one.services.context.ledger.balance(one.token.id).available == 1000

    asyncio.run(talk())


def test_a_file_without_sound_has_no_silence() -> None:
    """FFmpeg is not even started."""
    silent = MediaSource(Path("/missing.mp4"), msgspec.structs.replace(TALK, audio_codec=""))
    assert asyncio.run(run_analysis(silent, SilenceRequest(-35.0, 500))) == Silences()


def test_the_oldest_analyses_make_room(
    analyzed: Callable[[Analysis | None], list[AnalysisRequest]], monkeypatch: pytest.MonkeyPatch
) -> None:
    requests = analyzed(PAUSE)
    monkeypatch.setattr(content_analyzer, "MAX_RESULTS", 1)

    async def talk() -> None:
        async with conversation() as one:
            await one.say("remove the silence")
            await one.say("remove silences longer than 1 second")
            await one.say("undo")
            await one.say("undo")
            assert (await one.say("remove the silence"))[0]

    asyncio.run(talk())
    assert len(requests) == 3
