"""`nemolocal skill new`: writes a template of a skill document."""

import argparse
import re
from importlib.resources import files
from pathlib import Path

from .errors import CommandError, UsageError

_NAME = re.compile(r"[a-z0-9]+(?:-[a-z0-9]+){0,15}")
_MAX_NAME_LENGTH = 64


def run(arguments: argparse.Namespace) -> int:
    """Write the template; an existing file is not overwritten."""
    name: str = arguments.name
    if len(name) > _MAX_NAME_LENGTH or not _NAME.fullmatch(name):
        raise UsageError(
            f"invalid skill name {name!r}: use lowercase letters, digits and single hyphens, "
            f"{_MAX_NAME_LENGTH} characters at most"
        )
    path = Path(arguments.output or "SKILL.md")
    try:
        with path.open("x", encoding="utf-8", newline="\n") as file:
            file.write(skill_template(name))
    except FileExistsError:
        raise CommandError(f"{path} already exists: choose another file with -o") from None
    except OSError as error:
        reason = (error.strerror or type(error).__name__).lower()
        raise CommandError(
            f"cannot write {path} ({reason}): choose another file with -o"
        ) from error
    print(f"created {path}; next: `nemolocal skill check {path}` and `nemolocal skill run {path}`")
    return 0


def skill_template(name: str) -> str:
    """Return the template for a skill of this name."""
    text = files("nemolocal_skill").joinpath("skill_template.md").read_text(encoding="utf-8")
    return text.replace("@NAME@", name).replace("@TITLE@", name.replace("-", " ").title())
