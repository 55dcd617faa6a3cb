"""The versions of a draft, and the difference of two, in sentences and as a JSON Patch."""

import asyncio
from collections import OrderedDict
from collections.abc import Callable, Sequence
from hashlib import sha256
from typing import Any, TypeVar

import msgspec

from nemolocal_contract.control_api import DraftChanges, DraftVersionDetail, DraftVersionSummary
from nemolocal_contract.describe import describe_changes
from nemolocal_contract.draft import draft_from_wire
from nemolocal_contract.responses import ResponseCode, decode_json

from ..data.store import Store
from ..errors import ContractError

T = TypeVar("T")
_MAX_CACHED = 1000
# Two drafts of up to this many characters are compared in milliseconds.
_SMALL_DRAFTS = 20_000
# A page compares drafts of up to this many characters, which takes some seconds.
_MAX_COMPARED = 4_000_000
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
        # By the two drafts and the language, since comparing large drafts takes long.
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
                # A draft of a client may have any value there.
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

    async def compare(
        self, session_id: str, since: int, number: int, language: str
    ) -> DraftChanges:
        """Return the changes from version `since` to version `number`; 404 if one is missing.

        Version 0 is the empty draft before the first one.
        """
        before, after = self._text(session_id, since), self._row(session_id, number).draft
        return DraftChanges(
            since=since,
            number=number,
            changes=await self._describe(before, after, language),
            patch=await _compute(_make_patch, before, after),
        )

    async def describe(
        self, session_id: str, since: int, number: int, language: str
    ) -> tuple[str, ...]:
        """Return the sentences of `compare` only."""
        before, after = self._text(session_id, since), self._text(session_id, number)
        return await self._describe(before, after, language)

    async def describe_all(
        self, session_id: str, numbers: Sequence[int], language: str
    ) -> dict[int, tuple[str, ...]]:
        """Return what each of these versions changed since the one before it.

        The latest come first; versions that would take longer than some seconds to compare are
        left out.
        """
        described: dict[int, tuple[str, ...]] = {}
        left = _MAX_COMPARED
        for number in sorted(numbers, reverse=True):
            before, after = self._text(session_id, number - 1), self._text(session_id, number)
            left -= len(before) + len(after)
            if left < 0:
                break
            described[number] = await self._describe(before, after, language)
        return described

    async def _describe(self, before: str, after: str, language: str) -> tuple[str, ...]:
        key = (_digest(before), _digest(after), language)
        sentences = self._sentences.get(key)
        if sentences is None:
            sentences = await _compute(_describe_changes, before, after, language)
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


async def _compute(function: Callable[..., T], before: str, after: str, *more: str) -> T:
    """Call a function that compares drafts, in a thread if they are large."""
    if len(before) + len(after) <= _SMALL_DRAFTS:
        return function(before, after, *more)
    return await asyncio.to_thread(function, before, after, *more)


def _make_patch(before: str, after: str) -> tuple[dict[str, Any], ...]:
    # Imported here, since only this needs it.
    import jsonpatch

    return tuple(jsonpatch.make_patch(decode_json(before), decode_json(after)))


def _describe_changes(before: str, after: str, language: str) -> tuple[str, ...]:
    old, new = (draft_from_wire(decode_json(text)) for text in (before, after))
    return tuple(describe_changes(old, new, language))
