"""Writes docs/reference/client-under-faults.md: how the client ends under every fault.

Each fault is armed for one request of a journey (token, session, upload, message, export, …) to a
real server on a socket. Client and server share one clock. Looking into the upload and rendering
are stood in for; everything else is as it is.
`python docs/write_faults.py` writes the file, `--check` exits 1 if it is not up to date.
"""

import itertools
import re
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import msgspec

from nemolocal_client import Attribution, Client, MemoryProfile, NemoError
from nemolocal_contract.endpoints import FAULTS_ARM, JOURNAL
from nemolocal_server.faults.catalogue import CATALOGUE
from shared_time import ClientClock, Stage, stage

TARGET = Path(__file__).parent / "reference" / "client-under-faults.md"
MESSAGE = "trim to the first 4 seconds"
HEAD = """\
# What the client does under each fault

Made by `python docs/write_faults.py`; a test fails when it is not up to date, another one when the
sync and the async client differ. The fault befalls the first request to the endpoint, once.
*Ends* is what the caller of the library gets (*done*: as if nothing had happened); *waits* are the
client's own pauses in seconds of the clock, without the time it listens to a turn; *sent* is how
often the message was; *credits* is what the account paid, of the 50 that this edit costs.
"""
DONE = "done"
NUMBERS = itertools.count(1)
COLUMNS = ("fault", "request", "call", "ends", "waits", "sent", "credits")
# Seconds in which whatever still runs comes to its end.
_LONG = 2000.0
# What else must go wrong, so that a request is sent at all.
BESIDES = {"render_cancel": ("render-stuck", "render"), "render_download": ("url-gone", "file")}
STEPS = {
    "token": "connect", "session": "open_session", "upload": "upload", "chat": "say",
    "state": "say", "balance": "balance", "claim_token": "claim_link", "render": "export",
    "render_status": "export", "render_cancel": "cancel_export", "render_download": "export",
    "file": "export",
}  # fmt: skip


class Row(msgspec.Struct, frozen=True):
    """A line of the table; `waits` is in seconds of the clock."""

    fault: str
    endpoint: str
    call: str
    ends: str
    waits: float
    sent: int
    credits: int


def open_client(on: Stage, client_id: str, face: Callable[..., Any] = Client) -> Any:
    """A client that the server knows by this id."""
    profile = MemoryProfile()
    profile.client_id = lambda *_: client_id  # type: ignore[method-assign]
    return face(
        on.base_url,
        attribution=Attribution("nemolocal-faults", "1.0"),
        profile=profile,
        clock=ClientClock(on.clock),
        environment={},
    )


def journey(client: Any, folder: Path) -> Iterator[tuple[str, Callable[[], object]]]:
    """Everything that a client does, a call at a time; export and its cancellation come last."""
    yield "connect", client.connect
    yield "open_session", client.open_session
    yield "upload", lambda: client.upload(folder / "clip.mp4")
    yield "say", lambda: client.say(MESSAGE)
    yield "balance", client.balance
    yield "claim_link", client.claim_link
    yield "export", lambda: client.export(folder / "out.mp4")
    yield "cancel_export", client.cancel_export


def play(on: Stage, fault: str, endpoint: str, face: Callable[..., Any] = Client) -> Row:
    """Go the way with a fault in it; what came of the call that it befell."""
    name = f"client-{next(NUMBERS)}"
    on.http.delete(JOURNAL.template).raise_for_status()
    arm(on, name, fault, endpoint)
    if endpoint in BESIDES:
        arm(on, name, *BESIDES[endpoint])
    with open_client(on, name, face) as client:
        ways = journey(client, on.folder)
        call, ask = next(ways)
        while call != STEPS[endpoint]:
            _outcome(ask, on.base_url)
            call, ask = next(ways)
        on.clock.restart()
        ends = _outcome(ask, on.base_url)
        waits = on.clock.waited
        on.clock.stop()
        return Row(fault, endpoint, call, ends, waits, *_afterwards(on))


def arm(on: Stage, client_id: str, fault: str, endpoint: str) -> None:
    """Let a fault befall this client's first request to an endpoint."""
    match = {"endpoint": endpoint} | ({} if endpoint == "file" else {"client_id": client_id})
    on.http.post(FAULTS_ARM.template, json={"name": fault, "match": match}).raise_for_status()


def _outcome(ask: Callable[[], object], base_url: str) -> str:
    try:
        ask()
    except NemoError as error:
        said = re.sub(r"(anon_)?[0-9a-f]{10,}", "…", str(error).replace(base_url, "the server"))
        return f"{type(error).__name__}: {said}"
    return DONE


def _afterwards(on: Stage) -> tuple[int, int]:
    """How often the message was sent, and what it cost, once everything has come to its end."""
    on.clock.wait(_LONG)
    entries = on.http.get(JOURNAL.template, params={"endpoint": "chat"}).json()["entries"]
    turns = [entry["turn"] for entry in entries if entry["turn"] is not None]
    return len(turns), sum(turn["cost"] for turn in turns)


def main(arguments: list[str]) -> int:
    """Write the table, or only look whether it is as it should be."""
    text = table()
    if "--check" not in arguments:
        TARGET.write_text(text, encoding="utf-8")
        return 0
    return int(not TARGET.exists() or TARGET.read_text(encoding="utf-8") != text)


def table() -> str:
    """The whole file."""
    with stage() as on:
        rows = [play(on, fault, endpoint) for fault, endpoint in befallen()]
    lines = [" | ".join(COLUMNS), " | ".join(["---"] * len(COLUMNS)), *map(line_of, rows)]
    return HEAD + "".join(f"\n| {line} |" for line in lines) + "\n"


def line_of(row: Row) -> str:
    """The cells of a row."""
    ends = row.ends.replace("|", "\\|")
    cells = (f"`{row.fault}`", row.endpoint, f"`{row.call}`", ends, f"{row.waits:g}")
    return " | ".join([*cells, str(row.sent), str(row.credits)])


def befallen() -> list[tuple[str, str]]:
    """Every fault with every endpoint that it can befall."""
    return [(fault.name, endpoint) for fault in CATALOGUE.values() for endpoint in fault.endpoints]


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
