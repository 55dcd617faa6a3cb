"""The output of `--explain ID` for a check of a server or a client."""

from nemolocal_conformance.client_checks.client_check import ClientCheck
from nemolocal_conformance.reports.report_text import GRADE_NAMES
from nemolocal_conformance.server_check import ServerCheck
from nemolocal_contract.rules import rules


def print_check(check: ServerCheck | ClientCheck) -> None:
    """Print a check with its rules, their level, grade and sources."""
    print(f"{check.id}\n\n{check.sentence}\n")
    for rule in (rules()[rule_id] for rule_id in check.rules):
        print(f"{rule.id}: {rule.level}, {GRADE_NAMES[rule.grade]} ({', '.join(rule.source)})")
        print(f"    {rule.text}")
