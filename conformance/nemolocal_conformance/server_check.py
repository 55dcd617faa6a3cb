"""A check of a server: a sentence, its rules, and the function that tests it."""

from collections.abc import Callable
from typing import TYPE_CHECKING, Literal

import msgspec

from nemolocal_contract.rules import Grade, Level, Rule, rules

from .long_turns import LongTurn

if TYPE_CHECKING:
    from .context import CheckContext

CheckFunction = Callable[["CheckContext"], None]
Prerequisite = Literal["token", "session", "upload", "edit", "work", "render"]
"""What checks share: an account, its session, an uploaded clip, an edited session that no check
changes, another that checks may edit (`work`), and an export of the first."""

_WORDS: dict[str, Level] = {" MUST ": "MUST", " SHOULD ": "SHOULD", " MAY ": "MAY"}
# From certain to assumed.
_GRADES: tuple[Grade, ...] = ("D", "C", "A")


class Cost(msgspec.Struct, frozen=True):
    """What a check spends on a real account: credits, anonymous tokens, and seconds of waiting."""

    credits: int = 0
    tokens: int = 0
    seconds: float = 1.0

    def __add__(self, other: "Cost") -> "Cost":
        return Cost(
            self.credits + other.credits,
            self.tokens + other.tokens,
            self.seconds + other.seconds,
        )


class ServerCheck(msgspec.Struct, frozen=True):
    """One check of a server.

    `id` is stable and dotted (`token.new.credits`). `rules` are the rules that it tests, the main
    one first. `cost` is its own cost, without that of its `prerequisite`. `needs_control` says that
    it needs the control API (to advance the clock, to make a token), which the cloud does not have.
    `assumed` says that its rule is documented, but not the part that it tests. `long_turns` are
    shared turns that it needs, and that may be begun early. `after_others` says that it tells what
    the replies to other checks have shown, too, so that it runs after them.
    """

    id: str
    rules: tuple[str, ...]
    sentence: str
    cost: Cost
    prerequisite: Prerequisite | None
    needs_control: bool
    assumed: bool
    run: CheckFunction
    long_turns: tuple[LongTurn, ...] = ()
    after_others: bool = False

    @property
    def rule(self) -> Rule:
        """The main rule of the check."""
        return rules()[self.rules[0]]

    @property
    def level(self) -> Level:
        """MUST, SHOULD or MAY, as in the sentence."""
        return sentence_level(self.sentence)

    @property
    def grade(self) -> Grade:
        """The confidence in its rules: that of the least certain one."""
        if self.assumed:
            return "A"
        return max((rules()[name].grade for name in self.rules), key=_GRADES.index)

    @property
    def uncertain_rules(self) -> tuple[str, ...]:
        """Its rules that are assumed, or about which sources disagree."""
        if self.assumed:
            return self.rules[:1]
        return tuple(name for name in self.rules if rules()[name].grade != "D")


def server_check(
    id: str,
    *about: str,
    prerequisite: Prerequisite | None = None,
    credits: int = 0,
    tokens: int = 0,
    seconds: float = 1.0,
    needs_control: bool = False,
    assumed: bool = False,
    long_turns: tuple[LongTurn, ...] = (),
    after_others: bool = False,
) -> Callable[[CheckFunction], ServerCheck]:
    """Make a check of a function; its docstring is the sentence, `about` the rule ids."""

    def make(function: CheckFunction) -> ServerCheck:
        sentence = " ".join((function.__doc__ or "").split())
        sentence_level(sentence)
        unknown = [name for name in about if name not in rules()]
        if unknown or not about:
            raise ValueError(f"{id}: no such rule: {', '.join(unknown) or 'none is named'}")
        cost = Cost(credits, tokens, seconds)
        return ServerCheck(
            id, about, sentence, cost, prerequisite, needs_control, assumed, function, long_turns,
            after_others,
        )  # fmt: skip

    return make


def sentence_level(sentence: str) -> Level:
    """Return the level that a sentence names; raises `ValueError` if it names none."""
    for word, level in _WORDS.items():
        if word in sentence:
            return level
    raise ValueError(f"a check says what MUST, SHOULD or MAY be: {sentence!r}")
