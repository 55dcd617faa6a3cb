"""Reads the files of this package that are rows of data: one TOML table for each."""

import tomllib
from importlib.resources import files
from typing import TypeVar

import msgspec

_Row = TypeVar("_Row", bound=msgspec.Struct)


def read_rows(filename: str, row: type[_Row]) -> dict[str, _Row]:
    """Return every table of a file by its name, in the order of the file."""
    text = files(__package__).joinpath(filename).read_text(encoding="utf-8")
    return msgspec.convert(tomllib.loads(text), dict[str, row])  # type: ignore[valid-type]
