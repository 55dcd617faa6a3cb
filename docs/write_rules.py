"""Writes docs/rules.md: every rule of the contract, who says so, where it lives and what shows it.

A rule lives where its id stands in the code; a test shows it by the marker `@pytest.mark.rule`, and
the checks of the harness judge any server and any client by it.
`python docs/write_rules.py` writes the file, `--check` exits 1 if it is not up to date.
"""

import ast
import re
import sys
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path

from nemolocal_conformance.client_rules import client_catalogue
from nemolocal_conformance.server_checks import catalogue
from nemolocal_conformance.unchecked import UNCHECKED
from nemolocal_contract.rules import Rule, rules, sections

ROOT = Path(__file__).parents[1]
TARGET = ROOT / "docs" / "rules.md"
CODE = ("contract", "mock_server", "client")
GRADES = {"D": "documented", "C": "contradicted", "A": "assumed"}
RULE_ID = re.compile(r"\b[A-Z]{3,4}-\d+\b")
SPAN = re.compile(r"\b([A-Z]{3,4})-(\d+) to \1-(\d+)\b")
HEAD = """\
# The rules and where they are

Made by `python docs/write_rules.py`; a test fails when it is not up to date.

Sources: `S0:n` and `S3:n` are lines of [ai-rtk-compressor](../fixtures/seeds/ai-rtk-compressor.txt)
and [4k-with-session](../fixtures/seeds/4k-with-session.txt), `V1.9` the vendor's public skill,
`V4.4` its earlier API reference, `ADK` the public ADK api_server, `CLI` the vendor's command line
client, `A` an assumption of this project.

Checks are those of `nemolocal conform` (servers) and `nemolocal verdict` (clients); `--explain ID`
tells more of one.
"""
LAST = """
## Rules without a check

| rule | | why |
|---|---|---|
"""


def main(arguments: list[str]) -> int:
    """Write the table, or only look whether it is as it should be."""
    text = table()
    if "--check" not in arguments:
        TARGET.write_text(text, encoding="utf-8")
        return 0
    return int(not TARGET.exists() or TARGET.read_text(encoding="utf-8") != text)


def table() -> str:
    """The whole file."""
    code, tests, judged = implemented(), tested(), checked()
    parts = [HEAD]
    for section in sections():
        head = "| rule | | what holds | sources | checks | code | tests |"
        parts.append(f"\n## {section.title}\n\n{head}\n|---|---|---|---|---|---|---|\n")
        found = (rule for rule in rules().values() if rule.section == section.prefix)
        parts += [_row(rule, judged[rule.id], code[rule.id], tests[rule.id]) for rule in found]
    parts.append(LAST)
    unchecked = (rule for rule in rules().values() if not judged[rule.id])
    parts += [f"| {rule.id} | {_grade(rule)} | {UNCHECKED[rule.id]} |\n" for rule in unchecked]
    return "".join(parts)


def _row(rule: Rule, *shown: set[str]) -> str:
    text = rule.text.replace("|", "\\|")
    cells = (rule.id, _grade(rule), text, ", ".join(rule.source), *map(_list, shown))
    return f"| {' | '.join(cells)} |\n"


def _grade(rule: Rule) -> str:
    return f"{rule.level}, {GRADES[rule.grade]}"


def _list(names: set[str]) -> str:
    return "<br>".join(f"`{name}`" for name in sorted(names))


def checked() -> dict[str, set[str]]:
    """Rule id → the checks that judge a server or a client by it."""
    found: dict[str, set[str]] = defaultdict(set)
    for check in (*catalogue().values(), *client_catalogue().values()):
        for rule_id in check.rules:
            found[rule_id].add(check.id)
    return found


def implemented() -> dict[str, set[str]]:
    """Rule id → the modules whose code or comments name it."""
    found: dict[str, set[str]] = defaultdict(set)
    for folder in CODE:
        for path in (ROOT / folder).rglob("*.py"):
            for rule_id in named(path.read_text(encoding="utf-8")):
                found[rule_id].add(_short(path))
    return found


def named(text: str) -> set[str]:
    """The rule ids in a text, those inside `AUTH-1 to AUTH-5` too."""
    spans = {
        f"{prefix}-{number}"
        for prefix, first, last in SPAN.findall(text)
        for number in range(int(first), int(last) + 1)
    }
    return (spans | set(RULE_ID.findall(text))) & set(rules())


def tested() -> dict[str, set[str]]:
    """Rule id → the tests that are marked with it."""
    found: dict[str, set[str]] = defaultdict(set)
    for path in (ROOT / "tests").rglob("test_*.py"):
        for name, rule_id in marks(ast.parse(path.read_text(encoding="utf-8"))):
            if rule_id not in rules():
                raise SystemExit(f"{path}: {name} is marked with {rule_id}, which is no rule")
            found[rule_id].add(f"{path.stem}::{name}")
    return found


def marks(module: ast.Module) -> Iterator[tuple[str, str]]:
    """Test name and rule id of each `@pytest.mark.rule(...)`."""
    for node in module.body:
        if isinstance(node, ast.FunctionDef):
            for decorator in node.decorator_list:
                if isinstance(decorator, ast.Call) and ast.unparse(decorator.func).endswith(
                    ".rule"
                ):
                    yield from ((node.name, ast.literal_eval(a)) for a in decorator.args)


def _short(path: Path) -> str:
    return str(path.relative_to(ROOT).relative_to(path.relative_to(ROOT).parts[0]))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
