"""The verdicts on the clients of a journal: one for each check, whoever broke it."""

from collections.abc import Iterable, Sequence
from importlib.metadata import version

import msgspec

from ..traffic.client_grouping import group_by_client
from ..traffic.client_log import ClientLog
from ..traffic.journal import LoadedJournal
from ..verdicts import ConformanceReport, Verdict, VerdictOutcome
from .client_check import ClientCheck, ClientFinding

# More entries than anybody looks up prove nothing more.
_MOST_ENTRIES = 50
_NEVER = "the situation never came up"
_OLDER = "other entries are missing from the journal"


def evaluate_journal(
    journal: LoadedJournal,
    checks: Iterable[ClientCheck],
    *,
    token: int | None = None,
    user: str | None = None,
    speed: float | None = None,
) -> ConformanceReport:
    """Judge the clients of a journal, or the one that `token` or `user` names.

    `speed` is that of the clock that the journal ran on, for journals that do not say it.
    """
    records = group_by_client(journal, token=token, user=user, speed=speed)
    acts = [act for record in records for act in record.all_calls]
    host = next((act.header("host") for act in acts if act.header("host")), "")
    return ConformanceReport(
        base_url=f"http://{host}" if host else "",
        version=version("nemolocal"),
        ours=journal.has_server_state,
        verdicts=tuple(evaluate_client_check(check, records) for check in checks),
        alternatives={},
    )


def evaluate_client_check(check: ClientCheck, logs: Sequence[ClientLog]) -> Verdict:
    """The verdict of one check on these clients together."""
    verdict = Verdict(
        check=check.id,
        rules=check.rules,
        sentence=check.sentence,
        level=check.level,
        grade=check.grade,
        outcome="not applicable",
        reason=_NEVER,
    )
    try:
        found = [
            _with_gaps_considered(finding, record)
            for record in logs
            for finding in check.run(record)
        ]
    except Exception as defect:
        reason = f"{type(defect).__name__}: {defect}"
        return msgspec.structs.replace(verdict, outcome="error", reason=reason)
    return _worst_verdict(verdict, sorted(found, key=lambda finding: finding.entries))


def _with_gaps_considered(finding: ClientFinding, log: ClientLog) -> ClientFinding:
    """Who misses something in a journal with gaps cannot say that it never was."""
    if finding.missing and not log.is_complete:
        return msgspec.structs.replace(finding, holds=None, reason=_OLDER)
    return finding


def _worst_verdict(verdict: Verdict, found: list[ClientFinding]) -> Verdict:
    """The worst that was found, with all entries that show it."""
    kinds: dict[bool | None, VerdictOutcome] = {
        False: "failed" if verdict.level == "MUST" else "warning",
        None: "not judgeable",
        True: "passed",
    }
    for holds, outcome in kinds.items():
        alike = [finding for finding in found if finding.holds is holds]
        if alike:
            ids = sorted({id for finding in alike for id in finding.entries})
            return msgspec.structs.replace(
                verdict,
                outcome=outcome,
                reason=alike[0].reason,
                expected=alike[0].expected,
                actual=alike[0].actual,
                entries=tuple(ids[:_MOST_ENTRIES]),
                credits=sum(finding.credits for finding in alike),
            )
    return verdict
