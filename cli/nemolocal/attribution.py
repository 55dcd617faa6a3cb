"""The attribution of the command's calls (CLI-1), and its version."""

import os
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from .errors import UsageError

if TYPE_CHECKING:
    from nemolocal_contract.endpoints import Attribution

_NAME = "nemolocal"
_VARIABLES = ("SKILL_NAME", "SKILL_VERSION", "SKILL_SOURCE")


def installed_version() -> str:
    """Return the version of the installed package; "0" if it runs from a source folder."""
    # Imported late: it takes a third of the time of `--help`.
    from importlib.metadata import PackageNotFoundError, version

    try:
        return version(_NAME)
    except PackageNotFoundError:
        return "0"


def command_attribution(environment: Mapping[str, str] = os.environ) -> "Attribution":
    """Return the attribution of this command, or of the skill in SKILL_NAME and SKILL_VERSION.

    The platform is SKILL_SOURCE, else that of the folder in which the command is installed. Raises
    `UsageError` if one of them is not allowed in a header.
    """
    # Imported late: `--version` needs none of it.
    from nemolocal_skill.attribution import attribution_of, platform_of

    check_attribution_variables(environment)
    name, version = _NAME, installed_version()
    if skill := environment.get("SKILL_NAME", "").strip():
        name, version = skill, environment.get("SKILL_VERSION", "").strip()
    return attribution_of(name, version, platform_of(Path(__file__)), environment)


def check_attribution_variables(environment: Mapping[str, str] = os.environ) -> None:
    """Raise `UsageError` if a variable of the attribution is not allowed in a header."""
    from nemolocal_client.httpx_adapter import encode_header_value

    for variable in _VARIABLES:
        if encode_header_value(environment.get(variable, "")) is None:
            raise UsageError(
                f"{variable} contains a character that is not allowed in an HTTP header: set it to "
                "one line of text"
            )
