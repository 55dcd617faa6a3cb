"""While a language model thinks: heartbeats, clocks, resets and the end of the server."""

import asyncio
import contextlib
import threading
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path

import httpx
import pytest

from nemolocal_contract.clock import Clock, ManualClock, WallClock
from nemolocal_contract.turn_events import Heartbeat, Text, ToolCall, TurnEvent
from nemolocal_server.data.sessions import SessionRecord
from nemolocal_server.data.tokens import NewToken, TokenRecord
from nemolocal_server.language_model.endpoint import ModelEndpoint
from nemolocal_server.language_model.model_settings import ModelSettings
from nemolocal_server.services import Services
from nemolocal_server.settings import Settings
from nemolocal_server.turns.running_turn import RunningTurn
from nemolocal_server.turns.silent_turns import SilentTurnPolicy
from nemolocal_server.turns.turn_schedule import CLOUD_TURN_TIMES, TurnTimes
from tests.support.clips import open_session
from tests.support.http_caller import NewCaller
from tests.support.model_endpoint import (
    ScriptedModel,
    completion,
    scripted_model,
    tool_call,
)
from tests.support.servers import ServerFactory

WISH = "make it flibber the wobble"
KEEP = completion(tool_call("keep", {"first_ms": 500}))
ENOUGH = 3
# Only ends a run that hangs.
GIVE_UP = 120


@pytest.fixture
def model() -> Iterator[ScriptedModel]:
    with scripted_model() as running:
        yield running


class Thinking:
    """A session on a server without a socket, whose model does not answer before it is told to."""

    def __init__(self, services: Services, model: ScriptedModel) -> None:
        self.services, self.model = services, model
        self.token: TokenRecord = services.create_token(NewToken(credits=1000, plan="paid"))[1]
        self.session: SessionRecord = open_session(services.context, self.token)

    async def start(self) -> RunningTurn:
        """A turn that has reached the model."""
        self.model.wait(KEEP)
        turns = self.services.turns
        intent, analyzed = await turns.understand(self.token, self.session, WISH)
        assert not analyzed
        turn = turns.start(self.token, self.session, WISH, intent=intent)
        await asyncio.to_thread(self.model.asked.wait)
        return turn

    def length_ms(self) -> float:
        return self.services.context.sessions.newest_draft(self.session.id).duration_ms or 0


@asynccontextmanager
async def thinking(
    model: ScriptedModel, clock: Clock, times: TurnTimes = CLOUD_TURN_TIMES
) -> AsyncIterator[Thinking]:
    asked = ModelSettings(url=model.url, name="tiny-1")
    settings = Settings(silence=SilentTurnPolicy(rate=0), model=asked, turn_times=times)
    services = Services(settings, clock)
    services.start()
    try:
        yield Thinking(services, model)
    finally:
        await services.close()


async def events_of(turn: RunningTurn) -> list[TurnEvent]:
    return [event async for event in turn.events()]


def test_heartbeats_go_on_while_a_model_thinks(model: ScriptedModel) -> None:
    async def talk() -> None:
        async with thinking(model, WallClock(speed=10_000)) as one:
            turn = await one.start()
            kinds = []
            async for event in turn.events():
                kinds.append(type(event))
                if kinds == [Heartbeat] * ENOUGH:
                    model.released.set()
            first = kinds.index(ToolCall)
            assert first >= ENOUGH
            assert kinds[-1] is Text
            assert one.length_ms() == 500

    asyncio.run(asyncio.wait_for(talk(), GIVE_UP))


def test_heartbeats_of_the_plan_are_not_sent_again_for_the_time_a_model_took(
    model: ScriptedModel,
) -> None:
    """At this speed the answer comes after all of the plan is due."""

    async def talk() -> None:
        async with thinking(model, WallClock(speed=1e6), TurnTimes(edit=(60.0, 60.0))) as one:
            turn = await one.start()
            model.released.set()
            kinds = [type(event) for event in await events_of(turn)]
            assert Heartbeat not in kinds[kinds.index(ToolCall) :]

    asyncio.run(asyncio.wait_for(talk(), GIVE_UP))


def test_a_manual_clock_neither_moves_nor_hangs_while_a_model_thinks(model: ScriptedModel) -> None:
    async def talk() -> None:
        clock = ManualClock()
        async with thinking(model, clock) as one:
            before = clock.time()
            turn = await one.start()
            await clock.advance(100)
            assert clock.time() == before + 100
            model.released.set()
            while one.services.turns.tasks.running_count:
                await asyncio.sleep(0.001)  # the answer takes real time
                await clock.advance(10)
            kinds = [type(event) for event in await events_of(turn)]
            assert kinds[-1] is Text
            assert one.length_ms() == 500

    asyncio.run(asyncio.wait_for(talk(), GIVE_UP))


def test_a_clock_that_jumps_waits_for_the_model(model: ScriptedModel) -> None:
    async def talk() -> None:
        clock = ManualClock(autojump=True)
        async with thinking(model, clock) as one:
            turn = await one.start()
            sleeper = asyncio.create_task(clock.sleep(1.0))
            for _ in range(100):
                await asyncio.sleep(0)
            assert not sleeper.done()
            model.released.set()
            await events_of(turn)
            await sleeper
            assert one.length_ms() == 500

    asyncio.run(asyncio.wait_for(talk(), GIVE_UP))


@pytest.mark.slow
def test_outcomes_are_drawn_as_without_a_model(model: ScriptedModel) -> None:
    """Silence is decided by what the client controls, so a model changes nothing in it."""

    async def talk() -> list[bool]:
        settings = Settings(seed=5, model=ModelSettings(url=model.url, name="tiny-1"))
        services = Services(settings, ManualClock(autojump=True))
        services.start()
        try:
            token = services.create_token(NewToken(credits=1000, client_id="ci"))[1]
            session = open_session(services.context, token)
            silent = []
            for number in range(8):
                model.edits(("add-title", {"text": f"Title {number}"}))
                turn = services.turns.start(token, session, WISH)
                events = await events_of(turn)
                silent.append(not any(isinstance(event, Text) for event in events))
            return silent
        finally:
            await services.close()

    first = asyncio.run(asyncio.wait_for(talk(), GIVE_UP))
    assert first == asyncio.run(asyncio.wait_for(talk(), GIVE_UP))
    assert len(set(first)) == 2


@pytest.mark.parametrize(
    "how", ["reset", *(pytest.param(how, marks=pytest.mark.slow) for how in ("token", "stop"))]
)
def test_a_turn_that_waits_for_a_model_ends_with_a_reset_and_with_the_server(
    servers: ServerFactory, new_caller: NewCaller, model: ScriptedModel, how: str
) -> None:
    base_url = servers.start(model=ModelSettings(url=model.url, name="tiny-1"))
    caller = new_caller(base_url).connect()
    model.wait(KEEP)
    answers: list[list[object]] = []

    def talk() -> None:
        with contextlib.suppress(httpx.TransportError):  # the end of the server cuts the stream
            answers.append([*caller.say(WISH)])

    chat = threading.Thread(target=talk)
    chat.start()
    assert model.asked.wait(GIVE_UP)
    if how == "stop":
        servers.stop()
    else:
        body = {"token_id": 1} if "token" in how else {}
        new_caller(base_url, "client-2").post("/__nemolocal__/reset", json=body)
    chat.join(GIVE_UP)
    assert not chat.is_alive()
    assert not any(isinstance(event, Text) for events in answers for event in events)


def test_a_client_that_hangs_up_while_a_model_thinks_has_its_edit(
    servers: ServerFactory, new_caller: NewCaller, model: ScriptedModel, sample: Path
) -> None:
    """The turn goes on (SSE-7), and the journal tells what became of it."""
    base_url = servers.start(model=ModelSettings(url=model.url, name="tiny-1"))
    caller = new_caller(base_url).connect()
    caller.upload(sample)
    model.wait(KEEP)
    body = caller.turn(WISH)
    with caller.http.stream("POST", "/run_sse", json=body) as response:
        assert response.status_code == 200
        assert model.asked.wait(GIVE_UP)
    journal = "/__nemolocal__/journal?endpoint=chat"
    while not (entries := caller.get(journal)["entries"]):
        pass
    assert entries[0]["turn"]["truth"] == "pending"
    assert caller.balance()["frozen"] == 50
    model.released.set()
    while caller.balance()["frozen"]:
        pass
    assert caller.draft()["d"] == 500
    turn = caller.get(journal)["entries"][0]["turn"]
    assert (turn["truth"], turn["cost"]) == ("late", 50)
    assert turn["model"]["outcome"] in ("pending", "edited")


def test_a_process_that_ends_while_a_model_thinks_leaves_nothing_frozen(
    model: ScriptedModel, tmp_path: Path
) -> None:
    async def talk(settings: Settings) -> int:
        services = Services(settings, ManualClock())
        services.start()
        try:
            one = Thinking(services, model)
            await one.start()
            return one.token.id
        finally:
            await services.close()

    async def frozen(settings: Settings, token: int) -> int:
        services = Services(settings, ManualClock())
        services.start()
        try:
            return services.context.ledger.balance(token).frozen
        finally:
            await services.close()

    asked = ModelSettings(url=model.url, name="tiny-1")
    settings = Settings(data_dir=tmp_path, silence=SilentTurnPolicy(rate=0), model=asked)
    token = asyncio.run(asyncio.wait_for(talk(settings), GIVE_UP))
    assert asyncio.run(frozen(settings, token)) == 0


def test_at_most_four_requests_run_at_once(model: ScriptedModel) -> None:
    async def ask() -> list[bytes]:
        endpoint = ModelEndpoint(ModelSettings(url=model.url, name="tiny-1"))
        for _ in range(6):
            model.wait(KEEP)
        asked = [asyncio.create_task(endpoint.complete(b"{}")) for _ in range(6)]
        while model.waiting < 4:
            await asyncio.sleep(0.001)
        # Another exchange gives the fifth request the time to arrive, if it was sent.
        model.answers.appendleft(KEEP)
        await ModelEndpoint(ModelSettings(url=model.url, name="tiny-1")).complete(b"{}")
        model.released.set()
        return await asyncio.gather(*asked)

    answers = asyncio.run(asyncio.wait_for(ask(), GIVE_UP))
    assert set(answers) == {bytes(KEEP.body)}
    assert model.most_waiting == 4
