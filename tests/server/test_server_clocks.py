"""The server's clock: real, scaled or manual, seen and moved through the control API."""

import contextlib
import threading
import time
from collections.abc import Iterator
from email.utils import parsedate_to_datetime
from pathlib import Path

import httpx
import pytest

from nemolocal_contract.clock import ManualClock, ScaledClock
from nemolocal_server.context import open_context
from nemolocal_server.serving import LocalServer
from nemolocal_server.settings import Settings
from nemolocal_server.turns.silent_turns import SilentTurnPolicy
from tests.support import patient_http
from tests.support.http_caller import HttpCaller, NewCaller

CLOCK = "/__nemolocal__/clock"
DAY = 86_400


@pytest.fixture
def manual() -> Iterator[str]:
    """A server that stands still until it is told to move."""
    with LocalServer(Settings(port=0, clock="manual", silence=SilentTurnPolicy(rate=0))) as server:
        yield server.base_url


def advance(base_url: str, seconds: float) -> httpx.Response:
    return patient_http.post(f"{base_url}{CLOCK}/advance", json={"seconds": seconds})


@pytest.mark.slow
def test_a_manual_clock_shows_and_moves_its_time(manual: str) -> None:
    before = patient_http.get(manual + CLOCK).json()
    assert (before["kind"], before["iso"]) == ("manual", "2023-11-14T22:13:20.000Z")
    after = advance(manual, 90.5).json()
    assert after["time"] == before["time"] + 90.5


@pytest.mark.slow
@pytest.mark.rule("AUTH-5")
def test_everything_follows_the_clock_dates_tokens_and_journal(
    manual: str, new_caller: NewCaller
) -> None:
    caller = new_caller(manual).connect()
    date = parsedate_to_datetime(advance(manual, 7 * DAY - 1).headers["date"]).timestamp()
    assert date == 1_700_000_000 + 7 * DAY - 1
    assert caller.get("/api/credits/balance/simple")["code"] == 0
    advance(manual, 1)
    assert caller.get("/api/credits/balance/simple")["code"] == 1001
    entry = caller.get("/__nemolocal__/journal")["entries"][-1]
    assert entry["started"] == 1_700_000_000 + 7 * DAY


@pytest.mark.slow
@pytest.mark.rule("SSE-11", "SSE-3")
def test_a_turn_waits_for_the_clock_and_what_falls_due_happens_in_order(
    manual: str, new_caller: NewCaller, sample: Path
) -> None:
    caller = new_caller(manual).connect()
    caller.upload(sample)
    said: list[str] = []
    done = threading.Event()

    def listen() -> None:
        with caller.http.stream("POST", "/run_sse", json=caller.turn("compress it")) as response:
            said.extend(response.iter_lines())
        done.set()

    listener = threading.Thread(target=listen)
    listener.start()
    other = new_caller(manual, "client-2").connect()
    while not caller_is_frozen(caller, other):
        pass
    assert not done.is_set()
    advance(manual, 31)
    listener.join()
    text = "\n".join(said)
    assert text.index("functionCall") < text.index("functionResponse") < text.index('"text"')


def caller_is_frozen(caller: HttpCaller, other: HttpCaller) -> bool:
    """Whether the edit has begun, asked on a connection of its own."""
    response = other.http.get(
        "/api/credits/balance/simple",
        headers={"Authorization": caller.http.headers["Authorization"]},
    )
    return bool(response.json()["data"]["frozen"])


@pytest.mark.parametrize("seconds", [-1, 400 * DAY])
def test_a_step_that_makes_no_sense_is_400(manual: str, seconds: float) -> None:
    reply = advance(manual, seconds).json()
    assert reply["code"] == 400
    assert "`seconds` must be from 0" in reply["message"]


@pytest.mark.slow
def test_a_clock_that_is_not_manual_is_not_moved(base_url: str) -> None:
    with LocalServer(Settings(port=0)) as server:
        assert "--clock manual" in advance(server.base_url, 1).json()["message"]
        assert patient_http.get(server.base_url + CLOCK).json()["kind"] == "real"
    assert base_url


def test_a_scaled_clock_runs_faster_for_everything_and_never_back() -> None:
    clock = ScaledClock(speed=3_600_000, start=0.0)
    clock.wait(3600)
    assert clock.time() >= 3600
    with pytest.raises(ValueError, match="speed must be greater than 0"):
        ScaledClock(0)


def test_a_clock_of_its_own_never_starts_before_what_is_stored(tmp_path: Path) -> None:
    later = time.time() + 30 * DAY
    for kind in ("manual", "scaled"):
        past = open_context(Settings(data_dir=tmp_path / kind), ManualClock(later))
        with contextlib.closing(past.store):
            _, token = past.tokens.issue("client-1", "")
            past.ledger.grant(token.id, 100, "a test")
        context = open_context(Settings(data_dir=tmp_path / kind, clock=kind))
        with contextlib.closing(context.store):
            assert later <= context.clock.time() < later + DAY


def test_manual_clock_says_when_the_next_wait_ends(manual: str, new_caller: NewCaller) -> None:
    assert patient_http.get(manual + CLOCK).json()["next"] is None
    caller = new_caller(manual).connect()
    with caller.http.stream("POST", "/run_sse", json=caller.turn("hello")):
        seconds = patient_http.get(manual + CLOCK).json()["next"]
        assert 5 <= seconds <= 15
        assert advance(manual, seconds).json()["next"] is None


def test_clock_that_moves_by_itself_has_no_next_wait() -> None:
    with LocalServer(Settings(port=0)) as server:
        assert "next" not in patient_http.get(server.base_url + CLOCK).json()
