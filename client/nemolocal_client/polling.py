"""How often the client asks again, and how long it is patient."""

import msgspec

from .effects import Notice
from .errors import StreamTimeout

STILL_WORKING = "⏳ Still working..."

# Seconds before each read of the state after a cut stream, and after a silent end (CLI-4, CLI-3).
AFTER_CUT = (30.0, 60.0, 60.0, 60.0, 60.0)
AFTER_SILENCE = (0.0, 30.0, 60.0, 60.0, 60.0)

RATE_LIMIT_PAUSE = 30.0

_NOTE_EVERY = 120.0
_HEARTBEATS_ONLY = 600.0
_TURN = 900.0


class PollPolicy(msgspec.Struct, frozen=True):
    """How a render is polled: every `seconds`, at most `times` (CLI-8)."""

    seconds: float = 30.0
    times: int = 10


CONTRACT_POLLING = PollPolicy()


class ReconnectPolicy(msgspec.Struct, frozen=True):
    """How long a server is looked for that answered before and is gone, and how often.

    `seconds` of the time where it refuses connections, ten times as long where it cannot be
    reached at all, since its network may be down; 0 gives up at once. It is looked for `every` so
    many seconds of the clock.
    """

    seconds: float = 30.0
    every: float = 1.0


CONTRACT_RECONNECTING = ReconnectPolicy()


class Patience:
    """The clock of one turn (CLI-5); all times are seconds since the epoch."""

    def __init__(self, begun: float) -> None:
        self._begun = self._news = self._noted = begun

    def heard(self, now: float) -> None:
        """Something that is no heartbeat arrived."""
        self._news = now

    def check(self, now: float) -> None:
        """Raise `StreamTimeout` after 10 minutes of heartbeats only, or 15 minutes in all."""
        if now - self._begun >= _TURN:
            raise StreamTimeout("the turn took more than 15 minutes")
        if now - self._news >= _HEARTBEATS_ONLY:
            raise StreamTimeout("the turn gave no sign but heartbeats for 10 minutes")

    def note(self, now: float) -> Notice | None:
        """What to tell the user now: a line every 2 minutes."""
        if now - self._noted < _NOTE_EVERY:
            return None
        self._noted = now
        return Notice("working", STILL_WORKING)
