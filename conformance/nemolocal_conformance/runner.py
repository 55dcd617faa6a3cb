"""A run: checks in order on one stage, each with its verdict, its evidence and its time."""

import time
from collections.abc import Callable, Iterable, Iterator
from importlib.metadata import version

import msgspec

from nemolocal_contract.clock import WallClock, iso8601

from .check import Check
from .expectations import Broken, NotApplicable, Unmet
from .peer import NoAnswer
from .stage import Stage
from .verdicts import Outcome, Report, Verdict

OnVerdict = Callable[[Verdict], None]
# Checks in a row without an answer, after which nobody waits for more.
_HOPELESS = 5
_NOT_PLAYED = f"not played: {_HOPELESS} checks in a row were not answered before it"


_GONE = "not played: the server was gone before it"


def _hear_nothing(verdict: Verdict) -> None:
    """Who gives no listener hears the report only."""
    del verdict


def run_checks(
    stage: Stage,
    checks: Iterable[Check],
    *,
    left_out: Iterable[Check] = (),
    on_verdict: OnVerdict = _hear_nothing,
) -> Report:
    """Play the checks on the stage; never raises for what a server does."""
    begun, at = time.perf_counter(), iso8601(WallClock().time())
    verdicts = tuple(_each(stage, checks, on_verdict))
    return Report(
        base_url=stage.peer.base_url,
        version=version("nemolocal"),
        ours=stage.ours,
        verdicts=verdicts,
        alternatives={rule: tuple(sorted(seen)) for rule, seen in sorted(stage.seen.items())},
        left_out=tuple(check.id for check in left_out),
        seconds=round(time.perf_counter() - begun, 3),
        at=at,
    )


def _each(stage: Stage, checks: Iterable[Check], on_verdict: OnVerdict) -> Iterator[Verdict]:
    unanswered = 0
    for check in checks:
        if stage.peer.gone:
            # It was told with the check that met it.
            yield _because(_blank(check), "error", _GONE)
            continue
        if unanswered < _HOPELESS:
            verdict = judge(stage, check)
            unanswered = unanswered + 1 if _is_unanswered(verdict) else 0
        else:
            verdict = _because(_blank(check), "error", _NOT_PLAYED)
        on_verdict(verdict)
        yield verdict


def _is_unanswered(verdict: Verdict) -> bool:
    return bool(verdict.evidence) and verdict.evidence[-1].ending == "timeout"


def judge(stage: Stage, check: Check) -> Verdict:
    """Play one check."""
    begun = time.perf_counter()
    before = {rule: set(seen) for rule, seen in stage.seen.items()}
    verdict = _blank(check)
    try:
        check.play(stage)
    except Broken as broken:
        verdict = msgspec.structs.replace(
            verdict,
            outcome=_severity(check, stage),
            reason=broken.what,
            expected=repr(broken.expected),
            actual=repr(broken.actual),
        )
    except Unmet as unmet:
        verdict = _because(verdict, "failed", f"a prerequisite is missing: {unmet}")
        verdict = msgspec.structs.replace(verdict, unmet=True)
    except NoAnswer as nothing:
        rest = ", and no other check was played" if stage.peer.gone else ""
        verdict = _because(verdict, "error", f"{nothing}{rest}")
    except NotApplicable as why:
        verdict = _because(verdict, "not applicable", str(why))
    except Exception as defect:
        verdict = _because(verdict, "error", f"{type(defect).__name__}: {defect}")
    seen = [f"{r}: {a}" for r, all_ in stage.seen.items() for a in all_ - before.get(r, set())]
    return msgspec.structs.replace(
        verdict,
        alternatives=tuple(sorted(seen)),
        seconds=round(time.perf_counter() - begun, 4),
        evidence=stage.peer.take_evidence(),
    )


def _severity(check: Check, stage: Stage) -> Outcome:
    if check.grade == "A" and not stage.ours:
        return "learned"
    return "failed" if check.level == "MUST" else "warning"


def _blank(check: Check) -> Verdict:
    return Verdict(
        check=check.id,
        rules=check.rules,
        sentence=check.sentence,
        level=check.level,
        grade=check.grade,
        outcome="passed",
    )


def _because(verdict: Verdict, outcome: Outcome, reason: str) -> Verdict:
    return msgspec.structs.replace(verdict, outcome=outcome, reason=reason)
