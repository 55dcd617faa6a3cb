"""What was found in a document, and the catalogue of all that is looked for."""

import functools
import tomllib
from importlib.resources import files
from typing import Literal

import msgspec

from nemolocal_contract.rules import rules

from .model import RawFinding

Severity = Literal["error", "warning", "note"]


class SkillCheck(msgspec.Struct, frozen=True):
    """One thing that is looked for; `rule` is a rule of the contract, or ""."""

    id: str
    level: Severity
    rule: str
    title: str
    fix: str


class SkillFinding(msgspec.Struct, frozen=True):
    """One thing that was found.

    `line` and `column` count from 1; 0 is unknown, and a line of 0 means the document as a whole.
    `grade` and `source` are those of the rule, "" and () where there is none.
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
    """Every check by its id, in the order of the catalogue."""
    text = files(__package__).joinpath("checks.toml").read_text(encoding="utf-8")
    catalogue = msgspec.convert(tomllib.loads(text), _Catalogue)
    return {check.id: check for check in catalogue.check}


def to_finding(remark: RawFinding) -> SkillFinding:
    """A remark with all that the catalogue and the contract say about its check."""
    check = check_catalogue()[remark.check]
    rule = rules().get(check.rule)
    return SkillFinding(
        check.id,
        check.level,
        remark.line,
        remark.column,
        remark.message,
        check.rule,
        rule.grade if rule else "",
        rule.source if rule else (),
        check.fix,
    )
