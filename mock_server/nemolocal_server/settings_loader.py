"""Loads settings from a TOML file and from options that override it."""

import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import msgspec

from .dialect import PRESETS, Dialect
from .errors import ContractError
from .settings import Settings


def load_settings(
    file: Path | None = None,
    given: Mapping[str, Any] | None = None,
    dialect: Mapping[str, Any] | None = None,
    preset: str | None = None,
    defaults: Mapping[str, Any] | None = None,
) -> Settings:
    """Return the settings of a file; `given`, `dialect` and `preset` override those in it.

    `defaults` are in place of those of `Settings`.

    A preset is the dialect whose fields `dialect` changes. Raises ValueError with the invalid
    field, or with the reason why the file cannot be read. A `model` in `given` changes single
    fields of that in the file.
    """
    fields = {**(defaults or {}), **({} if file is None else _read(file))}
    changed = dict(given or {})
    model = {**fields.get("model", {}), **changed.pop("model", {})}
    fields |= {**changed, "model": model} if model else changed
    preset = preset or fields.pop("preset", None)
    changes = fields.pop("dialect", {}) | dict(dialect or {})
    try:
        fields["dialect"] = _dialect(preset, changes)
        return msgspec.convert(fields, Settings, dec_hook=_path)
    except (msgspec.ValidationError, ContractError, RecursionError) as error:
        raise ValueError(f"{file}: {error}" if file else str(error)) from error


def _read(file: Path) -> dict[str, Any]:
    try:
        return tomllib.loads(file.read_text(encoding="utf-8"))
    except OSError as error:
        raise ValueError(f"cannot read {file}: {error.strerror}") from error
    except (ValueError, RecursionError) as error:
        raise ValueError(f"{file} is not valid TOML: {error}") from error


def _dialect(preset: str | None, changes: Mapping[str, Any]) -> Dialect:
    if preset is not None and preset not in PRESETS:
        raise ValueError(f"unknown preset {preset!r}: choose from {', '.join(PRESETS)}")
    fields = msgspec.structs.asdict(PRESETS[preset] if preset else Dialect())
    return msgspec.convert({**fields, **changes}, Dialect)


def _path(kind: type, value: Any) -> Any:
    """Convert a string to a path, since TOML has none."""
    if kind is Path and isinstance(value, str | Path):
        return Path(value)
    raise ValueError(f"expected {kind.__name__}, got {type(value).__name__}")
