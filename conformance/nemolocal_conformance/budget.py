"""The cost of a run on a real account, calculated before any request is sent."""

from collections.abc import Collection, Iterable

import msgspec

from nemolocal_contract.plurals import pluralize

from .server_check import Cost, Prerequisite, ServerCheck

PREREQUISITE_COSTS: dict[Prerequisite, tuple[tuple[Prerequisite, ...], Cost]] = {
    "token": ((), Cost(tokens=1)),
    "session": (("token",), Cost()),
    "upload": (("token",), Cost()),
    "edit": (("token",), Cost(credits=50, seconds=30)),
    "work": (("token",), Cost(credits=50, seconds=30)),
    "render": (("token", "edit"), Cost(seconds=90)),
}
"""The cost of each prerequisite, once per run, with what it depends on."""


class Budget(msgspec.Struct, frozen=True):
    """What a run may spend: credits and anonymous tokens. A given token costs nothing."""

    credits: int = 0
    tokens: int = 1
    token_given: bool = False


class OverBudget(Exception):
    """The selected checks cost more than the budget; the text lists the costs."""


def total_cost(checks: Iterable[ServerCheck], budget: Budget) -> Cost:
    """Return what these checks cost together; shared prerequisites are counted once."""
    total, needed = Cost(seconds=0.0), set[Prerequisite]()
    for check in checks:
        total += check.cost
        needed |= prerequisites(check)
    for need in needed:
        total += PREREQUISITE_COSTS[need][1]
    if budget.token_given and "token" in needed:
        total += Cost(tokens=-1, seconds=0.0)
    return total


def require_affordable(checks: Collection[ServerCheck], budget: Budget) -> None:
    """Raise `OverBudget` if checks selected by name cost more than the budget."""
    cost = total_cost(checks, budget)
    if cost.credits > budget.credits or cost.tokens > budget.tokens:
        raise OverBudget(
            f"{pluralize(len(checks), 'check')} would cost {pluralize(cost.credits, 'credit')} and "
            f"{pluralize(cost.tokens, 'anonymous token')}; allowed are "
            f"{budget.credits} and {budget.tokens}: "
            "raise --max-credits or --max-tokens, or choose fewer with --only"
        )


def prerequisites(check: ServerCheck) -> set[Prerequisite]:
    """Return what a check shares with others, with all that this depends on."""
    need = check.prerequisite
    return set() if need is None else {need, *PREREQUISITE_COSTS[need][0]}
