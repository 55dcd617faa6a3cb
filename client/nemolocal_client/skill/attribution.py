"""On whose behalf a skill calls (CLI-1): its name, its version, and where it is installed."""

from collections.abc import Mapping
from itertools import pairwise
from pathlib import Path, PurePath

from nemolocal_contract.headers import Attribution

UNKNOWN = "unknown"


def platform_of(path: PurePath) -> str:
    """`~/.clawhub/` is clawhub and `~/.cursor/skills/` cursor; anything else is unknown."""
    folders = Path(path).absolute().parts[:-1]
    if ".clawhub" in folders:
        return "clawhub"
    return "cursor" if (".cursor", "skills") in pairwise(folders) else UNKNOWN


def attribution_of(
    name: str, version: str, platform: str, environment: Mapping[str, str]
) -> Attribution:
    """The three headers: SKILL_SOURCE, SKILL_VERSION and SKILL_PLATFORM of the environment first.

    A document without a version sends "0": without the header every export is refused (REN-2).
    """
    return Attribution(
        environment.get("SKILL_SOURCE") or name or UNKNOWN,
        environment.get("SKILL_VERSION") or version or "0",
        environment.get("SKILL_PLATFORM") or platform,
    )
