"""Checks what every skill must be, whatever it calls: the format that agents load.

The rules are those of the public specification of agent skills (agentskills.io/specification).
"""

import re
from collections.abc import Iterator
from pathlib import PurePath

from ..model import RawFinding
from ..parse.document import Skill

_NAME = re.compile(r"[a-z0-9]+(?:-[a-z0-9]+)*")
_MAX_NAME_LENGTH = 64
_MAX_DESCRIPTION_LENGTH = 1024
_MAX_BODY_LINES = 500
# About 5,000 tokens of English.
_MAX_BODY_CHARACTERS = 20_000
_FILE = "skill.md"


def check_format(skill: Skill) -> Iterator[RawFinding]:
    """Check the name, its folder, the description and the size."""
    head = skill.frontmatter
    name = head.text("name")
    where = head.lines.get("name", head.start)
    if name and (len(name) > _MAX_NAME_LENGTH or not _NAME.fullmatch(name)):
        message = f"{name[:_MAX_NAME_LENGTH]!r} is not lowercase words with hyphens"
        if len(name) > _MAX_NAME_LENGTH:
            message = f"the name has {len(name)} characters, at most {_MAX_NAME_LENGTH} are allowed"
        yield RawFinding("skill.frontmatter.name-form", where, message)
    folder = _folder_of(skill.path)
    if name and folder and name != folder:
        message = f"the name is {name[:_MAX_NAME_LENGTH]}, but the folder is {folder}"
        yield RawFinding("skill.frontmatter.name-folder", where, message)
    length = len(skill.description)
    if length > _MAX_DESCRIPTION_LENGTH:
        limit = f"at most {_MAX_DESCRIPTION_LENGTH} are allowed"
        message = f"the description has {length} characters, {limit}"
        line = head.lines.get("description", head.start)
        yield RawFinding("skill.frontmatter.description-length", line, message)
    yield from _check_size(skill)


def _folder_of(path: str) -> str:
    """Return the folder of a SKILL.md, "" if the path does not name it."""
    file = PurePath(path)
    return file.parent.name if file.name.lower() == _FILE else ""


def _check_size(skill: Skill) -> Iterator[RawFinding]:
    if skill.is_flattened:
        return
    body = skill.lines[skill.body_line - 1 :]
    characters = sum(len(line) + 1 for line in body)
    for count, limit, unit in (
        (len(body), _MAX_BODY_LINES, "lines"),
        (characters, _MAX_BODY_CHARACTERS, "characters"),
    ):
        if count > limit:
            message = f"the text has {count:,} {unit}, more than {limit:,}"
            yield RawFinding("skill.text.long", 0, message)
            return
