"""The versions of a session's draft, and the difference of two in words and as JSON Patch."""

from collections import OrderedDict
from hashlib import sha256
from typing import Any

import msgspec

from nemolocal_contract.control_api import DraftChanges, DraftVersionDetail, DraftVersionSummary
from nemolocal_contract.describe import describe_changes
from nemolocal_contract.draft import Draft, draft_from_wire
from nemolocal_contract.responses import ResponseCode, decode_json

from ..data.store import Store
from ..errors import ContractError

_MAX_CACHED = 1000
_SUMMARY = """
SELECT version AS number, turn, created, undo_to, redo_to,
    coalesce(json_extract(draft, '$.d'), 0) AS duration_ms,
    coalesce(json_array_length(draft, '$.t'), 0) AS tracks
FROM drafts WHERE session_id = :session ORDER BY version
"""
_DETAIL = """
SELECT version AS number, turn, created, undo_to, redo_to, draft
FROM drafts WHERE session_id = :session AND version = :number
"""


class _StoredVersion(msgspec.Struct, frozen=True):
    number: int
    turn: int | None
    created: float
    undo_to: int | None
    redo_to: int | None
    draft: str


class _SummaryRow(msgspec.Struct, frozen=True):
    number: int
    turn: int | None
    created: float
    undo_to: int | None
    redo_to: int | None
    duration_ms: Any
    tracks: int


class DraftHistory:
    """Reads the versions of drafts. They are kept as long as their session."""

    def __init__(self, store: Store) -> None:
        self._store = store
        # By the two drafts and the language: large drafts take long to compare.
        self._sentences: OrderedDict[tuple[bytes, bytes, str], tuple[str, ...]] = OrderedDict()

    def list_versions(self, session_id: str) -> tuple[DraftVersionSummary, ...]:
        """Return the versions of a session, the oldest first."""
        rows = self._store.fetch_all(_SummaryRow, _SUMMARY, session=session_id)
        return tuple(
            DraftVersionSummary(
                number=row.number,
                turn=row.turn,
                created=row.created,
                undo_to=row.undo_to,
                redo_to=row.redo_to,
                # A draft may have anything there.
                duration_ms=row.duration_ms if isinstance(row.duration_ms, int | float) else 0,
                tracks=row.tracks,
            )
            for row in rows
        )

    def read(self, session_id: str, number: int) -> DraftVersionDetail:
        """Return a version with its draft; 404 if there is none with this number."""
        row = self._row(session_id, number)
        return DraftVersionDetail(
            number=row.number,
            turn=row.turn,
            created=row.created,
            undo_to=row.undo_to,
            redo_to=row.redo_to,
            draft=decode_json(row.draft),
        )

    def compare(self, session_id: str, since: int, number: int, language: str) -> DraftChanges:
        """Return what is different in version `number` from version `since`; 404 for no version.

        Version 0 is the empty draft before the first one.
        """
        # Only this call needs it.
        import jsonpatch

        before, after = self._text(session_id, since), self._row(session_id, number).draft
        patch = jsonpatch.make_patch(decode_json(before), decode_json(after))
        return DraftChanges(
            since=since,
            number=number,
            changes=self._describe(before, after, language),
            patch=tuple(patch),
        )

    def describe(self, session_id: str, since: int, number: int, language: str) -> tuple[str, ...]:
        """Return only the sentences of `compare`."""
        before, after = self._text(session_id, since), self._text(session_id, number)
        return self._describe(before, after, language)

    def _describe(self, before: str, after: str, language: str) -> tuple[str, ...]:
        key = (_digest(before), _digest(after), language)
        sentences = self._sentences.get(key)
        if sentences is None:
            sentences = tuple(describe_changes(_parse(before), _parse(after), language))
            self._sentences[key] = sentences
            if len(self._sentences) > _MAX_CACHED:
                self._sentences.popitem(last=False)
        return sentences

    def _text(self, session_id: str, number: int) -> str:
        return self._row(session_id, number).draft if number else '{"t":[],"d":0}'

    def _row(self, session_id: str, number: int) -> _StoredVersion:
        row = self._store.fetch_one(_StoredVersion, _DETAIL, session=session_id, number=number)
        if row is None:
            raise ContractError(
                ResponseCode.NOT_FOUND, f"session {session_id} has no draft version {number}"
            )
        return row


def _digest(text: str) -> bytes:
    return sha256(text.encode()).digest()


def _parse(text: str) -> Draft:
    return draft_from_wire(decode_json(text))
