"""A client mutant: what it breaks, the scenario that shows it, the checks that must fail."""

import contextlib
import pkgutil
from collections.abc import Callable, Iterator
from typing import Any
from unittest import mock

import msgspec

from nemolocal_contract.rules import rules

from .client_scenarios import MutationScenario

OnApplied = Callable[[], None]
MakeReplacement = Callable[[Any, OnApplied], Any]
"""Makes a replacement of what stands at a name; who uses it tells by calling `OnApplied`."""


class ClientMutant(msgspec.Struct, frozen=True):
    """The reference client with one small change.

    `at` is the dotted name that is replaced. `breaks` are the ids of the rules that no longer hold:
    a failing check about none of them is a false positive. `kills` are the ids of checks that must
    fail in the `scenario`.
    """

    id: str
    breaks: tuple[str, ...]
    sentence: str
    kills: tuple[str, ...]
    scenario: MutationScenario
    at: str
    make_replacement: MakeReplacement

    @contextlib.contextmanager
    def applied(self) -> Iterator[list[str]]:
        """Patch the client in this block; the list grows each time the change has an effect."""
        hits: list[str] = []
        original = pkgutil.resolve_name(_with_colon(self.at))
        twisted = self.make_replacement(original, lambda: hits.append(self.id))
        with mock.patch(self.at, twisted):
            yield hits


def client_mutant(
    id: str, *breaks: str, kills: str, scenario: MutationScenario, at: str
) -> Callable[[MakeReplacement], ClientMutant]:
    """Make a mutant; the function's docstring is the sentence, `kills` are check ids.

    `at` is a public name, so that private code can be rewritten without breaking a mutant.
    """

    def make(twist: MakeReplacement) -> ClientMutant:
        sentence = " ".join((twist.__doc__ or "").split())
        unknown = set(breaks) - set(rules())
        if unknown or not breaks or not kills.split() or not sentence:
            raise ValueError(f"{id}: names rules, checks and a sentence ({sorted(unknown)})")
        if "._" in at:
            raise ValueError(f"{id}: {at} is private")
        where = f"nemolocal_client.{at}"
        return ClientMutant(id, breaks, sentence, tuple(kills.split()), scenario, where, twist)

    return make


def _with_colon(dotted: str) -> str:
    """Return `package.module:name.name`, so that a missing name is an error."""
    package, module, rest = dotted.split(".", 2)
    return f"{package}.{module}:{rest}"
