"""All server mutants, by id."""

import functools

from ..server_mutant import ServerMutant


@functools.cache
def server_mutants() -> dict[str, ServerMutant]:
    """Return all of them, in the order of the contract."""
    from . import (
        chat_mutants,
        credit_mutants,
        event_mutants,
        general_mutants,
        render_job_mutants,
        render_mutants,
        reply_mutants,
        session_mutants,
        state_mutants,
        timing_mutants,
        token_mutants,
        upload_mutants,
    )

    before = (
        general_mutants,
        token_mutants,
        session_mutants,
        upload_mutants,
        chat_mutants,
        event_mutants,
        timing_mutants,
        credit_mutants,
        state_mutants,
    )
    modules = (*before, render_mutants, render_job_mutants, reply_mutants)
    found = [v for module in modules for v in vars(module).values() if isinstance(v, ServerMutant)]
    return {mutant.id: mutant for mutant in found}
