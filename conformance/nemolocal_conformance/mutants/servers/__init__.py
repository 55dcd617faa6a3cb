"""Every broken server, by its id."""

import functools

from ..mutant import ServerMutant


@functools.cache
def server_mutants() -> dict[str, ServerMutant]:
    """All of them, in the order of the contract."""
    from . import accounts, chat, general, renders, sessions, states, timing, tokens, uploads

    modules = (general, tokens, sessions, uploads, chat, timing, accounts, states, renders)
    found = [v for module in modules for v in vars(module).values() if isinstance(v, ServerMutant)]
    return {mutant.id: mutant for mutant in found}
