"""All mutants of a recording, by id."""

import msgspec

from .call_context import contexts_of
from .client_change import ClientMutation, Generate, endpoint_of
from .id_changes import (
    with_other_assets,
    with_other_renders,
    with_other_sessions,
    with_other_tasks,
    with_other_tokens,
    with_other_users,
)
from .recording import Recording
from .request_changes import (
    with_other_bodies,
    with_other_headers,
    with_other_messages,
    with_token_in_url,
    without_headers,
)
from .sequence_changes import doubled, dropped, exchanged, exported_again, repeated
from .timing_changes import delayed, hung_up, hurried, listened_on

_GENERATORS: tuple[Generate, ...] = (
    dropped, doubled, repeated, exported_again, exchanged, hurried, delayed, hung_up, listened_on,
    without_headers, with_other_headers, with_token_in_url, with_other_bodies, with_other_messages,
    with_other_sessions, with_other_users, with_other_renders, with_other_tokens, with_other_assets,
    with_other_tasks,
)  # fmt: skip


def mutations_of(recording: Recording) -> dict[str, ClientMutation]:
    """Return the mutants of a recording by id, in the order of their kinds."""
    contexts = contexts_of(recording.entries)
    found: dict[str, ClientMutation] = {}
    for generate in _GENERATORS:
        for change in generate(recording.entries):
            place = change.call - 1
            mutation = ClientMutation(
                recording.journey,
                change.kind,
                change.call,
                change.detail,
                endpoint_of(recording.entries[place]),
                contexts[place],
                msgspec.structs.replace(recording, entries=change.entries),
            )
            if mutation.id in found:
                raise ValueError(f"two mutants are called {mutation.id}")
            found[mutation.id] = mutation
    return found
