"""Loads settings from a TOML file and from options that override it."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import msgspec

from .dialect import PRESETS, Dialect
from .errors import ContractError
from .settings import Settings
from .settings_errors import PRESET, check_keys, explain_invalid
from .settings_file import SettingsFile

_DIALECT = "dialect"
_INVALID = (msgspec.ValidationError, ContractError, RecursionError)


def load_settings(
    file: Path | SettingsFile | None = None,
    given: Mapping[str, Any] | None = None,
    dialect: Mapping[str, Any] | None = None,
    preset: str | None = None,
    defaults: Mapping[str, Any] | None = None,
) -> Settings:
    """Return the settings of a file; `given`, `dialect` and `preset` override those in it.

    `defaults` are in place of those of `Settings`.

    A preset is the dialect whose fields `dialect` changes. Raises ValueError with the invalid key,
    what is allowed and, if it is the file's, the file; or with the reason why the file cannot be
    read. A `model` in `given` changes single fields of that in the file.
    """
    source = SettingsFile(file) if isinstance(file, Path) else file
    read = {} if source is None else _read(source)
    fields = {**(defaults or {}), **read}
    changed = dict(given or {})
    if model := changed.pop("model", {}):
        found = fields.get("model", {})
        changed["model"] = {**found, **model} if isinstance(found, dict) else found
    fields |= changed
    if preset:
        fields[PRESET] = preset
    found = fields.get(_DIALECT, {})
    if dialect and isinstance(found, dict):
        fields[_DIALECT] = found | dict(dialect)
    try:
        return _convert(fields)
    except ValueError as error:
        if source is not None:
            _check_alone(read, source)
        raise error


def _read(source: SettingsFile) -> dict[str, Any]:
    fields = source.read()
    try:
        check_keys(fields)
    except ValueError as error:
        raise ValueError(f"{source}: {error}") from None
    return fields


def _check_alone(fields: Mapping[str, Any], source: SettingsFile) -> None:
    """Raise ValueError if the file is invalid by itself, whatever the options are."""
    try:
        _convert(fields)
    except ValueError as error:
        raise ValueError(f"{source}: {error}") from error


def _convert(fields: Mapping[str, Any]) -> Settings:
    """Return the settings with these keys; raises ValueError with the invalid one."""
    own = {name: value for name, value in fields.items() if name != PRESET}
    changes = own.get(_DIALECT, {})
    preset = fields.get(PRESET)
    if preset is not None and preset not in tuple(PRESETS):
        raise ValueError(f"unknown preset {preset!r}: choose from {', '.join(PRESETS)}")
    try:
        if isinstance(changes, dict):
            start = msgspec.structs.asdict(PRESETS[preset] if preset else Dialect())
            own[_DIALECT] = {**start, **changes}
        return msgspec.convert(own, Settings, dec_hook=_path)
    except _INVALID as error:
        raise ValueError(explain_invalid(error, own)) from error


def _path(kind: type, value: Any) -> Any:
    """Convert a string to a path, since TOML has none."""
    if kind is Path and isinstance(value, str | Path):
        return Path(value)
    raise ValueError(f"expected {kind.__name__}, got {type(value).__name__}")
