"""Every check of a client, by its id, in the order in which a client goes about its work."""

import functools
from types import ModuleType

from .rule import ClientCheck


@functools.cache
def client_catalogue() -> dict[str, ClientCheck]:
    """All checks; an id that is there twice is a mistake of ours."""
    found: dict[str, ClientCheck] = {}
    for module in _modules():
        for value in vars(module).values():
            if not isinstance(value, ClientCheck):
                continue
            if value.id in found:
                raise ValueError(f"two checks are called {value.id}")
            found[value.id] = value
    return found


def _modules() -> tuple[ModuleType, ...]:
    from . import (
        accounts,
        cuts,
        downloads,
        exports,
        listening,
        polling,
        rate_limits,
        refusals,
        renewals,
        requests,
        routes,
        sessions,
        silences,
    )

    return (
        requests,
        accounts,
        renewals,
        refusals,
        rate_limits,
        sessions,
        routes,
        silences,
        cuts,
        listening,
        exports,
        polling,
        downloads,
    )
