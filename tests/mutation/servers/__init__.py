"""All server mutants, by id."""

import functools

from ..server_mutant import ServerMutant


@functools.cache
def server_mutants() -> dict[str, ServerMutant]:
    """Return all of them, in the order of the contract."""
    from . import (
        access_mutants,
        chat_mutants,
        credit_mutants,
        event_mutants,
        general_mutants,
        ownership_mutants,
        render_job_mutants,
        render_mutants,
        render_refusal_mutants,
        reply_mutants,
        session_mutants,
        state_mutants,
        style_mutants,
        timing_mutants,
        token_limit_mutants,
        token_mutants,
        upload_file_mutants,
        upload_mutants,
    )

    accounts = (general_mutants, style_mutants, access_mutants, token_mutants, token_limit_mutants)
    sessions = (session_mutants, ownership_mutants, upload_mutants, upload_file_mutants)
    turns = (chat_mutants, event_mutants, timing_mutants, credit_mutants, state_mutants)
    exports = (render_mutants, render_refusal_mutants, render_job_mutants)
    modules = (*accounts, *sessions, *turns, *exports, reply_mutants)
    found = [v for module in modules for v in vars(module).values() if isinstance(v, ServerMutant)]
    return {mutant.id: mutant for mutant in found}
