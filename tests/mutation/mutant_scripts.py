"""A player of scripts on a broken server."""

import contextlib
from collections.abc import Iterator

from nemolocal_conformance.fuzz.runner_factory import open_script_runner
from nemolocal_conformance.fuzz.script_runner import ScriptRunner

from .memoized_media import MemoizedMedia
from .server_mutant import ServerMutant
from .server_runner import ATTRIBUTION, mutated_server


@contextlib.contextmanager
def mutant_script_runner(
    mutant: ServerMutant, media: MemoizedMedia | None = None
) -> Iterator[ScriptRunner]:
    """A player of a fresh server that is broken in one way."""
    with (
        mutated_server(mutant, media) as (base_url, _),
        open_script_runner(base_url, ATTRIBUTION, fresh=True) as player,
    ):
        yield player
