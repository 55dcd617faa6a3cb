"""The inputs of the action, which `action.yml` passes in the environment."""

import os
from collections.abc import Mapping
from pathlib import Path

import msgspec

from ..errors import UsageError
from ..shared_options import CONTROL_TOKEN_VARIABLE

_PREFIX = "INPUT_"
_FLAGS = {"": False, "false": False, "true": True}


class ActionInputs(msgspec.Struct, frozen=True):
    """The inputs by name, with `_` for `-`; lists are split, empty texts are absent inputs."""

    mode: str
    base_url: str
    control_token: str
    client: str
    cloud: bool
    skill: tuple[str, ...]
    only: tuple[str, ...]
    options: tuple[str, ...]
    report: Path


def read_inputs(environment: Mapping[str, str]) -> ActionInputs:
    """Return the inputs of `INPUT_…`; raises `UsageError` for an invalid one."""

    def text(name: str) -> str:
        return environment.get(f"{_PREFIX}{name}", "").strip()

    cloud = text("CLOUD").lower()
    if cloud not in _FLAGS:
        raise UsageError(f"the input cloud must be true or false, not {cloud!r}")
    token = text("CONTROL_TOKEN") or environment.get(CONTROL_TOKEN_VARIABLE, "")
    if len(token.splitlines()) > 1:
        raise UsageError("the input control-token must be one line")
    return ActionInputs(
        mode=text("MODE"),
        base_url=text("BASE_URL"),
        control_token=token,
        client=text("CLIENT"),
        cloud=_FLAGS[cloud],
        skill=tuple(line.strip() for line in text("SKILL").splitlines() if line.strip()),
        only=tuple(text("ONLY").split()),
        options=tuple(text("OPTIONS").split()),
        report=Path(text("REPORT") or "nemolocal-report"),
    )


def child_environment(inputs: ActionInputs) -> dict[str, str]:
    """Return the environment of a command: without the inputs, with the control token, if any."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith(_PREFIX)}
    kept.pop(CONTROL_TOKEN_VARIABLE, None)
    return kept | ({CONTROL_TOKEN_VARIABLE: inputs.control_token} if inputs.control_token else {})
