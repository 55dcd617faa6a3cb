"""Compares a recording with its replay, rule by rule."""

from collections.abc import Iterator

import msgspec

from nemolocal_contract.rules import rules

from ..learning.evaluation import RuleResult, evaluate_recordings
from ..learning.traffic_view import TrafficView
from ..learning.values import PRICE_PREFIX, seen_values
from ..recording import ExchangeRecord, Recording
from .drift_report import DriftReport, DriftVerdict, RuleDrift, UnplayedCall, total_verdict
from .exchange_comparison import (
    Difference,
    ExchangePair,
    compare_heads,
    compare_shapes,
    may_be_passing,
)
from .recording_player import Replay

_SEEN = ("confirmed", "held", "alternative", "contradicted")
_MOST_TOLD, _MOST_SHOWN = 20, 300


def compare_replay(
    recording: Recording, replay: Replay, *, name: str, server: str, cost: str
) -> DriftReport:
    """Return what a replay shows of each rule of which the recording shows something."""
    pairs, unplayed, polls = _pair(recording, replay)
    differences = [difference for pair in pairs for difference in compare_heads(pair)]
    differences += compare_shapes(pairs, polls)
    then, after = _without_passing_faults(recording, replay)
    before, now = _results(then), _results(after)
    recorded = {call.number: call.recorded for call in replay.calls if call.number}
    differences += _claim_differences(before, now, TrafficView(after), recorded)
    differences += _price_differences(then, after)
    by_rule: dict[str, list[Difference]] = {}
    for one in differences:
        for rule in one.rules:
            by_rule.setdefault(rule, []).append(one)
    found = tuple(
        _rule_drift(before[rule], now[rule], by_rule.get(rule, []))
        for rule in rules()
        if rule in before and (before[rule].outcome != "not seen" or rule in by_rule)
    )
    return DriftReport(
        name, server, total_verdict(found), 1, len(recording.exchanges), len(pairs), cost, found,
        tuple(unplayed),
    )  # fmt: skip


def confirm(first: DriftReport, second: DriftReport) -> DriftReport:
    """Return the first report with only those changes that a second replay has shown as well.

    A fault may hit any call once; a server that has changed answers the same call alike again.
    """
    again = {one.rule: one for one in second.rules}
    found = tuple(_confirmed(one, again.get(one.rule)) for one in first.rules)
    return msgspec.structs.replace(
        first, verdict=total_verdict(found), replays=first.replays + second.replays, rules=found
    )


def _confirmed(first: RuleDrift, again: RuleDrift | None) -> RuleDrift:
    if first.verdict != "changed":
        return first
    seen_again = {(one.exchange, one.what) for one in again.differences} if again else set()
    both = tuple(one for one in first.differences if (one.exchange, one.what) in seen_again)
    if both:
        return msgspec.structs.replace(first, differences=both)
    if again is not None and again.verdict == "changed":
        reason = "it differed in both of two replays, but in other calls"
    else:
        reason = "it differed in one of two replays"
    verdict: DriftVerdict = "same" if again and again.verdict == "same" else "could not look"
    return RuleDrift(first.rule, verdict, first.recorded, first.now, (), reason)


def _results(recording: Recording) -> dict[str, RuleResult]:
    return {one.rule: one for one in evaluate_recordings([recording])}


def _pair(
    recording: Recording, replay: Replay
) -> tuple[list[ExchangePair], list[UnplayedCall], list[ExchangeRecord]]:
    """Return what can be compared, what cannot and why, and the polls of now."""
    played = {one.request.exchange: one for one in replay.recording.exchanges}
    pairs, unplayed = [], []
    for exchange, call in zip(recording.exchanges, replay.calls, strict=True):
        if call.merged:
            continue
        now = played.get(call.number or 0)
        reason = call.reason
        if now is not None:
            pair = ExchangePair(exchange, now)
            reason = pair.unclear
            if not reason:
                pairs.append(pair)
        if reason:
            unplayed.append(UnplayedCall(call.recorded, exchange.endpoint, reason))
    paired = {pair.now.request.exchange for pair in pairs}
    ends = any(pair.recorded.endpoint == "render_status" for pair in pairs)
    polls = [
        one for number, one in played.items()
        if ends and number not in paired and one.endpoint == "render_status" and one.is_complete
    ]  # fmt: skip
    return pairs, unplayed, polls


def _without_passing_faults(recording: Recording, replay: Replay) -> tuple[Recording, Recording]:
    """Return both with responses that may be passing faults as incomplete: no claim sees them."""
    played = {one.request.exchange: one for one in replay.recording.exchanges}
    other: dict[int, ExchangeRecord] = {}
    found = []
    for exchange, call in zip(recording.exchanges, replay.calls, strict=True):
        now = played.get(call.number or 0)
        if now is not None:
            other[now.request.exchange] = exchange
        found.append(_incomplete(exchange) if may_be_passing(exchange, now) else exchange)
    others = [
        _incomplete(one) if may_be_passing(one, other.get(number)) else one
        for number, one in played.items()
    ]
    return Recording(recording.header, found), Recording(replay.recording.header, others)


def _incomplete(exchange: ExchangeRecord) -> ExchangeRecord:
    return msgspec.structs.replace(exchange, ending="fin")


def _claim_differences(
    before: dict[str, RuleResult],
    now: dict[str, RuleResult],
    view: TrafficView,
    recorded: dict[int, int],
) -> Iterator[Difference]:
    """Yield the rules that did not hold at one time, and other variants.

    `recorded` has the exchange of the recording for each of the replay, but for further polls.
    """
    wrong = {
        (number, one.rule): f"{one.what}: {one.expected}, not {one.actual}"
        for number, one in view.all_violations
    }
    for rule, result in now.items():
        was = before[rule]
        if result.outcome == "contradicted" and was.outcome != "contradicted":
            yield Difference(
                (rule,), recorded.get(result.exchange, 0), "the replay of a call", was.outcome,
                f"contradicted: {wrong.get((result.exchange, rule), result.actual)}"[:_MOST_SHOWN],
            )  # fmt: skip
        elif was.outcome == "contradicted" and result.outcome in ("held", "confirmed"):
            if not any(one.held for one in was.claims if one.broken):
                yield Difference(
                    (rule,), was.exchange, "the rule", f"contradicted: {was.actual}", "it holds"
                )
        elif (
            was.outcome in _SEEN
            and result.outcome in _SEEN
            and "contradicted" not in (was.outcome, result.outcome)
            and was.alternative != result.alternative
        ):
            yield Difference(
                (rule,), 0, "the variant", was.alternative or "the default",
                result.alternative or "the default",
            )  # fmt: skip


def _price_differences(recording: Recording, now: Recording) -> Iterator[Difference]:
    """Yield prices that were always the same and are others now (CRD-3)."""
    seen = [
        {
            one.name: one
            for one in seen_values([TrafficView(each)])
            if one.name.startswith(PRICE_PREFIX)
        }
        for each in (recording, now)
    ]
    for name in seen[0].keys() & seen[1].keys():
        was, is_ = seen[0][name], seen[1][name]
        if was.least == was.greatest and not is_.least == was.least == is_.greatest:
            told = f"{is_.least:g} to {is_.greatest:g} credits"
            yield Difference(("CRD-3",), 0, name, f"{was.least:g} credits", told)


def _rule_drift(before: RuleResult, now: RuleResult, found: list[Difference]) -> RuleDrift:
    if found:
        told = tuple(found[:_MOST_TOLD])
        return RuleDrift(before.rule, "changed", before.outcome, now.outcome, told)
    if _is_seen_again(before, now):
        return RuleDrift(before.rule, "same", before.outcome, now.outcome)
    if before.outcome == "cannot tell":
        reason = "the recording does not tell"
    else:
        reason = "not seen in the replay" if now.outcome in ("not seen", *_SEEN) else "unclear"
    return RuleDrift(before.rule, "could not look", before.outcome, now.outcome, (), reason)


def _is_seen_again(before: RuleResult, now: RuleResult) -> bool:
    """Whether the same part of a rule was seen in the recording and in the replay."""
    if before.outcome not in _SEEN or now.outcome not in _SEEN:
        return False
    pairs = zip(before.claims, now.claims, strict=True)
    return (
        any(was.held and is_.held for was, is_ in pairs) or before.outcome == now.outcome != "held"
    )
