"""Settings from a TOML file, the command line over it: one frozen object, or one clear error."""

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
) -> Settings:
    """The settings of a file, with `given` and the fields of `dialect` in place of its own.

    A file's `preset` (or this one) names the dialect to begin with. Raises ValueError with the
    field, or with what is wrong with the file.
    """
    fields = {} if file is None else _read(file)
    fields |= given or {}
    preset = preset or fields.pop("preset", None)
    spoken = fields.pop("dialect", {}) | dict(dialect or {})
    try:
        fields["dialect"] = _dialect(preset, spoken)
        return msgspec.convert(fields, Settings, dec_hook=_path)
    except (msgspec.ValidationError, ContractError, RecursionError) as error:
        raise ValueError(f"{file}: {error}" if file else str(error)) from error


def _read(file: Path) -> dict[str, Any]:
    try:
        return tomllib.loads(file.read_text(encoding="utf-8"))
    except OSError as error:
        raise ValueError(f"{file} cannot be read: {error.strerror}") from error
    except (ValueError, RecursionError) as error:
        raise ValueError(f"{file} is no TOML: {error}") from error


def _dialect(preset: str | None, spoken: Mapping[str, Any]) -> Dialect:
    if preset is not None and preset not in PRESETS:
        raise ValueError(f"preset {preset!r} is unknown: there are {', '.join(PRESETS)}")
    fields = msgspec.structs.asdict(PRESETS[preset] if preset else Dialect())
    return msgspec.convert({**fields, **spoken}, Dialect)


def _path(kind: type, value: Any) -> Any:
    """TOML has no paths: `data_dir` is a string there."""
    if kind is Path and isinstance(value, str | Path):
        return Path(value)
    raise ValueError(f"expected {kind.__name__}, got {type(value).__name__}")
