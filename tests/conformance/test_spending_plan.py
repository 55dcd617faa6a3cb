"""The plan of a run on a server that charges."""

from pathlib import Path

import msgspec
import pytest

from nemolocal_conformance.budget import Budget, prerequisites, total_cost
from nemolocal_conformance.observed_rules import list_observed_rules
from nemolocal_conformance.reports import as_html, as_markdown
from nemolocal_conformance.reports.plan_text import plan_check_lines, plan_lines
from nemolocal_conformance.reports.report_text import observed_lines
from nemolocal_conformance.server_check import Cost
from nemolocal_conformance.server_checks import server_catalogue
from nemolocal_conformance.spending_plan import plan_run
from nemolocal_conformance.verdicts import ConformanceReport, Verdict, VerdictOutcome

ROOT = Path(__file__).parents[2]
CHECKS = list(server_catalogue().values())
GRANT = 100
BUDGETS = [
    Budget(0, 0),
    Budget(0, 1),
    Budget(50, 1),
    Budget(100, 1),
    Budget(0, 0, token_given=True),
    Budget(300, 3, token_given=True),
]


@pytest.mark.parametrize("budget", BUDGETS, ids=str)
def test_plan_is_within_the_budget_and_nothing_more_fits(budget: Budget) -> None:
    plan = plan_run(CHECKS, budget)
    assert len({check.id for check in plan.checks}) == len(plan.checks)
    assert {check.id for check in (*plan.checks, *plan.left_out)} == server_catalogue().keys()
    cost = total_cost(plan.checks, budget)
    assert (plan.cost.credits, plan.cost.tokens) == (cost.credits, cost.tokens)
    assert plan.cost.credits <= budget.credits
    assert plan.cost.tokens <= budget.tokens
    for check in plan.left_out:
        more = total_cost([*plan.checks, check], budget)
        is_over = more.credits > budget.credits or more.tokens > budget.tokens
        assert check.needs_control or is_over


def test_what_is_shared_is_planned_before_what_needs_it_and_replies_are_judged_last() -> None:
    plan = plan_run(CHECKS, Budget(100, 1))
    prepared: set[str] = set()
    for step in plan.steps:
        prepared |= prerequisites(step.checks[0])
        assert all(prerequisites(check) <= prepared | {"session", "upload", "render"}
                   for check in step.checks)  # fmt: skip
    is_last = [check.after_others for check in plan.checks]
    assert is_last == sorted(is_last)
    assert any(is_last)


def test_credits_go_first_where_they_settle_most() -> None:
    steps = plan_run(CHECKS, Budget(1_000, 1, token_given=True)).steps
    paid = [step for step in steps if step.cost.credits]
    rates = [(step.count("A") + step.count("C")) / step.cost.credits for step in paid]
    assert [step.name for step in paid[:2]] == [
        "an edited session and its export", "a session to edit further",
    ]  # fmt: skip
    assert rates[:2] == sorted(rates, reverse=True)[:2]


def test_anonymous_account_is_not_planned_to_spend_more_than_it_has() -> None:
    plan = plan_run(CHECKS, Budget(1_000, 1))
    assert plan.cost.credits == GRANT
    assert plan_run(CHECKS, Budget(1_000, 1, token_given=True)).cost.credits > GRANT


def test_what_was_paid_before_is_not_paid_again() -> None:
    budget = Budget(100, 1)
    plan = plan_run(CHECKS, budget)
    free = next(check for check in plan.checks if check.prerequisite == "edit")
    again = plan_run([free], budget, spent=Cost(100, 1), prepared={"token", "edit"})
    assert (again.cost.credits, again.cost.tokens, again.checks) == (0, 0, [free])
    assert plan_run([free], budget, spent=Cost(100, 1), prepared={"token"}).checks == []


def test_plan_as_text_has_each_check_with_its_cost_and_rules() -> None:
    plan = plan_run(CHECKS, Budget(100, 1))
    first, header, *rows = plan_lines(plan)
    assert first.startswith(f"Plan: {len(plan.checks)} checks for 100 credits and 1 anonymous")
    assert header.split() == ["paid", "for", "credits", "tokens", "minutes", "checks", "assumed",
                              "contradicted"]  # fmt: skip
    assert sum(row.split()[-3] == "15" for row in rows[:4]) == 1
    lines = {line.split()[0]: line for line in plan_check_lines(plan)}
    assert lines.keys() == {check.id for check in plan.checks}
    assert lines["chat.events.shape"].split()[-2:] == ["C", "SSE-2"]
    assert "needs work" in lines["chat.tools.called"]


def verdict(check: str, outcome: VerdictOutcome, *, unmet: bool = False) -> Verdict:
    known = server_catalogue()[check]
    return Verdict(
        check=check, rules=known.rules, sentence="", level="MUST", grade=known.grade,
        outcome=outcome, unmet=unmet,
    )  # fmt: skip


def report(*verdicts: Verdict, ours: bool = False) -> ConformanceReport:
    """A report with what it has observed."""
    told = ConformanceReport(
        base_url="http://a.test", version="1", ours=ours, verdicts=verdicts,
        alternatives={"SSE-2": ("sse=typed",)}, at="2026-01-02T03:04:05Z",
    )  # fmt: skip
    return msgspec.structs.replace(told, observed=list_observed_rules(told))


def test_observed_rules_are_the_uncertain_ones_that_a_check_looked_at() -> None:
    told = report(
        verdict("general.path.unknown", "passed"),
        verdict("general.method.wrong", "learned"),
        verdict("chat.events.shape", "passed"),
        verdict("general.user.own-id", "not applicable"),
        verdict("upload.hash.content", "failed", unmet=True),
        verdict("token.new.prefix", "passed"),
    )
    found = {one.rule: one for one in told.observed}
    assert {rule: one.outcome for rule, one in found.items()} == {
        "GEN-6": "differs", "SSE-2": "holds",
    }  # fmt: skip
    assert (found["GEN-6"].ran, found["GEN-6"].differing) == (2, ("general.method.wrong",))
    lines = list(observed_lines(told))
    assert lines[0] == "Observed at http://a.test on 2026-01-02:"
    assert "differs (general.method.wrong)" in lines[1]
    assert lines[2].endswith("; sse=typed")
    for page in (as_markdown(told), as_html(told)):
        assert "differs (general.method.wrong)" in page


def test_server_of_this_project_shows_nothing() -> None:
    told = report(verdict("general.path.unknown", "passed"), ours=True)
    assert list(observed_lines(told)) == []


@pytest.mark.sources
def test_guide_has_the_figures_of_the_plan() -> None:
    guide = (ROOT / "docs" / "how-to" / "check-a-server.md").read_text(encoding="utf-8")
    plan = plan_run(CHECKS, Budget(100, 1))
    free, token, *paid = plan.steps
    assert f"One token and its 100 credits pay for {len(plan.checks)} checks" in guide
    both = [free.count(grade) + token.count(grade) for grade in "AC"]
    rows = [(0, len(free.checks) + len(token.checks), *both)]
    rows += [(s.cost.credits, len(s.checks), s.count("A"), s.count("C")) for s in paid]
    for row in rows:
        assert f"| {' | '.join(map(str, row))} |" in guide
