"""Tokens made by hand have a chance of their own each, the same in every run."""

import asyncio
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from nemolocal_contract.clock import ManualClock
from nemolocal_server.app import build_app
from nemolocal_server.data.store import Store
from nemolocal_server.data.tokens import NewToken, TokenRecord, TokenRepository
from nemolocal_server.faults.catalogue import ApiCall
from nemolocal_server.faults.fault_service import Chaos
from nemolocal_server.seeded_random import SeededRandom
from nemolocal_server.services import Services
from nemolocal_server.settings import Settings
from nemolocal_server.turns.silent_turns import AppliedWeights, SilentTurnPolicy
from tests.support.clips import open_session


def created(store: Store, **fields: Any) -> TokenRecord:
    return TokenRepository(store, ManualClock(), 9e9, None).create(NewToken(**fields))[1]


def draw_ids(*wanted: dict[str, Any]) -> list[str]:
    with closing(Store(None)) as store:
        return [created(store, **fields).draw_id for fields in wanted]


@pytest.mark.slow
def test_tokens_without_an_id_are_told_apart_by_their_order() -> None:
    twice = [draw_ids(*[{}] * 60) for _ in range(2)]
    assert twice[0] == twice[1]
    assert len(set(twice[0])) == 60
    # The first of a client is drawn for as it was when there was one chance for all.
    assert twice[0][0] == "manual"


def test_an_id_given_decides_whatever_came_before() -> None:
    ann, ben = {"user_id": "ann"}, {"user_id": "ben"}
    assert draw_ids(ann, ben) == draw_ids({}, ben, {}, ann)[::-2]
    assert len(set(draw_ids(ann, ben, {}, {"client_id": "ann"}, {"client_id": "ben"}))) == 5


def test_tokens_of_one_client_id_are_told_apart_too() -> None:
    with closing(Store(None)) as store:
        tokens = TokenRepository(store, ManualClock(), 9e9, None)
        anonymous = tokens.issue("ci", "127.0.0.1")[1]
        by_hand = [created(store, client_id="ci", anonymous=bool(n % 2)) for n in range(4)]
    assert anonymous.draw_id == "ci"
    assert len({token.draw_id for token in (anonymous, *by_hand)}) == 5


def silences(settings: Settings, count: int) -> list[bool]:
    """Whether the first edit of each of so many tokens is silent."""

    async def play() -> list[bool]:
        clock = ManualClock()
        server: Services = build_app(settings, clock).state.services
        try:
            server.start()
            for _ in range(count):
                _, token = server.create_token(NewToken())
                session = open_session(server.context, token)
                turn = server.turns.start(token, session, "compress this video")
                silent.append(turn.outcome.silent)
        finally:
            await server.close()
        return silent

    silent: list[bool] = []
    return asyncio.run(play())


@pytest.mark.slow
def test_about_a_third_of_the_tokens_is_met_by_silence_and_the_same_in_each_run() -> None:
    quiet = silences(Settings(silence=SilentTurnPolicy(rate=0.3)), 60)
    assert 8 <= sum(quiet) <= 28
    assert quiet == silences(Settings(silence=SilentTurnPolicy(rate=0.3)), 60)
    assert quiet != silences(Settings(silence=SilentTurnPolicy(rate=0.3), seed=1), 60)


@pytest.mark.slow
def test_a_quota_and_a_truth_are_drawn_for_each_token(subtests: pytest.Subtests) -> None:
    even = AppliedWeights(applied=1, not_applied=1, late=1)
    for silence in (SilentTurnPolicy(quota=(1, 2)), SilentTurnPolicy(rate=0.5, truths=even)):
        with subtests.test(silence=silence):
            quiet = silences(Settings(silence=silence), 40)
            assert 0 < sum(quiet) < 40


def test_chaos_strikes_each_token_by_itself() -> None:
    with closing(Store(None)) as store:
        tokens = [created(store) for _ in range(40)]
    chaos = Chaos(0.3, SeededRandom(0))
    struck = [
        chaos.next_for(ApiCall("state", token, token.client_id)) is not None for token in tokens
    ]
    assert 3 < sum(struck) < 25
    assert struck[0] == (
        Chaos(0.3, SeededRandom(0)).next_for(ApiCall("state", None, "manual")) is not None
    )


@pytest.mark.slow
def test_a_token_keeps_its_chance_after_a_restart_and_after_a_reset(tmp_path: Path) -> None:
    settings = Settings(data_dir=tmp_path, tokens=(NewToken(token="first-token"), NewToken()))

    async def live(reset: bool) -> list[str]:
        server = Services(settings)
        server.start()
        if reset:
            await server.reset()
        found = [token.draw_id for token in server.context.tokens.list_all()]
        await server.close()
        return found

    fresh = asyncio.run(live(reset=False))
    assert asyncio.run(live(reset=False))[:2] == fresh
    assert asyncio.run(live(reset=True)) == fresh
