"""Who hangs up on a turn only hangs up: the work goes on in the backend (SSE-7)."""

import asyncio
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from nemolocal_client import AsyncClient, Attribution, MemoryProfile
from nemolocal_server.serving import LocalServer
from nemolocal_server.settings import Settings
from nemolocal_server.turns.silent_turns import SilentTurnPolicy

TRIM = "trim to the first 1 second"


@pytest.fixture
def address() -> Iterator[str]:
    """A server whose time stands still."""
    settings = Settings(port=0, clock="manual", silence=SilentTurnPolicy(rate=0))
    with LocalServer(settings) as server:
        yield server.base_url


@pytest.mark.slow
@pytest.mark.rule("SSE-7")
def test_cancelled_turn_is_carried_out_and_paid_once(address: str, sample: Path) -> None:
    async def scene() -> None:
        async with AsyncClient(
            address,
            attribution=Attribution("a-skill", "1"),
            profile=MemoryProfile(),
            environment={},
        ) as client:
            await client.upload(sample)
            turn = asyncio.create_task(client.say(TRIM))
            while not (await client.balance()).frozen:
                await asyncio.sleep(0)
            turn.cancel()
            with pytest.raises(asyncio.CancelledError):
                await turn
            httpx.post(f"{address}/__nemolocal__/clock/advance", json={"seconds": 60}, timeout=60)
            assert "(0-1s)" in await client.timeline()
            balance = await client.balance()
            assert (balance.available, balance.frozen) == (50, 0)

    asyncio.run(scene())
    chats = httpx.get(
        f"{address}/__nemolocal__/journal", params={"endpoint": "chat"}, timeout=60
    ).json()
    (entry,) = chats["entries"]
    assert entry["ending"] == "cut by client"
    assert entry["turn"]["truth"] in ("applied", "late")
