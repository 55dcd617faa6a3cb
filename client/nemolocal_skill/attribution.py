"""On whose behalf a skill calls (CLI-1): its name, its version, and where it is installed."""

from collections.abc import Mapping
from itertools import pairwise
from pathlib import Path, PurePath

from nemolocal_contract.endpoints import Attribution

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
    """The three headers of a skill; SKILL_SOURCE of the environment goes before its platform.

    It names where the skill comes from, and so goes into X-Skill-Platform, whatever its own name
    says (V1.9). A document without a version sends "0": without the header every export is
    refused (REN-2).
    """
    return Attribution(
        name or UNKNOWN, version or "0", environment.get("SKILL_SOURCE", "").strip() or platform
    )
