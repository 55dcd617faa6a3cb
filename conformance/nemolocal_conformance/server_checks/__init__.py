"""All checks of a server, by id, in the order of the contract."""

import functools
from types import ModuleType

from ..server_check import ServerCheck


@functools.cache
def server_catalogue() -> dict[str, ServerCheck]:
    """Return all checks; a duplicate id is an error in this package."""
    found: dict[str, ServerCheck] = {}
    for module in _modules():
        for value in vars(module).values():
            if not isinstance(value, ServerCheck):
                continue
            if value.id in found:
                raise ValueError(f"two checks are called {value.id}")
            found[value.id] = value
    return found


SMOKE_CHECKS = frozenset(
    """
    general.envelope.success general.bearer.missing general.bearer.unknown general.path.unknown
    general.token-in-url.query token.new.prefix token.new.user token.client-id.missing
    token.again.refused token.claim.made session.new.fields session.unknown.state
    upload.multipart.one upload.reply.fields upload.type.unknown chat.stream.type
    chat.stream.frames chat.events.shape chat.end.clean chat.tools.called chat.silent.state-changed
    credits.balance.fields credits.balance.sum credits.lacking.refused state.fields.outer
    state.fields.inner state.draft.names state.draft.milliseconds render.attribution.missing
    render.refused.empty render.refused.media render.status.unknown
    """.split()
)
"""A quick set: something of every section, and nothing that FFmpeg has to do."""


def _modules() -> tuple[ModuleType, ...]:
    from . import (
        chat,
        credits,
        draft_edits,
        endpoint_access,
        error_styles,
        events,
        general,
        invalid_bodies,
        ownership,
        render_files,
        render_jobs,
        render_refusals,
        renders,
        replies,
        sessions,
        state,
        token_limits,
        tokens,
        turn_texts,
        upload_files,
        uploads,
    )

    everywhere = (general, invalid_bodies, error_styles, endpoint_access)
    accounts = (tokens, token_limits, sessions, ownership)
    turns = (uploads, upload_files, chat, events, turn_texts)
    exports = (renders, render_refusals, render_jobs, render_files)
    return (*everywhere, *accounts, *turns, credits, state, draft_edits, *exports, replies)
