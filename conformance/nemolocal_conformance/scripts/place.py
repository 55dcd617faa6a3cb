"""Where scripts are played: a player of a server, by its address."""

import contextlib
import uuid
from collections.abc import Iterator

from nemolocal_contract.headers import Attribution

from ..control import Control, find_control
from ..expectations import Unmet
from ..peer import Peer
from ..stage import Stage
from .player import Player


@contextlib.contextmanager
def player_at(
    base_url: str,
    attribution: Attribution,
    *,
    token: str = "",
    control_token: str = "",
    fresh: bool = False,
) -> Iterator[Player]:
    """A player of the server there.

    `fresh` says that nobody has ever called it: then ids need no chance to be new, and a script
    is answered the same each time.
    """
    peer = Peer(base_url, attribution)
    with contextlib.closing(peer):
        stage = Stage(peer, _working_control(peer, control_token), token)
        yield Player(stage, _fixed_salt if fresh else _new_salt)


def _working_control(peer: Peer, token: str) -> Control | None:
    """The control interface, if it does more than say that it is there."""
    control = find_control(peer, token)
    try:
        if control is not None:
            control.time()
    except Unmet:
        return None
    return control


def _fixed_salt() -> str:
    return "0"


def _new_salt() -> str:
    return uuid.uuid4().hex
