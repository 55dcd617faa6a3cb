"""A server mutant: what it breaks, the checks that must fail, and the hook that changes it."""

from collections.abc import Callable
from typing import Any

import msgspec

from nemolocal_contract.rules import rules

from .mutation_middleware import OnRequest, OnResponse


class AttributePatch(msgspec.Struct, frozen=True):
    """A replacement of a name in `module`, or in a class of it."""

    module: str
    name: str
    value: Any


def replace_public(public: Callable[..., Any], value: Any) -> AttributePatch:
    """Return a patch of a public function, or of a method of a class."""
    owner, _, name = public.__qualname__.rpartition(".")
    if name.startswith("_"):
        raise ValueError(f"{name} is private")
    return AttributePatch(f"{public.__module__}.{owner}".rstrip("."), name, value)


class ServerMutant(msgspec.Struct, frozen=True):
    """The reference server with one small change.

    `breaks` are the ids of the rules that no longer hold: a failing check about none of them is a
    false positive. `kills` are the ids of checks that must fail.
    """

    id: str
    breaks: tuple[str, ...]
    sentence: str
    kills: tuple[str, ...]
    on_request: OnRequest | None = None
    on_response: OnResponse | None = None
    patches: tuple[AttributePatch, ...] = ()
    settings: dict[str, Any] = {}


def response_mutant(
    id: str, *breaks: str, kills: str, on_request: OnRequest | None = None
) -> Callable[[OnResponse], ServerMutant]:
    """Make a mutant of a response hook; its docstring is the sentence, `kills` are check ids.

    `on_request` makes the server understand what the hook has told its clients.
    """

    def make(hook: OnResponse) -> ServerMutant:
        checks = tuple(kills.split())
        return _checked(ServerMutant(id, breaks, _sentence(hook), checks, on_request, hook))

    return make


def request_mutant(id: str, *breaks: str, kills: str) -> Callable[[OnRequest], ServerMutant]:
    """Make a mutant of a request hook."""

    def make(hook: OnRequest) -> ServerMutant:
        return _checked(ServerMutant(id, breaks, _sentence(hook), tuple(kills.split()), hook, None))

    return make


def patch_mutant(
    id: str,
    *breaks: str,
    kills: str,
    sentence: str,
    patches: tuple[AttributePatch, ...] = (),
    settings: dict[str, Any] | None = None,
) -> ServerMutant:
    """Make a mutant by replacing names of the server, or by invalid settings."""
    checks = tuple(kills.split())
    return _checked(
        ServerMutant(id, breaks, sentence, checks, patches=patches, settings=settings or {})
    )


def _sentence(hook: OnResponse | OnRequest) -> str:
    return " ".join((hook.__doc__ or "").split())


def _checked(mutant: ServerMutant) -> ServerMutant:
    unknown = set(mutant.breaks) - set(rules())
    if unknown or not mutant.breaks or not mutant.kills or not mutant.sentence:
        raise ValueError(f"{mutant.id}: names rules, checks and a sentence ({sorted(unknown)})")
    return mutant
