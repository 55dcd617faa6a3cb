"""Checks of single fields of a draft, each failure with the path of the field in short names."""

from collections.abc import Iterator
from typing import Any

from nemolocal_contract.draft import Draft, wire_name

MAX_DURATION_MS = 2 * 3600 * 1000
MAX_MEDIA_SEGMENTS = 200
MAX_TEXT_LENGTH = 2000

_JSON_TYPES = {bool: "a boolean", str: "a string", list: "an array", dict: "an object"}


class DraftRejected(Exception):
    """A draft that cannot be rendered: the path of the field in short names, and why (REN-9).

    The text is both: `draft.t[0].sg[1].src: unknown media`.
    """

    def __init__(self, path: str, reason: str) -> None:
        super().__init__(f"{path}: {reason}")
        self.path = path
        self.reason = reason


def require_number(value: Any, path: str, low: float, high: float, default: float = 0.0) -> float:
    """A number within bounds, `default` where there is none; NaN is within no bounds."""
    if value is None:
        return default
    if not low <= value <= high:
        raise DraftRejected(path, f"must be from {low:g} to {high:g}")
    return float(value)


def require_positive(value: Any, path: str, high: float) -> float:
    """A number that must be there, greater than 0 and at most `high`."""
    if value is None:
        raise DraftRejected(path, "is missing")
    if not 0 < value <= high:
        raise DraftRejected(path, f"must be greater than 0 and at most {high:g}")
    return float(value)


def require_field_types(draft: Draft) -> None:
    """Refuse a field whose JSON type is not its own; the model has put those into `extra`."""
    for path, node in _nodes(draft, "draft"):
        for name in node.extra:
            if name in _short_names(type(node)) and node.extra[name] is not None:
                found = _JSON_TYPES.get(type(node.extra[name]), "a number")
                raise DraftRejected(f"{path}.{name}", f"is {found}, which it cannot be")


def _short_names(cls: type[Any]) -> set[str]:
    return {wire_name(cls, name) for name in cls.__struct_fields__ if name != "extra"}


def _nodes(node: Any, path: str) -> Iterator[tuple[str, Any]]:
    yield path, node
    for name in node.__struct_fields__:
        value = getattr(node, name)
        if name == "extra" or value is None:
            continue
        place = f"{path}.{wire_name(type(node), name)}"
        if hasattr(value, "extra"):
            yield from _nodes(value, place)
        elif isinstance(value, tuple):
            for index, item in enumerate(value):
                if hasattr(item, "extra"):
                    yield from _nodes(item, f"{place}[{index}]")
