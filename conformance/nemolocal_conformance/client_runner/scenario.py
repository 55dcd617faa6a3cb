"""Scenarios: the server's faults and settings, and what the program must do."""

import functools
import tomllib
from importlib.resources import files
from typing import Any, Literal

import msgspec


class ClientScenario(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One entry of `scenarios.toml`, which explains each field.

    With `seconds` None the caller sets the time limit, and a program that reaches it fails.
    """

    name: str
    about: str
    checks: tuple[str, ...]
    faults: tuple[dict[str, Any], ...] = ()
    settings: dict[str, Any] = {}
    token: dict[str, Any] | None = None
    code: int | None = None
    ends: Literal["done", "refused", "open"] = "open"
    clip: Literal["clip", "text"] = "clip"
    seconds: float | None = None


class _ScenarioFile(msgspec.Struct, forbid_unknown_fields=True):
    scenario: tuple[ClientScenario, ...]


@functools.cache
def scenarios() -> dict[str, ClientScenario]:
    """Return all scenarios by name, in the order of the file."""
    text = files(__package__).joinpath("scenarios.toml").read_text(encoding="utf-8")
    found = msgspec.convert(tomllib.loads(text), _ScenarioFile).scenario
    return {scenario.name: scenario for scenario in found}
