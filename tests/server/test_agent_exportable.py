"""Any message leaves a draft that can be exported; an edit that cannot is rejected uncharged."""

import asyncio
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from unittest.mock import patch

import pytest
from hypothesis import given, settings, strategies as st

from nemolocal_contract.clock import ManualClock
from nemolocal_contract.turn_events import Text
from nemolocal_render.media import MediaInfo
from nemolocal_render.planning.planner import DraftRejected, plan_render
from nemolocal_server import ids
from nemolocal_server.data.sessions import Asset, SessionRecord
from nemolocal_server.data.tokens import TokenRecord
from nemolocal_server.services import Services
from nemolocal_server.settings import Settings, Tariff
from nemolocal_server.turns.silent_turns import SilentTurnPolicy
from nemolocal_server.turns.turn_schedule import TurnStep
from tests.support.profiles import examples

HOUR = MediaInfo("video", "mp4", 3600.0, 1280, 720, 30.0, "h264", "yuv420p", "aac")
SILENT = MediaInfo("video", "mp4", 9.976, 640, 360, 240.0, "h264", "yuv420p")
STILL = MediaInfo("image", "png", 0.0, 640, 360, video_codec="png")
SONG = MediaInfo("audio", "m4a", 30.0, audio_codec="aac")
EMPTY = ("has no segments", "has no track that can be rendered")
GRANT = 1000


class Talk:
    """A session on a server without a socket, with some uploads."""

    def __init__(self, folder: Path, *uploads: tuple[str, MediaInfo]) -> None:
        self.clock = ManualClock()
        options = Settings(
            data_dir=folder,
            silence=SilentTurnPolicy(rate=0.0),
            tariff=Tariff(grant=GRANT, editing=50),
        )
        self.server = Services(options, self.clock)
        self.server.start()
        context = self.server.context
        self.token: TokenRecord = context.tokens.issue("client", "127.0.0.1")[1]
        context.ledger.grant(self.token.id, GRANT, "anonymous token")
        self.session: SessionRecord = context.sessions.create(self.token, "project", "en")
        for name, info in uploads:
            path = context.store.work / ids.new_file_id()
            path.write_bytes(b"a file")
            asset = Asset(ids.new_file_id(), self.session.id, "upload", name, "", info)
            context.assets.add([(asset, path)])

    async def say(self, message: str) -> str:
        """What is answered once everything is done."""
        turn = self.server.turns.start(self.token, self.session, message)
        await self.clock.advance(1000)
        said = [step.action for step in turn.steps if isinstance(step, TurnStep)]
        return "".join(action.text for action in said if isinstance(action, Text))

    @property
    def balance(self) -> int:
        return self.server.context.ledger.balance(self.token.id).available

    def objection(self) -> str:
        """Why the renderer rejects the current draft; empty if it does not."""
        draft = self.server.context.sessions.newest_draft(self.session.id)
        try:
            plan_render(draft, self.server.context.assets.render_sources(self.session.id))
        except DraftRejected as error:
            return error.reason
        return ""


async def fake_music(_mood: str, _seconds: float, destination: Path) -> MediaInfo:
    destination.write_bytes(b"la la la")
    return SONG


@contextmanager
def talk(folder: Path, *uploads: tuple[str, MediaInfo]) -> Iterator[tuple[Talk, asyncio.Runner]]:
    with (
        asyncio.Runner() as runner,
        patch("nemolocal_server.turns.media_generator.make_music", fake_music),
    ):

        async def begin() -> Talk:
            return Talk(folder, *uploads)

        begun = runner.run(begin())
        yield begun, runner
        runner.run(begun.server.close())


ALL = (("hour.mp4", HOUR), ("silent.mp4", SILENT), ("logo.png", STILL), ("song.m4a", SONG))
MESSAGES = [
    "compress to under {n}000000 MB",
    "compress it to under {n}0000 MB",
    "compress to {n} KB",
    "compress to 0.0{n} MB",
    "loop it {n} times",
    "loop it for {n}0 minutes",
    "變慢一點",
    "make it 1.{n}x faster",
    "speed it up a little",
    "slow it down a little",
    "make it 0.{n}x",
    "trim to the first {n} seconds",
    "trim to the first 0.00{n} seconds",
    "keep the last {n}0 minutes",
    "remove the first {n} seconds",
    "split it into {n} equal parts",
    "reverse it",
    "add a crossfade of {n} seconds",
    "add calm background music",
    "show logo.png as a watermark",
    "show silent.mp4 as picture in picture",
    "add a title 'Hi'",
    "blur it",
    "rotate it",
    "zoom in",
    "make it louder",
    "start over",
    "undo",
    "4k",
    "set the frame rate to {n}",
    "1\n00:00:01,000 --> 0{n}:00:02,000\nhello",
]
messages = st.builds(lambda text, n: text.format(n=n), st.sampled_from(MESSAGES), st.integers(1, 9))


@pytest.mark.slow
@settings(max_examples=examples(6, 200))
@given(st.lists(messages, min_size=1, max_size=6), st.integers(1, len(ALL)))
def test_any_edited_draft_can_be_exported(
    tmp_path_factory: pytest.TempPathFactory, said: list[str], count: int
) -> None:
    folder = tmp_path_factory.mktemp("data")
    with talk(folder, *ALL[:count]) as (session, runner):
        for message in said:
            before, balance = session.objection(), session.balance
            answer = runner.run(session.say(message))
            if answer.startswith("I could not"):
                assert session.balance == balance, message
                assert session.objection() == before, message
            else:
                assert session.objection() in ("", *EMPTY), (message, said)
    shutil.rmtree(folder)


@pytest.mark.parametrize(
    ("said", "reason"),
    [
        (["compress to under 1000000 MB"], "limit of the file size can be at most 100000 MB"),
        (["compress to 1 KB"], "is too small for 3600 s of this size"),
        (["loop it 3 times"], "longer than 2 hours"),
    ],
)
def test_edit_that_cannot_be_exported_is_rejected_without_charge(
    tmp_path: Path, said: list[str], reason: str
) -> None:
    with talk(tmp_path, *ALL[:1]) as (session, runner):
        runner.run(session.say("edit my video"))
        balance = session.balance
        for message in said:
            assert reason in runner.run(session.say(message))
        assert session.balance == balance


@pytest.mark.slow
@pytest.mark.parametrize(
    "said",
    [
        ["變慢一點", "make it 1.5x faster", "speed it up a little"],
        ["make it 0.7x", "make it 1.3x faster", "make it 1.1x faster"],
        ["slow it down a little", "slow it down a little", "speed it up a little"],
    ],
)
def test_speed_changes_of_an_hour_stay_within_the_source(tmp_path: Path, said: list[str]) -> None:
    with talk(tmp_path, *ALL[:1]) as (session, runner):
        for message in said:
            assert runner.run(session.say(message)).startswith(("Done", "I could not"))
            assert session.objection() == ""


@pytest.mark.slow
def test_clips_without_audio_cannot_get_louder(tmp_path: Path) -> None:
    with talk(tmp_path, ("silent.mp4", SILENT), ("logo.png", STILL)) as (session, runner):
        runner.run(session.say("edit my video"))
        for message in (
            "make it louder",
            "make it quieter",
            "set the volume to 50%",
            "make the first clip louder",
            "turn up the sound of logo.png",
        ):
            balance = session.balance
            assert "there is no sound in it" in runner.run(session.say(message)), message
            assert session.balance == balance
        assert runner.run(session.say("mute it")).startswith("Done")
        runner.run(session.say("add calm background music"))
        assert runner.run(session.say("make it louder")).startswith("Done")


def test_volume_applies_if_any_clip_has_audio(tmp_path: Path) -> None:
    with talk(tmp_path, *ALL[:2]) as (session, runner):
        runner.run(session.say("edit my video"))
        assert runner.run(session.say("make it louder")).startswith("Done")
        assert "there is no sound" in runner.run(session.say("make the second clip louder"))
