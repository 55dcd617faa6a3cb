"""Several edits of one session at once: each holds its price until one has succeeded (CRD-3)."""

import asyncio
from collections.abc import Callable, Coroutine, Iterator
from pathlib import Path
from typing import Any, TypeVar

import msgspec
import pytest
from hypothesis import settings, strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from nemolocal_contract.clock import ManualClock
from nemolocal_contract.responses import ResponseCode
from nemolocal_render.ffmpeg_cli import FFmpegFailed
from nemolocal_render.media import MediaInfo
from nemolocal_server.data.sessions import SessionRecord
from nemolocal_server.data.tokens import NewToken
from nemolocal_server.errors import ContractError
from nemolocal_server.services import Services
from nemolocal_server.settings import Settings, Tariff
from nemolocal_server.turns.silent_turns import AppliedWeights, SilentTurnPolicy
from tests.support.clips import CLIP, open_session
from tests.support.profiles import examples

EDIT, FAILING = "compress this video", "add epic background music"
GENERATE, BOTH = (
    "generate a clip of a city at night",
    "generate a clip of the sea and add a title 'X'",
)
SONG = MediaInfo(kind="audio", extension="m4a", duration=4.0, audio_codec="aac")
LONGEST = 2000.0
T = TypeVar("T")


async def fake_music(mood: str, _seconds: float, destination: Path) -> MediaInfo:
    if mood == "epic":
        raise FFmpegFailed("no room for something epic")
    destination.write_bytes(b"la la la")
    return SONG


async def fake_scene(_scene: str, _seconds: float, _seed: int, destination: Path) -> MediaInfo:
    destination.write_bytes(b"a clip")
    return CLIP


@pytest.fixture(autouse=True)
def generated_media(monkeypatch: pytest.MonkeyPatch) -> None:
    """Music and clips are made at once, and are none."""
    monkeypatch.setattr("nemolocal_server.turns.media_generator.make_music", fake_music)
    monkeypatch.setattr("nemolocal_server.turns.media_generator.make_scene", fake_scene)


class ServerHarness:
    """A server on a manual clock with one token and its sessions."""

    def __init__(self, credits: int = 10_000, **chosen: Any) -> None:
        self.loop = asyncio.new_event_loop()
        self.clock = ManualClock()
        options: dict[str, Any] = {"silence": SilentTurnPolicy(rate=0), **chosen}
        self.server = self.run(self._open(Settings(**options)))
        self.token = self.server.create_token(NewToken(credits=credits, plan="paid"))[1]
        self.sessions: list[SessionRecord] = []

    async def _open(self, options: Settings) -> Services:
        server = Services(options, self.clock)
        server.start()
        return server

    def run(self, work: Coroutine[Any, Any, T]) -> T:
        return self.loop.run_until_complete(work)

    def close(self) -> None:
        self.run(self.server.close())
        self.loop.close()

    def session(self) -> SessionRecord:
        self.sessions.append(open_session(self.server.context, self.token))
        return self.sessions[-1]

    def say(self, session: SessionRecord, message: str) -> int:
        """Begin a turn; its number."""

        async def begin() -> int:
            return self.server.turns.start(self.token, session, message).number

        return self.run(begin())

    def wait(self, seconds: float = LONGEST) -> None:
        self.run(self.clock.advance(seconds))

    def balance(self) -> tuple[int, int]:
        found = self.server.context.ledger.balance(self.token.id)
        return found.available, found.frozen

    def statuses(self) -> dict[tuple[str, int], str]:
        rows = self.server.context.store.fetch_all(
            dict[str, Any], "SELECT session_id, number, status FROM turns"
        )
        return {(row["session_id"], row["number"]): row["status"] for row in rows}


@pytest.fixture
def open_harness() -> Iterator[Callable[..., ServerHarness]]:
    harnesses: list[ServerHarness] = []

    def make(**chosen: Any) -> ServerHarness:
        harnesses.append(ServerHarness(**chosen))
        return harnesses[-1]

    yield make
    for harness in harnesses:
        harness.close()


@pytest.mark.slow
def test_each_holds_its_price_and_the_first_to_succeed_pays(
    open_harness: Callable[..., ServerHarness],
) -> None:
    harness = open_harness(credits=200)
    session = harness.session()
    for number in range(1, 4):
        harness.say(session, EDIT)
        assert harness.balance() == (200 - 50 * number, 50 * number)
    while harness.balance()[1]:
        frozen = harness.balance()[1]
        assert frozen == 150
        harness.wait(1.0)
    # The first success gives the other two back at once, while they still run.
    assert harness.balance() == (150, 0)
    assert "running" in harness.statuses().values()
    harness.wait()
    assert (harness.balance(), set(harness.statuses().values())) == ((150, 0), {"done"})
    harness.say(session, EDIT)
    assert harness.balance() == (150, 0)


@pytest.mark.slow
@pytest.mark.parametrize("messages", [(FAILING, EDIT), (EDIT, FAILING), (FAILING, FAILING, EDIT)])
def test_none_is_free_because_another_failed(
    open_harness: Callable[..., ServerHarness], messages: tuple[str, ...]
) -> None:
    harness = open_harness(credits=200)
    session = harness.session()
    for message in messages:
        harness.say(session, message)
    assert harness.balance()[1] == 50 * len(messages)
    harness.wait()
    assert harness.balance() == (150, 0)


@pytest.mark.slow
def test_where_all_fail_all_is_given_back(open_harness: Callable[..., ServerHarness]) -> None:
    harness = open_harness(credits=100)
    session = harness.session()
    for _ in range(2):
        harness.say(session, FAILING)
    harness.wait()
    assert (harness.balance(), set(harness.statuses().values())) == ((100, 0), {"failed"})


@pytest.mark.slow
def test_who_cannot_hold_once_more_is_refused(open_harness: Callable[..., ServerHarness]) -> None:
    harness = open_harness(credits=100)
    session = harness.session()
    for _ in range(2):
        harness.say(session, EDIT)
    with pytest.raises(ContractError) as refused:
        harness.say(session, EDIT)
    assert (refused.value.code, harness.balance()) == (ResponseCode.NO_CREDITS, (0, 100))
    harness.wait()
    harness.say(session, EDIT)
    assert harness.balance() == (50, 0)


@pytest.mark.slow
def test_a_clip_is_paid_whatever_becomes_of_the_fee(
    open_harness: Callable[..., ServerHarness],
) -> None:
    harness = open_harness(credits=1000)
    session = harness.session()
    harness.say(session, BOTH)
    harness.say(session, EDIT)
    assert harness.balance() == (800, 200)
    harness.wait(60.0)  # an edit is done long before a clip
    assert harness.balance() == (850, 100)
    harness.wait()
    assert harness.balance() == (850, 0)
    costs = [harness.server.journal._turn_results.find(session.id, number) for number in (1, 2)]
    assert [result and result.cost for result in costs] == [100, 50]


@pytest.mark.slow
def test_another_session_is_not_concerned(open_harness: Callable[..., ServerHarness]) -> None:
    harness = open_harness(credits=1000)
    first, second = harness.session(), harness.session()
    harness.say(first, EDIT)
    harness.say(second, FAILING)
    harness.say(second, EDIT)
    harness.wait()
    assert harness.balance() == (900, 0)


@pytest.mark.slow
def test_a_silent_edit_that_is_late_or_never_comes_holds_on(
    open_harness: Callable[..., ServerHarness],
) -> None:
    for script, left in (("n.", 150), ("l.", 150), ("nn", 200)):
        harness = open_harness(credits=200, silence=SilentTurnPolicy(script=script))
        session = harness.session()
        for _ in range(2):
            harness.say(session, EDIT)
        assert harness.balance() == (100, 100)
        harness.wait()
        assert harness.balance() == (left, 0)


class Asked(msgspec.Struct, frozen=True):
    """A turn, and what it costs if it succeeds."""

    session: str
    number: int
    clips: int
    edits: bool


class EditsAtOnce(RuleBasedStateMachine):
    """Any edits of two sessions in any order, against what they may hold and what they must pay."""

    tariff = Tariff(editing=50, generation=100)

    def __init__(self) -> None:
        super().__init__()
        silence = SilentTurnPolicy(
            rate=0.4, truths=AppliedWeights(applied=1, not_applied=1, late=1)
        )
        self.harness = ServerHarness(1_000_000, silence=silence, tariff=self.tariff)
        self.owned = [self.harness.session(), self.harness.session()]
        self.asked: list[Asked] = []
        # What was already paid when a turn began, which then holds no fee.
        self.free: set[tuple[str, int]] = set()

    def teardown(self) -> None:
        self.harness.close()

    @rule(which=st.integers(0, 1), message=st.sampled_from([EDIT, FAILING, GENERATE, BOTH]))
    def say(self, which: int, message: str) -> None:
        session = self.owned[which]
        paid = self.paid(session.id)
        number = self.harness.say(session, message)
        edits = self.harness.server.context.store.fetch_value(
            "SELECT 1 FROM edits WHERE session_id = :id AND number = :n", id=session.id, n=number
        )
        if edits is None:  # it was not possible: talk
            return
        clips = int(message in (GENERATE, BOTH))
        asked = Asked(session.id, number, clips, message != GENERATE)
        self.asked.append(asked)
        if paid:
            self.free.add((session.id, number))

    @rule(seconds=st.sampled_from([1.0, 7.0, 30.0, 200.0]))
    def time_passes(self, seconds: float) -> None:
        self.harness.wait(seconds)

    @precondition(lambda self: self.asked)
    @rule()
    def everything_ends(self) -> None:
        self.harness.wait()
        assert "running" not in self.harness.statuses().values()

    def paid(self, session: str) -> bool:
        """Whether an edit of this session has succeeded."""
        statuses = self.harness.statuses()
        return any(
            turn.edits and statuses[turn.session, turn.number] == "done"
            for turn in self.asked
            if turn.session == session
        )

    @invariant()
    def credits_are_held_and_taken_as_the_contract_says(self) -> None:
        statuses = self.harness.statuses()
        held = taken = 0
        for turn in self.asked:
            status = statuses[turn.session, turn.number]
            clips = turn.clips * self.tariff.generation
            if status == "running":
                held += clips + self.tariff.editing * (turn.edits and not self.paid(turn.session))
            elif status == "done":
                taken += clips
        taken += self.tariff.editing * sum(self.paid(session.id) for session in self.owned)
        assert self.harness.balance() == (1_000_000 - held - taken, held)


TestEditsAtOnce = pytest.mark.slow(EditsAtOnce.TestCase)
TestEditsAtOnce.settings = settings(max_examples=examples(8, 80), stateful_step_count=20)
