"""Scenarios: faults and scripted replies that belong together, in a TOML file or built in."""

import re
import tomllib
from importlib.resources import files
from pathlib import Path
from typing import Annotated, Any

import msgspec

from ..scripted_replies.reply_lines import find_line
from ..scripted_replies.reply_service import build_replies
from ..scripted_replies.reply_spec import ReplyError
from .catalogue import FaultError, FaultSpec

_FOLDER = files(__package__).joinpath("scenarios")


class ScenarioError(Exception):
    """A scenario that cannot be used; the message names the file and the error in it."""


class ScenarioSettings(msgspec.Struct, frozen=True, omit_defaults=True, forbid_unknown_fields=True):
    """The settings that a scenario can change while the server runs; None leaves one as it is.

    `address_limit` is that of `Settings` (AUTH-4).
    """

    address_limit: Annotated[int, msgspec.Meta(ge=1)] | None = None


class FaultScenario(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The content of a file: a description, the faults in the order in which they are armed, the
    scripted replies in the order in which they are tried, and the settings that it changes until
    all faults are disarmed."""

    description: str = ""
    faults: tuple[FaultSpec, ...] = ()
    replies: tuple[dict[str, Any], ...] = ()
    settings: ScenarioSettings = ScenarioSettings()


def builtin_scenarios() -> dict[str, FaultScenario]:
    """Return the built-in scenarios by name."""
    found = (entry for entry in _FOLDER.iterdir() if entry.name.endswith(".toml"))
    return {
        entry.name.removesuffix(".toml"): _parse(entry.name, entry.read_text(encoding="utf-8"))
        for entry in sorted(found, key=lambda entry: entry.name)
    }


def find_scenario(name: str) -> FaultScenario:
    """Return the built-in scenario with this name, else the one in this file.

    Raises `ScenarioError` if there is neither, or if the file is not valid.
    """
    builtin = builtin_scenarios().get(name)
    if builtin is not None:
        return builtin
    try:
        text = Path(name).read_text(encoding="utf-8")
    except (OSError, ValueError) as error:
        known = ", ".join(builtin_scenarios())
        reason = getattr(error, "strerror", None) or error
        raise ScenarioError(
            f"cannot read scenario {name}: {reason}; name a file, or one of {known}"
        ) from error
    return _parse(name, text)


def _parse(name: str, text: str) -> FaultScenario:
    try:
        fields = tomllib.loads(text)
        _check_names(name, fields.get("settings"))
        scenario = msgspec.convert(fields, FaultScenario)
    except (tomllib.TOMLDecodeError, msgspec.ValidationError, RecursionError) as error:
        raise ScenarioError(f"scenario {name}: {error}") from error
    for number, spec in enumerate(scenario.faults):
        try:
            spec.resolve()
        except FaultError as error:
            raise ScenarioError(f"scenario {name}: faults[{number}]: {error}") from error
    try:
        build_replies(scenario.replies)
    except ReplyError as error:
        raise ScenarioError(f"scenario {name}{_line(text, error.path)}: {error}") from error
    return scenario


def _line(text: str, path: str) -> str:
    """`, line 12` where the field of a reply stands, as in `replies[3].match.message`."""
    found = re.match(r"replies\[(\d+)\]\.?(.*)", path)
    line = find_line(text, int(found[1]), found[2]) if found else None
    return "" if line is None else f", line {line}"


def _check_names(name: str, settings: object) -> None:
    known = ScenarioSettings.__struct_fields__
    for setting in settings if isinstance(settings, dict) else ():
        if setting not in known:
            raise ScenarioError(
                f"scenario {name}: settings: a scenario cannot change {setting!r}, "
                f"only {', '.join(known)}"
            )
