"""The attribution of a skill (CLI-1): its name, its version, and where it is installed."""

from collections.abc import Mapping
from itertools import pairwise
from pathlib import Path, PurePath

from nemolocal_contract.endpoints import Attribution

UNKNOWN = "unknown"


def platform_of(path: PurePath) -> str:
    """Return clawhub for `~/.clawhub/`, cursor for `~/.cursor/skills/`, else unknown."""
    folders = Path(path).absolute().parts[:-1]
    if ".clawhub" in folders:
        return "clawhub"
    return "cursor" if (".cursor", "skills") in pairwise(folders) else UNKNOWN


def attribution_of(
    name: str, version: str, platform: str, environment: Mapping[str, str]
) -> Attribution:
    """Return the attribution of a skill; SKILL_SOURCE of the environment overrides the platform.

    In spite of its name, SKILL_SOURCE is the source of X-Skill-Platform (V1.9). A document without
    a version sends "0": without the header every export is refused (REN-2).
    """
    return Attribution(
        name or UNKNOWN, version or "0", environment.get("SKILL_SOURCE", "").strip() or platform
    )
