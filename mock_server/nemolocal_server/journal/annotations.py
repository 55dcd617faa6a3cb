"""What endpoints know about a request beyond its bytes, and what the store said meanwhile."""

import functools
from collections.abc import Iterable
from hashlib import sha256
from itertools import islice

import msgspec

from nemolocal_contract.journal import Credits, TurnEntry
from nemolocal_contract.responses import decode_json

from ..data.store import Store

# Of fields that a client made up.
_MOST_NAMES = 20
_HASH_DIGITS = 16
_REMEMBERED = 1024


class RequestAnnotations:
    """Made by the journal's middleware for every request, filled by whoever learns something."""

    def __init__(self, lookup: "StateLookup") -> None:
        self._state_lookup = lookup
        self._token_id: int | None = None
        self.session_id: str | None = None
        self.render_id: str | None = None
        self.turn: TurnEntry | None = None
        self.credits_before: Credits | None = None
        self.credits_after: Credits | None = None
        self.draft_before: str | None = None
        self.draft_after: str | None = None
        self.unknown: tuple[str, ...] = ()

    def set_token(self, token_id: int, *, fresh: bool = False) -> None:
        """The request is this token's; `fresh` if it made the token."""
        if self._token_id is None and not fresh:
            self.credits_before = self._state_lookup.credits(token_id)
        self._token_id = token_id

    def set_session(self, session_id: str, *, fresh: bool = False) -> None:
        """The request is about this session; `fresh` if it opened the session."""
        if self.session_id is None and not fresh:
            self.draft_before = self._state_lookup.newest_draft_hash(session_id)
        self.session_id = session_id

    def set_render(self, render_id: str) -> None:
        """The request is about this render, by the id that the client gave it."""
        self.render_id = render_id

    def set_unknown_fields(self, names: Iterable[str]) -> None:
        """The request has fields that nobody here knows, and that were left aside."""
        self.unknown = tuple(islice(names, _MOST_NAMES))

    def set_turn(self, number: int, edits: int) -> None:
        """The request began this turn of its session, with so many edits."""
        self.turn = TurnEntry(number, edits)

    def finish(self) -> None:
        """The last byte leaves: what the store says now is what there was after it."""
        if self._token_id is not None:
            self.credits_after = self._state_lookup.credits(self._token_id)
        if self.session_id is not None:
            self.draft_after = self._state_lookup.newest_draft_hash(self.session_id)


class StateLookup:
    """Balances, and hashes of drafts, each version of which is read once."""

    def __init__(self, store: Store) -> None:
        self._store = store
        # Not of a method of its own: what refers to itself waits for the garbage collector.
        self._hash = functools.lru_cache(_REMEMBERED)(functools.partial(_read_hash, store))

    def credits(self, token_id: int) -> Credits:
        """What the token has."""
        found = self._store.fetch_one_cached(
            Credits,
            """SELECT coalesce(sum(available), 0) AS available, coalesce(sum(frozen), 0) AS frozen
               FROM ledger WHERE token_id = :token""",
            token=token_id,
        )
        assert found is not None  # an aggregate always has its row
        return found

    def newest_draft_hash(self, session_id: str) -> str | None:
        """The hash of the newest draft; None where the session has none."""
        version = self._store.fetch_value(
            "SELECT max(version) FROM drafts WHERE session_id = :id", id=session_id
        )
        return None if version is None else self._hash(session_id, version)

    def clear_cache(self) -> None:
        """The store has gone back in time: versions may come again with other drafts."""
        self._hash.cache_clear()


def _read_hash(store: Store, session_id: str, version: int) -> str:
    text = store.fetch_value(
        "SELECT draft FROM drafts WHERE session_id = :id AND version = :version",
        id=session_id,
        version=version,
    )
    return hash_draft(decode_json(text))


def hash_draft(wire: object) -> str:
    """A hash that is the same for equal drafts, in whatever order their fields stand."""
    canonical = msgspec.json.encode(wire, order="sorted")
    return sha256(canonical).hexdigest()[:_HASH_DIGITS]
