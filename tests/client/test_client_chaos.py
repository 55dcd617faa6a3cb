"""Journeys in which every fault may strike at any request, each from a seed of its own.

Whatever happens, a call ends with its result or with an error of the library, no message is sent
twice, nothing is paid twice, and nothing is left behind. A failure names its seed.
"""

import functools
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

import shared_time
import write_faults
from nemolocal_client import Client, NemoError
from nemolocal_contract.endpoints import JOURNAL
from tests.support.client_faces import ClientFactory

# Ten journeys belong to the fast tests, a thousand to the deep run.
FAST, RUNS, CHUNK = 10, 1000, 50
RATE = 0.25
# Slow bytes arrive in such handfuls: a read for each is a third of all the work, and the table of
# faults has them one by one.
TOGETHER = 8
EDITS = (
    "trim to the first 6 seconds",
    "remove the last 2 seconds",
    'add a title "Hi" for the first 2 seconds',
)
PRICE = 50
# Two turns of 15 minutes with five looks at the state each, and two renders of ten polls, with a
# pause after each 429.
LONGEST = 3 * (900 + 300) + 2 * 600 + 40 * 30
RENDERED = b"a render"


class Run:
    """One journey: what each call came to, and how often each message ended well."""

    def __init__(self, client: Client, folder: Path) -> None:
        self.client = client
        self.folder = folder
        self.ended: dict[str, str] = {}

    def go(self) -> None:
        client, out = self.client, self.folder / "out.mp4"
        self.attempt("connect", client.connect)
        self.attempt("open_session", client.open_session)
        self.attempt("upload", lambda: client.upload(self.folder / "clip.mp4"))
        for message in EDITS:
            self.attempt(message, functools.partial(client.say, message))
        self.attempt("balance", client.balance)
        self.attempt("claim_link", client.claim_link)
        out.unlink(missing_ok=True)
        self.attempt("export", lambda: client.export(out))
        self.attempt("cancel_export", client.cancel_export)
        assert out.exists() == (self.ended["export"] == "done")
        assert not out.exists() or out.read_bytes() == RENDERED
        assert sorted(path.name for path in self.folder.iterdir()) in (
            ["clip.mp4"],
            ["clip.mp4", "out.mp4"],
        )

    def attempt(self, name: str, call: Callable[[], object]) -> None:
        said = self.ended[name] = "done"
        try:
            call()
        except NemoError as error:
            said, self.ended[name] = str(error), type(error).__name__
        assert "\n" not in said
        assert "nmv_usr_" not in said


def check_books(run: Run, turns: list[dict[str, Any]]) -> None:
    """What the server's journal says of the turns of this run."""
    sent = Counter(turn["message"] for turn in turns)
    assert all(count == 1 for count in sent.values()), sent
    assert not any(turn["resend"] for turn in turns)
    assert sum(turn["cost"] for turn in turns) <= PRICE
    for turn in turns:
        if run.ended[turn["message"]] == "done":
            assert turn["truth"] in ("applied", "late", "talk"), turn
    for message in EDITS:
        assert run.ended[message] != "done" or sent[message] == 1, message


@pytest.mark.slow
@pytest.mark.parametrize(
    ("first", "count"),
    [
        (RUNS, FAST),
        pytest.param(0, CHUNK, marks=pytest.mark.slow),
        *(
            pytest.param(n, CHUNK, marks=[pytest.mark.slow, pytest.mark.nightly])
            for n in range(CHUNK, RUNS, CHUNK)
        ),
    ],
)
def test_client_survives_chaos(faces: dict[str, ClientFactory], first: int, count: int) -> None:
    with shared_time.clocked_server(TOGETHER, chaos=RATE, seed=first) as server:
        names = list(faces)
        for seed in range(first, first + count):
            name = names[seed % 2]
            more = {} if name == "sync" else {"wait_for": server.clock.run}
            face = functools.partial(faces[name], **more)
            server.http.delete(JOURNAL.template).raise_for_status()
            began = server.clock.time()
            try:
                with write_faults.open_client(server, f"seed-{seed}", face) as client:
                    run = Run(client, server.folder)
                    run.go()
                assert server.clock.time() - began <= LONGEST
                server.clock.wait(2000)
                entries = server.http.get(JOURNAL.template, params={"endpoint": "chat"}).json()
                check_books(run, [e["turn"] for e in entries["entries"] if e["turn"] is not None])
            except BaseException as problem:
                problem.add_note(f"seed {seed} of the {name} client")
                raise
