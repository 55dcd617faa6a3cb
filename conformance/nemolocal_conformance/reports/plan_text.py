"""The plan of a run on a server that charges, as text and as values."""

from collections.abc import Iterator

from nemolocal_contract.plurals import pluralize

from ..server_check import Cost, ServerCheck
from ..spending_plan import PlanStep, SpendingPlan

_MINUTE = 60.0
_HEADER = f"{'paid for':<34} credits tokens minutes checks assumed contradicted"


def plan_lines(plan: SpendingPlan) -> Iterator[str]:
    """Yield the plan: the sum, a line for each purchase, and what is over the budget."""
    cost = plan.cost
    prices = f"{pluralize(cost.credits, 'credit')} and {pluralize(cost.tokens, 'anonymous token')}"
    yield (
        f"Plan: {pluralize(len(plan.checks), 'check')} for {prices}, about "
        f"{_minutes(cost)} minutes, by the costs of the catalogue; what settles most comes first"
    )
    if not plan.steps:
        return
    yield _HEADER
    yield from (_step_line(step) for step in _grouped(plan.steps))
    uncertain = plan.uncertain_rules
    yield f"Assumed and contradicted rules ({len(uncertain)}): {', '.join(uncertain) or 'none'}"
    over = [check for check in plan.left_out if not check.needs_control]
    if over:
        yield (
            f"Over --max-credits {plan.budget.credits} and --max-tokens {plan.budget.tokens}: "
            f"{pluralize(len(over), 'check')}"
        )


def plan_check_lines(plan: SpendingPlan) -> Iterator[str]:
    """Yield a line for each check: its own costs, its grade, and the rules that it settles."""
    for check in plan.checks:
        settles = ", ".join(check.uncertain_rules)
        yield f"{check.id:<34} {_own_cost(check):<30} {check.grade}  {settles}".rstrip()


def plan_values(plan: SpendingPlan) -> dict[str, object]:
    """Return the plan as values for JSON."""
    return {
        "max_credits": plan.budget.credits,
        "max_tokens": plan.budget.tokens,
        "cost": plan.cost,
        "uncertain_rules": plan.uncertain_rules,
        "steps": [
            {
                "paid_for": step.name,
                "cost": step.cost,
                "checks": [
                    {
                        "id": check.id,
                        "grade": check.grade,
                        "cost": check.cost,
                        "uncertain_rules": check.uncertain_rules,
                    }
                    for check in step.checks
                ],
            }
            for step in plan.steps
        ],
        "left_out": [check.id for check in plan.left_out if not check.needs_control],
    }


def _grouped(steps: tuple[PlanStep, ...]) -> Iterator[PlanStep]:
    """Yield the steps; checks that pay for nobody else become one."""
    single = [step for step in steps if len(step.checks) == 1 and step.name == step.checks[0].id]
    yield from (step for step in steps if step not in single)
    if single:
        cost = sum((step.cost for step in single), Cost(seconds=0.0))
        checks = tuple(check for step in single for check in step.checks)
        yield PlanStep("one check each", cost, checks)


def _step_line(step: PlanStep) -> str:
    cost = step.cost
    return (
        f"{step.name:<34} {cost.credits:>7} {cost.tokens:>6} {_minutes(cost):>7} "
        f"{len(step.checks):>6} {step.count('A'):>7} {step.count('C'):>12}"
    )


def _own_cost(check: ServerCheck) -> str:
    cost = check.cost
    parts = [f"{cost.seconds:g} s"]
    if cost.credits:
        parts.append(pluralize(cost.credits, "credit"))
    if cost.tokens:
        parts.append(pluralize(cost.tokens, "token"))
    if check.prerequisite:
        parts.append(f"needs {check.prerequisite}")
    return ", ".join(parts)


def _minutes(cost: Cost) -> str:
    return f"{cost.seconds / _MINUTE:.1f}"
