"""Every broken server, by its id."""

import functools

from ..mutant import ServerMutant


@functools.cache
def server_mutants() -> dict[str, ServerMutant]:
    """All of them, in the order of the contract."""
    from . import (
        accounts,
        chat,
        events,
        general,
        jobs,
        renders,
        sessions,
        states,
        timing,
        tokens,
        uploads,
    )

    before = (general, tokens, sessions, uploads, chat, events, timing, accounts, states)
    modules = (*before, renders, jobs)
    found = [v for module in modules for v in vars(module).values() if isinstance(v, ServerMutant)]
    return {mutant.id: mutant for mutant in found}
