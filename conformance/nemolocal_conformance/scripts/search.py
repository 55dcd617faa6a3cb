"""The search: Hypothesis makes scripts and makes one that fails smaller; each is played anew.

Hypothesis is imported by nobody else but `strategies`: replaying a script needs none of it.
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

from ..peer import NoAnswer
from .player import Ending, Player
from .script import AnyStep, Bill, Script, bill
from .strategies import Reach, scripts

OpenPlayer = Callable[[], AbstractContextManager[Player]]
Steps = tuple[AnyStep, ...]
# What is tried to make a script that fails smaller, at most.
_SMALLER = 250


class Played(msgspec.Struct, frozen=True):
    """A script and how it ended."""

    script: Script
    ending: Ending


class Search(msgspec.Struct, frozen=True):
    """What became of a search.

    `scripts` and `calls` were played, `unpaid` scripts were too dear. `failed` is the smallest
    script that fails; `learned` are the first that show an assumption of ours not to hold.
    """

    scripts: int
    calls: int
    unpaid: int
    failed: Played | None = None
    learned: tuple[Played, ...] = ()


def search(
    open_player: OpenPlayer,
    reach: Reach,
    count: int,
    seed: int,
    purse: Bill | None = None,
    *,
    home: Path,
) -> Search:
    """Play so many random scripts, each on a player of its own, and make one that fails smaller.

    `purse` is what all of them may cost together, None where nothing costs. `home` is a folder in
    which Hypothesis writes what it thinks worth keeping. Raises `NoAnswer` where a call was not
    answered: nothing is known then, and nothing more is played.
    """
    seeker = _Seeker(open_player, purse)
    options = settings(
        max_examples=count, deadline=None, database=None, phases=(Phase.generate, Phase.shrink)
    )
    with _at_home_in(home):
        try:
            smallest = find(scripts(reach), seeker.fails, settings=options, random=Random(seed))
        except NoSuchExample:
            return seeker.found(None)
    return seeker.found(smallest)


@contextlib.contextmanager
def _at_home_in(folder: Path) -> Iterator[None]:
    """Let Hypothesis write to this folder, and not to the one in which it is run."""
    set_hypothesis_home_dir(folder)
    try:
        yield
    finally:
        set_hypothesis_home_dir(None)


class _Seeker:
    """Plays what it is given, as long as it can be paid for, and remembers how it ended.

    Nothing is played whose end is known: what begins as a script that failed fails as well, and
    what another script has begun with well is well.
    """

    def __init__(self, open_player: OpenPlayer, purse: Bill | None) -> None:
        self._open_player = open_player
        self._purse = purse
        self._good: set[Steps] = set()
        self._bad: dict[Steps, Ending] = {}
        self._learned: dict[str, Played] = {}
        self._unpaid: set[Steps] = set()
        self._rule = ""
        self._unanswered: NoAnswer | None = None
        self._smaller = self._scripts = self._calls = 0

    def fails(self, script: Script) -> bool:
        """Whether a script shows the fault: any at first, then the one that was found."""
        steps = script.steps
        if steps not in self._good and self._failure(steps) is None and self._may_play(script):
            try:
                self._play(script)
            except NoAnswer as nothing:  # Hypothesis would ask again and again
                self._unanswered = nothing
        failed = self._failure(steps)
        return failed is not None and _rule_of(failed.ending) == self._rule

    def found(self, smallest: Script | None) -> Search:
        """What there is to tell."""
        if self._unanswered is not None:
            raise self._unanswered
        failed = self._failure(smallest.steps) if smallest is not None else None
        learned = tuple(self._learned.values())
        return Search(self._scripts, self._calls, len(self._unpaid), failed, learned)

    def _failure(self, steps: Steps) -> Played | None:
        """The part of a script that is known to fail."""
        for length in range(1, len(steps) + 1):
            if steps[:length] in self._bad:
                return Played(Script(steps[:length]), self._bad[steps[:length]])
        return None

    def _play(self, script: Script) -> None:
        with self._open_player() as player:
            ending = player.play(script)
        self._scripts += 1
        self._calls += ending.steps
        done = script.steps[: max(ending.steps, 1)]  # what an account lacks, every step lacks
        if ending.finding is None:
            self._good |= {script.steps[:length] for length in range(1, len(script.steps) + 1)}
            return
        self._bad[done] = ending
        if not player.stage.ours and rules()[ending.finding.rule].grade == "A":
            self._learned.setdefault(ending.finding.rule, Played(Script(done), ending))
        elif not self._rule:
            self._rule = ending.finding.rule

    def _may_play(self, script: Script) -> bool:
        if self._rule:
            self._smaller += 1
        if self._smaller > _SMALLER or self._unanswered is not None:
            return False
        if self._purse is None:
            return True
        cost = bill(script)
        left = Bill(self._purse.credits - cost.credits, self._purse.tokens - cost.tokens)
        if min(left.credits, left.tokens) < 0:
            self._unpaid.add(script.steps)
            return False
        self._purse = left
        return True


def _rule_of(ending: Ending) -> str | None:
    return ending.finding.rule if ending.finding is not None else None
