"""Assertions of checks: each failure has what was tested, the expected and the actual value."""

from collections.abc import Collection
from typing import Any

_JSON_TYPES = {
    str: "a string",
    int: "a whole number",
    float: "a number",
    bool: "true or false",
    dict: "an object",
    list: "a list",
}


class CheckFailed(Exception):
    """The sentence of a check does not hold; `expected` and `actual` are the compared values."""

    def __init__(self, what: str, expected: object, actual: object) -> None:
        super().__init__(f"{what}: expected {expected!r}, saw {actual!r}")
        self.what = what
        self.expected = expected
        self.actual = actual


class PrerequisiteFailed(Exception):
    """A prerequisite of a check could not be created. The check fails; it is never skipped."""


class NotApplicable(Exception):
    """The check cannot be evaluated on this server; the text gives the reason."""


class LimitReached(NotApplicable):
    """The account or the address has no more credits, tokens or calls for now."""


def expect_equal(what: str, actual: object, expected: object) -> None:
    """Require that `actual` equals `expected` and has its type: True is not 1."""
    if actual != expected or isinstance(actual, bool) != isinstance(expected, bool):
        raise CheckFailed(what, expected, actual)


def expect_one_of(what: str, actual: object, allowed: Collection[object]) -> None:
    """Require that `actual` is one of the allowed values."""
    if actual not in allowed:
        raise CheckFailed(what, f"one of {', '.join(map(repr, allowed))}", actual)


def expect_true(what: str, holds: bool, expected: str, actual: object) -> None:
    """Require a condition; `expected` and `actual` describe it in words."""
    if not holds:
        raise CheckFailed(what, expected, actual)


def expect_type(what: str, actual: Any, *kinds: type) -> Any:
    """Require that `actual` has one of these JSON types, and return it.

    JSON has one type of number: 50.0 is the whole number 50.
    """
    if int in kinds and type(actual) is float and actual.is_integer():
        return int(actual)
    if type(actual) not in kinds:
        names = [_JSON_TYPES[kind] for kind in kinds if kind is not int or float not in kinds]
        raise CheckFailed(what, " or ".join(names), actual)
    return actual


def require_field(what: str, body: Any, *names: str) -> Any:
    """Return the value at `names` in nested objects; the check fails if a name is missing."""
    for number, name in enumerate(names):
        if not isinstance(body, dict) or name not in body:
            path = ".".join(names[: number + 1])
            raise CheckFailed(f"{what}: {path}", "present", body)
        body = body[name]
    return body
