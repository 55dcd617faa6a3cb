"""How often a turn asks the store: what is known already is not asked again."""

import asyncio
from collections import Counter

import pytest

from nemolocal_contract.clock import ManualClock
from nemolocal_server.data.tokens import NewToken
from nemolocal_server.services import Services
from nemolocal_server.settings import Settings
from nemolocal_server.turns.silent_turns import SilentTurnPolicy
from tests.support.clips import open_session

MESSAGE = "trim to the first half second"


async def statements_of_a_turn(services: Services) -> list[str]:
    """The first words of the SQL statements of one edit, in order."""
    _, token = services.create_token(NewToken())
    session = open_session(services.context, token)
    seen: list[str] = []
    services.context.store._db.set_trace_callback(seen.append)
    async for _ in services.turns.start(token, session, MESSAGE).events():
        pass
    services.context.store._db.set_trace_callback(None)
    return [statement.split()[0] for statement in seen]


@pytest.mark.slow
def test_an_edit_takes_as_many_statements_as_it_needs() -> None:
    """Two transactions: one begins the turn, one changes the draft and takes the credits.

    The second adds two versions, since the first edit of a session puts its upload on the timeline.
    """
    settings = Settings(silence=SilentTurnPolicy(rate=0.0))
    services = Services(settings, ManualClock(autojump=True))
    try:
        seen = asyncio.run(statements_of_a_turn(services))
    finally:
        services.context.store.close()
    begun, applied = " ".join(seen).split(" COMMIT")[:2]
    assert Counter(begun.split()) == {"BEGIN": 1, "SELECT": 5, "INSERT": 3, "UPDATE": 1}
    assert Counter(applied.split()) == {"BEGIN": 1, "SELECT": 2, "INSERT": 3, "UPDATE": 1}
