"""Changes of a field in a JSON body, for each kind of change."""

import re
from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from typing import Any

import msgspec

from .generated_mutant import GeneratedMutant

_TIME = re.compile(r"\d{4}-\d\d-\d\dT[\d:.]+")
_THOUSAND = 1000
# A value of another JSON type.
_OTHER_TYPE: dict[str, Any] = {
    "string": 7,
    "integer": "7",
    "number": "7",
    "boolean": "true",
    "object": [],
    "array": {},
    "null": {},
}
_EMPTY: dict[str, Any] = {"string": "", "integer": 0, "number": 0, "object": {}, "array": []}

REPLACED = ("constant", "repeated", "foreign")
"""Changes for which values of earlier messages are kept."""


class EarlierValues:
    """The values that a field has had: first of all, last of each caller."""

    def __init__(self) -> None:
        self._first: list[Any] = []
        self._last: dict[str, Any] = {}

    def exchange(self, change: str, caller: str, value: Any) -> Any:
        """Remember a value and return the one that takes its place, itself if there is none.

        A caller that has had none repeats the last one of all.
        """
        if not self._first:
            self._first.append(value)
        others = [one for other, one in self._last.items() if other != caller]
        before = self._last.pop(caller, others[-1] if others else value)
        self._last[caller] = value
        if change == "constant":
            return self._first[0]
        if change == "repeated":
            return before
        return others[-1] if others else value


def change_field(mutant: GeneratedMutant, body: Any, token: str, earlier: EarlierValues) -> bool:
    """Change the field of the mutant in place, wherever it is; whether anything is different."""
    *path, name = mutant.part.split(".")
    changed = False
    for holder in _holders(body, path):
        before = msgspec.json.encode(holder)
        _CHANGES.get(mutant.change, _replace)(mutant, holder, name, token, earlier)
        changed |= msgspec.json.encode(holder) != before
    return changed


def _holders(body: Any, path: list[str]) -> Iterator[dict[str, Any]]:
    """Return the objects at a path, `[]` being every item."""
    if not path:
        if isinstance(body, dict):
            yield body
        return
    name, *rest = path
    held = body.get(name.removesuffix("[]")) if isinstance(body, dict) else None
    if not name.endswith("[]"):
        yield from _holders(held, rest)
    elif isinstance(held, list):
        for item in held:
            yield from _holders(item, rest)


Change = Callable[[GeneratedMutant, dict[str, Any], str, str, EarlierValues], None]


def _drop(_mutant: GeneratedMutant, holder: dict[str, Any], name: str, *_: object) -> None:
    holder.pop(name, None)


def _exchange(mutant: GeneratedMutant, holder: dict[str, Any], name: str, *_: object) -> None:
    other = next((one for one in mutant.neighbours if one in holder), None)
    if name in holder and other is not None:
        holder[name], holder[other] = holder[other], holder[name]


def _replace(
    mutant: GeneratedMutant,
    holder: dict[str, Any],
    name: str,
    token: str,
    earlier: EarlierValues,
) -> None:
    if name not in holder:
        return
    value = holder[name]
    if mutant.change in REPLACED:
        holder[name] = earlier.exchange(mutant.change, token, value)
    else:
        holder[name] = changed_value(mutant, value)


_CHANGES: dict[str, Change] = {"dropped": _drop, "exchanged": _exchange}


def changed_value(mutant: GeneratedMutant, value: Any) -> Any:
    """Return what a value becomes without looking at others."""
    match mutant.change:
        case "null":
            return None
        case "type":
            return _OTHER_TYPE[mutant.type]
        case "empty":
            return _EMPTY[mutant.type]
        case "other-value":
            return _other_of(mutant.values, value)
        case "first-dropped" if isinstance(value, list):
            return value[1:]
        case "last-dropped" if isinstance(value, list):
            return value[:-1]
        case "doubled" if isinstance(value, list):
            return [*value, *value[-1:]]
        case "reversed" if isinstance(value, list):
            return value[::-1]
    if isinstance(value, str):
        return _changed_time(mutant.change, value)
    return _changed_number(mutant.change, value) if type(value) in (int, float) else value


def _other_of(values: tuple[str, ...], value: Any) -> Any:
    if isinstance(value, bool):
        return not value
    return values[(values.index(value) + 1) % len(values)] if value in values else values[0]


def _changed_number(change: str, value: float) -> float:
    match change:
        case "plus-one":
            return value + 1
        case "minus-one":
            return value - 1
        case "times-1000":
            return value * _THOUSAND
        case "by-1000":
            return value // _THOUSAND if isinstance(value, int) else value / _THOUSAND
    return value


def _changed_time(change: str, value: str) -> str:
    """Return a time in text a day later, or earlier; other texts as they are."""
    days = {"plus-one": 1, "minus-one": -1}.get(change)
    if days is None or not _TIME.match(value):
        return value
    later = datetime.fromisoformat(value) + timedelta(days=days)
    return later.isoformat(timespec="milliseconds").replace("+00:00", "Z")
