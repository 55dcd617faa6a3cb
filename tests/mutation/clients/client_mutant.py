"""A broken client: what it breaks, where that shows, which checks must notice, and the patch."""

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

    `at` is the dotted name that is replaced. `breaks` are the ids of the rules that no longer
    hold: a check that is about none of them and fails all the same is an innocent one. `kills` are
    the ids of checks that must fail in the `scenario`.
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
        """The client is broken as long as this lasts; the list grows whenever that shows."""
        hits: list[str] = []
        original = pkgutil.resolve_name(_with_colon(self.at))
        twisted = self.make_replacement(original, lambda: hits.append(self.id))
        with mock.patch(self.at, twisted):
            yield hits


def client_mutant(
    id: str, *breaks: str, kills: str, scenario: MutationScenario, at: str
) -> Callable[[MakeReplacement], ClientMutant]:
    """Make a mutant of a twist: its docstring is the sentence, `kills` check ids.

    `at` is a public name: what is private may be written anew without breaking a mutant.
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
    """`package.module:name.name`, so that a name that is gone is an error, not another module."""
    package, module, rest = dotted.split(".", 2)
    return f"{package}.{module}:{rest}"
