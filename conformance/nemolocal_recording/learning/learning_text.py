"""What was learnt, as text."""

from collections.abc import Iterator, Mapping

from nemolocal_contract.plurals import pluralize
from nemolocal_contract.rules import rules

from .evaluation import RuleResult
from .new_names import NewName
from .observations import STABLE_DAYS, Observation, days_seen
from .values import SeenShare, SeenValue

_ORDER = ("contradicted", "alternative", "confirmed", "held", "cannot tell", "not seen")


def result_lines(
    results: list[RuleResult], names: list[str], observations: list[Observation]
) -> Iterator[str]:
    """Yield a line per rule, what contradicts first; `names` are those of the recordings."""
    for result in sorted(results, key=lambda one: _ORDER.index(one.outcome)):
        outcome = result.outcome
        if outcome == "alternative":
            outcome = f"alternative {result.alternative}"  # type: ignore[assignment]
        days = days_seen(observations, result.rule, result.outcome)
        day = f"; stable: {days} days in the cloud" if days >= STABLE_DAYS else ""
        grade = rules()[result.rule].grade
        yield f"{result.rule:<8}{grade}  {outcome}{_reason(result, names)}{day}"


def _reason(result: RuleResult, names: list[str]) -> str:
    if result.outcome == "contradicted":
        name = names[result.recording]
        return f": {result.actual or 'several variants'} (exchange {result.exchange} of {name})"
    if result.outcome not in ("held", "confirmed", "alternative"):
        return ""
    parts = [f"seen {pluralize(result.times_held, 'time')}"]
    missing = [
        claim.id if claim.missing == ("it",) else f"{claim.id} ({', '.join(claim.missing)})"
        for claim in result.claims
        if claim.missing
    ]
    if missing:
        parts.append(f"not seen: {', '.join(missing)}")
    if result.out_of_sight:
        parts.append(f"a recording does not show {result.out_of_sight}")
    return f": {'; '.join(parts)}"


def value_lines(values: list[SeenValue], share: SeenShare | None) -> Iterator[str]:
    """Yield a line per value."""
    for one in values:
        span = f"{one.least:g} to {one.greatest:g}, median {one.median:g} {one.unit}"
        yield f"{one.name}: {span} (seen {pluralize(one.count, 'time')})"
    if share is not None:
        least, greatest = share.least * 100, share.greatest * 100
        percent = share.count / share.total * 100
        yield (
            f"{share.name}: {share.count} of {share.total}, {percent:.0f} % "
            f"(95 % interval: {least:.0f} to {greatest:.0f} %)"
        )


def new_name_lines(names: list[NewName]) -> Iterator[str]:
    """Yield a line per name that the contract does not know."""
    for one in names:
        kind = f", {one.type}" if one.type else ""
        # A name of somebody else may hold anything.
        shown = one.name if one.name.isprintable() else ascii(one.name)
        yield f"new {one.kind} in {one.place}: {shown}{kind} (seen {pluralize(one.count, 'time')})"


def fault_lines(faults: Mapping[str, int]) -> Iterator[str]:
    """Yield a line per kind of fault that has hit exchanges; `faults` are the counts."""
    for fault, count in faults.items():
        yield f"not judged: {pluralize(count, 'exchange')} {fault}"
