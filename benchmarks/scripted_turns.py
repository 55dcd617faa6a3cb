"""Compares scripted turns with those of the agent: `python -m benchmarks.scripted_turns`.

Two sessions of one server in this process say the same message in turn; scripted replies answer
one of them with the same edit. Processor time, on a manual clock: no wait is measured.
"""

import argparse
import asyncio
import time
from collections.abc import Sequence
from statistics import median
from typing import Any

import httpx

from nemolocal_contract.clock import ManualClock
from nemolocal_server.app import build_app
from nemolocal_server.settings import Settings
from nemolocal_server.turns.silent_turns import SilentTurnPolicy

from .call_path import ChatSession

_MESSAGE = "make it brighter"
_EDIT = {"edit": "add-effect", "type": "brightness", "amount": 0.25}
_CLIENT = "scripted"
_BLOCK = 20
_LIMIT = 1.05
# As many as a test may have; the last one matches.
_REPLIES: list[dict[str, Any]] = [
    {"match": {"message": "add captions"}, "edits": [], "say": "Done!"},
    {"match": {"turn": 100_000, "client": _CLIENT}, "edits": [], "say": "Done!"},
    {
        "match": {"message": "brighter", "client": _CLIENT},
        "times": 0,
        "edits": [_EDIT],
        "say": "Done! It is brighter.",
    },
]


def main(argv: Sequence[str] | None = None) -> int:
    """Measure and print; the reader decides whether it is good."""
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.scripted_turns", description=__doc__
    )
    parser.add_argument("--turns", type=int, default=1000, help="of each kind")
    turns = parser.parse_args(argv).turns
    plain, scripted = asyncio.run(_measure(turns))
    print(f"agent     {plain * 1000:7.3f} ms of processor time for a turn, of {turns}")
    print(f"scripted  {scripted * 1000:7.3f} ms")
    print(f"ratio     {scripted / plain:7.2f} (target: {_LIMIT})")
    return 0


async def _measure(turns: int) -> tuple[float, float]:
    """Return the medians over blocks of turns that take place one after the other."""
    settings = Settings(silence=SilentTurnPolicy(rate=0.0))
    app = build_app(settings, ManualClock(autojump=True), replies=_REPLIES)
    transport = httpx.ASGITransport(app=app)
    async with (
        app.router.lifespan_context(app),
        httpx.AsyncClient(transport=transport, base_url="http://127.0.0.1:8787") as client,
    ):
        sessions = [await ChatSession.open(client, name) for name in ("plain", _CLIENT)]
        seconds: tuple[list[float], list[float]] = ([], [])
        for _ in range(max(1, turns // _BLOCK)):
            for session, taken in zip(sessions, seconds, strict=True):
                start = time.process_time()
                for _ in range(_BLOCK):
                    await session.turn(_MESSAGE)
                taken.append((time.process_time() - start) / _BLOCK)
        return median(seconds[0]), median(seconds[1])


if __name__ == "__main__":
    raise SystemExit(main())
