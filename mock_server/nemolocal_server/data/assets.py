"""Media of a session: uploads and what the server generated, each a file under its own id."""

import contextlib
import os
from collections.abc import Iterable
from pathlib import Path
from typing import Literal

import msgspec

from nemolocal_contract.clock import Clock
from nemolocal_contract.responses import FileReply, decode_json, encode_json
from nemolocal_render.media import MediaInfo
from nemolocal_render.planning.planner import MediaSource

from ..errors import session_not_found
from . import data_folder
from .sessions import touch_session
from .store import Store

AssetOrigin = Literal["upload", "generated"]
CDN_PATH = "/cdn"


class Asset(msgspec.Struct, frozen=True):
    """A file that drafts may use; `hash` is the SHA-256 of its content."""

    id: str
    session_id: str
    origin: AssetOrigin
    filename: str
    hash: str
    info: MediaInfo

    @property
    def stored_name(self) -> str:
        """The name on disk and in URLs: never one that a user chose."""
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


class _AssetRow(msgspec.Struct, frozen=True):
    id: str
    session_id: str
    origin: AssetOrigin
    filename: str
    hash: str
    info: str


class AssetRepository:
    """The media of all sessions."""

    def __init__(self, store: Store, clock: Clock) -> None:
        self._store = store
        self._clock = clock

    def add(self, received: list[tuple[Asset, Path]]) -> None:
        """Take files into the media folder and their sessions, all or none (UPL-5)."""
        grown = 0
        try:
            with self._store.transaction():
                for asset, path in received:
                    same = self._same_content(asset, path)
                    self._insert(asset)
                    if same is not None and _link(same, self.file_path(asset)):
                        path.unlink()
                    else:
                        path.replace(self.file_path(asset))
                        grown += self.file_path(asset).stat().st_size
        except BaseException:
            for asset, _ in received:
                self.file_path(asset).unlink(missing_ok=True)
            raise
        self._store.on_growth(grown)

    def _same_content(self, asset: Asset, path: Path) -> Path | None:
        """A file here with the bytes of this one: equal uploads are kept once."""
        if not asset.hash:
            return None
        # The newest: should it have all the links that a file may have, the next one has few.
        row = self._store.fetch_one(
            _AssetRow,
            """SELECT id, session_id, origin, filename, hash, info FROM assets
               WHERE hash = :hash ORDER BY rowid DESC LIMIT 1""",
            hash=asset.hash,
        )
        kept = None if row is None else self.file_path(_asset(row))
        with contextlib.suppress(OSError):
            # One that was cut short by somebody else is no copy.
            if kept is not None and kept.lstat().st_size == path.stat().st_size:
                return kept
        return None

    def list_for_session(self, session_id: str) -> list[Asset]:
        """A session's media in the order in which they came."""
        rows = self._store.fetch_all(
            _AssetRow,
            """SELECT id, session_id, origin, filename, hash, info FROM assets
               WHERE session_id = :session ORDER BY rowid""",
            session=session_id,
        )
        return [_asset(row) for row in rows]

    def render_sources(self, session_id: str) -> dict[str, MediaSource]:
        """What a render of this session may read, by asset id."""
        return self.sources_of(self.list_for_session(session_id))

    def sources_of(self, assets: Iterable[Asset]) -> dict[str, MediaSource]:
        """These assets as a render reads them, by their ids."""
        return {asset.id: MediaSource(self.file_path(asset), asset.info) for asset in assets}

    def file_path(self, asset: Asset) -> Path:
        """Where the file lies."""
        return data_folder.checked_path(self._store.media, asset.stored_name)

    def _insert(self, asset: Asset) -> None:
        # While a file came in, a reset may have forgotten the session that it was for.
        if not self._store.fetch_value(
            "SELECT 1 FROM sessions WHERE id = :id", id=asset.session_id
        ):
            raise session_not_found(asset.session_id)
        fields = msgspec.structs.asdict(asset)
        fields["info"] = encode_json(asset.info).decode()
        fields["filename"] = self._store.known_tokens.redact(asset.filename)
        self._store.execute(
            """INSERT INTO assets (id, session_id, origin, filename, hash, info, created)
               VALUES (:id, :session_id, :origin, :filename, :hash, :info, :created)""",
            **fields,
            created=self._clock.time(),
        )
        touch_session(self._store, asset.session_id)


def _link(kept: Path, new: Path) -> bool:
    """Make a file another name of one that is kept; False where there can be none."""
    try:
        os.link(kept, new, follow_symlinks=False)
    except (OSError, NotImplementedError):  # no hard links here, or no more of this file
        return False
    return True


def _asset(row: _AssetRow) -> Asset:
    fields = msgspec.structs.asdict(row)
    fields["info"] = decode_json(row.info, type=MediaInfo)
    return Asset(**fields)
