"""What the store says about credits and drafts, cheap enough to be asked twice per request."""

import functools
from hashlib import sha256

import msgspec

from nemolocal_contract.envelope import decode_json
from nemolocal_contract.journal import Credits

from ..data.store import Store

_HASH_DIGITS = 16
_REMEMBERED = 1024


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
