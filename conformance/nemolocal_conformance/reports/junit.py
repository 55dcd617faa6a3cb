"""The report as JUnit XML, which CI systems show."""

import re
from xml.etree.ElementTree import Element, SubElement, indent, tostring

from nemolocal_contract.text_escaping import escape_controls

from ..verdicts import ConformanceReport, Verdict
from .report_text import verdict_reason

# Characters that XML 1.0 cannot represent.
_UNWRITABLE = re.compile("[\ufffe\uffff]")


def as_junit(report: ConformanceReport) -> str:
    """Return one test suite; warnings and `learned` verdicts pass, with the reason as output."""
    suite = Element(
        "testsuite",
        name="nemolocal conform",
        tests=str(len(report.verdicts)),
        failures=str(report.count("failed")),
        errors=str(report.count("error")),
        skipped=str(report.count("not applicable")),
        time=f"{report.seconds:.3f}",
    )
    for verdict in report.verdicts:
        _add(suite, verdict)
    indent(suite)
    return '<?xml version="1.0" encoding="utf-8"?>\n' + tostring(suite, encoding="unicode") + "\n"


def _add(suite: Element, verdict: Verdict) -> None:
    family, _, name = verdict.check.partition(".")
    case = SubElement(
        suite, "testcase", classname=f"nemolocal.{family}", name=name, time=f"{verdict.seconds:.3f}"
    )
    reason = _writable(verdict_reason(verdict))
    if verdict.outcome in ("failed", "error"):
        tag = "failure" if verdict.outcome == "failed" else "error"
        problem = SubElement(case, tag, message=reason)
        problem.text = _writable(_details(verdict))
    elif verdict.outcome == "not applicable":
        SubElement(case, "skipped", message=reason)
    elif verdict.outcome != "passed":
        SubElement(case, "system-out").text = f"{verdict.outcome}: {reason}"


def _details(verdict: Verdict) -> str:
    lines = [verdict.sentence, f"{', '.join(verdict.rules)}, grade {verdict.grade}"]
    return "\n".join([*lines, *(exchange.curl for exchange in verdict.evidence)])


def _writable(text: str) -> str:
    return _UNWRITABLE.sub("�", escape_controls(text))
