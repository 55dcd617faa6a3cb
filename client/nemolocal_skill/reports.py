"""Findings as text for people, as JSON, and as SARIF 2.1.0 for code scanning."""

from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Any
from urllib.parse import quote

import msgspec

from nemolocal_contract.plurals import pluralize

from .linter import SkillCheck, SkillFinding, check_catalogue

_GRADES = {"D": "documented", "C": "contradicted", "A": "assumed"}
_SCHEMA = "https://json.schemastore.org/sarif-2.1.0.json"


class CheckedDocument(msgspec.Struct, frozen=True):
    """A document and its findings; `name` and `version` are those in the document."""

    path: str
    name: str
    version: str
    findings: tuple[SkillFinding, ...]


def as_text(checked: Sequence[CheckedDocument]) -> str:
    """Return a line for each finding, with the fix below it, and a summary line."""
    lines: list[str] = []
    for document in checked:
        for finding in document.findings:
            lines += _lines(document.path, finding)
    levels = Counter(f.level for document in checked for f in document.findings)
    counts = [pluralize(levels[level], level) for level in ("error", "warning", "note")]
    return "\n".join([*lines, f"{pluralize(len(checked), 'file')}: {', '.join(counts)}"])


def _lines(path: str, finding: SkillFinding) -> list[str]:
    where = ":".join(str(part) for part in (path, finding.line, finding.column) if part)
    rule = f" ({rule_reference(finding)})" if finding.rule else ""
    return [
        f"{where}: {finding.level}: {finding.message} [{finding.id}]{rule}",
        f"    {finding.fix}",
    ]


def rule_reference(finding: SkillFinding) -> str:
    """Return the rule of a finding with grade and sources: `REN-6, documented: S0:29, S3:72`."""
    return f"{finding.rule}, {_GRADES[finding.grade]}: {', '.join(finding.source)}"


def as_json(checked: Sequence[CheckedDocument]) -> str:
    """Return a JSON list with an object for each document."""
    return msgspec.json.format(msgspec.json.encode(checked), indent=2).decode()


def as_sarif(checked: Sequence[CheckedDocument], version: str) -> str:
    """Return SARIF; `version` is that of this tool."""
    places = {check: place for place, check in enumerate(check_catalogue())}
    results = [
        _result(document.path, finding, places[finding.id])
        for document in checked
        for finding in document.findings
    ]
    driver = {
        "name": "nemolocal skill check",
        "version": version,
        "rules": [_rule(check) for check in check_catalogue().values()],
    }
    run = {"tool": {"driver": driver}, "columnKind": "unicodeCodePoints", "results": results}
    log = {"$schema": _SCHEMA, "version": "2.1.0", "runs": [run]}
    return msgspec.json.format(msgspec.json.encode(log), indent=2).decode()


def _rule(check: SkillCheck) -> dict[str, Any]:
    rule: dict[str, Any] = {
        "id": check.id,
        "shortDescription": {"text": check.title},
        "help": {"text": check.fix},
        "defaultConfiguration": {"level": check.level},
    }
    return rule | ({"properties": {"rule": check.rule}} if check.rule else {})


def _result(path: str, finding: SkillFinding, place: int) -> dict[str, Any]:
    region = {"startLine": max(1, finding.line)}
    if finding.column:
        region["startColumn"] = finding.column
    location = {"artifactLocation": {"uri": _uri(path)}, "region": region}
    result: dict[str, Any] = {
        "ruleId": finding.id,
        "ruleIndex": place,
        "level": finding.level,
        "message": {"text": f"{finding.message}. {finding.fix}"},
        "locations": [{"physicalLocation": location}],
    }
    if finding.rule:
        result["properties"] = {
            "rule": finding.rule,
            "grade": finding.grade,
            "source": list(finding.source),
        }
    return result


def _uri(path: str) -> str:
    """Return a relative path as a relative reference, an absolute one as a file: URI."""
    given = Path(path)
    return given.as_uri() if given.is_absolute() else quote(given.as_posix())
