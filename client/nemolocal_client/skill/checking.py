"""Judges a skill document: everything that was found, in the order of its lines."""

from collections import Counter
from collections.abc import Callable, Iterable, Iterator

import msgspec

from .command_checks import check_commands
from .endpoint_checks import check_endpoints
from .figure_checks import check_figures, check_retries
from .findings import Finding, checks, finding_of
from .head_checks import check_attribution, check_environment, check_head, check_secrets
from .model import Remark
from .reader import Skill
from .table_checks import check_errors, check_events, check_gui, check_routing

_Judge = Callable[[Skill], Iterator[Remark]]
_ALWAYS: tuple[_Judge, ...] = (check_head, check_secrets, check_commands, check_endpoints)
# What only a document has to keep that calls the API at all.
_OF_THE_API: tuple[_Judge, ...] = (
    check_attribution,
    check_environment,
    check_figures,
    check_retries,
    check_routing,
    check_errors,
    check_gui,
    check_events,
)
# A page full of one mistake is one mistake.
_MOST_OF_A_KIND = 20


def check_skill(skill: Skill) -> tuple[Finding, ...]:
    """The findings of a document, by line; 20 of a kind at most."""
    remarks = list(skill.remarks)
    for judge in _ALWAYS:
        remarks += judge(skill)
    if skill.endpoints:
        for judge in _OF_THE_API:
            remarks += judge(skill)
    return tuple(finding_of(remark) for remark in _ordered(_inside(skill, remarks)))


def _inside(skill: Skill, remarks: Iterable[Remark]) -> Iterator[Remark]:
    """What is said of the text of a document that has none is said of its last line."""
    last = len(skill.lines)
    for remark in remarks:
        yield remark if remark.line <= last else msgspec.structs.replace(remark, line=last)


def _ordered(remarks: Iterable[Remark]) -> Iterator[Remark]:
    places = {check: place for place, check in enumerate(checks())}
    counted: Counter[str] = Counter()
    for remark in sorted(
        set(remarks), key=lambda r: (r.line, r.column, places[r.check], r.message)
    ):
        counted[remark.check] += 1
        if counted[remark.check] <= _MOST_OF_A_KIND:
            yield remark
