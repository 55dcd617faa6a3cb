"""Scenarios: faults that belong together, in a TOML file or one of those that come along."""

import tomllib
from importlib.resources import files
from pathlib import Path
from typing import Annotated

import msgspec

from .catalogue import FaultError
from .fault_registry import FaultSpec

_FOLDER = files(__package__).joinpath("scenarios")


class ScenarioError(Exception):
    """A scenario cannot be used; the message names the file and what is wrong in it."""


class ScenarioSettings(msgspec.Struct, frozen=True, omit_defaults=True, forbid_unknown_fields=True):
    """The settings that can change while a server runs; None leaves one as it is.

    `address_limit` is that of `Settings` (AUTH-4).
    """

    address_limit: Annotated[int, msgspec.Meta(ge=1)] | None = None


class FaultScenario(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What a file holds: a sentence on it, the faults in the order in which they are armed, and the
    settings that it switches until all faults are disarmed."""

    description: str = ""
    faults: tuple[FaultSpec, ...] = ()
    settings: ScenarioSettings = ScenarioSettings()


def builtin_scenarios() -> dict[str, FaultScenario]:
    """Those that come along, by name."""
    found = (entry for entry in _FOLDER.iterdir() if entry.name.endswith(".toml"))
    return {
        entry.name.removesuffix(".toml"): _parse(entry.name, entry.read_text(encoding="utf-8"))
        for entry in sorted(found, key=lambda entry: entry.name)
    }


def find_scenario(named: str) -> FaultScenario:
    """The scenario in this file, or the one that comes along under this name.

    Raises `ScenarioError` where there is neither, or what is there cannot be used.
    """
    builtin = builtin_scenarios().get(named)
    if builtin is not None:
        return builtin
    try:
        text = Path(named).read_text(encoding="utf-8")
    except (OSError, ValueError) as error:
        known = ", ".join(builtin_scenarios())
        reason = getattr(error, "strerror", None) or error
        raise ScenarioError(
            f"cannot read scenario {named}: {reason}; name a file, or one of {known}"
        ) from error
    return _parse(named, text)


def _parse(name: str, text: str) -> FaultScenario:
    try:
        fields = tomllib.loads(text)
        _check_names(name, fields.get("settings"))
        scenario = msgspec.convert(fields, FaultScenario)
    except (tomllib.TOMLDecodeError, msgspec.ValidationError, RecursionError) as error:
        raise ScenarioError(f"scenario {name}: {error}") from error
    for number, order in enumerate(scenario.faults):
        try:
            order.resolve()
        except FaultError as error:
            raise ScenarioError(f"scenario {name}: faults[{number}]: {error}") from error
    return scenario


def _check_names(name: str, settings: object) -> None:
    known = ScenarioSettings.__struct_fields__
    for setting in settings if isinstance(settings, dict) else ():
        if setting not in known:
            raise ScenarioError(
                f"scenario {name}: settings: no scenario can switch {setting!r}, "
                f"only {', '.join(known)}"
            )
