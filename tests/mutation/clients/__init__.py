"""All client mutants, by id."""

import functools

from .client_mutant import ClientMutant


@functools.cache
def client_mutants() -> dict[str, ClientMutant]:
    """Return all of them, in the order of the checks that they are for."""
    from . import body_mutants, export_mutants, identity_mutants, request_mutants, stream_mutants

    modules = (request_mutants, body_mutants, identity_mutants, stream_mutants, export_mutants)
    found = [v for module in modules for v in vars(module).values() if isinstance(v, ClientMutant)]
    ids = [mutant.id for mutant in found]
    if len(set(ids)) != len(ids):
        raise ValueError(f"two mutants have the same id: {sorted(ids)}")
    return {mutant.id: mutant for mutant in found}


UNKILLABLE_CHECKS = {
    "client.turn.limit": "the server ends every turn after 15 minutes itself (SSE-6)",
}
"""Checks that no client can fail on a server of ours, and why."""
