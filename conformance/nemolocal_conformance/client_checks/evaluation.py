"""Evaluate the checks on the clients of a journal: one verdict for each check."""

from collections.abc import Iterable, Sequence
from importlib.metadata import version

import msgspec

from ..traffic.client_grouping import group_by_client
from ..traffic.client_log import ClientLog
from ..traffic.journal import LoadedJournal
from ..verdicts import ConformanceReport, Verdict, VerdictOutcome
from .client_check import ClientCheck, ClientFinding

# Enough entries to look up.
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
    fixed_job: bool = False,
) -> ConformanceReport:
    """Evaluate the clients of a journal, or only the one of `token` or `user`.

    `speed` is the speed of the journal's clock, for journals that do not contain it. With
    `fixed_job` the clients are programs that run one job without a user: whatever they repeat,
    they repeat by themselves.
    """
    records = group_by_client(journal, token=token, user=user, speed=speed, fixed_job=fixed_job)
    acts = [call for record in records for call in record.all_calls]
    host = next((call.header("host") for call in acts if call.header("host")), "")
    return ConformanceReport(
        base_url=f"http://{host}" if host else "",
        version=version("nemolocal"),
        ours=journal.has_server_state,
        verdicts=tuple(evaluate_client_check(check, records) for check in checks),
        alternatives={},
    )


def evaluate_client_check(check: ClientCheck, logs: Sequence[ClientLog]) -> Verdict:
    """Return the verdict of one check on all of these clients."""
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
    """Turn failures for missing calls into "not judgeable" if the journal has gaps."""
    if finding.missing and not log.is_complete:
        return msgspec.structs.replace(finding, holds=None, reason=_OLDER)
    return finding


def _worst_verdict(verdict: Verdict, found: list[ClientFinding]) -> Verdict:
    """Return the worst finding, with all entries that show it."""
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
