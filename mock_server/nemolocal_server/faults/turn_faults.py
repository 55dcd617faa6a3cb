"""Faults that change the plan of a turn. Pure."""

from collections.abc import Callable

import msgspec

from nemolocal_contract.turn_events import Heartbeat, Text

from ..turns.silent_turns import EditOutcome
from ..turns.turn_schedule import AbortTurn, CommitEdits, TurnStep, heartbeat_steps
from .catalogue import ActiveFault, LateEditArgs, LateHeartbeatArgs, StallArgs

_ISSUE = "I encountered a temporary issue"
_ISSUE_SECONDS = 2.0


class TurnFaults(msgspec.Struct, frozen=True):
    """What faults change in a turn; the default changes nothing.

    `outcome` overrides the silent turn policy. `stall` are seconds with nothing but heartbeats,
    `first_event_delay` seconds with nothing at all. `aborted` turns end before they have done
    anything, `issue` adds a text. Texts get line `separators`, or an `emoji` that the body filter
    can split.
    """

    outcome: EditOutcome | None = None
    stall: float = 0.0
    first_event_delay: float = 0.0
    aborted: bool = False
    issue: bool = False
    separators: bool = False
    emoji: bool = False

    def apply(self, steps: list[TurnStep], heartbeat: float) -> list[TurnStep]:
        """Return the changed plan; `heartbeat` is the interval in seconds."""
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
        return [*heartbeat_steps(self.stall, heartbeat), *steps]


NO_TURN_FAULTS = TurnFaults()
# The faults without arguments.
_CHANGES: dict[str, TurnFaults] = {
    "silent": TurnFaults(outcome=EditOutcome(silent=True)),
    "silent-not-applied": TurnFaults(outcome=EditOutcome(silent=True, applied_state="not_applied")),
    "out-of-credits-mid-turn": TurnFaults(aborted=True),
    "temporary-issue": TurnFaults(issue=True),
    # These two need a text, so the edit is not silent, whatever the policy says.
    "line-separator": TurnFaults(outcome=EditOutcome(), separators=True),
    "split-utf8": TurnFaults(outcome=EditOutcome(), emoji=True),
}


def turn_faults_for(faults: tuple[ActiveFault, ...]) -> TurnFaults:
    """Combine what the active faults of a chat request change; the first outcome wins."""
    combined = NO_TURN_FAULTS
    for fault in faults:
        changed = msgspec.structs.asdict(_change(fault))
        earlier = {name: value for name, value in msgspec.structs.asdict(combined).items() if value}
        combined = TurnFaults(**{**changed, **earlier})
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


def _with_text(steps: list[TurnStep], change: Callable[[str], str]) -> list[TurnStep]:
    return [
        TurnStep(step.delay, Text(change(step.action.text)))
        if isinstance(step.action, Text)
        else step
        for step in steps
    ]


def _with_separators(text: str) -> str:
    head, _, tail = text.partition(" ")
    return f"{head}\u2028{tail}\u0085"


def _aborted(steps: list[TurnStep]) -> list[TurnStep]:
    """Abort the plan where it would commit edits or stream a text."""
    for number, step in enumerate(steps):
        if isinstance(step.action, CommitEdits | Text):
            return [*steps[:number], TurnStep(step.delay, AbortTurn())]
    return steps
