"""Silent edits: which ones, decided by the key alone, and three truths with the same bytes."""

import asyncio
import json
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, strategies as st

from nemolocal_contract.clock import ManualClock
from nemolocal_contract.turn_events import Heartbeat, Text
from nemolocal_server.seeded_random import SeededRandom
from nemolocal_server.services import Services
from nemolocal_server.settings import Settings
from nemolocal_server.turns.silent_turns import (
    AppliedWeights,
    EditOutcome,
    SilentTurnPolicy,
    choose_outcome,
)
from nemolocal_server.turns.turn_schedule import TurnSeed
from tests.support.http_caller import HttpCaller, NewCaller
from tests.support.servers import ServerFactory

PAID = {"available": 50, "frozen": 0, "total": 50}
HELD = {"available": 50, "frozen": 50, "total": 100}
FREE = {"available": 100, "frozen": 0, "total": 100}


def key(client: str = "client", turn: int = 1) -> TurnSeed:
    return TurnSeed(client, 1, turn, "trim")


def outcomes(silence: SilentTurnPolicy, edits: int, client: str = "client") -> list[EditOutcome]:
    return [
        choose_outcome(silence, SeededRandom(7), key(client, n), n) for n in range(1, edits + 1)
    ]


def marks(silence: SilentTurnPolicy, edits: int, client: str = "client") -> str:
    return "".join(".s"[outcome.silent] for outcome in outcomes(silence, edits, client))


@pytest.mark.slow
@pytest.mark.rule("SSE-5")
def test_about_three_in_ten_edits_are_silent_and_always_the_same_ones() -> None:
    silent = marks(SilentTurnPolicy(), 2000)
    assert 0.27 < silent.count("s") / len(silent) < 0.33
    assert silent == marks(SilentTurnPolicy(), 2000)


def test_the_rate_asks_the_key_and_not_how_many_edits_there_were() -> None:
    silence = SilentTurnPolicy(rate=0.5)
    for turn in range(1, 50):
        drawn = {
            choose_outcome(silence, SeededRandom(1), key(turn=turn), n).silent for n in (1, 5, 9)
        }
        assert len(drawn) == 1


@pytest.mark.slow
@given(st.integers(1, 12).flatmap(lambda n: st.tuples(st.integers(0, n), st.just(n))), st.text())
@pytest.mark.rule("SSE-5")
def test_a_quota_is_kept_exactly_in_every_block(quota: tuple[int, int], client: str) -> None:
    wanted, size = quota
    silent = marks(SilentTurnPolicy(quota=quota), 4 * size, client)
    blocks = [silent[start : start + size] for start in range(0, len(silent), size)]
    assert [block.count("s") for block in blocks] == [wanted] * 4


def test_a_quota_falls_on_other_edits_in_other_blocks_and_for_other_clients() -> None:
    silence = SilentTurnPolicy(quota=(3, 10))
    assert len({marks(silence, 10, f"client-{n}") for n in range(20)}) > 10
    silent = marks(silence, 200)
    assert len({silent[start : start + 10] for start in range(0, 200, 10)}) > 10


def test_a_script_is_followed_to_the_letter_and_begins_anew() -> None:
    assert marks(SilentTurnPolicy(script="s.s.."), 12) == "s.s..s.s..s."
    truths = [outcome.applied_state for outcome in outcomes(SilentTurnPolicy(script="anl."), 4)]
    assert truths == ["applied", "not_applied", "late", "applied"]
    assert outcomes(SilentTurnPolicy(script="l", late_seconds=7), 1) == [
        EditOutcome(True, "late", 7, True)
    ]


def test_weights_decide_what_stands_behind_a_silence() -> None:
    silence = SilentTurnPolicy(rate=1.0, truths=AppliedWeights(applied=2, not_applied=1, late=1))
    truths = [outcome.applied_state for outcome in outcomes(silence, 2000)]
    assert 900 < truths.count("applied") < 1100
    assert 400 < truths.count("not_applied") < 600
    assert 400 < truths.count("late") < 600
    only = SilentTurnPolicy(rate=1.0, truths=AppliedWeights(applied=0, late=1))
    assert {outcome.applied_state for outcome in outcomes(only, 50)} == {"late"}


@pytest.mark.parametrize(
    ("bad", "said"),
    [
        ({"rate": 1.5}, "rate"),
        ({"quota": (4, 3)}, "quota"),
        ({"quota": (0, 0)}, "quota"),
        ({"script": "s?"}, r"\?"),
        ({"script": "s", "quota": (1, 2)}, "cannot be combined"),
        ({"late_seconds": -1}, "late_seconds"),
    ],
)
def test_a_silence_that_makes_no_sense_is_refused(bad: dict[str, Any], said: str) -> None:
    with pytest.raises(ValueError, match=said):
        SilentTurnPolicy(**bad)


def test_weights_that_make_no_sense_are_refused() -> None:
    for bad in ({"applied": 0.0}, {"late": -1.0}):
        with pytest.raises(ValueError, match="truths"):
            AppliedWeights(**bad)


# Seconds after which late edits are applied; longer than every other wait of these tests.
LATE = 777.0


def wire(caller: HttpCaller, message: str) -> list[Any]:
    """A turn as it came, without what no two turns have in common."""
    frames = caller.chat(message).text.split("\n\n")
    events = [json.loads(frame[6:]) for frame in frames if frame.startswith("data: ")]
    for event in events:
        del event["id"], event["timestamp"], event["invocationId"]
    return [len(frames), *events]


@pytest.mark.slow
@pytest.mark.rule("SSE-5")
def test_three_truths_have_the_same_bytes_and_only_the_state_tells_them_apart(
    servers: ServerFactory, new_caller: NewCaller, sample: Path
) -> None:
    reported, drafts, balances = [], [], []
    with ExitStack() as holds:
        for mark in "anl":
            clock = ManualClock(autojump=True)
            holds.enter_context(clock.hold(LATE))
            silence = SilentTurnPolicy(script=mark, late_seconds=LATE)
            caller = new_caller(servers.start(clock=clock, silence=silence)).connect()
            caller.upload(sample)
            reported.append(wire(caller, "compress it"))
            drafts.append(bool(caller.draft()["t"]))
            balances.append(caller.balance())
        assert reported[0] == reported[1] == reported[2]
        assert drafts == [True, False, False]
        assert balances == [PAID, FREE, HELD]
    while caller.balance()["frozen"]:
        pass
    assert (caller.balance(), bool(caller.draft()["t"])) == (PAID, True)


@pytest.mark.slow
def test_what_was_not_applied_is_paid_by_the_edit_that_is(
    servers: ServerFactory, new_caller: NewCaller, sample: Path
) -> None:
    caller = new_caller(servers.start(silence=SilentTurnPolicy(script="n."))).connect()
    caller.upload(sample)
    assert not [e for e in caller.say("compress it") if isinstance(e, Text)]
    assert caller.balance() == FREE
    assert [e for e in caller.say("compress it") if isinstance(e, Text)]
    assert caller.balance() == PAID


def test_a_late_edit_that_has_become_impossible_gives_its_credits_back(
    servers: ServerFactory, new_caller: NewCaller, sample: Path
) -> None:
    clock = ManualClock(autojump=True)
    silence = SilentTurnPolicy(script="l.", late_seconds=LATE)
    caller = new_caller(servers.start(clock=clock, silence=silence)).connect()
    caller.upload(sample)
    with clock.hold(LATE):
        caller.say("edit my raw video footage")
        caller.say("trim to the first 1 second")
    while caller.balance()["frozen"]:
        pass
    # The other edit of this session has succeeded, and pays for editing.
    assert caller.balance() == {"available": 50, "frozen": 0, "total": 50}
    assert caller.draft()["d"] == 1000


@pytest.mark.rule("SES-2", "CRD-2")
def test_a_late_edit_survives_a_restart(
    servers: ServerFactory, new_caller: NewCaller, sample: Path, tmp_path: Path
) -> None:
    silence = SilentTurnPolicy(script="l", late_seconds=LATE)
    settings: dict[str, Any] = {"silence": silence, "data_dir": tmp_path}
    clock = ManualClock(autojump=True)
    with clock.hold(LATE):
        caller = new_caller(servers.start(clock=clock, **settings)).connect()
        caller.upload(sample)
        caller.say("compress it")
        servers.stop()
    clock = ManualClock(autojump=True)
    with clock.hold(LATE):
        again = new_caller(servers.start(clock=clock, **settings))
        again.http.headers["Authorization"] = caller.http.headers["Authorization"]
        again.session = caller.session
        assert (again.balance(), again.draft()["t"]) == (HELD, [])
    while again.balance()["frozen"]:
        pass
    assert again.balance() == PAID
    assert again.draft()["m"]["compress"] == {"mode": "rtk"}


@pytest.mark.slow
def test_a_server_killed_before_the_stream_ended_gives_everything_back(tmp_path: Path) -> None:
    async def live(clock: ManualClock, work: Callable[[Services], Any]) -> Any:
        settings = Settings(data_dir=tmp_path, silence=SilentTurnPolicy(script="l"))
        server = Services(settings, clock)
        server.start()
        try:
            return work(server)
        finally:
            await server.close()

    def begin(server: Services) -> int:
        context = server.context
        text, token = context.tokens.issue("client", "127.0.0.1")
        context.ledger.grant(token.id, 100, "a test")
        session = context.sessions.create(token, "project", "en")
        assert text
        hold = context.ledger.hold(token, 50, "editing")
        context.store.execute(
            "INSERT INTO turns (session_id, number, message, status, silent, hold_id, started)"
            " VALUES (:session, 1, 'compress it', 'running', 1, :hold, 0)",
            session=session.id,
            hold=hold,
        )
        context.store.execute(
            "INSERT INTO edits (session_id, number, truth, late, drawn)"
            " VALUES (:id, 1, 'late', 20, 1)",
            id=session.id,
        )
        return token.id

    token_id = asyncio.run(live(ManualClock(), begin))
    balance = asyncio.run(
        live(ManualClock(), lambda server: server.context.ledger.balance(token_id))
    )
    assert (balance.available, balance.frozen) == (100, 0)


@pytest.mark.slow
def test_faults_do_not_count_as_edits_of_a_script(
    servers: ServerFactory, new_caller: NewCaller, sample: Path
) -> None:
    caller = new_caller(servers.start(silence=SilentTurnPolicy(script="s."))).connect()
    caller.upload(sample)
    reported = []
    for fault in ("", "line-separator", "silent", ""):
        reported.append(
            "functionResponse" in caller.chat("compress it", fault).text.split("\n\n")[-2]
        )
    assert reported == [True, False, True, False]


@pytest.mark.slow
@pytest.mark.rule("SSE-6")
def test_a_turn_lasts_a_quarter_of_an_hour_at_most(
    servers: ServerFactory, new_caller: NewCaller, sample: Path
) -> None:
    clock = ManualClock(autojump=True)
    caller = new_caller(servers.start(clock=clock)).connect()
    caller.upload(sample)
    before = clock.time()
    response = caller.http.post(
        "/run_sse", json=caller.turn("compress it"), headers={"X-Nemolocal-Fault": "stall"}
    )
    assert response.content == b"data:\n\n" * 60
    assert clock.time() - before == pytest.approx(900)
    assert (caller.balance(), caller.draft()["t"]) == (FREE, [])


@pytest.mark.slow
def test_a_stall_that_ends_in_time_is_only_a_wait(
    servers: ServerFactory, new_caller: NewCaller, sample: Path
) -> None:
    caller = new_caller(servers.start()).connect()
    caller.upload(sample)
    events = [type(event) for event in caller.say("compress it")]
    response = caller.http.post(
        "/run_sse",
        json=caller.turn("compress it"),
        headers={"X-Nemolocal-Fault": "stall;seconds=150"},
    )
    assert response.content.startswith(b"data:\n\n" * 10 + b"data: {")
    assert events.count(Heartbeat) < 3
