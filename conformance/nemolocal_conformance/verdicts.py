"""Verdicts of checks, and the report of a run."""

from typing import Literal

import msgspec

from nemolocal_contract.rules import Grade, Level

from .evidence import HttpExchange

VerdictOutcome = Literal[
    "passed", "failed", "warning", "learned", "not applicable", "not judgeable", "known", "error"
]
"""`warning`: a SHOULD that does not hold. `learned`: a server other than this project's contradicts
an assumption that no public document confirms. `not judgeable`: the recorded calls are not enough.
`known`: a failure on the list of known differences. `error`: the harness itself failed."""


class Verdict(msgspec.Struct, frozen=True, kw_only=True):
    """How one check ended; `expected` and `actual` are the values of the check, as `repr`.

    For client checks, `entries` are the ids of the journal entries that show it, and `credits` is
    what a violation costs in the cloud. `limited` says that the account or the address had no more
    credits, tokens or calls: the check can run later.
    """

    check: str
    rules: tuple[str, ...]
    sentence: str
    level: Level
    grade: Grade
    outcome: VerdictOutcome
    reason: str = ""
    unmet: bool = False
    limited: bool = False
    known: str = ""
    expected: str = ""
    actual: str = ""
    alternatives: tuple[str, ...] = ()
    seconds: float = 0.0
    evidence: tuple[HttpExchange, ...] = ()
    entries: tuple[int, ...] = ()
    credits: int = 0


class RecordedValue(msgspec.Struct, frozen=True):
    """A value that recordings of the cloud show, in words, with its source and its age.

    `name` is that of an assumption.
    """

    name: str
    value: str
    source: str
    age: str


class ObservedRule(msgspec.Struct, frozen=True):
    """What the checks of an assumed or contradicted rule have seen.

    `holds`: every check that ran passed. `differs`: at least one did not; `differing` are its ids.
    `checks` is how many checks the rule has, `ran` how many could be evaluated. `alternatives` are
    those of a contradicted rule that were seen.
    """

    rule: str
    grade: Grade
    outcome: Literal["holds", "differs"]
    ran: int
    checks: int
    differing: tuple[str, ...] = ()
    alternatives: tuple[str, ...] = ()


class ConformanceReport(msgspec.Struct, frozen=True, kw_only=True):
    """The report of a run against one server, with verdicts in catalogue order.

    `alternatives` lists, by rule, which way the server goes where sources disagree. `left_out` are
    checks that were not selected or not affordable, `unknown_ids` ids in the list of known
    differences that no check has. `at` is the start time (ISO 8601, UTC). `recorded_values`
    are from recordings of the cloud, not from this run. `observed` are the assumed and
    contradicted rules of which a server of somebody else has shown something.
    """

    base_url: str
    version: str
    ours: bool
    verdicts: tuple[Verdict, ...]
    alternatives: dict[str, tuple[str, ...]]
    left_out: tuple[str, ...] = ()
    unknown_ids: tuple[str, ...] = ()
    seconds: float = 0.0
    at: str = ""
    recorded_values: tuple[RecordedValue, ...] = ()
    observed: tuple[ObservedRule, ...] = ()

    def count(self, outcome: VerdictOutcome) -> int:
        """Return how many checks ended with this outcome."""
        return sum(verdict.outcome == outcome for verdict in self.verdicts)

    @property
    def exit_code(self) -> int:
        """0: passed, 1: something failed, 2: an error of the harness, or nothing was evaluated."""
        not_evaluated = self.count("not applicable") + self.count("not judgeable")
        evaluated = len(self.verdicts) - not_evaluated
        if self.count("error") or not evaluated:
            return 2
        return 1 if self.count("failed") or self.unknown_ids else 0
