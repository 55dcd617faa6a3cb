"""On whose behalf the command calls (CLI-1), and which version it is."""

import os
from collections.abc import Mapping
from importlib.metadata import PackageNotFoundError, version

from nemolocal_contract.headers import Attribution

_NAME = "nemolocal"


def own_version() -> str:
    """The version of the installed package; "0" where it runs from a folder of sources."""
    try:
        return version(_NAME)
    except PackageNotFoundError:
        return "0"


def attribution(environment: Mapping[str, str] = os.environ) -> Attribution:
    """This command, or the skill that SKILL_SOURCE, SKILL_VERSION and SKILL_PLATFORM name."""
    return Attribution(
        environment.get("SKILL_SOURCE") or _NAME,
        environment.get("SKILL_VERSION") or own_version(),
        environment.get("SKILL_PLATFORM") or "unknown",
    )
