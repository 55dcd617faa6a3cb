"""What a run found: a verdict per check, and what it all comes to."""

from typing import Literal

import msgspec

from nemolocal_contract.rules import Grade, Level

from .evidence import HttpExchange

VerdictOutcome = Literal[
    "passed", "failed", "warning", "learned", "not applicable", "not judgeable", "known", "error"
]
"""`warning`: a SHOULD that does not hold. `learned`: a server that is not ours does what nobody
documents otherwise than this project assumes. `not judgeable`: what was recorded cannot tell.
`known`: a failure on the list of known differences. `error`: the harness itself went wrong."""


class Verdict(msgspec.Struct, frozen=True, kw_only=True):
    """How one check ended; `expected` and `actual` are as the check saw them, shown by `repr`.

    Of a client: `entries` are the ids of the entries of its journal that show it, `credits` what
    breaking the sentence costs in the cloud.
    """

    check: str
    rules: tuple[str, ...]
    sentence: str
    level: Level
    grade: Grade
    outcome: VerdictOutcome
    reason: str = ""
    unmet: bool = False
    known: str = ""
    expected: str = ""
    actual: str = ""
    alternatives: tuple[str, ...] = ()
    seconds: float = 0.0
    evidence: tuple[HttpExchange, ...] = ()
    entries: tuple[int, ...] = ()
    credits: int = 0


class ConformanceReport(msgspec.Struct, frozen=True, kw_only=True):
    """A run on one server: its verdicts in the order of the catalogue.

    `alternatives` say which way the server goes where sources disagree, by rule. `left_out` are
    checks that were not asked for or not affordable, `strangers` names on the list of known
    differences that no check has. `at` is when it began (ISO 8601, UTC).
    """

    base_url: str
    version: str
    ours: bool
    verdicts: tuple[Verdict, ...]
    alternatives: dict[str, tuple[str, ...]]
    left_out: tuple[str, ...] = ()
    strangers: tuple[str, ...] = ()
    seconds: float = 0.0
    at: str = ""

    def count(self, outcome: VerdictOutcome) -> int:
        """How many checks ended so."""
        return sum(verdict.outcome == outcome for verdict in self.verdicts)

    @property
    def exit_code(self) -> int:
        """0 all right, 1 something failed, 2 the harness went wrong or nothing was judged."""
        unjudged = self.count("not applicable") + self.count("not judgeable")
        judged = len(self.verdicts) - unjudged
        if self.count("error") or not judged:
            return 2
        return 1 if self.count("failed") or self.strangers else 0
