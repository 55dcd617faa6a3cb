"""The rules of the wire contract as data, each with its level, its grade and its sources."""

import functools
import tomllib
from importlib.resources import files
from typing import Literal

import msgspec

Level = Literal["MUST", "SHOULD", "MAY"]
Grade = Literal["D", "C", "A"]


class Rule(msgspec.Struct, frozen=True):
    """One rule of the contract.

    `grade` is D (documented), C (contradicted: alternatives are switchable) or A (assumed here).
    `source` has the sources; `S0:n` and `S3:n` point at a line of a document in `fixtures/seeds`.
    """

    id: str
    level: Level
    grade: Grade
    text: str
    source: tuple[str, ...]

    @property
    def section(self) -> str:
        """The prefix of the id: GEN, AUTH, SES, UPL, SSE, CRD, STA, REN or CLI."""
        return self.id.partition("-")[0]


class Section(msgspec.Struct, frozen=True):
    """A chapter of the contract: the prefix of its rule ids and its title."""

    prefix: str
    title: str


class _RuleFile(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    section: tuple[Section, ...]
    rule: tuple[Rule, ...]


@functools.cache
def _document() -> _RuleFile:
    text = files(__package__).joinpath("rules.toml").read_text(encoding="utf-8")
    return msgspec.convert(tomllib.loads(text), _RuleFile)


def sections() -> tuple[Section, ...]:
    """Return the chapters in the order of the contract."""
    return _document().section


@functools.cache
def rules() -> dict[str, Rule]:
    """Return every rule by its id, in the order of the contract."""
    return {rule.id: rule for rule in _document().rule}
