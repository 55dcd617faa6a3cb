"""All checks of a client, by id, in the order of a client's work."""

import functools
from types import ModuleType

from .client_check import ClientCheck


@functools.cache
def client_catalogue() -> dict[str, ClientCheck]:
    """Return all checks; a duplicate id is an error in this package."""
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
        client_identity,
        downloads,
        dropped_streams,
        exports,
        message_routing,
        permanent_errors,
        polling,
        rate_limits,
        request_bodies,
        requests,
        session_use,
        silent_turns,
        stream_timeouts,
        token_renewal,
    )

    return (
        requests,
        request_bodies,
        client_identity,
        token_renewal,
        permanent_errors,
        rate_limits,
        session_use,
        message_routing,
        silent_turns,
        dropped_streams,
        stream_timeouts,
        exports,
        polling,
        downloads,
    )
