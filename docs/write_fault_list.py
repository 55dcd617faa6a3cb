"""Writes docs/reference/faults.md: every fault of the catalogue, with its arguments.

`python docs/write_fault_list.py` writes the page, `--check` exits 1 if it is not up to date.
"""

import sys
from pathlib import Path

import msgspec

from nemolocal_server.faults.catalogue import CALL_NAMES, CATALOGUE, Fault
from page_writer import write_pages

TARGET = Path(__file__).parent / "reference" / "faults.md"
HEAD = """\
# Faults

Generated from the source code by `python docs/write_fault_list.py`; a test fails if it is out of
date.

How to arm them: [inject faults](../how-to/inject-faults.md). How the reference client ends under
each: [the client under faults](client-under-faults.md). Seconds are those of the server's clock.
*At random* says whether `--chaos` chooses it.

| fault | what happens | requests | arguments | at random | rules |
|---|---|---|---|---|---|
"""
TAIL = """
A fault is armed for the next request that matches. The keys of an order: `name`, `args`, `times`
(how often) and `match`:

```json
{"name": "cut-reset", "args": {"after": 1}, "times": 1, "match": {"endpoint": "chat"}}
```

By header, for one request: `X-Nemolocal-Fault: cut-reset;after=1`. `nemolocal serve --self-check`
proves each of them: armed and disarmed differ on the wire.
"""


def main(arguments: list[str]) -> int:
    """Write the page; with `--check`, return 1 if it is not up to date."""
    return write_pages({TARGET: HEAD + "".join(map(_row, CATALOGUE.values())) + TAIL}, arguments)


def _row(fault: Fault) -> str:
    args = msgspec.to_builtins(fault.args())
    shown = ", ".join(f"`{name}={value}`" for name, value in args.items())
    calls = "any" if fault.endpoints == CALL_NAMES else _calls(fault.endpoints)
    cells = (
        f"`{fault.name}`", fault.sentence, calls, shown,
        "yes" if fault.chaotic else "", ", ".join(fault.rules),
    )  # fmt: skip
    return f"| {' | '.join(cells)} |\n"


def _calls(endpoints: tuple[str, ...]) -> str:
    missing = [name for name in CALL_NAMES if name not in endpoints]
    if len(missing) < len(endpoints):
        return f"any but {', '.join(missing)}"
    return ", ".join(endpoints)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
