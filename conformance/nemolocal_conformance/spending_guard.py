"""Keeps a run on a server that charges within its plan, and writes down how far it has come."""

import msgspec

from nemolocal_contract.endpoints import CHAT, TOKEN
from nemolocal_contract.responses import ResponseCode, decode_json

from .assertions import CheckFailed, NotApplicable, PrerequisiteFailed
from .budget import PREREQUISITE_COSTS, Budget, prerequisites
from .context import CheckContext
from .evidence import HttpExchange
from .run_progress import (
    BegunCheck,
    FinishedCheck,
    FirstBalance,
    ProgressUnusable,
    RunProgress,
    UnfinishedCheck,
)
from .server_check import Cost, Prerequisite, ServerCheck
from .server_checks import server_catalogue
from .spending_plan import SpendingPlan, plan_run
from .target import TargetUnreachable
from .verdicts import ConformanceReport, Verdict

# The shared results for which something has been paid, or is about to be.
_PAID_RESULTS: dict[str, Prerequisite] = {
    "token": "token",
    "edited: session": "edit",
    "worked: session": "work",
}
_TOO_MANY = 429
_LIMITED = "the server answers 429: it takes no more calls for now"
_BAD_OUTCOMES = ("failed", "warning", "learned")
_OUTCOMES_TO_KEEP = ("passed", *_BAD_OUTCOMES, "not applicable")


def plan_remaining(
    checks: list[ServerCheck], budget: Budget, progress: RunProgress | None
) -> SpendingPlan:
    """Plan what earlier processes have not finished, within what they have left of the budget.

    Checks that tell what all replies have shown are planned again if others are.
    """
    if progress is None:
        return plan_run(checks, budget)
    spent = _spent_before(progress, budget)
    prepared = {need for name, need in _PAID_RESULTS.items() if name in progress.results}
    left = [check for check in checks if check.id not in progress.verdicts]
    plan = plan_run(left, budget, spent=spent, prepared=prepared)
    if all(check.after_others for check in plan.checks):
        return plan
    again = {c.id for c in checks if c.after_others and not (c.cost.credits or c.cost.tokens)}
    again |= {check.id for check in left}
    left = [check for check in checks if check.id in again]
    return plan_run(left, budget, spent=spent, prepared=prepared)


def settle_interrupted(context: CheckContext, progress: RunProgress) -> None:
    """Let checks run again that were interrupted before they had spent any credits.

    Raises `ProgressUnusable` if the token of the earlier run is not accepted.
    """
    if "token" in progress.results and read_available(context) is None:
        raise ProgressUnusable(
            f"the balance cannot be read with the token of {progress.path}: it may have expired "
            "after 7 days (AUTH-5; name another file), or the server takes no calls now (try later)"
        )
    for begun in progress.interrupted:
        cost = server_catalogue()[begun.check].cost
        is_of_account = cost.credits and not cost.tokens and begun.available is not None
        if is_of_account and read_available(context) == begun.available:
            progress.write(UnfinishedCheck(begun.check, 0))


def read_available(context: CheckContext) -> float | None:
    """Read the credits of the run's account, which is evidence of no check; None if unknown."""
    evidence = context.target.take_evidence()
    try:
        return float(context.read_balance()["available"])
    except (CheckFailed, PrerequisiteFailed, NotApplicable, TargetUnreachable):
        return None
    finally:
        context.target.take_evidence()
        context.target.add_evidence(evidence)


def merge_verdicts(report: ConformanceReport, progress: RunProgress) -> ConformanceReport:
    """Add the verdicts of earlier processes to a report, in the order of the catalogue."""
    found = {**progress.verdicts, **{verdict.check: verdict for verdict in report.verdicts}}
    verdicts = tuple(found[name] for name in server_catalogue() if name in found)
    left_out = tuple(name for name in report.left_out if name not in found)
    return msgspec.structs.replace(report, verdicts=verdicts, left_out=left_out)


def _spent_before(progress: RunProgress, budget: Budget) -> Cost:
    """Return what earlier processes have spent, by the costs of the catalogue."""
    spent = Cost(seconds=0.0)
    for name, need in _PAID_RESULTS.items():
        if name in progress.results and not (need == "token" and budget.token_given):
            spent += PREREQUISITE_COSTS[need][1]
    for begun in progress.begun:
        spent += server_catalogue()[begun.check].cost
    return spent + Cost(tokens=progress.tokens)


class SpendingGuard:
    """Admits checks to a run while their costs are within the budget.

    `refused` are the checks that were not admitted. `stop_reason` says why no further check is, ""
    if there is no reason.
    """

    def __init__(
        self, context: CheckContext, budget: Budget, progress: RunProgress | None = None
    ) -> None:
        self.refused: list[ServerCheck] = []
        self.stop_reason = ""
        self._context, self._budget, self._progress = context, budget, progress
        self._prepared: set[Prerequisite] = set()
        self._first_balance: float | None = None
        self._spent_elsewhere = 0
        if progress is not None:
            self._restore(progress)
        self._violations_kept = len(context.replies.violations)

    def _restore(self, progress: RunProgress) -> None:
        """Take over what earlier processes have seen and paid."""
        self._prepared = {n for name, n in _PAID_RESULTS.items() if name in progress.results}
        self._first_balance = progress.first_balance
        for begun in progress.begun:
            cost = server_catalogue()[begun.check].cost
            self._spent_elsewhere += cost.credits if cost.tokens else 0
        self._context.replies.violations += progress.violations
        for verdict in progress.verdicts.values():
            for seen in verdict.alternatives:
                rule, _, alternative = seen.partition(": ")
                self._context.note_alternative(rule, alternative)

    @property
    def spent(self) -> float | None:
        """The credits that the account has paid since the run began.

        None if that is unknown, or if nothing was to be paid.
        """
        if self._first_balance is None:
            return None
        available = read_available(self._context)
        return None if available is None else max(0, self._first_balance - available)

    def admit(self, check: ServerCheck) -> bool:
        """Whether a check may run now; what it costs is written down before it does."""
        if self.stop_reason or not self._is_affordable(check):
            self.refused.append(check)
            return False
        self._prepared |= prerequisites(check)
        if self._progress is not None and (check.cost.credits or check.cost.tokens):
            available = read_available(self._context) if check.cost.credits else None
            self._progress.write(BegunCheck(check.id, available))
        if check.cost.tokens:
            self._spent_elsewhere += check.cost.credits
        return True

    def _is_affordable(self, check: ServerCheck) -> bool:
        missing = prerequisites(check) - self._prepared
        needed = check.cost.credits + sum(PREREQUISITE_COSTS[n][1].credits for n in missing)
        if not needed:
            return True
        if self._first_balance is None:
            self._note_first_balance()
        spent = self.spent or 0
        return spent + self._spent_elsewhere + needed <= self._budget.credits

    def _note_first_balance(self) -> None:
        self._first_balance = read_available(self._context)
        if self._progress is not None and self._first_balance is not None:
            self._progress.write(FirstBalance(self._first_balance))

    def review(self, verdict: Verdict) -> Verdict:
        """Return the verdict of a check that ran, and write it down if it is final."""
        violations = self._context.replies.violations
        if verdict.outcome in _BAD_OUTCOMES and any(map(_is_limit, verdict.evidence)):
            # What a server says that takes no calls is about no rule.
            del violations[self._violations_kept :]
            self.stop_reason = _LIMITED
            verdict = msgspec.structs.replace(
                verdict, outcome="not applicable", reason=_LIMITED, expected="", actual="",
                limited=True,
            )  # fmt: skip
        fresh = tuple(violations[self._violations_kept :])
        self._violations_kept = len(violations)
        is_final = verdict.outcome in _OUTCOMES_TO_KEEP and not verdict.limited
        if self._progress is not None and is_final:
            self._progress.write(FinishedCheck(verdict, fresh))
        elif self._progress is not None and verdict.limited:
            tokens = sum(map(_is_new_token, verdict.evidence))
            self._progress.write(UnfinishedCheck(verdict.check, tokens))
        if any(
            one.method == "POST" and one.url.endswith(CHAT.template) for one in verdict.evidence
        ):
            self._stop_if_overcharged()
        return verdict

    def _stop_if_overcharged(self) -> None:
        if self._first_balance is None:
            return
        spent = (self.spent or 0) + self._spent_elsewhere
        if spent > self._budget.credits:
            self.stop_reason = (
                f"the server has charged {spent:g} credits, more than the {self._budget.credits} "
                "that may be spent"
            )


def _is_limit(exchange: HttpExchange) -> bool:
    """Whether a call was refused because there were too many, other than for a second token."""
    if exchange.url.endswith(TOKEN.template):
        return False
    if exchange.status == _TOO_MANY:
        return True
    return _code(exchange) == ResponseCode.RATE_LIMITED


def _is_new_token(exchange: HttpExchange) -> bool:
    return exchange.url.endswith(TOKEN.template) and _code(exchange) == ResponseCode.OK


def _code(exchange: HttpExchange) -> object:
    try:
        body = decode_json(exchange.response_body.encode())
    except (msgspec.DecodeError, RecursionError):
        return None
    return body.get("code") if isinstance(body, dict) else None
