"""One case of each slow test, for the Pythons that do not run them all."""

from collections.abc import Iterable
from pathlib import Path

import pytest


def split_off_other_cases(
    items: Iterable[pytest.Item],
) -> tuple[list[pytest.Item], list[pytest.Item]]:
    """Return the tests to run and those to leave out: every slow case of a test but its first.

    In random order the first is another one each time.
    """
    kept: list[pytest.Item] = []
    left_out: list[pytest.Item] = []
    seen: set[tuple[Path, str]] = set()
    for item in items:
        test = (item.path, _name_of_test(item))
        is_other = item.get_closest_marker("slow") is not None and test in seen
        (left_out if is_other else kept).append(item)
        if item.get_closest_marker("slow") is not None:
            seen.add(test)
    return kept, left_out


def _name_of_test(item: pytest.Item) -> str:
    """Return its name in its module, without its parameters."""
    scope = item.parent.nodeid if item.parent is not None else ""
    return f"{scope}::{getattr(item, 'originalname', None) or item.name}"
