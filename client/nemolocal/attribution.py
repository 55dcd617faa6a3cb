"""On whose behalf the command calls (CLI-1), and which version it is."""

import os
from collections.abc import Mapping
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from nemolocal_contract.headers import Attribution

_NAME = "nemolocal"


def own_version() -> str:
    """The version of the installed package; "0" where it runs from a folder of sources."""
    try:
        return version(_NAME)
    except PackageNotFoundError:
        return "0"


def attribution(environment: Mapping[str, str] = os.environ) -> Attribution:
    """This command, or the skill that SKILL_NAME and SKILL_VERSION name.

    The platform is SKILL_SOURCE, else that of the folder in which the command is installed.
    """
    # Imported late: `--version` needs none of it.
    from nemolocal_client.skill.attribution import attribution_of, platform_of

    name, version = _NAME, own_version()
    if skill := environment.get("SKILL_NAME", "").strip():
        name, version = skill, environment.get("SKILL_VERSION", "").strip()
    return attribution_of(name, version, platform_of(Path(__file__)), environment)
