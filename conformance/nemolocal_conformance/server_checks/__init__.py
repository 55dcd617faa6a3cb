"""Every check of a server, by its id, in the order of the contract."""

import functools
from types import ModuleType

from ..check import Check


@functools.cache
def catalogue() -> dict[str, Check]:
    """All checks; an id that is there twice is a mistake of ours."""
    found: dict[str, Check] = {}
    for module in _modules():
        for value in vars(module).values():
            if not isinstance(value, Check):
                continue
            if value.id in found:
                raise ValueError(f"two checks are called {value.id}")
            found[value.id] = value
    return found


def _modules() -> tuple[ModuleType, ...]:
    from . import chat, credits, files, general, renders, sessions, state, talk, tokens, uploads

    return (general, tokens, sessions, uploads, chat, talk, credits, state, renders, files)
