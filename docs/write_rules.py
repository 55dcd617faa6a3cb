"""Writes docs/reference/rules.md: every rule of the contract, its sources and its checks.

`python docs/write_rules.py` writes the file, `--check` exits 1 if it is not up to date.
"""

import sys
from collections import defaultdict
from pathlib import Path

from nemolocal_conformance.client_checks import client_catalogue
from nemolocal_conformance.server_checks import server_catalogue
from nemolocal_conformance.unchecked_rules import UNCHECKED_RULES
from nemolocal_contract.rules import Rule, rules, sections
from page_writer import write_pages

TARGET = Path(__file__).parent / "reference" / "rules.md"
GRADES = {"D": "documented", "C": "contradicted", "A": "assumed"}
HEAD = """\
# The rules

Generated from the source code by `python docs/write_rules.py`; a test fails if it is out of date.

Sources: `S0:n` and `S3:n` are lines of
[ai-rtk-compressor](../../fixtures/seeds/ai-rtk-compressor.txt) and
[4k-with-session](../../fixtures/seeds/4k-with-session.txt), `V1.9` the vendor's public skill,
`V4.4` its earlier API reference, `ADK` the public ADK api_server, `CLI` the vendor's command line
client, `A` an assumption of this project.

Checks are those of `nemolocal conform` (servers) and `nemolocal verdict` (clients); `--explain ID`
explains one.
"""
LAST = """
## Rules without a check

| rule | level | why |
|---|---|---|
"""


NOTES = {
    "CLI": (
        "These rules judge clients of the contract, which is the vendor's first interface. They do "
        "not judge\nclients of its [newer interface](../how-to/record-the-cloud.md"
        "#the-newer-interface), which have other platforms and poll more often.\n\n"
    )
}


def main(arguments: list[str]) -> int:
    """Write the page; with `--check`, return 1 if it is not up to date."""
    return write_pages({TARGET: table()}, arguments)


def table() -> str:
    """The whole file."""
    judged = checked()
    parts = [HEAD]
    for section in sections():
        head = "| rule | level | what holds | sources | checks |"
        note = NOTES.get(section.prefix, "")
        parts.append(f"\n## {section.title}\n\n{note}{head}\n|---|---|---|---|---|\n")
        found = (rule for rule in rules().values() if rule.section == section.prefix)
        parts += [_row(rule, judged[rule.id]) for rule in found]
    parts.append(LAST)
    unchecked = (rule for rule in rules().values() if not judged[rule.id])
    parts += [
        f"| {rule.id} | {_grade(rule)} | {UNCHECKED_RULES[rule.id]} |\n" for rule in unchecked
    ]
    return "".join(parts)


def checked() -> dict[str, set[str]]:
    """Rule id → the checks that judge a server or a client by it."""
    found: dict[str, set[str]] = defaultdict(set)
    pairs = [(check.id, check.rules) for check in server_catalogue().values()]
    pairs += [(check.id, check.rules) for check in client_catalogue().values()]
    for check_id, rule_ids in pairs:
        for rule_id in rule_ids:
            found[rule_id].add(check_id)
    return found


def _row(rule: Rule, checks: set[str]) -> str:
    text = rule.text.replace("|", "\\|")
    names = "<br>".join(f"`{name}`" for name in sorted(checks))
    return f"| {rule.id} | {_grade(rule)} | {text} | {', '.join(rule.source)} | {names} |\n"


def _grade(rule: Rule) -> str:
    return f"{rule.level}, {GRADES[rule.grade]}"


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
