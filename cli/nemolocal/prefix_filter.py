"""What --only chooses: by the first letters of a name."""

from collections.abc import Mapping, Sequence
from typing import TypeVar

from .errors import UsageError

T = TypeVar("T")


def select_by_prefix(named: Mapping[str, T], prefixes: Sequence[str], unknown: str) -> list[T]:
    """Those whose name begins with one of the prefixes, all where there is none.

    A prefix that nothing begins with is a slip, whatever the others choose: `UsageError`, as
    `unknown` has it.
    """
    for prefix in prefixes:
        if not any(name.startswith(prefix) for name in named):
            raise UsageError(unknown if len(prefixes) == 1 else f"--only {prefix}: {unknown}")
    begins = tuple(prefixes) or ("",)
    return [one for name, one in named.items() if name.startswith(begins)]
