"""The summary of a run: requests by endpoint, and what the cloud would have charged."""

import msgspec

from nemolocal_contract.journal import CreditSummary, Summary
from nemolocal_contract.plurals import pluralize

from .journal_repository import JournalQuery, JournalRepository


def summarise(journal: JournalRepository, wanted: JournalQuery, *, charged: bool = True) -> Summary:
    """Sum up the wanted entries; the line names costs only if `charged`."""
    counts = journal.count_entries(wanted)
    entries = sum(sum(codes.values()) for codes in counts.values())
    turns = journal.read_turn_results(wanted)
    resends = [turn for turn in turns if turn.resend]
    credits = CreditSummary(
        spent=sum(turn.cost for turn in turns), resent=sum(turn.cost for turn in resends)
    )
    dropped, simulated = journal.dropped, journal.count_simulated_turns(wanted)
    summary = Summary(
        entries=entries,
        dropped=dropped,
        requests=counts,
        turns=len(turns),
        resends=len(resends),
        credits=credits,
        line="",
        simulated=simulated or msgspec.UNSET,
    )
    return msgspec.structs.replace(summary, line=_line(summary, charged))


def _line(summary: Summary, charged: bool) -> str:
    """`12 requests, 3 turns (1 simulated), which would have cost 150 credits in the cloud, …`."""
    dropped, resends, credits = summary.dropped, summary.resends, summary.credits
    left_out = f" ({dropped} older {'one' if dropped == 1 else 'ones'} dropped)" if dropped else ""
    line = f"{pluralize(summary.entries, 'request')}{left_out}, {pluralize(summary.turns, 'turn')}"
    if summary.simulated:
        line += f" ({summary.simulated} simulated)"
    if not charged:
        return line
    line += f", which would have cost {pluralize(credits.spent, 'credit')} in the cloud"
    if resends:
        line += f", {credits.resent} of them for {pluralize(resends, 'repeated message')}"
    return line
