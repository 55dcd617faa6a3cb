"""Tests over the rows of a table."""

from collections.abc import Callable, Iterable
from typing import Any

import pytest


def check_rows(
    subtests: pytest.Subtests, rows: Iterable[tuple[Any, ...]], check: Callable[..., None]
) -> None:
    """Call `check` with each row; every row that fails is a subtest named after its first column.

    A row that passes leaves no report: that would cost several times what most checks do.
    """
    for row in rows:
        try:
            check(*row)
        except Exception:
            with subtests.test(str(row[0])):
                raise
