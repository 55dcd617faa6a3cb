"""Steps that most scripts have, and a reference server to play them on."""

import contextlib
from collections.abc import Iterator

from nemolocal_conformance.scripts.place import player_at
from nemolocal_conformance.scripts.player import Ending, Player
from nemolocal_conformance.scripts.script import (
    AnyStep,
    AskToken,
    Balance,
    Export,
    Follow,
    OpenSession,
    ReadState,
    Say,
    Script,
    Upload,
)
from nemolocal_conformance.stage import PUT_ON_TIMELINE
from nemolocal_contract.clock import ManualClock
from nemolocal_contract.headers import Attribution
from nemolocal_server.serving import LocalServer
from nemolocal_server.settings import Settings

ANN, BOB = AskToken("ann"), AskToken("bob")
SESSION = OpenSession("s1", by="ann")
PICTURE = Upload("s1", ("picture.png",), by="ann")
PUT = Say("s1", PUT_ON_TIMELINE, by="ann")
STATE, BALANCE = ReadState("s1", by="ann"), Balance(by="ann")
EXPORT, FOLLOW = Export("s1", "r1", by="ann"), Follow("r1", by="ann")


@contextlib.contextmanager
def reference(**settings: object) -> Iterator[Player]:
    """A player of scripts on a reference server with these settings."""
    chosen = Settings(port=0, **settings)  # type: ignore[arg-type]
    with (
        LocalServer(chosen, ManualClock(autojump=True)) as server,
        player_at(server.base_url, Attribution("x", "1"), fresh=True) as player,
    ):
        yield player


def play(*steps: AnyStep, **settings: object) -> Ending:
    """How these steps end on such a server."""
    with reference(**settings) as player:
        return player.play(Script(steps))
