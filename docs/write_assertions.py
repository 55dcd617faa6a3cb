"""Writes docs/reference/assertions.md: what the contract asserts, and what holds each assertion.

`python docs/write_assertions.py` writes the file, `--check` exits 1 if it is not up to date.
"""

import sys
from collections import Counter
from collections.abc import Iterator
from itertools import groupby
from pathlib import Path

from assertion_coverage import Coverage, coverage
from contract_assertions import Assertion, Family, contract_assertions
from page_writer import write_pages

TARGET = Path(__file__).parent / "reference" / "assertions.md"
HEAD = """\
# What the contract asserts

Generated from the source code by `python docs/write_assertions.py`; a test fails if it is out of
date.

This table splits each MUST of the contract into what is visible on the wire: presence, type, range,
form, uniqueness and truth of each field; each code of each endpoint in each style; each form of
token, scope, header and owner at each endpoint; each limit just before and just after; and the
other statements of the rules. Most of it is derived from the contract package: a new field,
endpoint or code appears by itself, and a test fails until a check covers it or
`docs/assertions.toml` says why none can. Each check fails on a [broken server](kill-matrix.md).

"""
COLUMNS = "| where | what | asserted | checked by |\n|---|---|---|---|\n"
TITLES: dict[Family, str] = {
    "reply": "Replies",
    "event": "Events of a turn",
    "failure": "Failures",
    "token": "Invalid tokens",
    "scope": "Scopes",
    "attribution": "Attribution headers",
    "owner": "Owners of ids",
    "request": "Requests",
    "limit": "Limits, just before and just after",
    "rule": "Other statements of the rules",
}


def main(arguments: list[str]) -> int:
    """Write the page; with `--check`, return 1 if it is not up to date."""
    return write_pages({TARGET: page()}, arguments)


def page() -> str:
    """The whole file."""
    return "".join([HEAD, *_counts(), *_families(), *_open()])


def counts() -> dict[Family, Counter[str]]:
    """How many assertions of each family are checked, reasoned and open."""
    found: dict[Family, Counter[str]] = {family: Counter() for family in TITLES}
    for name, held in coverage().items():
        found[contract_assertions()[name].family][held.outcome] += 1
    return found


def _counts() -> Iterator[str]:
    yield "| | assertions | checked | not checkable | open |\n|---|---|---|---|---|\n"
    total: Counter[str] = Counter()
    for family, found in counts().items():
        total += found
        yield _row(TITLES[family], found)
    yield _row("**all**", total)


def _row(title: str, found: Counter[str]) -> str:
    cells = (found.total(), found["checked"], found["reasoned"], found["open"])
    return f"| {title} | {' | '.join(map(str, cells))} |\n"


def _families() -> Iterator[str]:
    assertions = list(contract_assertions().values())
    for family, members in groupby(assertions, key=lambda one: one.family):
        yield f"\n## {TITLES[family]}\n\n{COLUMNS}"
        for (at, part), some in groupby(members, key=lambda one: (one.at, one.part)):
            yield from _rows(at, part, list(some))


def _rows(at: str, part: str, assertions: list[Assertion]) -> Iterator[str]:
    """Yield a row for the aspects that are held alike."""
    alike: dict[str, list[str]] = {}
    for assertion in assertions:
        alike.setdefault(_holders(coverage()[assertion.id]), []).append(assertion.aspect)
    for holders, aspects in alike.items():
        shown = f"`{part}`" if part else ""
        yield f"| {at} | {shown} | {', '.join(aspects)} | {holders} |\n"


def _holders(held: Coverage) -> str:
    if held.checks:
        return ", ".join(f"`{check}`" for check in held.checks)
    return " ".join(held.reasons) or f"**open**: {' '.join(held.open)}"


def _open() -> Iterator[str]:
    yield "\n## Open\n\nWhat no check covers yet, and what a check would need.\n\n"
    yield "| assertion | what a check would need |\n|---|---|\n"
    for name, held in coverage().items():
        if held.outcome == "open":
            yield f"| {name} | {' '.join(held.open)} |\n"


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
