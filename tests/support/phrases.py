"""The phrases of fixtures/phrases, each with the edits or the topic that the agent must find.

The files are tables; their README lists the keys. An unknown key or value is an error that names
the phrase.
"""

import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any, get_args

import msgspec

from nemolocal_agent.edit_keys import NotationError
from nemolocal_agent.edit_notation import read_edit
from nemolocal_agent.intents import Edit
from nemolocal_agent.understanding import Topic

PHRASES = Path(__file__).parents[2] / "fixtures" / "phrases"
TOPICS: tuple[Topic, ...] = get_args(Topic)


class PhraseError(ValueError):
    """A table that is not in the format."""


class Phrase(msgspec.Struct, frozen=True):
    """A message, and its edits or its topic; `part` if some of it is not understood."""

    say: str
    edits: tuple[Edit, ...] = ()
    topic: Topic | None = None
    part: bool = False


def phrase_files() -> list[Path]:
    """All files of phrases."""
    return sorted(PHRASES.glob("*.toml"))


def read_phrases(file: Path) -> list[Phrase]:
    """The phrases of a file, in order."""
    return [read_phrase(table) for table in tomllib.loads(file.read_text("utf-8"))["phrase"]]


def read_phrase(table: Mapping[str, Any]) -> Phrase:
    """One phrase. Raises PhraseError, which names the phrase and the mistake."""
    say = table.get("say")
    if not isinstance(say, str) or not set(table) <= {"group", "say", "want", "talk", "part"}:
        raise PhraseError(f"a phrase has group, say, and want or talk: {dict(table)}")
    if ("want" in table) == ("talk" in table):
        raise PhraseError(f"{say!r}: needs either want or talk")
    if "talk" in table:
        if table["talk"] not in TOPICS:
            raise PhraseError(f"{say!r}: talk is one of {', '.join(TOPICS)}")
        return Phrase(say, topic=table["talk"])
    try:
        edits = tuple(map(read_edit, table["want"]))
    except NotationError as error:
        raise PhraseError(f"{say!r}: {error}") from None
    return Phrase(say, edits, part=bool(table.get("part")))
