"""What a play says when something does not hold: what, what was expected, what was seen."""

from collections.abc import Collection
from typing import Any


class CheckFailed(Exception):
    """The sentence of a check does not hold; `expected` and `actual` are values to be shown."""

    def __init__(self, what: str, expected: object, actual: object) -> None:
        super().__init__(f"{what}: expected {expected!r}, saw {actual!r}")
        self.what = what
        self.expected = expected
        self.actual = actual


class PrerequisiteFailed(Exception):
    """Something that a check stands on could not be had: that is a failure, never a skip."""


class NotApplicable(Exception):
    """The check has nothing to judge on this server; the text says why."""


def expect_equal(what: str, actual: object, expected: object) -> None:
    """`actual` equals `expected`, and is of its type: True is not 1."""
    if actual != expected or isinstance(actual, bool) != isinstance(expected, bool):
        raise CheckFailed(what, expected, actual)


def expect_one_of(what: str, actual: object, allowed: Collection[object]) -> None:
    """`actual` is one of the values allowed."""
    if actual not in allowed:
        raise CheckFailed(what, f"one of {', '.join(map(repr, allowed))}", actual)


def expect_true(what: str, holds: bool, expected: str, actual: object) -> None:
    """A condition that is told in words."""
    if not holds:
        raise CheckFailed(what, expected, actual)


def expect_type(what: str, actual: Any, *kinds: type) -> Any:
    """`actual` is of one of these JSON types; itself."""
    if type(actual) not in kinds:
        raise CheckFailed(what, " or ".join(kind.__name__ for kind in kinds), actual)
    return actual


def require_field(what: str, body: Any, *names: str) -> Any:
    """What stands at `names` in an object of objects; broken where one is missing."""
    for number, name in enumerate(names):
        if not isinstance(body, dict) or name not in body:
            path = ".".join(names[: number + 1])
            raise CheckFailed(f"{what}: {path}", "to be there", body)
        body = body[name]
    return body
