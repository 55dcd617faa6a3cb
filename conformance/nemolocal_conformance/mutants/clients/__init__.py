"""Every broken client, by its id."""

import functools

from .mutant import ClientMutant


@functools.cache
def client_mutants() -> dict[str, ClientMutant]:
    """All of them, in the order of the checks that they are for."""
    from . import accounts, exporting, listening, requesting

    modules = (requesting, accounts, listening, exporting)
    found = [v for module in modules for v in vars(module).values() if isinstance(v, ClientMutant)]
    return {mutant.id: mutant for mutant in found}


UNKILLED = {
    "client.turn.limit": "the server ends every turn after 15 minutes itself (SSE-6)",
}
"""Checks that no client can fail on a server of ours, and why."""
