"""Real durations: the clock of a journal may have run faster than the cloud's."""

import msgspec

from nemolocal_contract.journal import Entry

# A wait of 30 s may be a fifth shorter by another clock.
_TOLERANCE = 0.2
# Shorter waits, in real seconds, cannot be told from the time that requests take.
_FINEST = 0.1


class TimeScale(msgspec.Struct, frozen=True):
    """`speed` seconds of the contract pass in one second of the journal; None if unknown.

    A client may or may not know that waits are divided by the speed. So a wait is too short only if
    it is shorter than the divided one, and too long only if it is longer than the undivided one.
    """

    speed: float | None

    def is_shorter(self, seconds: float, wanted: float) -> bool | None:
        """Whether a wait was shorter than `wanted`; None if this clock cannot tell."""
        least = wanted * (1 - _TOLERANCE)
        if self.speed is None:
            return None if seconds < least else False
        if seconds < least / self.speed:
            return True
        return None if wanted / self.speed < _FINEST and seconds < least else False

    def is_longer(self, seconds: float, wanted: float) -> bool:
        """Whether a wait was longer than `wanted`, divided or not."""
        return seconds > wanted * (1 + _TOLERANCE) * max(1.0, 1 / (self.speed or 1.0))

    def is_within(self, seconds: float, limit: float) -> bool:
        """Whether something happened within `limit` seconds, as automatic actions do."""
        return seconds <= limit / (self.speed or 1.0)

    @property
    def is_scaled(self) -> bool:
        """Whether waits pass faster than real time, or may do so."""
        return self.speed != 1.0

    @property
    def unknown_reason(self) -> str:
        """Why a wait cannot be evaluated."""
        if self.speed is None:
            return "the journal does not contain the speed of the clock"
        return f"a clock that divides waits by {self.speed:g} is too coarse for this one"


def time_scale_of(entries: tuple[Entry, ...]) -> TimeScale:
    """Return the time scale that all entries agree on."""
    speeds = {entry.speed for entry in entries}
    return TimeScale(speeds.pop() if len(speeds) == 1 else None)
