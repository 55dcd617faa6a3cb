"""The client under every fault, in both faces, as docs/reference/client-under-faults.md says."""

import asyncio
import functools
import itertools
from collections.abc import Sequence

import pytest

import shared_time
import write_faults
from nemolocal_server.faults.catalogue import CATALOGUE, Fault
from tests.support.client_faces import ClientFactory

DONE = "done"
TURN = 900.0
# The pauses that the rules allow a call: five looks at the state (CLI-4), ten at a render, twice
# (CLI-8), and one after a 429 (CLI-7).
LONGEST = {"say": 270.0, "export": 600.0}
PAUSE = 30.0

LOST = {"ConnectionCut"}
# How a call may end when a fault befalls it; every call may also end as if nothing had happened.
ENDS: dict[str, set[str]] = {
    "silent-not-applied": {"TurnFailed"},
    "cut-fin": LOST,
    "cut-reset": LOST,
    "commit-then-drop": LOST,
    "stall": {"StreamTimeout"},
    "export-blocked": {"ExportBlocked"},
    "token-expired": {"SessionNotFound"},
    "session-lost": {"SessionNotFound"},
    "out-of-credits": {"OutOfCredits"},
    "out-of-credits-mid-turn": {"OutOfCredits"},
    "server-error": {"BadReply"},
    "bad-gateway": {"BadReply"},
    "render-stuck": {"RenderFailed"},
}
# What nothing but an error can be the answer to.
NEVER_DONE = {
    "silent-not-applied", "stall", "export-blocked", "session-lost", "out-of-credits",
    "out-of-credits-mid-turn", "render-stuck",
}  # fmt: skip


@pytest.fixture(scope="module")
def table() -> str:
    return write_faults.TARGET.read_text(encoding="utf-8")


FAULTS = pytest.mark.parametrize("fault", CATALOGUE.values(), ids=lambda fault: fault.name)


@pytest.mark.rule("CLI-3", "CLI-4", "CLI-5", "CLI-7", "CLI-8")
@FAULTS
def test_client_ends_rightly_under_a_fault(
    table: str, faces: dict[str, ClientFactory], fault: Fault
) -> None:
    """For each fault another one of the endpoints that it can befall."""
    turn = list(CATALOGUE).index(fault.name)
    assert_ends_rightly(table, faces, fault, [fault.endpoints[turn % len(fault.endpoints)]])


@pytest.mark.slow
@FAULTS
def test_client_ends_rightly_under_a_fault_of_any_request(
    table: str, faces: dict[str, ClientFactory], fault: Fault
) -> None:
    assert_ends_rightly(table, faces, fault, fault.endpoints)


def assert_ends_rightly(
    table: str, faces: dict[str, ClientFactory], fault: Fault, endpoints: Sequence[str]
) -> None:
    """Both faces end alike, as the rules have it and as the documented table says."""
    with shared_time.clocked_server() as server:
        for endpoint in endpoints:
            rows = []
            for name, face in faces.items():
                # The async client lives in the server's loop: nothing is left to chance.
                more = {} if name == "sync" else {"wait_for": server.clock.run}
                row = write_faults.run_fault(
                    server, fault.name, endpoint, functools.partial(face, **more)
                )
                assert_right(row)
                assert server.clock.listened <= TURN
                rows.append(row)
            assert rows[0] == rows[1], "the faces differ"
            line = f"| {write_faults.line_of(rows[0])} |"
            assert line in table, "run: python docs/write_faults.py"


def assert_right(row: write_faults.Row) -> None:
    """The right end, nothing sent or paid twice, nothing waited for longer than the rules say."""
    error = row.ends.partition(":")[0]
    assert error == DONE or error in ENDS.get(row.fault, set()), row
    assert error != DONE or row.fault not in NEVER_DONE, row
    assert row.sent <= 1
    assert row.credits in (0, 50 * row.sent)
    assert row.waits <= LONGEST.get(row.call, 0.0) + PAUSE
    if row.call == "say" and error == DONE:
        assert (row.sent, row.credits) == (1, 50)


def test_the_table_has_every_fault_with_every_endpoint_and_nothing_else(table: str) -> None:
    rows = [line for line in table.splitlines() if line.startswith("| `")]
    named = [tuple(line.split(" | ")[:2]) for line in rows]
    assert named == [
        (f"| `{fault}`", endpoint) for fault, endpoint in write_faults.fault_requests()
    ]
    assert table.startswith(write_faults.HEAD)


def test_a_turn_that_is_told_wrongly_would_be_noticed() -> None:
    row = write_faults.Row("silent", "chat", "say", DONE, 0.0, 2, 100)
    with pytest.raises(AssertionError):
        assert_right(row)


def test_clock_waits_for_what_comes_late_though_somebody_sleeps() -> None:
    """As bytes between two sockets do on a busy machine: no turn of the loop brings them."""
    with shared_time.clocked_server() as server:
        sleeping: list[asyncio.Future[None]] = []
        looks = itertools.count()

        async def begin() -> float:
            sleeping.append(asyncio.ensure_future(server.clock.sleep(600)))
            await asyncio.sleep(0)
            return server.clock.time()

        began = server.clock.run(begin())
        server.clock.wait_until(lambda: next(looks) > shared_time.SETTLE_TURNS)
        assert server.clock.time() == began
