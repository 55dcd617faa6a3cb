"""Writes every page of the reference that is made from the sources: `python docs/write_all.py`.

`--check` writes nothing and exits 1 if one is not up to date. The kill matrix is not among them:
`python -m tests.mutation` takes minutes and writes it.
"""

import sys

import write_api
import write_assertions
import write_cli
import write_errors
import write_fault_list
import write_faults
import write_mcp_tools
import write_rules
import write_settings
import write_skill_checks

PAGES = (
    write_api, write_assertions, write_cli, write_errors, write_fault_list, write_faults,
    write_mcp_tools, write_rules, write_settings, write_skill_checks,
)  # fmt: skip


def main(arguments: list[str]) -> int:
    """Write all of them, or say which are not as they should be."""
    stale = [page.__name__ for page in PAGES if page.main(arguments)]
    for name in stale:
        print(f"not up to date: run python docs/{name}.py", file=sys.stderr)
    return int(bool(stale))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
