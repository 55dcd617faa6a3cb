"""Where scripts are played: a player of a server, by its address."""

import contextlib
import uuid
from collections.abc import Iterator

from nemolocal_contract.headers import Attribution

from ..assertions import PrerequisiteFailed
from ..context import CheckContext
from ..control_client import ControlClient, find_control_client
from ..target import TargetClient
from .script_runner import ScriptRunner


@contextlib.contextmanager
def open_script_runner(
    base_url: str,
    attribution: Attribution,
    *,
    token: str = "",
    control_token: str = "",
    fresh: bool = False,
) -> Iterator[ScriptRunner]:
    """A player of the server there.

    `fresh` says that nobody has ever called it: then ids need no chance to be new, and a script
    is answered the same each time.
    """
    peer = TargetClient(base_url, attribution)
    with contextlib.closing(peer):
        stage = CheckContext(peer, _working_control(peer, control_token), token)
        yield ScriptRunner(stage, _fixed_salt if fresh else _new_salt)


def _working_control(peer: TargetClient, token: str) -> ControlClient | None:
    """The control interface, if it does more than say that it is there."""
    control = find_control_client(peer, token)
    try:
        if control is not None:
            control.read_clock()
    except PrerequisiteFailed:
        return None
    return control


def _fixed_salt() -> str:
    return "0"


def _new_salt() -> str:
    return uuid.uuid4().hex
