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
from nemolocal_recording.learning.evaluation import evaluate_recordings
from nemolocal_recording.learning.observations import RecordingSource
from nemolocal_recording.recording_file import RecordingUnreadable
from page_writer import write_pages

TARGET = Path(__file__).parent / "reference" / "rules.md"
RECORDINGS = Path(__file__).parents[1] / "fixtures" / "recordings"
# What shows nothing of a rule.
NOTHING_SHOWN = ("not seen", "cannot tell")
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
OBSERVED = """
## Observed in the cloud

Learnt from the recordings in [fixtures/recordings](../give-a-recording.md), another
axis than the grade of a rule.
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
    parts += [observed_section(RECORDINGS), LAST]
    unchecked = (rule for rule in rules().values() if not judged[rule.id])
    parts += [
        f"| {rule.id} | {_grade(rule)} | {UNCHECKED_RULES[rule.id]} |\n" for rule in unchecked
    ]
    return "".join(parts)


def observed_section(folder: Path) -> str:
    """What the recordings of a folder show, or that there are none."""
    found = observed_rules(folder)
    if not found:
        return f"{OBSERVED}There are none yet, so no rule is called observed.\n"
    rows = [f"| {rule} | {outcome} | {count} |\n" for rule, (outcome, count) in found.items()]
    return "".join([OBSERVED, "\n| rule | outcome | times seen to hold |\n|---|---|---|\n", *rows])


def observed_rules(folder: Path) -> dict[str, tuple[str, int]]:
    """Rule id → the outcome of all recordings of a folder, and how often it was seen to hold.

    Raises RecordingUnreadable for a recording that is not of the cloud, or has texts.
    """
    sources = [RecordingSource.read(path) for path in sorted(folder.glob("*.jsonl"))]
    for source in sources:
        header = source.recording.header
        if header.server != "cloud" or header.has_text:
            raise RecordingUnreadable(f"{source.path}: not of the cloud, or with texts")
    results = evaluate_recordings([source.recording for source in sources])
    return {
        one.rule: (one.outcome, one.times_held)
        for one in results
        if one.outcome not in NOTHING_SHOWN
    }


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
