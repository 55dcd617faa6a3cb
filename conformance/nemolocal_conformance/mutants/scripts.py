"""A player of scripts on a broken server."""

import contextlib
from collections.abc import Iterator

from ..scripts.place import player_at
from ..scripts.player import Player
from .memoized_media import MemoizedMedia
from .mutant import ServerMutant
from .play import ATTRIBUTION, broken_server


@contextlib.contextmanager
def player_of(mutant: ServerMutant, media: MemoizedMedia | None = None) -> Iterator[Player]:
    """A player of a fresh server that is broken in one way."""
    with (
        broken_server(mutant, media) as (base_url, _),
        player_at(base_url, ATTRIBUTION, fresh=True) as player,
    ):
        yield player
