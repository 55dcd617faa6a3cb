"""Thousands of turns: the time of each event against the plan of its turn."""

import asyncio
import time
from collections.abc import Sequence
from itertools import accumulate

import httpx
import msgspec

from nemolocal_contract import endpoints as wire
from nemolocal_contract.endpoints import CLIENT_ID, Attribution, bearer_header
from nemolocal_server.seeded_random import SeededRandom
from nemolocal_server.turns.turn_schedule import TurnScheduler, TurnSeed

from .server_process import ServerProcess

CLIENT = "bench"
MESSAGE = "hello"
_HEADERS = Attribution("bench", "1.0.0").headers()
_LAST_CHUNK = b"0\r\n\r\n"


class LoadAccount(msgspec.Struct, frozen=True):
    """A token, and its sessions in the order in which they were opened."""

    token: str
    sessions: tuple[str, ...]


class StreamStats(msgspec.Struct, frozen=True):
    """The results of the turns; times in seconds, ascending.

    `waits` are from the request to the head of the response, when the turn begins; `lateness` is
    that of each event, from the head on.
    """

    complete_count: int
    waits: tuple[float, ...]
    lateness: tuple[float, ...]


def percentile(times: Sequence[float], part: float) -> float:
    """Return the value that this part of the ascending times does not exceed."""
    return times[min(int(part * len(times)), len(times) - 1)]


def open_account(server: ServerProcess, sessions: int) -> LoadAccount:
    """Create a token with so many sessions."""
    with httpx.Client(base_url=server.base_url, headers=_HEADERS, timeout=60) as http:
        fresh = http.post(wire.TOKEN.template, headers={CLIENT_ID: CLIENT}).json()["data"]
        http.headers.update(bearer_header(fresh["token"]))
        path = wire.SESSION.path(user=wire.CURRENT_USER)
        opened = (http.post(path, json={}).json()["data"] for _ in range(sessions))
        return LoadAccount(fresh["token"], tuple(session["session_id"] for session in opened))


async def measure_streams(
    server: ServerProcess, account: LoadAccount, speed: float, heartbeat: float, ramp: float
) -> StreamStats:
    """Run one turn in every session, started over `ramp` seconds, and read each to its end.

    `speed` and `heartbeat` are the server's settings, which determine the plan of each turn.
    """
    pause = ramp / len(account.sessions)

    async def one(number: int, session: str) -> tuple[bool, float, list[float]]:
        await asyncio.sleep(number * pause)
        due = due_times(number + 1, speed, heartbeat)
        return await _listen(server, account.token, session, due)

    heard = await asyncio.gather(*(one(n, sid) for n, sid in enumerate(account.sessions)))
    return StreamStats(
        sum(right for right, _, _ in heard),
        tuple(sorted(wait for _, wait, _ in heard)),
        tuple(sorted(late for _, _, lates in heard for late in lates)),
    )


def due_times(ordinal: int, speed: float, heartbeat: float) -> list[float]:
    """Return when each event of the first turn of the nth session is due, in seconds."""
    seed = TurnSeed(CLIENT, ordinal, 1, MESSAGE)
    plan = TurnScheduler(seed, SeededRandom(0), heartbeat).reply("")
    return [moment / speed for moment in accumulate(step.delay for step in plan)]


async def _listen(
    server: ServerProcess, token: str, session: str, due: list[float]
) -> tuple[bool, float, list[float]]:
    """Return whether the stream ended correctly, its wait, and how late its events were."""
    reader, writer = await asyncio.open_connection(server.host, server.port)
    asked = time.perf_counter()
    writer.write(_request(server, token, session))
    await reader.readuntil(b"\r\n\r\n")
    begun = time.perf_counter()
    received = b""
    late: list[float] = []
    while not received.endswith(_LAST_CHUNK) and (chunk := await reader.read(65_536)):
        received += chunk
        elapsed = time.perf_counter() - begun
        late += [elapsed - moment for moment in due[len(late) : received.count(b"\n\n")]]
    writer.close()
    right = received.endswith(_LAST_CHUNK) and len(late) == len(due) and b'"text":' in received
    return right, begun - asked, late


def _request(server: ServerProcess, token: str, session: str) -> bytes:
    body = msgspec.json.encode(
        {"session_id": session, "new_message": {"parts": [{"text": MESSAGE}]}}
    )
    lines = [
        f"POST {wire.CHAT.template} HTTP/1.1",
        f"Host: {server.host}:{server.port}",
        f"Content-Length: {len(body)}",
        *(f"{name}: {value}" for name, value in {**_HEADERS, **bearer_header(token)}.items()),
    ]
    return "\r\n".join(lines).encode() + b"\r\n\r\n" + body
