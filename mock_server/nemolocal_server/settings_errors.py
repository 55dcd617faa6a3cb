"""Errors in a file of settings: the key, and what is allowed there."""

import difflib
import re
import types
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Literal, Union, get_args, get_origin

import msgspec

from .settings import Settings

PRESET = "preset"
"""A key of the file alone: the dialect to begin with."""
_TYPE_ERROR = re.compile(r"(?:[Ee]xpected|Invalid enum).*? - at `\$(.*)`$", re.DOTALL)
_WORDS: dict[Any, str] = {
    bool: "true or false",
    int: "a whole number",
    float: "a number",
    str: "a text",
    Path: "a path",
}
"""How a type is called in an error."""
_MAX_SHOWN = 60
# The end of a key whose value an error does not show.
_SECRET = "token"


def check_keys(fields: Mapping[str, Any], kind: Any = Settings, at: str = "") -> None:
    """Raise ValueError for the first key, at any depth, that the settings do not have."""
    known = {field.name: field.type for field in msgspec.structs.fields(kind)}
    allowed = sorted([*known, PRESET] if kind is Settings else known)
    for key, value in fields.items():
        if key not in allowed:
            near = difflib.get_close_matches(key, allowed, n=1)
            meant = f"; did you mean {near[0]}?" if near else ""
            raise ValueError(f"unknown key {at}{key}{meant} (allowed: {', '.join(allowed)})")
        inner = _struct_of(known.get(key))
        if inner is None:
            continue
        if isinstance(value, dict) and not _is_list(known[key]):
            check_keys(value, inner, f"{at}{key}.")
        elif isinstance(value, list) and _is_list(known[key]):
            for number, item in enumerate(value):
                if isinstance(item, dict):
                    check_keys(item, inner, f"{at}{key}[{number}].")


def explain_invalid(error: Exception, fields: Mapping[str, Any]) -> str:
    """Return an error of msgspec as `key must be what is allowed, not what is there`.

    An error that already names its setting is returned as it is.
    """
    text = str(error)
    found = _TYPE_ERROR.match(text)
    if found is None:
        return re.sub(r" - at `\$.*`$", "", text)
    path = found[1].removeprefix(".")
    kind: Any = Settings
    value: Any = fields
    for name, index in re.findall(r"(\w+)|\[(\d+|\.\.\.)\]", path):
        kind = _type_at(kind, name)
        value = _value_at(value, name or index)
    allowed = _allowed(kind)
    if not allowed or value is None:
        return text
    said = f"{path} must be {allowed}"
    return said if path.endswith(_SECRET) else f"{said}, not {_shown(value)[:_MAX_SHOWN]}"


def _type_at(kind: Any, name: str) -> Any:
    """Return the type of a field, or that of the items of a list without a name."""
    inner = _struct_of(kind)
    if not name:
        return inner or _item_type(kind)
    fields = msgspec.structs.fields(inner) if inner is not None else ()
    return next((field.type for field in fields if field.name == name), None)


def _item_type(kind: Any) -> Any:
    """Return the type of the items of a list, or None; all items of our lists have one type."""
    kind = _plain(kind)
    if get_origin(kind) is tuple:
        return get_args(kind)[0]
    return next(filter(None, map(_item_type, get_args(kind))), None)


def _is_list(kind: Any) -> bool:
    return _item_type(kind) is not None


def _value_at(value: Any, key: str) -> Any:
    if isinstance(value, dict):
        return value.get(key)
    if isinstance(value, Sequence) and key.isdecimal() and int(key) < len(value):
        return value[int(key)]
    return None


def _shown(value: Any) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, dict):
        return "a table"
    return f'"{value}"' if isinstance(value, str) else str(value)


def _allowed(kind: Any) -> str:
    """Return what a value of this type may be, in words; "" for a type without words."""
    kind = _plain(kind)
    if get_origin(kind) is Literal:
        return f"one of {', '.join(map(str, get_args(kind)))}"
    if get_origin(kind) in (Union, types.UnionType):
        return " or ".join(filter(None, map(_allowed, get_args(kind))))
    if get_origin(kind) is tuple:
        return _allowed_list(get_args(kind))
    if isinstance(kind, type) and issubclass(kind, msgspec.Struct):
        return "a table"
    return _WORDS.get(kind, "")


def _allowed_list(items: tuple[Any, ...]) -> str:
    if items[-1] is not ...:
        return f"a list of {len(items)} values"
    inner = _plain(items[0])
    if get_origin(inner) is Literal:
        return f"a list of {', '.join(map(str, get_args(inner)))}"
    return "a list of tables" if _struct_of(inner) else "a list of texts"


def _struct_of(kind: Any) -> Any:
    """Return the struct that a type is or contains; None if it contains none."""
    kind = _plain(kind)
    if isinstance(kind, type) and issubclass(kind, msgspec.Struct):
        return kind
    return next(filter(None, map(_struct_of, get_args(kind))), None)


def _plain(kind: Any) -> Any:
    """Return a type without its constraints."""
    return _plain(get_args(kind)[0]) if hasattr(kind, "__metadata__") else kind
