"""Tools that read the journal of a server: pages, single entries, the verdict on the clients."""

from collections import Counter, deque
from collections.abc import Iterator
from typing import Any

import msgspec

from nemolocal_contract.clock import iso8601
from nemolocal_contract.endpoints import JOURNAL, JOURNAL_CLEAR
from nemolocal_contract.journal import Entry

from .server_control import ServerControl
from .tool_arguments import GetVerdict, NoArguments, QueryJournal, ReadJournalEntry
from .tool_errors import ToolError
from .tool_results import (
    ClearedJournal,
    JournalEntry,
    JournalLine,
    JournalPage,
    VerdictFinding,
    VerdictReport,
    VerdictSummary,
)

_MAX_URL = 300
_MAX_MESSAGE = 300
_MAX_HEADER = 500
_MAX_FINDINGS = 30
_MAX_ENTRY_IDS = 12
_BY_EXIT_CODE: tuple[VerdictSummary, ...] = ("passed", "failed", "nothing checked")
_REPORTED = ("failed", "error", "warning")


class JournalTools:
    """The tools that read the journal."""

    def __init__(self, control: ServerControl) -> None:
        self._control = control

    def query_journal(self, wanted: QueryJournal) -> JournalPage:
        """Return a page of entries without their bodies."""
        matching = (
            entry
            for entry in self._read(
                since=wanted.since or None,
                endpoint=wanted.endpoint,
                session=wanted.session,
                user_id=wanted.user_id,
            )
            if not wanted.failed_only or entry.code != 0 or entry.ending != "complete"
        )
        cut = _newest if wanted.order == "newest" else _oldest
        entries, more = cut(matching, wanted.limit)
        return JournalPage(
            entries=tuple(map(_line, entries)),
            last_id=entries[-1].id if entries else wanted.since,
            more=more,
        )

    def read_journal_entry(self, wanted: ReadJournalEntry) -> JournalEntry:
        """Return an entry with its headers and the beginning of its bodies."""
        found = next(self._read(since=max(wanted.id - 1, 0), limit=1), None)
        if found is None or found.id != wanted.id:
            raise ToolError(f"id: no entry has the id {wanted.id}: query_journal lists the ids")
        most = wanted.max_characters
        return JournalEntry(
            line=_line(found),
            request_headers=_cut_values(found.request_headers),
            request_body=found.request_body[:most],
            request_size=found.request_size,
            response_headers=_cut_values(found.response_headers),
            response_body=found.response_body[:most],
            response_size=found.response_size,
            is_cut=max(len(found.request_body), len(found.response_body)) > most,
            credits_before=found.credits_before,
            credits_after=found.credits_after,
            draft_version_before=found.draft_version_before,
            draft_version_after=found.draft_version_after,
        )

    def clear_journal(self, _: NoArguments) -> ClearedJournal:
        """Delete all entries."""
        return self._control.fetch(ClearedJournal, JOURNAL_CLEAR)

    def get_verdict(self, wanted: GetVerdict) -> VerdictReport:
        """Check the clients in the journal against the contract."""
        from nemolocal_conformance.client_checks import client_catalogue
        from nemolocal_conformance.client_checks.evaluation import evaluate_journal
        from nemolocal_conformance.reports.report_text import sort_by_outcome, verdict_reason
        from nemolocal_conformance.traffic.journal_reader import parse_journal

        checks = list(client_catalogue().values())
        for prefix in wanted.only:
            if not any(check.id.startswith(prefix) for check in checks):
                raise ToolError(f"only: no check id starts with {prefix!r}: leave it out for all")
        checks = [check for check in checks if check.id.startswith(wanted.only or "")]
        with self._control.connect() as http:
            reply = http.get(JOURNAL.template, params={"format": "jsonl"})
            lines = self._control.checked(reply).content
        if not lines.strip():
            return VerdictReport(outcome="nothing checked", counts={}, findings=(), left_out=0)
        report = evaluate_journal(parse_journal(lines), checks, user=wanted.user_id)
        findings = [
            VerdictFinding(
                check=verdict.check,
                outcome=verdict.outcome,
                level=verdict.level,
                rules=verdict.rules,
                sentence=verdict.sentence,
                reason=verdict_reason(verdict)[:_MAX_HEADER],
                entries=verdict.entries[:_MAX_ENTRY_IDS],
                credits=verdict.credits,
            )
            for verdict in sort_by_outcome(report)
            if verdict.outcome in _REPORTED
        ]
        return VerdictReport(
            outcome=_BY_EXIT_CODE[report.exit_code],
            counts=dict(Counter(verdict.outcome for verdict in report.verdicts)),
            findings=tuple(findings[:_MAX_FINDINGS]),
            left_out=max(0, len(findings) - _MAX_FINDINGS),
        )

    def _read(self, **query: Any) -> Iterator[Entry]:
        """Yield entries as they arrive, oldest first: a whole journal is never in memory."""
        given = {name: value for name, value in query.items() if value is not None}
        with (
            self._control.connect() as http,
            http.stream("GET", JOURNAL.template, params={**given, "format": "jsonl"}) as reply,
        ):
            if not reply.is_success:
                reply.read()
                self._control.checked(reply)
            for line in reply.iter_lines():
                if line:
                    yield self._control.decode(line, Entry)


def _newest(entries: Iterator[Entry], limit: int) -> tuple[list[Entry], bool]:
    kept = deque(entries, maxlen=limit + 1)
    return list(kept)[-limit:], len(kept) > limit


def _oldest(entries: Iterator[Entry], limit: int) -> tuple[list[Entry], bool]:
    kept = [entry for _, entry in zip(range(limit + 1), entries, strict=False)]
    return kept[:limit], len(kept) > limit


def _line(entry: Entry) -> JournalLine:
    turn = entry.turn
    if turn is not None:
        turn = msgspec.structs.replace(turn, message=turn.message[:_MAX_MESSAGE])
    return JournalLine(
        id=entry.id,
        at=iso8601(entry.started),
        milliseconds=round((entry.ended - entry.started) * 1000),
        call=f"{entry.method} {entry.url}"[:_MAX_URL],
        endpoint=entry.endpoint,
        status=entry.status,
        code=entry.code,
        ending=entry.ending,
        faults=entry.faults,
        rules=entry.rules,
        user_id=entry.user_id,
        session_id=entry.session_id,
        turn=turn,
        reply=None if entry.reply is msgspec.UNSET else entry.reply,
    )


def _cut_values(headers: dict[str, str]) -> dict[str, str]:
    return {name: value[:_MAX_HEADER] for name, value in list(headers.items())[:100]}
