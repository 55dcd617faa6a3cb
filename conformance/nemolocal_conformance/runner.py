"""Runs checks in order and records the verdict, the evidence and the time of each."""

import time
from collections.abc import Callable, Iterable, Iterator
from importlib.metadata import version
from typing import Protocol

import msgspec

from nemolocal_contract.clock import WallClock, iso8601

from .assertions import CheckFailed, LimitReached, NotApplicable, PrerequisiteFailed
from .context import CheckContext
from .server_check import ServerCheck
from .target import TargetTimeout
from .verdicts import ConformanceReport, Verdict, VerdictOutcome

OnVerdict = Callable[[Verdict], None]
# After so many checks in a row without a response the run stops waiting.
_MAX_UNANSWERED = 5
_NOT_RUN = f"not run: {_MAX_UNANSWERED} checks in a row before it got no response"


_TARGET_LOST = "not run: the server was gone before it"


class RunGuard(Protocol):
    """Decides which checks may run."""

    def admit(self, check: ServerCheck) -> bool:
        """Whether a check may run now."""

    def review(self, verdict: Verdict) -> Verdict:
        """Return the verdict of a check that ran, or what is to stand in its place."""


def _ignore_verdict(verdict: Verdict) -> None:
    """Ignore a verdict: the default listener."""
    del verdict


def run_checks(
    context: CheckContext,
    checks: Iterable[ServerCheck],
    *,
    left_out: Iterable[ServerCheck] = (),
    on_verdict: OnVerdict = _ignore_verdict,
    guard: RunGuard | None = None,
) -> ConformanceReport:
    """Run the checks against the target; never raises for what a server does.

    `guard` decides which checks may run, and reviews their verdicts.
    """
    begun, at = time.perf_counter(), iso8601(WallClock().time())
    checks = list(checks)
    context.begin_long_turns(turn for check in checks for turn in check.long_turns)
    verdicts = tuple(_verdicts(context, checks, on_verdict, guard))
    evaluated = {verdict.check for verdict in verdicts}
    not_run = (*left_out, *(check for check in checks if check.id not in evaluated))
    return ConformanceReport(
        base_url=context.target.base_url,
        version=version("nemolocal"),
        ours=context.is_ours,
        verdicts=verdicts,
        alternatives={
            rule: tuple(sorted(seen)) for rule, seen in sorted(context.alternatives.items())
        },
        left_out=tuple(check.id for check in not_run),
        seconds=round(time.perf_counter() - begun, 3),
        at=at,
    )


def _verdicts(
    context: CheckContext,
    checks: Iterable[ServerCheck],
    on_verdict: OnVerdict,
    guard: RunGuard | None,
) -> Iterator[Verdict]:
    unanswered = 0
    for check in checks:
        if context.target.is_lost:
            # The check that lost the target has reported it.
            yield _with_outcome(_passed_verdict(check), "error", _TARGET_LOST)
            continue
        if unanswered >= _MAX_UNANSWERED:
            verdict = _with_outcome(_passed_verdict(check), "error", _NOT_RUN)
        elif guard is None:
            verdict = run_check(context, check)
        elif guard.admit(check):
            verdict = guard.review(run_check(context, check))
        else:
            continue
        if unanswered < _MAX_UNANSWERED:
            unanswered = unanswered + 1 if _is_unanswered(verdict) else 0
        on_verdict(verdict)
        yield verdict


def _is_unanswered(verdict: Verdict) -> bool:
    return bool(verdict.evidence) and verdict.evidence[-1].ending == "timeout"


def run_check(context: CheckContext, check: ServerCheck) -> Verdict:
    """Run one check."""
    begun = time.perf_counter()
    before = {rule: set(seen) for rule, seen in context.alternatives.items()}
    verdict = _passed_verdict(check)
    try:
        check.run(context)
    except CheckFailed as broken:
        verdict = msgspec.structs.replace(
            verdict,
            outcome=_severity(check, context),
            reason=broken.what,
            expected=repr(broken.expected),
            actual=repr(broken.actual),
        )
    except PrerequisiteFailed as unmet:
        verdict = _with_outcome(verdict, "failed", f"a prerequisite is missing: {unmet}")
        verdict = msgspec.structs.replace(verdict, unmet=True)
    except TargetTimeout as nothing:
        rest = ", and no other check was run" if context.target.is_lost else ""
        verdict = _with_outcome(verdict, "error", f"{nothing}{rest}")
    except NotApplicable as why:
        verdict = _with_outcome(verdict, "not applicable", str(why))
        verdict = msgspec.structs.replace(verdict, limited=isinstance(why, LimitReached))
    except Exception as defect:
        verdict = _with_outcome(verdict, "error", f"{type(defect).__name__}: {defect}")
    seen = [
        f"{r}: {a}" for r, all_ in context.alternatives.items() for a in all_ - before.get(r, set())
    ]
    return msgspec.structs.replace(
        verdict,
        alternatives=tuple(sorted(seen)),
        seconds=round(time.perf_counter() - begun, 4),
        evidence=context.target.take_evidence(),
    )


def _severity(check: ServerCheck, context: CheckContext) -> VerdictOutcome:
    if check.grade == "A" and not context.is_ours:
        return "learned"
    return "failed" if check.level == "MUST" else "warning"


def _passed_verdict(check: ServerCheck) -> Verdict:
    return Verdict(
        check=check.id,
        rules=check.rules,
        sentence=check.sentence,
        level=check.level,
        grade=check.grade,
        outcome="passed",
    )


def _with_outcome(verdict: Verdict, outcome: VerdictOutcome, reason: str) -> Verdict:
    return msgspec.structs.replace(verdict, outcome=outcome, reason=reason)
