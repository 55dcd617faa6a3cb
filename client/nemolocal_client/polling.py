"""How often the client asks again, and how long it is patient."""

import msgspec

from .errors import StreamTimeout
from .operations import Notice

STILL_WORKING = "⏳ Still working..."

# Seconds before each read of the state after a cut stream, and after a silent end (CLI-4, CLI-3).
POLL_DELAYS_AFTER_CUT = (30.0, 60.0, 60.0, 60.0, 60.0)
POLL_DELAYS_AFTER_SILENCE = (0.0, 30.0, 60.0, 60.0, 60.0)

RATE_LIMIT_PAUSE = 30.0

_NOTICE_INTERVAL = 120.0
_HEARTBEAT_TIMEOUT = 600.0
_TURN_TIMEOUT = 900.0


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


class TurnTimer:
    """The clock of one turn (CLI-5); all times are seconds since the epoch."""

    def __init__(self, begun: float) -> None:
        self._started = self._last_event = self._last_notice = begun

    def record_event(self, now: float) -> None:
        """Something that is no heartbeat arrived."""
        self._last_event = now

    def check_timeout(self, now: float) -> None:
        """Raise `StreamTimeout` after 10 minutes of heartbeats only, or 15 minutes in all."""
        if now - self._started >= _TURN_TIMEOUT:
            raise StreamTimeout("the turn took more than 15 minutes")
        if now - self._last_event >= _HEARTBEAT_TIMEOUT:
            raise StreamTimeout("the turn gave no sign but heartbeats for 10 minutes")

    def due_notice(self, now: float) -> Notice | None:
        """What to tell the user now: a line every 2 minutes."""
        if now - self._last_notice < _NOTICE_INTERVAL:
            return None
        self._last_notice = now
        return Notice("working", STILL_WORKING)
