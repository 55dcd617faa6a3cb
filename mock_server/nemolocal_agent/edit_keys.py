"""The keys of an edit that is written as a table, and the spans and points that they name."""

import re
from collections.abc import Mapping
from fractions import Fraction
from typing import Any

import msgspec

from . import intents

# The keys that name a span, alone or two together.
_SPANS = {
    frozenset(keys.split())
    for keys in (
        "throughout", "first_ms", "last_ms", "middle_ms", "from_ms", "from_ms to_ms",
        "first_share", "last_share", "from_share", "from_share to_share",
    )
}  # fmt: skip
SPAN_KEYS = sorted(frozenset[str]().union(*_SPANS))
"""The keys that name a span."""
_FRACTION = re.compile(r"[0-9]{1,6}/0*[1-9][0-9]{0,5}")


class NotationError(ValueError):
    """A table that is not in the notation; the message names the key."""


class EditKeys:
    """The keys of an edit; `unread` are those that nobody has asked for.

    The methods return fields of an intent as plain values, which msgspec converts.
    """

    def __init__(self, table: Mapping[str, Any]) -> None:
        self.unread = dict(table)

    def take(self, name: str) -> Any:
        """The value of a key. Raises NotationError if it is missing."""
        if name not in self.unread:
            raise NotationError(f"{name} is missing")
        return self.unread.pop(name)

    def some(self, *names: str) -> dict[str, Any]:
        """The keys among these that are there."""
        return {name: self.unread.pop(name) for name in names if name in self.unread}

    def renamed(self, name: str, field: str) -> dict[str, Any]:
        """The key under the name of a field, if it is there."""
        return {field: self.unread.pop(name)} if name in self.unread else {}

    def about(self, name: str, *, in_span: bool = False) -> dict[str, Any]:
        """The field `selector`: a number or a name, with `in_span` also a span."""
        selector: dict[str, Any] = {}
        for value in self.some(name).values():
            selector["name" if isinstance(value, str) else "number"] = value
        if in_span:
            selector |= self.span()
        return {"selector": selector} if selector else {}

    def span(self) -> dict[str, Any]:
        """The field `span`, if a span is named."""
        given = self.some(*SPAN_KEYS)
        if not given:
            return {}
        if frozenset(given) not in _SPANS:
            raise NotationError(f"{' and '.join(given)} together are not a span")
        span = {}
        if "middle_ms" in given:
            return {"span": msgspec.to_builtins(intents.middle_span(given["middle_ms"]))}
        for key, value in given.items():
            match key.partition("_")[0]:
                case "first" | "to":
                    span["end"] = point(key, value)
                case "from":
                    span["start"] = point(key, value)
                case "last":
                    span["start"] = {**point(key, value), "before_end": True}
        return {"span": span}


def point(key: str, value: Any) -> dict[str, Any]:
    """The fields of a TimelinePoint; the key ends in `_ms` or in `_share`."""
    if not key.endswith("_share"):
        return {"ms": value}
    if isinstance(value, str) and _FRACTION.fullmatch(value):
        return {"share": float(Fraction(value))}
    if isinstance(value, int | float):
        return {"share": value}
    raise NotationError(f"{key} = {value!r} is no share")
