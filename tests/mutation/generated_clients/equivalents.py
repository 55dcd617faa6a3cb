"""Mutants that the contract allows, named by patterns with a reason that follows from a rule."""

import functools
import tomllib
from fnmatch import fnmatchcase
from importlib.resources import files

import msgspec

from nemolocal_contract.rules import rules

from .client_change import ClientMutation


class Equivalent(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """An entry of `equivalents.toml`, which explains each field."""

    name: str
    rules: tuple[str, ...]
    reason: str
    kinds: tuple[str, ...]
    endpoints: tuple[str, ...] = ("*",)
    details: tuple[str, ...] = ("*",)
    journeys: tuple[str, ...] = ("*",)
    within: frozenset[str] = frozenset()
    outside: frozenset[str] = frozenset()
    but_not: tuple[str, ...] = ()

    def matches(self, mutation: ClientMutation) -> bool:
        """Whether it names this mutant."""
        return (
            mutation.kind in self.kinds
            and _matches(mutation.endpoint, self.endpoints)
            and _matches(mutation.detail, self.details)
            and _matches(mutation.journey, self.journeys)
            and self.within <= mutation.context
            and not self.outside & mutation.context
            and not _matches(mutation.id, self.but_not)
        )


class _EquivalentsFile(msgspec.Struct, forbid_unknown_fields=True):
    equivalent: tuple[Equivalent, ...]


@functools.cache
def equivalents() -> dict[str, Equivalent]:
    """Return all of them by name; a rule that does not exist is an error."""
    text = files(__package__).joinpath("equivalents.toml").read_text(encoding="utf-8")
    found = msgspec.convert(tomllib.loads(text), _EquivalentsFile).equivalent
    unknown = {rule for one in found for rule in one.rules} - set(rules())
    if unknown or not all(one.rules and one.reason for one in found):
        raise ValueError(f"equivalents.toml: each has rules and a reason ({sorted(unknown)})")
    return {one.name: one for one in found}


def equivalent_of(mutation: ClientMutation) -> Equivalent | None:
    """Return the first entry that names a mutant, if there is one."""
    return next((one for one in equivalents().values() if one.matches(mutation)), None)


def _matches(text: str, patterns: tuple[str, ...]) -> bool:
    return any(fnmatchcase(text, pattern) for pattern in patterns)
