"""Checks a skill document; the findings are in the order of its lines."""

import functools
import tomllib
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from importlib.resources import files
from typing import Literal

import msgspec

from nemolocal_contract.rules import rules

from .checks.command_checks import check_commands, check_shell
from .checks.endpoint_checks import check_endpoints
from .checks.example_checks import PhraseJudge, check_examples
from .checks.foreign_checks import check_foreign, is_foreign
from .checks.format_checks import check_format
from .checks.frontmatter_checks import (
    check_attribution,
    check_bearer,
    check_environment,
    check_frontmatter,
    check_secrets,
)
from .checks.limit_checks import check_retries, check_stated_limits
from .checks.promise_checks import check_promises
from .checks.scanner_checks import check_scanner_remarks
from .checks.table_checks import check_errors, check_events, check_gui, check_routing
from .model import RawFinding
from .parse.document import Skill

Severity = Literal["error", "warning", "note"]
_CheckFunction = Callable[[Skill], Iterator[RawFinding]]
_DOCUMENT_CHECKS: tuple[_CheckFunction, ...] = (
    check_frontmatter,
    check_format,
    check_secrets,
    check_shell,
)
# Checks against the contract, which say nothing about a document of another API.
_CONTRACT_CHECKS: tuple[_CheckFunction, ...] = (check_commands, check_endpoints)
# Checks of documents that call the API.
_API_CHECKS: tuple[_CheckFunction, ...] = (
    check_attribution,
    check_bearer,
    check_environment,
    check_stated_limits,
    check_promises,
    check_retries,
    check_routing,
    check_errors,
    check_gui,
    check_events,
    check_scanner_remarks,
)
# The same mistake on every line is one mistake.
_MAX_PER_CHECK = 20


class SkillCheck(msgspec.Struct, frozen=True):
    """A check of the catalogue; `rule` is a rule of the contract, or ""."""

    id: str
    level: Severity
    rule: str
    title: str
    fix: str


class SkillFinding(msgspec.Struct, frozen=True):
    """A finding of a check.

    `line` and `column` count from 1; 0 is unknown, and a line of 0 means the whole document.
    `grade` and `source` are those of the rule, "" and () if there is none.
    """

    id: str
    level: Severity
    line: int
    column: int
    message: str
    rule: str
    grade: str
    source: tuple[str, ...]
    fix: str


class _Catalogue(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    check: tuple[SkillCheck, ...]


@functools.cache
def check_catalogue() -> dict[str, SkillCheck]:
    """Return every check by its id, in the order of the catalogue."""
    text = files(__package__).joinpath("checks.toml").read_text(encoding="utf-8")
    catalogue = msgspec.convert(tomllib.loads(text), _Catalogue)
    return {check.id: check for check in catalogue.check}


def to_finding(finding: RawFinding) -> SkillFinding:
    """Add what the catalogue and the contract say about the check of a finding."""
    check = check_catalogue()[finding.check]
    rule = rules().get(check.rule)
    return SkillFinding(
        check.id,
        check.level,
        finding.line,
        finding.column,
        finding.message,
        check.rule,
        rule.grade if rule else "",
        rule.source if rule else (),
        check.fix,
    )


def check_skill(skill: Skill, judge: PhraseJudge | None = None) -> tuple[SkillFinding, ...]:
    """Return the findings of a document, by line; at most 20 of each check.

    `judge` says what the local agent makes of a message; without it the example phrases are not
    judged. A document of another API gets one error that says so, and no check of the contract.
    """
    found = list(skill.raw_findings)
    for check in _checks_for(skill):
        found += check(skill)
    if judge is not None:
        found += check_examples(skill, judge)
    return tuple(to_finding(finding) for finding in _sort_and_limit(_clamp_lines(skill, found)))


def _checks_for(skill: Skill) -> tuple[_CheckFunction, ...]:
    if is_foreign(skill):
        return (*_DOCUMENT_CHECKS, check_foreign)
    return (*_DOCUMENT_CHECKS, *_CONTRACT_CHECKS, *(_API_CHECKS if skill.endpoints else ()))


def _clamp_lines(skill: Skill, findings: Iterable[RawFinding]) -> Iterator[RawFinding]:
    """Move findings behind the end of the document to its last line."""
    last = len(skill.lines)
    for finding in findings:
        yield finding if finding.line <= last else msgspec.structs.replace(finding, line=last)


def _sort_and_limit(findings: Iterable[RawFinding]) -> Iterator[RawFinding]:
    places = {check: place for place, check in enumerate(check_catalogue())}
    counted: Counter[str] = Counter()
    for finding in sorted(
        set(findings), key=lambda r: (r.line, r.column, places[r.check], r.message)
    ):
        counted[finding.check] += 1
        if counted[finding.check] <= _MAX_PER_CHECK:
            yield finding
