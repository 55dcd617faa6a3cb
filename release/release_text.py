"""Version and Pythons of the project, and what the changelog must say before a release."""

import re
import tomllib
from pathlib import Path
from typing import Any

_PYTHON = re.compile(r"Programming Language :: Python :: (3\.\d+)")
_HEADING = re.compile(r"^## +(\S+)", re.MULTILINE)


class ReleaseError(Exception):
    """The release cannot be made; the text says what to do."""


def project_version(root: Path) -> str:
    """Return the version in pyproject.toml."""
    return str(read_project(root)["project"]["version"])


def supported_pythons(root: Path) -> list[str]:
    """Return the versions that the classifiers in pyproject.toml name, such as 3.11."""
    lines = read_project(root)["project"]["classifiers"]
    return [match[1] for line in lines if (match := _PYTHON.fullmatch(line))]


def read_project(root: Path) -> dict[str, Any]:
    """Return the content of pyproject.toml."""
    with (root / "pyproject.toml").open("rb") as file:
        return tomllib.load(file)


def require_ready(root: Path, tag: str) -> None:
    """Raise `ReleaseError` unless the tag is `v` and the version, and the changelog tells of it.

    Nothing may be left under Unreleased: it would be in the release, and in the notes of the next.
    """
    version = project_version(root)
    if tag != f"v{version}":
        raise ReleaseError(
            f"the tag is {tag}, but pyproject.toml says {version}: tag it as v{version}, or change "
            "the version"
        )
    sections = changelog_sections((root / "CHANGELOG.md").read_text(encoding="utf-8"))
    if version not in sections:
        raise ReleaseError(f"CHANGELOG.md has no section '## {version}': rename Unreleased")
    if sections.get("Unreleased"):
        raise ReleaseError(
            "CHANGELOG.md has changes under Unreleased: move them to the section of the version "
            "that is published"
        )


def changelog_sections(text: str) -> dict[str, str]:
    """Return the sections of the changelog by version, without their headings."""
    headings = [*_HEADING.finditer(text)]
    ends = [*(match.start() for match in headings[1:]), len(text)]
    return {
        match[1]: text[match.end() : end].partition("\n")[2].strip()
        for match, end in zip(headings, ends, strict=True)
    }
