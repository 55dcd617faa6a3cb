"""The search: Hypothesis generates scripts and shrinks a failing one; each run is a new one.

Only this module and `strategies` import Hypothesis: replaying a script does not need it.
"""

import contextlib
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from pathlib import Path
from random import Random

import msgspec
from hypothesis import Phase, find, settings
from hypothesis.configuration import set_hypothesis_home_dir
from hypothesis.errors import NoSuchExample

from nemolocal_contract.rules import rules

from ..target import TargetTimeout
from .script import AnyStep, CallScript, ScriptCost, script_cost
from .script_runner import ScriptResult, ScriptRunner
from .strategies import ScriptCapabilities, script_strategy

OpenScriptRunner = Callable[[], AbstractContextManager[ScriptRunner]]
Steps = tuple[AnyStep, ...]
# The maximum number of attempts to shrink a failing script.
_MAX_SHRINKS = 250


class ScriptRun(msgspec.Struct, frozen=True):
    """A script and its result."""

    script: CallScript
    result: ScriptResult


class ScriptSearchResult(msgspec.Struct, frozen=True):
    """The result of a search.

    `scripts` scripts and `calls` calls were run, `unaffordable` scripts exceeded the budget.
    `failed` is the smallest failing script; `learned` are the first that contradict an assumption.
    """

    scripts: int
    calls: int
    unaffordable: int
    failed: ScriptRun | None = None
    learned: tuple[ScriptRun, ...] = ()


def search_scripts(
    open_runner: OpenScriptRunner,
    capabilities: ScriptCapabilities,
    count: int,
    seed: int,
    budget: ScriptCost | None = None,
    *,
    home: Path,
) -> ScriptSearchResult:
    """Run random scripts, each with its own runner, and shrink one that fails.

    `budget` is the maximum cost of all of them, None if nothing costs anything. Hypothesis stores
    its examples in the folder `home`. Raises `TargetTimeout` if a call gets no response: nothing is
    known then, and the search ends.
    """
    seeker = _ScriptSearch(open_runner, budget)
    options = settings(
        max_examples=count, deadline=None, database=None, phases=(Phase.generate, Phase.shrink)
    )
    with _at_home_in(home):
        try:
            smallest = find(
                script_strategy(capabilities), seeker.fails, settings=options, random=Random(seed)
            )
        except NoSuchExample:
            return seeker.result(None)
    return seeker.result(smallest)


@contextlib.contextmanager
def _at_home_in(folder: Path) -> Iterator[None]:
    """Let Hypothesis write to this folder instead of the working directory."""
    set_hypothesis_home_dir(folder)
    try:
        yield
    finally:
        set_hypothesis_home_dir(None)


class _ScriptSearch:
    """Runs scripts within the budget and remembers their results.

    A script with a known result is not run again: a script that begins like one that failed fails
    too, and the beginning of a script that passed passes.
    """

    def __init__(self, open_runner: OpenScriptRunner, budget: ScriptCost | None) -> None:
        self._open_player = open_runner
        self._budget = budget
        self._good: set[Steps] = set()
        self._bad: dict[Steps, ScriptResult] = {}
        self._learned: dict[str, ScriptRun] = {}
        self._unpaid: set[Steps] = set()
        self._rule = ""
        self._unanswered: TargetTimeout | None = None
        self._shrinks = self._scripts = self._calls = 0

    def fails(self, script: CallScript) -> bool:
        """Whether a script shows the fault: any fault at first, then the one that was found."""
        steps = script.steps
        if steps not in self._good and self._failure(steps) is None and self._may_run(script):
            try:
                self._run(script)
            except TargetTimeout as nothing:  # Hypothesis would try it again and again
                self._unanswered = nothing
        failed = self._failure(steps)
        return failed is not None and _rule_of(failed.result) == self._rule

    def result(self, smallest: CallScript | None) -> ScriptSearchResult:
        """Return the result of the search."""
        if self._unanswered is not None:
            raise self._unanswered
        failed = self._failure(smallest.steps) if smallest is not None else None
        learned = tuple(self._learned.values())
        return ScriptSearchResult(self._scripts, self._calls, len(self._unpaid), failed, learned)

    def _failure(self, steps: Steps) -> ScriptRun | None:
        """Return the known failing beginning of a script."""
        for length in range(1, len(steps) + 1):
            if steps[:length] in self._bad:
                return ScriptRun(CallScript(steps[:length]), self._bad[steps[:length]])
        return None

    def _run(self, script: CallScript) -> None:
        with self._open_player() as runner:
            ending = runner.run(script)
        self._scripts += 1
        self._calls += ending.steps
        done = script.steps[: max(ending.steps, 1)]  # a missing account affects every step
        if ending.violation is None:
            self._good |= {script.steps[:length] for length in range(1, len(script.steps) + 1)}
            return
        self._bad[done] = ending
        if not runner.context.has_control and rules()[ending.violation.rule].grade == "A":
            self._learned.setdefault(ending.violation.rule, ScriptRun(CallScript(done), ending))
        elif not self._rule:
            self._rule = ending.violation.rule

    def _may_run(self, script: CallScript) -> bool:
        if self._rule:
            self._shrinks += 1
        if self._shrinks > _MAX_SHRINKS or self._unanswered is not None:
            return False
        if self._budget is None:
            return True
        cost = script_cost(script)
        left = ScriptCost(self._budget.credits - cost.credits, self._budget.tokens - cost.tokens)
        if min(left.credits, left.tokens) < 0:
            self._unpaid.add(script.steps)
            return False
        self._budget = left
        return True


def _rule_of(ending: ScriptResult) -> str | None:
    return ending.violation.rule if ending.violation is not None else None
