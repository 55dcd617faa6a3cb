"""The event feed: coalesced, resumed without gap or double, told of resets."""

import asyncio
import contextlib
import json
import time
from collections.abc import Iterator
from typing import Any

import httpx
import pytest

from nemolocal_contract.clock import ManualClock
from nemolocal_contract.endpoints import CONTROL_TOKEN
from nemolocal_server.api.control import event_endpoints
from nemolocal_server.data.change_log import ChangeLog
from nemolocal_server.inspection.change_feed import INTERVAL_SECONDS, FeedEvent
from nemolocal_server.services import Services
from nemolocal_server.settings import Settings
from tests.support import patient_http
from tests.support.executor import FakeRenderExecutor
from tests.support.http_caller import HttpCaller, NewCaller
from tests.support.servers import ServerFactory

CONTROL = "/__nemolocal__"
EVENTS = f"{CONTROL}/events"


class Event:
    """An event of the feed."""

    def __init__(self, lines: list[str]) -> None:
        fields = dict(line.split(": ", 1) for line in lines)
        self.name, self.id = fields["event"], int(fields["id"])
        self.data: dict[str, Any] = json.loads(fields["data"])


@contextlib.contextmanager
def listen(base_url: str, **options: Any) -> Iterator[Iterator[Event]]:
    """The events of a connection; each is read when it is asked for."""
    with (
        httpx.Client(base_url=base_url, timeout=patient_http.SECONDS) as http,
        http.stream("GET", EVENTS, **options) as response,
    ):
        assert response.headers["content-type"].startswith("text/event-stream")
        yield _events(response)


def _events(response: httpx.Response) -> Iterator[Event]:
    block: list[str] = []
    for line in response.iter_lines():
        if line and not line.startswith(":"):
            block.append(line)
        elif block:
            yield Event(block)
            block = []


def until(events: Iterator[Event], *names: str) -> list[Event]:
    """Events until each of these parts of a change was seen."""
    seen: list[Event] = []
    missing = set(names)
    for event in events:
        seen.append(event)
        missing -= {name for name, value in event.data.items() if value}
        if not missing:
            return seen
    raise AssertionError(f"the feed ended without {missing}")


def entries_of(events: list[Event]) -> list[int]:
    """The ids of journal entries, in the order in which they were told."""
    ranges = [event.data["journal"] for event in events if event.data.get("journal")]
    return [number for r in ranges for number in range(r["first"], r["last"] + 1)]


def test_a_session_a_render_a_fault_and_a_reply_are_told(
    caller: HttpCaller, base_url: str, sample: Any
) -> None:
    with listen(base_url) as events:
        caller.upload(sample)
        caller.say("edit my raw video footage")
        caller.submit("render_1")
        caller.finished("render_1")
        caller.post(f"{CONTROL}/faults", json={"name": "silent"})
        caller.post(f"{CONTROL}/replies", json={"say": "Hi"})
        seen = until(events, "sessions", "renders", "faults", "replies", "journal", "clock")
    assert {session for event in seen for session in event.data["sessions"]} == {caller.session}
    file_id = caller.get(f"{CONTROL}/renders")["renders"][0]["file_id"]
    assert {render for event in seen for render in event.data["renders"]} == {file_id}
    assert [event.id for event in seen] == sorted({event.id for event in seen})


def test_a_hit_of_a_fault_is_told(caller: HttpCaller, base_url: str) -> None:
    caller.post(f"{CONTROL}/faults", json={"name": "silent", "times": 2})
    with listen(base_url) as events:
        caller.say("hello")
        assert until(events, "faults")


def test_many_changes_come_as_one_event_and_the_next_not_at_once() -> None:
    services = Services(Settings(), ManualClock(), FakeRenderExecutor())
    changes, feed = services.context.store.changes, services.feed

    async def follow() -> tuple[list[FeedEvent], float]:
        events = feed.listen(feed.current().number)
        for number in range(100):
            changes.note("session", str(number))
        first = await anext(events)
        began = time.monotonic()
        changes.note("session", "later")
        second = await anext(events)
        waited = time.monotonic() - began
        await events.aclose()
        return [first, second], waited

    (first, second), waited = asyncio.run(follow())
    services.context.store.close()
    assert first.changes is not None
    assert first.changes.sessions == tuple(map(str, range(100)))
    assert second.changes is not None
    assert second.changes.sessions == ("later",)
    assert waited >= INTERVAL_SECONDS * 0.9


def test_a_listener_that_comes_back_misses_nothing_and_gets_nothing_twice(
    caller: HttpCaller, base_url: str
) -> None:
    with listen(base_url) as events:
        caller.balance()
        seen = until(events, "journal")
    for _ in range(5):
        caller.balance()
    last = caller.get(f"{CONTROL}/journal")["entries"][-1]["id"]
    with listen(base_url, headers={"Last-Event-ID": str(seen[-1].id)}) as events:
        again = until(events, "journal")
    told = entries_of([*seen, *again])
    assert told == list(range(told[0], last + 1))
    with listen(base_url, params={"since": again[-1].id}) as events:
        caller.balance()
        assert entries_of(until(events, "journal"))[0] == last + 1


def test_an_unknown_position_gets_a_reset(base_url: str) -> None:
    with listen(base_url, headers={"Last-Event-ID": "1"}) as events:
        event = next(events)
    assert (event.name, event.data) == ("reset", {})


@pytest.mark.parametrize("past", ["reset", "restore"])
def test_a_reset_and_a_restore_are_told_once(caller: HttpCaller, base_url: str, past: str) -> None:
    snapshot = caller.post(f"{CONTROL}/snapshot", json={})["id"]
    with listen(base_url) as events:
        caller.post(f"{CONTROL}/{past}", json={"id": snapshot} if past == "restore" else {})
        seen = [next(events)]
        while seen[-1].name != "reset":
            seen.append(next(events))
        caller.get("/api/credits/balance/simple")
        after = next(events)
    assert (after.name, after.data["journal"]["first"]) == (
        "changes",
        caller.get(f"{CONTROL}/journal")["entries"][-1]["id"],
    )


def test_a_manual_clock_that_stands_does_not_stop_the_feed(
    servers: ServerFactory, new_caller: NewCaller
) -> None:
    base_url = servers.start(FakeRenderExecutor(), ManualClock())
    with listen(base_url) as events:
        caller = new_caller(base_url).connect()
        assert until(events, "sessions", "journal")[-1].data["clock"] is False
        caller.post(f"{CONTROL}/clock/advance", json={"seconds": 5})
        assert until(events, "clock")


def test_the_feed_has_the_guards_of_the_control_api(servers: ServerFactory) -> None:
    base_url = servers.start(control_token="secret")
    assert httpx.get(base_url + EVENTS).status_code == 403
    foreign = {CONTROL_TOKEN: "secret", "Origin": "http://evil.example"}
    assert httpx.get(base_url + EVENTS, headers=foreign).status_code == 403
    with listen(base_url, headers={CONTROL_TOKEN: "secret", "Last-Event-ID": "1"}) as events:
        assert next(events).name == "reset"


def test_listeners_are_bounded_and_make_room_when_they_go(
    base_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(event_endpoints, "MAX_LISTENERS", 1)
    unknown = {"Last-Event-ID": "1"}
    with listen(base_url, headers=unknown) as events:
        next(events)
        refusal = httpx.get(base_url + EVENTS)
        assert refusal.status_code == 429
        assert "close one of them" in refusal.json()["message"]
    # The server notices that a listener has gone when it sends the next event.
    while (status := httpx.head(base_url + EVENTS).status_code) == 429:
        time.sleep(0.01)
    assert status == 200
    with listen(base_url, headers=unknown) as events:
        assert next(events).name == "reset"


def test_head_ends(base_url: str) -> None:
    assert httpx.head(base_url + EVENTS).status_code == 200


def test_a_server_that_stops_ends_the_stream(servers: ServerFactory) -> None:
    base_url = servers.start()
    with listen(base_url) as events:
        servers.stop()
        assert list(events) == []


def test_the_log_of_changes_is_bounded() -> None:
    log = ChangeLog()
    for number in range(10_000):
        log.note("session", str(number))
    assert not log.remembers(0)
    assert log.remembers(9_990)
    assert log.since(9_998) == {"session": ["9998", "9999"], "render": []}
    assert len(log.since(0)["session"]) == 4096


def test_a_change_shows_once_where_its_latest_is() -> None:
    log = ChangeLog()
    for name in ("a", "b", "a"):
        log.note("session", name)
    assert log.since(0)["session"] == ["b", "a"]
    assert log.since(2)["session"] == ["a"]
