"""The plan of a run on a server that charges: what settles most for its price is paid first."""

from collections.abc import Collection, Iterable

import msgspec

from nemolocal_contract.control_api import EffectiveSettings

from .budget import PREREQUISITE_COSTS, Budget, prerequisites
from .server_check import Cost, Prerequisite, ServerCheck

# Credits that are worth as much as an anonymous token, which costs none but is limited (AUTH-4).
_CREDITS_OF_A_TOKEN = 50
_PURCHASES: dict[Prerequisite, str] = {
    "token": "an anonymous token",
    "edit": "an edited session and its export",
    "work": "a session to edit further",
}


class PlanStep(msgspec.Struct, frozen=True):
    """What is paid at once, and the checks that it makes possible, with the cost of all."""

    name: str
    cost: Cost
    checks: tuple[ServerCheck, ...]

    def count(self, grade: str) -> int:
        """Return how many of its checks have this grade."""
        return sum(check.grade == grade for check in self.checks)


class SpendingPlan(msgspec.Struct, frozen=True):
    """The steps of a run, what settles most first, and the checks that are over the budget."""

    budget: Budget
    steps: tuple[PlanStep, ...]
    left_out: tuple[ServerCheck, ...]

    @property
    def checks(self) -> list[ServerCheck]:
        """The checks in the order in which they run."""
        planned = [check for step in self.steps for check in step.checks]
        return sorted(planned, key=lambda check: check.after_others)

    @property
    def cost(self) -> Cost:
        """The cost of all steps."""
        return sum((step.cost for step in self.steps), Cost(seconds=0.0))

    @property
    def uncertain_rules(self) -> list[str]:
        """The assumed and contradicted rules about which its checks say something."""
        return sorted({rule for check in self.checks for rule in check.uncertain_rules})


def plan_run(
    checks: Collection[ServerCheck],
    budget: Budget,
    *,
    spent: Cost | None = None,
    prepared: Iterable[Prerequisite] = (),
) -> SpendingPlan:
    """Plan these checks within the budget.

    `spent` is what earlier runs have used of it, `prepared` what they have paid for. Checks that
    need the control API are left out: a server that charges has none. Assumed and contradicted
    checks count first; what costs nothing is planned as soon as it can run.
    """
    planner = _SpendingPlanner(checks, budget, spent or Cost(seconds=0.0), set(prepared))
    steps = tuple(planner.steps())
    chosen = {check.id for step in steps for check in step.checks}
    return SpendingPlan(budget, steps, tuple(c for c in checks if c.id not in chosen))


class _SpendingPlanner:
    """What is still to be planned, what is prepared, and what is left to spend."""

    def __init__(
        self,
        checks: Iterable[ServerCheck],
        budget: Budget,
        spent: Cost,
        prepared: set[Prerequisite],
    ) -> None:
        self._left = [check for check in checks if not check.needs_control]
        self._prepared = prepared | ({"token"} if budget.token_given else set())
        self._credits = budget.credits - spent.credits
        self._tokens = budget.tokens - spent.tokens
        # An anonymous account has the credits that it was created with, and gets no others.
        grant = EffectiveSettings().tariff.grant
        self._own_credits = self._credits if budget.token_given else grant - spent.credits

    def steps(self) -> Iterable[PlanStep]:
        """Yield the steps until nothing more can be paid."""
        yield from self._step("nothing", set(), None)
        while (best := self._best_purchase()) is not None:
            missing = self._missing(best)
            names = [_PURCHASES[need] for need in _PURCHASES if need in missing]
            yield from self._step(" and ".join(names) or best.id, missing, best)

    def _step(
        self, name: str, missing: set[Prerequisite], bought: ServerCheck | None
    ) -> Iterable[PlanStep]:
        """Yield a step with all that it makes possible, unless that is nothing."""
        cost = self._prepare(missing)
        chosen = [] if bought is None else [bought]
        if bought is not None:
            cost += bought.cost
            self._left.remove(bought)
            self._pay(bought.cost, is_own=not bought.cost.tokens)
        while (free := self._free_check()) is not None:
            cost += self._prepare(self._missing(free)) + free.cost
            chosen.append(free)
            self._left.remove(free)
        if chosen:
            yield PlanStep(name, cost, tuple(chosen))

    def _free_check(self) -> ServerCheck | None:
        return next((c for c in self._left if _price(self._marginal_cost(c)) == 0), None)

    def _best_purchase(self) -> ServerCheck | None:
        """Return the check that, with what it makes possible, settles most for its price."""
        fitting = [check for check in self._left if self._fits(check)]
        return max(fitting, key=self._value, default=None)

    def _value(self, check: ServerCheck) -> tuple[float, float]:
        """Return what a price settles: assumed and contradicted checks, and all checks."""
        missing, price = self._missing(check), _price(self._marginal_cost(check))
        unlocked = [
            other
            for other in self._left
            if other is check or (not _price(other.cost) and self._missing(other) <= missing)
        ]
        uncertain = sum(other.grade != "D" for other in unlocked)
        return uncertain / price, len(unlocked) / price

    def _fits(self, check: ServerCheck) -> bool:
        cost, shared = self._marginal_cost(check), self._cost_of(self._missing(check))
        own = shared.credits + (0 if check.cost.tokens else check.cost.credits)
        return (
            cost.credits <= self._credits
            and own <= self._own_credits
            and cost.tokens <= self._tokens
        )

    def _marginal_cost(self, check: ServerCheck) -> Cost:
        return check.cost + self._cost_of(self._missing(check))

    def _missing(self, check: ServerCheck) -> set[Prerequisite]:
        return prerequisites(check) - self._prepared

    def _cost_of(self, needs: set[Prerequisite]) -> Cost:
        return sum((PREREQUISITE_COSTS[need][1] for need in needs), Cost(seconds=0.0))

    def _prepare(self, needs: set[Prerequisite]) -> Cost:
        cost = self._cost_of(needs)
        self._prepared |= needs
        self._pay(cost, is_own=True)
        return cost

    def _pay(self, cost: Cost, *, is_own: bool) -> None:
        self._credits -= cost.credits
        self._tokens -= cost.tokens
        self._own_credits -= cost.credits if is_own else 0


def _price(cost: Cost) -> float:
    return cost.credits + _CREDITS_OF_A_TOKEN * cost.tokens
