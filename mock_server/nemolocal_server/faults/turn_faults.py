"""What faults do to the plan of a turn. Pure."""

from collections.abc import Callable

import msgspec

from nemolocal_contract.turn_events import Heartbeat, Text

from ..turns.silent_turns import EditOutcome
from ..turns.turn_schedule import (
    CLOUD_TURN_TIMES,
    AbortTurn,
    CommitEdits,
    TurnStep,
    heartbeat_steps,
    limit_duration,
)
from .catalogue import ActiveFault, LateEditArgs, LateHeartbeatArgs, StallArgs

_ISSUE = "I encountered a temporary issue"
_ISSUE_SECONDS = 2.0


class TurnFaults(msgspec.Struct, frozen=True):
    """How a turn is made to go otherwise; as it is here it changes nothing.

    `outcome` overrides the draw; `stall` and `quiet` are seconds with nothing but heartbeats and
    with nothing at all; `abandoned` turns end before they have done anything. `issue` is said in
    addition; texts get line `separators`, or an `emoji`, so that there is something to tear apart.
    """

    outcome: EditOutcome | None = None
    stall: float = 0.0
    first_event_delay: float = 0.0
    aborted: bool = False
    issue: bool = False
    separators: bool = False
    emoji: bool = False

    def apply(
        self, steps: list[TurnStep], heartbeat: float, limit: float = CLOUD_TURN_TIMES.limit
    ) -> list[TurnStep]:
        """The plan as it will be played, for `limit` seconds at most (SSE-6).

        `heartbeat` is the interval in seconds.
        """
        if self.outcome is not None and self.outcome.silent:
            steps = [step for step in steps if not isinstance(step.action, Text)]
        if self.separators:
            steps = _with_text(steps, _with_separators)
        if self.emoji:
            steps = _with_text(steps, "✅ {}".format)
        if self.aborted:
            steps = _aborted(steps)
        if self.issue:
            steps = [*steps, TurnStep(_ISSUE_SECONDS, Text(_ISSUE))]
        if self.first_event_delay:
            steps = [TurnStep(self.first_event_delay, Heartbeat()), *steps]
        return limit_duration([*heartbeat_steps(self.stall, heartbeat), *steps], limit)


NO_TURN_FAULTS = TurnFaults()


# What faults without arguments change.
_CHANGES: dict[str, TurnFaults] = {
    "silent": TurnFaults(outcome=EditOutcome(silent=True)),
    "silent-not-applied": TurnFaults(outcome=EditOutcome(silent=True, applied_state="not_applied")),
    "out-of-credits-mid-turn": TurnFaults(aborted=True),
    "temporary-issue": TurnFaults(issue=True),
    # These need words to bite: the edit is told, whatever the draw says.
    "line-separator": TurnFaults(outcome=EditOutcome(), separators=True),
    "split-utf8": TurnFaults(outcome=EditOutcome(), emoji=True),
}


def turn_faults_for(faults: tuple[ActiveFault, ...]) -> TurnFaults:
    """What the faults in force on a chat request do to its turn; the first outcome holds."""
    combined = NO_TURN_FAULTS
    for fault in faults:
        changed = msgspec.structs.asdict(_change(fault))
        kept = {name: value for name, value in msgspec.structs.asdict(combined).items() if value}
        combined = TurnFaults(**{**changed, **kept})
    return combined


def _change(fault: ActiveFault) -> TurnFaults:
    match fault.args:
        case LateEditArgs(seconds):
            return TurnFaults(
                outcome=EditOutcome(silent=True, applied_state="late", late_seconds=seconds)
            )
        case StallArgs(seconds):
            return TurnFaults(stall=seconds)
        case LateHeartbeatArgs(seconds):
            return TurnFaults(first_event_delay=seconds)
    return _CHANGES.get(fault.name, NO_TURN_FAULTS)


def _with_text(steps: list[TurnStep], respell: Callable[[str], str]) -> list[TurnStep]:
    return [
        TurnStep(step.delay, Text(respell(step.action.text)))
        if isinstance(step.action, Text)
        else step
        for step in steps
    ]


def _with_separators(text: str) -> str:
    head, _, tail = text.partition(" ")
    return f"{head}\u2028{tail}\u0085"


def _aborted(steps: list[TurnStep]) -> list[TurnStep]:
    """The plan up to where it would do or say something, and then its end."""
    for number, step in enumerate(steps):
        if isinstance(step.action, CommitEdits | Text):
            return [*steps[:number], TurnStep(step.delay, AbortTurn())]
    return steps
