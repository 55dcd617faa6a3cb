"""The report as JUnit XML, which CI systems show."""

import re
from collections import Counter
from collections.abc import Sequence
from typing import Literal
from xml.etree.ElementTree import Element, SubElement, indent, tostring

import msgspec

from nemolocal_contract.text_escaping import escape_controls

from ..verdicts import ConformanceReport, Verdict
from .report_text import verdict_reason

# Characters that XML 1.0 cannot represent.
_UNWRITABLE = re.compile("[\ufffe\uffff]")


class JUnitCase(msgspec.Struct, frozen=True):
    """One test case: how it ended, why in one line, and the text below that."""

    classname: str
    name: str
    seconds: float
    tag: Literal["failure", "error", "skipped", "system-out"] | None = None
    reason: str = ""
    details: str = ""


def as_junit(report: ConformanceReport, suite: str = "nemolocal conform") -> str:
    """Return one test suite; warnings and `learned` verdicts pass, with the reason as output."""
    return junit_suite(suite, [_case(verdict) for verdict in report.verdicts], report.seconds)


def junit_suite(name: str, cases: Sequence[JUnitCase], seconds: float) -> str:
    """Return a test suite as XML; characters that XML cannot represent are replaced."""
    tags = Counter(case.tag for case in cases)
    suite = Element(
        "testsuite",
        name=name,
        tests=str(len(cases)),
        failures=str(tags["failure"]),
        errors=str(tags["error"]),
        skipped=str(tags["skipped"]),
        time=f"{seconds:.3f}",
    )
    for case in cases:
        _add(suite, case)
    indent(suite)
    return '<?xml version="1.0" encoding="utf-8"?>\n' + tostring(suite, encoding="unicode") + "\n"


def _case(verdict: Verdict) -> JUnitCase:
    family, _, name = verdict.check.partition(".")
    reason, outcome = verdict_reason(verdict), verdict.outcome
    case = JUnitCase(f"nemolocal.{family}", name, verdict.seconds, reason=reason)
    if outcome == "passed":
        return case
    if outcome in ("failed", "error"):
        tag = "failure" if outcome == "failed" else "error"
        return msgspec.structs.replace(case, tag=tag, details=_details(verdict))
    if outcome == "not applicable":
        return msgspec.structs.replace(case, tag="skipped")
    return msgspec.structs.replace(case, tag="system-out", details=f"{outcome}: {reason}")


def _add(suite: Element, case: JUnitCase) -> None:
    element = SubElement(
        suite,
        "testcase",
        classname=case.classname,
        name=case.name,
        time=f"{case.seconds:.3f}",
    )
    if case.tag is None:
        return
    about = {} if case.tag == "system-out" else {"message": _writable(case.reason)}
    SubElement(element, case.tag, about).text = _writable(case.details) or None


def _details(verdict: Verdict) -> str:
    lines = [verdict.sentence, f"{', '.join(verdict.rules)}, grade {verdict.grade}"]
    return "\n".join([*lines, *(exchange.curl for exchange in verdict.evidence)])


def _writable(text: str) -> str:
    return _UNWRITABLE.sub("�", escape_controls(text))
