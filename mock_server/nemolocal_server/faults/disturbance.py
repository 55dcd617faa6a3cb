"""What faults do to the plan of a turn. Pure."""

from collections.abc import Callable

import msgspec

from nemolocal_contract.events import Heartbeat, Text

from ..agent.turn_plan import TURN_TIMES, Abandon, Commit, Step, heartbeats, within_limit
from ..silence import Outcome
from .catalogue import Active, Late, Quiet, Stalled

_ISSUE = "I encountered a temporary issue"
_ISSUE_SECONDS = 2.0


class Disturbance(msgspec.Struct, frozen=True):
    """How a turn is made to go otherwise; as it is here it changes nothing.

    `outcome` overrides the draw; `stall` and `quiet` are seconds with nothing but heartbeats and
    with nothing at all; `abandoned` turns end before they have done anything. `issue` is said in
    addition; texts get line `separators`, or an `emoji`, so that there is something to tear apart.
    """

    outcome: Outcome | None = None
    stall: float = 0.0
    quiet: float = 0.0
    abandoned: bool = False
    issue: bool = False
    separators: bool = False
    emoji: bool = False

    def disturb(
        self, steps: list[Step], heartbeat: float, limit: float = TURN_TIMES.limit
    ) -> list[Step]:
        """The plan as it will be played, for `limit` seconds at most (SSE-6).

        `heartbeat` is the interval in seconds.
        """
        if self.outcome is not None and self.outcome.silent:
            steps = [step for step in steps if not isinstance(step.action, Text)]
        if self.separators:
            steps = _respelled(steps, _separated)
        if self.emoji:
            steps = _respelled(steps, "✅ {}".format)
        if self.abandoned:
            steps = _abandoned(steps)
        if self.issue:
            steps = [*steps, Step(_ISSUE_SECONDS, Text(_ISSUE))]
        if self.quiet:
            steps = [Step(self.quiet, Heartbeat()), *steps]
        return within_limit([*heartbeats(self.stall, heartbeat), *steps], limit)


CALM = Disturbance()


# What faults without arguments change.
_CHANGES: dict[str, Disturbance] = {
    "silent": Disturbance(outcome=Outcome(silent=True)),
    "silent-not-applied": Disturbance(outcome=Outcome(silent=True, truth="not_applied")),
    "out-of-credits-mid-turn": Disturbance(abandoned=True),
    "temporary-issue": Disturbance(issue=True),
    # These need words to bite: the edit is told, whatever the draw says.
    "line-separator": Disturbance(outcome=Outcome(), separators=True),
    "split-utf8": Disturbance(outcome=Outcome(), emoji=True),
}


def disturbance_of(faults: tuple[Active, ...]) -> Disturbance:
    """What the faults in force on a chat request do to its turn; the first outcome holds."""
    disturbance = CALM
    for fault in faults:
        changed = msgspec.structs.asdict(_change(fault))
        kept = {name: value for name, value in msgspec.structs.asdict(disturbance).items() if value}
        disturbance = Disturbance(**{**changed, **kept})
    return disturbance


def _change(fault: Active) -> Disturbance:
    match fault.args:
        case Late(seconds):
            return Disturbance(outcome=Outcome(silent=True, truth="late", late=seconds))
        case Stalled(seconds):
            return Disturbance(stall=seconds)
        case Quiet(seconds):
            return Disturbance(quiet=seconds)
    return _CHANGES.get(fault.name, CALM)


def _respelled(steps: list[Step], respell: Callable[[str], str]) -> list[Step]:
    return [
        Step(step.delay, Text(respell(step.action.text))) if isinstance(step.action, Text) else step
        for step in steps
    ]


def _separated(text: str) -> str:
    head, _, tail = text.partition(" ")
    return f"{head}\u2028{tail}\u0085"


def _abandoned(steps: list[Step]) -> list[Step]:
    """The plan up to where it would do or say something, and then its end."""
    for number, step in enumerate(steps):
        if isinstance(step.action, Commit | Text):
            return [*steps[:number], Step(step.delay, Abandon())]
    return steps
