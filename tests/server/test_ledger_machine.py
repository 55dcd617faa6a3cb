"""The ledger under any order of edits, ends, exports, direct holds and kills: no credit is lost."""

import asyncio
import shutil
import tempfile
from collections.abc import Callable, Coroutine
from pathlib import Path
from typing import Any

import pytest
from hypothesis import settings, strategies as st
from hypothesis.stateful import (
    Bundle,
    RuleBasedStateMachine,
    consumes,
    initialize,
    invariant,
    multiple,
    precondition,
    rule,
)

from nemolocal_contract.clock import ManualClock
from nemolocal_contract.draft import draft_to_wire
from nemolocal_contract.endpoints import RenderRequest
from nemolocal_contract.responses import ResponseCode
from nemolocal_render.ffmpeg_cli import FFmpegFailed
from nemolocal_render.job import RenderJobFailed, RenderResult
from nemolocal_render.media import MediaInfo
from nemolocal_render.planning.planner import RenderPlan
from nemolocal_server.data.sessions import SessionRecord
from nemolocal_server.data.tokens import TokenRecord
from nemolocal_server.errors import ContractError
from nemolocal_server.services import Services
from nemolocal_server.settings import Settings
from nemolocal_server.turns.silent_turns import AppliedWeights, SilentTurnPolicy
from tests.support.clips import open_session
from tests.support.profiles import examples

# Hundreds of databases are opened and closed: where there is a disk in memory, on that.
MEMORY = "/dev/shm" if Path("/dev/shm").is_dir() else None
GRANT, PRICE = 100, 50
# Longer than any turn lasts, one that comes late too.
LONGEST = 2000.0
MOST_CLIENTS, MOST_SESSIONS = 4, 8
SONG = MediaInfo(kind="audio", extension="m4a", duration=4.0, audio_codec="aac")
# What succeeds, what is found impossible only when an earlier edit has ended, what FFmpeg fails at.
MESSAGES = [
    "add epic background music",
    "compress this video",
    "remove the first 3 seconds",
    "trim to the first 1 second",
    "add calm background music",
    "set the music volume to 20%",
    "hello",
]


async def fake_music(mood: str, _seconds: float, destination: Path) -> MediaInfo:
    if mood == "epic":
        raise FFmpegFailed("no room for something epic")
    destination.write_bytes(b"la la la")
    return SONG


async def fake_render(
    plan: RenderPlan, destination: Path, on_progress: Callable[[int], None]
) -> RenderResult:
    on_progress(50)
    await asyncio.sleep(0)
    if plan.duration > 2:
        raise RenderJobFailed("too long for this test")
    destination.write_bytes(b"a render")
    return RenderResult(1.0, 8, 30, 64, 64, "none", "planned")


def open_holds(machine: "LedgerMachine") -> set[int]:
    """The holds that nothing has answered yet."""
    rows = machine.server.context.store.fetch_all(
        dict[str, int],
        """SELECT id FROM ledger WHERE kind = 'hold' AND id NOT IN
           (SELECT hold_id FROM ledger WHERE hold_id IS NOT NULL)""",
    )
    return {row["id"] for row in rows}


@pytest.fixture(autouse=True)
def generated_music(monkeypatch: pytest.MonkeyPatch) -> None:
    """Music is made at once, and is none."""
    monkeypatch.setattr("nemolocal_server.turns.media_generator.make_music", fake_music)


class LedgerMachine(RuleBasedStateMachine):
    """Tokens, sessions and what moves their credits, on a real data folder."""

    tokens: Bundle[TokenRecord] = Bundle("tokens")
    sessions: Bundle[tuple[TokenRecord, SessionRecord]] = Bundle("sessions")
    holds: Bundle[tuple[TokenRecord, int]] = Bundle("holds")

    def __init__(self) -> None:
        super().__init__()
        self.folder = Path(tempfile.mkdtemp(prefix="ledger-", dir=MEMORY))
        self.loop = asyncio.new_event_loop()
        self.clock = ManualClock()
        self.given: dict[int, int] = {}
        self.clients = 0
        self.opened = 0
        self.renders = 0
        self.run(self.open())

    def run(self, work: Coroutine[Any, Any, object]) -> None:
        self.loop.run_until_complete(work)

    def refused(self, work: Coroutine[Any, Any, object]) -> ResponseCode | None:
        """The code with which it was refused, or None."""
        try:
            self.run(work)
        except ContractError as error:
            return error.code
        return None

    async def open(self) -> None:
        # Half of the edits end silently, and not all of those are done at once, or at all.
        silence = SilentTurnPolicy(
            rate=0.5, truths=AppliedWeights(applied=1, not_applied=1, late=1)
        )
        options = Settings(data_dir=self.folder, silence=silence)
        self.server = Services(options, self.clock, fake_render)
        self.server.start()

    def teardown(self) -> None:
        self.run(self.server.close())
        self.loop.close()
        shutil.rmtree(self.folder)

    @initialize(target=sessions)
    def first_session(self) -> tuple[TokenRecord, SessionRecord]:
        return self.begin_session(self.issue())

    @precondition(lambda self: self.clients < MOST_CLIENTS)
    @rule(target=tokens)
    def new_token(self) -> TokenRecord:
        return self.issue()

    def issue(self) -> TokenRecord:
        self.clients += 1
        context = self.server.context
        _, token = context.tokens.issue(f"client-{self.clients}", "127.0.0.1")
        context.ledger.grant(token.id, GRANT, "anonymous token")
        self.given[token.id] = GRANT
        return token

    @precondition(lambda self: self.opened < MOST_SESSIONS)
    @rule(target=sessions, token=tokens)
    def open_session(self, token: TokenRecord) -> tuple[TokenRecord, SessionRecord]:
        return self.begin_session(token)

    def begin_session(self, token: TokenRecord) -> tuple[TokenRecord, SessionRecord]:
        self.opened += 1
        return token, open_session(self.server.context, token)

    @rule(
        owned=sessions,
        message=st.sampled_from(MESSAGES),
        patience=st.sampled_from([60.0, 0.0, 3.0, 60.0]),
    )
    def say(self, owned: tuple[TokenRecord, SessionRecord], message: str, patience: float) -> None:
        before = self.balance(owned[0])

        async def begin() -> None:
            self.server.turns.start(*owned, message)
            await self.clock.advance(patience)

        refusal = self.refused(begin())
        if refusal is not None:
            assert refusal == ResponseCode.NO_CREDITS
            assert before[0] < PRICE
            assert self.balance(owned[0]) == before

    @rule(seconds=st.sampled_from([1.0, 8.0, 40.0]))
    def time_passes(self, seconds: float) -> None:
        self.run(self.clock.advance(seconds))

    @rule(owned=sessions)
    def export(self, owned: tuple[TokenRecord, SessionRecord]) -> None:
        before = self.balance(owned[0])
        self.renders += 1
        draft = draft_to_wire(self.server.context.sessions.newest_draft(owned[1].id))
        request = RenderRequest(f"render_{self.renders}", owned[1].id, draft)

        async def submit() -> None:
            await self.server.exports.submit(*owned, request, "1080p")
            for _ in range(4):
                await asyncio.sleep(0)

        refusal = self.refused(submit())
        assert refusal == (None if draft["t"] else ResponseCode.BAD_REQUEST)
        assert self.balance(owned[0]) == before

    @rule(target=holds, token=tokens, amount=st.integers(0, 60))
    def hold(self, token: TokenRecord, amount: int) -> Any:
        available, frozen = self.balance(token)
        ledger = self.server.context.ledger
        if available < amount:
            with pytest.raises(ContractError, match="Not enough credits"):
                ledger.hold(token, amount, "a test")
            return multiple()
        hold_id = ledger.hold(token, amount, "a test")
        assert self.balance(token) == (available - amount, frozen + amount)
        return multiple() if hold_id is None else (token, hold_id)

    @rule(hold=consumes(holds), kind=st.sampled_from(["settle", "release"]))
    def answer(self, hold: tuple[TokenRecord, int], kind: str) -> None:
        """An answer counts once: a second one (a kill may have given the first) changes nothing."""
        token, hold_id = hold
        ledger = self.server.context.ledger
        if hold_id in open_holds(self):
            getattr(ledger, kind)(hold_id, "a test")
        before = self.balance(token)
        with pytest.raises(Exception, match="UNIQUE"):
            ledger.release(hold_id, "once more")
        assert self.balance(token) == before

    @precondition(lambda self: bool(open_holds(self)))
    @rule(kill=st.booleans())
    def start_anew(self, kill: bool) -> None:
        """After a kill only what the database has committed remains."""
        if kill:
            self.run(self.die())
            self.server.context.store.close()
        else:
            self.run(self.server.close())
        self.run(self.open())
        self.only_late_edits_are_open()

    async def die(self) -> None:
        others = asyncio.all_tasks() - {asyncio.current_task()}
        for task in others:
            task.cancel()
        await asyncio.gather(*others, return_exceptions=True)

    def only_late_edits_are_open(self) -> None:
        """After a start: what was cut short is answered; an edit that comes late still will."""
        late = self.server.context.store.fetch_column(
            "SELECT hold_id FROM turns WHERE status = 'running' AND hold_id IS NOT NULL"
        )
        assert open_holds(self) == set(late)

    @rule()
    def everything_ends(self) -> None:
        self.run(self.clock.advance(LONGEST))
        running = self.server.context.store.fetch_column(
            "SELECT 1 FROM turns WHERE status = 'running'"
        )
        assert running == []

    @invariant()
    def nothing_is_negative_lost_or_made(self) -> None:
        for token_id, given in self.given.items():
            balance = self.server.context.ledger.balance(token_id)
            assert balance.available >= 0
            assert balance.frozen >= 0
            assert balance.available + balance.frozen == balance.total
            assert balance.total == given - self.taken(token_id)

    @invariant()
    def an_edit_is_paid_when_it_is_done_and_not_otherwise(self) -> None:
        rows = self.server.context.store.fetch_all(
            dict[str, Any],
            """SELECT turns.status, answer.kind FROM turns
               LEFT JOIN ledger AS answer ON answer.hold_id = turns.hold_id
               WHERE turns.hold_id IS NOT NULL""",
        )
        due = {"running": None, "done": "settle", "failed": "release"}
        assert all(row["kind"] == due[row["status"]] for row in rows), rows

    @invariant()
    def a_session_pays_once(self) -> None:
        paid = self.server.context.store.fetch_all(
            dict[str, Any],
            """SELECT session_id, count(*) AS times FROM turns
               WHERE hold_id IS NOT NULL AND status = 'done' GROUP BY session_id""",
        )
        assert all(row["times"] == 1 for row in paid), paid

    def balance(self, token: TokenRecord) -> tuple[int, int]:
        balance = self.server.context.ledger.balance(token.id)
        return balance.available, balance.frozen

    def taken(self, token_id: int) -> int:
        settled = "SELECT -sum(frozen) FROM ledger WHERE token_id = :token AND kind = 'settle'"
        return int(self.server.context.store.fetch_value(settled, token=token_id) or 0)


TestLedger = LedgerMachine.TestCase
# Some runs end early, where no rule can be drawn: of these 2,500 steps more than 2,000 are taken.
TestLedger.settings = settings(max_examples=examples(6, 100), stateful_step_count=examples(40, 50))
