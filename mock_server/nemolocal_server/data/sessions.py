"""Sessions (SES-1 to SES-3) with the versions of their drafts, and their media files."""

import contextlib
import os
from collections import OrderedDict
from collections.abc import Iterable
from pathlib import Path
from typing import Any, Literal

import msgspec

from nemolocal_agent import DraftVersion
from nemolocal_contract.clock import Clock
from nemolocal_contract.draft import Draft, draft_from_wire, draft_to_wire
from nemolocal_contract.responses import FileReply, decode_json, encode_json
from nemolocal_render.media import MediaInfo
from nemolocal_render.planning.planner import MediaSource

from .. import ids
from ..errors import session_not_found
from .storage_errors import STORAGE_ERRORS
from .store import Store
from .tokens import TokenRecord

AssetOrigin = Literal["upload", "generated"]
CDN_PATH = "/cdn"
# A draft of hundreds of segments takes about 100 KB.
_CACHED_DRAFTS = 32
_COLUMNS = "id, token_id, ordinal, task_id, task_name, language, used"
_COUNT_ASSETS = "(SELECT count(*) FROM assets WHERE session_id = :id) AS assets"
_ASSET_COLUMNS = "id, session_id, origin, filename, hash, info"
# Seconds; reads within this time do not update `used` again.
_TOUCH_INTERVAL = 3600.0


class SessionRecord(msgspec.Struct, frozen=True):
    """An editing session; `ordinal` counts the sessions of its token from 1.

    `used` is the real time of its last use, precise to the hour for reads.
    """

    id: str
    token_id: int
    ordinal: int
    task_id: str
    task_name: str
    language: str
    used: float = 0.0


class SessionStamp(msgspec.Struct, frozen=True):
    """The newest version of a session's draft, and its number of assets.

    Both only rise: if they are equal, draft and media are the same.
    """

    version: int
    assets: int


class _VersionRow(msgspec.Struct, frozen=True):
    number: int
    turn: int | None
    undo_to: int | None
    redo_to: int | None
    assets: int = 0


class _DraftCache:
    """Parsed drafts by session and version: a turn reads one many times, and none ever changes."""

    def __init__(self) -> None:
        self._drafts: OrderedDict[tuple[int, str, int], Draft] = OrderedDict()

    def get(self, key: tuple[int, str, int]) -> Draft | None:
        draft = self._drafts.get(key)
        if draft is not None:
            self._drafts.move_to_end(key)
        return draft

    def put(self, key: tuple[int, str, int], draft: Draft) -> None:
        self._drafts[key] = draft
        if len(self._drafts) > _CACHED_DRAFTS:
            self._drafts.popitem(last=False)

    def discard(self, key: tuple[int, str, int]) -> None:
        self._drafts.pop(key, None)


class SessionRepository:
    """The sessions of all tokens; a token sees only its own."""

    def __init__(self, store: Store, clock: Clock) -> None:
        self._store = store
        self._clock = clock
        self._draft_cache = _DraftCache()

    def create(self, token: TokenRecord, task_name: str, language: str) -> SessionRecord:
        """Create a session with an empty draft."""
        with self._store.transaction():
            # Not a count: older ones may be deleted, and random draws depend on the ordinal.
            newest = self._store.fetch_value(
                "SELECT max(ordinal) FROM sessions WHERE token_id = :token", token=token.id
            )
            session = SessionRecord(
                ids.new_session_id(),
                token.id,
                (newest or 0) + 1,
                ids.new_task_id(),
                self._store.known_tokens.redact(task_name),
                self._store.known_tokens.redact(language),
                self._store.wall_clock.time(),
            )
            self._store.execute(
                f"""INSERT INTO sessions ({_COLUMNS}, created) VALUES
                    (:id, :token_id, :ordinal, :task_id, :task_name, :language, :used, :created)""",
                **msgspec.structs.asdict(session),
                created=self._clock.time(),
            )
            self.add_version(session.id, DraftVersion(1, Draft(tracks=(), duration_ms=0)))
        return session

    def find(self, token: TokenRecord, session_id: str) -> SessionRecord:
        """A session of this token; raises 1002 for any other (SES-3, GEN-7)."""
        session = self._store.fetch_one(
            SessionRecord,
            f"SELECT {_COLUMNS} FROM sessions WHERE id = :id AND token_id = :token",
            id=session_id,
            token=token.id,
        )
        if session is None:
            raise session_not_found(session_id)
        return session

    def get(self, session_id: str) -> SessionRecord | None:
        """A session of any token: only for holders of a claim token."""
        return self._store.fetch_one(
            SessionRecord, f"SELECT {_COLUMNS} FROM sessions WHERE id = :id", id=session_id
        )

    def touch(self, session: SessionRecord) -> None:
        """Record that a session was read, so that retention does not delete it."""
        if self._store.wall_clock.time() - session.used > _TOUCH_INTERVAL:
            # A failed write must not make the read fail.
            with contextlib.suppress(*STORAGE_ERRORS):
                touch_session(self._store, session.id)

    def touch_all(self) -> None:
        """Record that all sessions were used just now."""
        self._store.execute(
            "UPDATE sessions SET used = max(used, :now)", now=self._store.wall_clock.time()
        )

    def newest_draft(self, session_id: str) -> Draft:
        """The newest version of a session's draft."""
        return self.newest_and_stamp(session_id)[0].draft

    def newest_draft_json(self, session_id: str) -> str:
        """The newest draft as JSON in its wire form."""
        text: str = self._store.fetch_value(
            "SELECT draft FROM drafts WHERE session_id = :id ORDER BY version DESC LIMIT 1",
            id=session_id,
        )
        return text

    def newest_and_stamp(self, session_id: str) -> tuple[DraftVersion, SessionStamp]:
        """The newest version of a session's draft, and the stamp of the session."""
        row = self._version_row(
            f", {_COUNT_ASSETS} FROM drafts WHERE session_id = :id ORDER BY version DESC LIMIT 1",
            id=session_id,
        )
        return self._version(session_id, row), SessionStamp(row.number, row.assets)

    def stamp(self, session_id: str) -> SessionStamp:
        """The stamp of a session."""
        stamp = self._store.fetch_one(
            SessionStamp,
            f"""SELECT (SELECT max(version) FROM drafts WHERE session_id = :id) AS version,
                {_COUNT_ASSETS}""",
            id=session_id,
        )
        assert stamp is not None  # a SELECT without FROM always has a row
        return stamp

    def get_version(self, session_id: str, number: int) -> DraftVersion:
        """A version that exists."""
        row = self._version_row(
            "FROM drafts WHERE session_id = :id AND version = :version",
            id=session_id,
            version=number,
        )
        return self._version(session_id, row)

    def _version_row(self, source: str, **values: Any) -> _VersionRow:
        columns = "version AS number, turn, undo_to, redo_to"
        row = self._store.fetch_one(_VersionRow, f"SELECT {columns} {source}", **values)
        assert row is not None  # versions are never deleted
        return row

    def _version(self, session_id: str, row: _VersionRow) -> DraftVersion:
        draft = self._draft(session_id, row.number)
        return DraftVersion(row.number, draft, row.turn, row.undo_to, row.redo_to)

    def _draft(self, session_id: str, number: int) -> Draft:
        key = (self._store.restores, session_id, number)
        draft = self._draft_cache.get(key)
        if draft is None:
            text = self._store.fetch_value(
                "SELECT draft FROM drafts WHERE session_id = :id AND version = :version",
                id=session_id,
                version=number,
            )
            draft = draft_from_wire(decode_json(text))
            self._draft_cache.put(key, draft)
        return draft

    def add_version(self, session_id: str, version: DraftVersion) -> None:
        """Add a version, which is the newest from now on."""
        wire = draft_to_wire(version.draft)
        stored = self._store.known_tokens.redact_json(wire)
        text = encode_json(stored).decode()
        key = (self._store.restores, session_id, version.number)
        # The version may replace one of a transaction that was rolled back.
        if stored == wire:
            self._draft_cache.put(key, version.draft)
        else:
            self._draft_cache.discard(key)
        self._store.execute(
            """INSERT INTO drafts (session_id, version, draft, turn, created, undo_to, redo_to)
               VALUES (:id, :number, :draft, :turn, :created, :undo_to, :redo_to)""",
            id=session_id,
            number=version.number,
            draft=text,
            turn=version.turn,
            created=self._clock.time(),
            undo_to=version.undo_to,
            redo_to=version.redo_to,
        )
        self._store.changes.note("session", session_id)


def touch_session(store: Store, session_id: str) -> None:
    """Record that something was done in a session."""
    store.execute(
        "UPDATE sessions SET used = max(used, :now) WHERE id = :id",
        id=session_id,
        now=store.wall_clock.time(),
    )


class Asset(msgspec.Struct, frozen=True):
    """A media file of a session, uploaded or generated; `hash` is the SHA-256 of its content."""

    id: str
    session_id: str
    origin: AssetOrigin
    filename: str
    hash: str
    info: MediaInfo

    @property
    def stored_name(self) -> str:
        """The name on disk and in URLs, which users cannot choose."""
        return f"{self.id}.{self.info.extension}"

    def to_reply(self, base_url: str) -> FileReply:
        """The file as the contract shows it (UPL-2)."""
        return FileReply(
            filename=self.filename,
            file_type=self.info.kind,
            cdn_url=f"{base_url}{CDN_PATH}/media/{self.stored_name}",
            duration=round(self.info.duration, 3),
            width=self.info.width,
            height=self.info.height,
            fps=round(self.info.fps, 3),
            hash=self.hash,
            warnings=self.info.left_out or msgspec.UNSET,
        )


class AssetRepository:
    """The media files of all sessions."""

    def __init__(self, store: Store, clock: Clock) -> None:
        self._store = store
        self._clock = clock

    def add(self, received: list[tuple[Asset, Path]]) -> None:
        """Move files to the media folder and add them to their sessions, all or none (UPL-5)."""
        added = 0
        try:
            with self._store.transaction():
                for asset, path in received:
                    same = self._find_same_content(asset, path)
                    self._insert(asset)
                    if same is not None and _link(same, self.file_path(asset)):
                        path.unlink()
                    else:
                        path.replace(self.file_path(asset))
                        added += self.file_path(asset).stat().st_size
        except BaseException:
            for asset, _ in received:
                self.file_path(asset).unlink(missing_ok=True)
            raise
        self._store.on_growth(added)

    def _find_same_content(self, asset: Asset, path: Path) -> Path | None:
        """A stored file with the same content, so that equal uploads are stored once."""
        if not asset.hash:
            return None
        # The newest has fewer hard links if an older one has all that the file system allows.
        row = self._store.fetch_one(
            dict[str, Any],
            f"""SELECT {_ASSET_COLUMNS} FROM assets
                WHERE hash = :hash ORDER BY rowid DESC LIMIT 1""",
            hash=asset.hash,
        )
        stored = None if row is None else self.file_path(_asset(row))
        with contextlib.suppress(OSError):
            # A stored file that somebody has truncated is not the same.
            if stored is not None and stored.lstat().st_size == path.stat().st_size:
                return stored
        return None

    def list_for_session(self, session_id: str) -> list[Asset]:
        """The media files of a session in the order in which they were added."""
        rows = self._store.fetch_all(
            dict[str, Any],
            f"SELECT {_ASSET_COLUMNS} FROM assets WHERE session_id = :session ORDER BY rowid",
            session=session_id,
        )
        return [_asset(row) for row in rows]

    def get(self, asset_id: str) -> Asset | None:
        """A media file of any session: only for the control API."""
        row = self._store.fetch_one(
            dict[str, Any], f"SELECT {_ASSET_COLUMNS} FROM assets WHERE id = :id", id=asset_id
        )
        return None if row is None else _asset(row)

    def render_sources(self, session_id: str) -> dict[str, MediaSource]:
        """The sources for a render of this session, by asset id."""
        return self.sources_of(self.list_for_session(session_id))

    def sources_of(self, assets: Iterable[Asset]) -> dict[str, MediaSource]:
        """These assets as sources for a render, by asset id."""
        return {asset.id: MediaSource(self.file_path(asset), asset.info) for asset in assets}

    def file_path(self, asset: Asset) -> Path:
        """The path of a media file."""
        return self._store.media_path(asset.stored_name)

    def _insert(self, asset: Asset) -> None:
        # A reset may have deleted the session while the file was received.
        if not self._store.fetch_value(
            "SELECT 1 FROM sessions WHERE id = :id", id=asset.session_id
        ):
            raise session_not_found(asset.session_id)
        fields = msgspec.structs.asdict(asset)
        fields["info"] = encode_json(asset.info).decode()
        fields["filename"] = self._store.known_tokens.redact(asset.filename)
        self._store.execute(
            f"""INSERT INTO assets ({_ASSET_COLUMNS}, created)
                VALUES (:id, :session_id, :origin, :filename, :hash, :info, :created)""",
            **fields,
            created=self._clock.time(),
        )
        touch_session(self._store, asset.session_id)
        self._store.changes.note("session", asset.session_id)


def _link(stored: Path, new: Path) -> bool:
    """Create a hard link to a stored file; False if that is not possible."""
    try:
        os.link(stored, new, follow_symlinks=False)
    except (OSError, NotImplementedError):  # no hard links here, or too many of this file
        return False
    return True


def _asset(row: dict[str, Any]) -> Asset:
    return Asset(**{**row, "info": decode_json(row["info"], type=MediaInfo)})
