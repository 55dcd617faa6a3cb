"""A check: a sentence that a server keeps or breaks, its rules, and the play that finds out."""

from collections.abc import Callable
from typing import TYPE_CHECKING, Literal

import msgspec

from nemolocal_contract.rules import Grade, Level, Rule, rules

if TYPE_CHECKING:
    from .context import CheckContext

CheckFunction = Callable[["CheckContext"], None]
Prerequisite = Literal["token", "session", "upload", "edit", "work", "render"]
"""What checks share: an account, its session, a clip in it, an edited session to look at, another
to work in, and the export of the first."""

_WORDS: dict[str, Level] = {" MUST ": "MUST", " SHOULD ": "SHOULD", " MAY ": "MAY"}
# From what is sure to what is guessed.
_GRADES: tuple[Grade, ...] = ("D", "C", "A")


class Cost(msgspec.Struct, frozen=True):
    """What a check spends on a real account: credits, anonymous tokens, and seconds to wait."""

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

    `id` is stable and dotted (`token.new.credits`); `rules` are the ids of what it judges, the
    first of them is what it is about. `cost` is its own, beside that of what it stands on, `need`.
    `control` says that it needs a server that can be told to be in a state (a clock to advance, a
    token to make), which the cloud cannot. `assumed` says that its rule is documented, but what it
    judges of that is not.
    """

    id: str
    rules: tuple[str, ...]
    sentence: str
    cost: Cost
    prerequisite: Prerequisite | None
    needs_control: bool
    assumed: bool
    run: CheckFunction

    @property
    def rule(self) -> Rule:
        """The rule that the check is about."""
        return rules()[self.rules[0]]

    @property
    def level(self) -> Level:
        """MUST, SHOULD or MAY, as its sentence says."""
        return sentence_level(self.sentence)

    @property
    def grade(self) -> Grade:
        """How sure its rules are: as sure as the least sure of them."""
        if self.assumed:
            return "A"
        return max((rules()[name].grade for name in self.rules), key=_GRADES.index)


def server_check(
    id: str,
    *about: str,
    needs: Prerequisite | None = None,
    credits: int = 0,
    tokens: int = 0,
    seconds: float = 1.0,
    control: bool = False,
    assumed: bool = False,
) -> Callable[[CheckFunction], ServerCheck]:
    """Make a check of a play: its docstring is the sentence, `about` are ids of rules."""

    def make(play: CheckFunction) -> ServerCheck:
        sentence = " ".join((play.__doc__ or "").split())
        sentence_level(sentence)
        unknown = [name for name in about if name not in rules()]
        if unknown or not about:
            raise ValueError(f"{id}: no such rule: {', '.join(unknown) or 'none is named'}")
        cost = Cost(credits, tokens, seconds)
        return ServerCheck(id, about, sentence, cost, needs, control, assumed, play)

    return make


def sentence_level(sentence: str) -> Level:
    """What a sentence says must, should or may be; `ValueError` where it says nothing of that."""
    for word, level in _WORDS.items():
        if word in sentence:
            return level
    raise ValueError(f"a check says what MUST, SHOULD or MAY be: {sentence!r}")
