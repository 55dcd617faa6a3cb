"""What a replay shows: for each rule and in total whether a server does as it was recorded."""

from typing import Literal

import msgspec

from ..learning.evaluation import Outcome
from .exchange_comparison import Difference

DriftVerdict = Literal["same", "changed", "could not look"]
_EXIT_STATUS: dict[DriftVerdict, int] = {"same": 0, "changed": 1, "could not look": 2}


class RuleDrift(msgspec.Struct, frozen=True):
    """A rule: its verdict, its outcomes in the recording and now, and what differs or why not."""

    rule: str
    verdict: DriftVerdict
    recorded: Outcome
    now: Outcome
    differences: tuple[Difference, ...] = ()
    reason: str = ""


class UnplayedCall(msgspec.Struct, frozen=True):
    """A recorded exchange that nothing was compared with, and why."""

    exchange: int
    endpoint: str
    reason: str


class DriftReport(msgspec.Struct, frozen=True):
    """A whole replay. `replays` is how often the recording was played.

    With two replays a rule is changed only if the same call differs in both.
    """

    recording: str
    server: str
    verdict: DriftVerdict
    replays: int
    exchanges: int
    compared: int
    cost: str
    rules: tuple[RuleDrift, ...]
    unplayed: tuple[UnplayedCall, ...]

    @property
    def exit_status(self) -> int:
        """0 same, 1 changed, 2 could not look."""
        return _EXIT_STATUS[self.verdict]

    def count(self, verdict: DriftVerdict) -> int:
        """Return how many rules have a verdict."""
        return sum(one.verdict == verdict for one in self.rules)

    @property
    def headline(self) -> str:
        """The result in one sentence."""
        counts = ", ".join(f"{n} {name}" for name in _EXIT_STATUS if (n := self.count(name)))
        rules = f"rules: {counts}" if counts else "no rule can be compared"
        return (
            f"{self.verdict}: {rules}; {self.compared} of {self.exchanges} exchanges compared "
            f"({self.recording} and {self.server})"
        )


def total_verdict(rules: tuple[RuleDrift, ...]) -> DriftVerdict:
    """Return the verdict of all rules: one that changed decides, then one that is the same."""
    found = {one.verdict for one in rules}
    return "changed" if "changed" in found else "same" if "same" in found else "could not look"
