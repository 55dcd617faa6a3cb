"""How long something really took: the clock of a journal may have run faster than a cloud's."""

import msgspec

from nemolocal_contract.journal import Entry

# Who waits 30 s may be a fifth early by the clock of somebody else.
_TOLERANCE = 0.2
# A wait that passes within so many seconds of the clock drowns in what requests take anyway.
_FINEST = 0.1


class TimeScale(msgspec.Struct, frozen=True):
    """`speed` seconds of the contract pass in a second of the journal; None where nobody knows.

    A client may or may not know that waits are divided. So a wait is too short only when it is
    shorter than the divided one, and too long only when it is longer than the whole one.
    """

    speed: float | None

    def is_shorter(self, seconds: float, wanted: float) -> bool | None:
        """Whether a wait was shorter than `wanted`; None where this clock cannot tell."""
        least = wanted * (1 - _TOLERANCE)
        if self.speed is None:
            return None if seconds < least else False
        if seconds < least / self.speed:
            return True
        return None if wanted / self.speed < _FINEST and seconds < least else False

    def is_longer(self, seconds: float, wanted: float) -> bool:
        """Whether a wait was longer than `wanted`, by any count."""
        return seconds > wanted * (1 + _TOLERANCE) * max(1.0, 1 / (self.speed or 1.0))

    def is_within(self, seconds: float, limit: float) -> bool:
        """Whether something came within `limit` seconds, as what a program does by itself."""
        return seconds <= limit / (self.speed or 1.0)

    @property
    def is_scaled(self) -> bool:
        """Whether waits pass faster than work does, or may do so."""
        return self.speed != 1.0

    @property
    def unknown_reason(self) -> str:
        """Why a wait cannot be judged."""
        if self.speed is None:
            return "the journal does not say how fast its clock ran"
        return f"a clock that divides waits by {self.speed:g} is too coarse for this one"


def time_scale_of(entries: tuple[Entry, ...]) -> TimeScale:
    """The tempo that all entries agree on."""
    speeds = {entry.speed for entry in entries}
    return TimeScale(speeds.pop() if len(speeds) == 1 else None)
