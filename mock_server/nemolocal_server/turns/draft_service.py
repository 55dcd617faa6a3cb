"""The workbench: what lies before the agent in a session, and what it would be after some edits."""

from collections.abc import Mapping
from pathlib import Path

from nemolocal_agent import (
    PENDING,
    DraftVersion,
    Edit,
    EditRejected,
    Media,
    MediaPool,
    apply_edits,
    build_versions,
    length_of,
    place_uploads_if_empty,
)
from nemolocal_contract.draft import Draft
from nemolocal_render.media import MediaInfo
from nemolocal_render.planning.planner import DraftRejected, MediaSource, plan_render

from ..context import ServerContext
from ..data.assets import Asset
from ..data.sessions import SessionRecord

_NO_TURN = 0
# Seconds: more than any draft can show of a source.
_LONGEST = 36_000.0
# Stands for what will be made as long as it is needed.
_PENDING_SOURCE = MediaSource(Path(PENDING), MediaInfo("video", "mp4", _LONGEST, 1280, 720, 30.0))


class DraftService:
    """Drafts and media of sessions, as the agent needs them."""

    def __init__(self, core: ServerContext) -> None:
        self._context = core

    def load_media_pool(
        self, session: SessionRecord, made: Mapping[Edit, str] | None = None
    ) -> MediaPool:
        """What was uploaded and generated, in order; `made` is what edits had made."""
        assets = self._context.assets.list_for_session(session.id)
        return MediaPool(
            uploads=tuple(_media(asset) for asset in assets if asset.origin == "upload"),
            generated=tuple(_media(asset) for asset in assets if asset.origin == "generated"),
            asset_ids=made or {},
        )

    def build_versions(
        self,
        session: SessionRecord,
        newest: DraftVersion,
        edits: tuple[Edit, ...],
        turn: int,
        made: Mapping[Edit, str],
    ) -> list[DraftVersion]:
        """The versions that these edits add to the newest one; raises `EditRejected`."""
        material, sessions = self.load_media_pool(session, made), self._context.sessions
        return build_versions(
            edits,
            newest,
            turn,
            find=lambda number: sessions.get_version(session.id, number),
            apply=lambda some, draft: apply_edits(some, draft, material),
            place_uploads=lambda some, draft: place_uploads_if_empty(some, draft, material),
        )

    def require_exportable(self, session: SessionRecord, before: Draft, after: Draft) -> None:
        """Refuse an edit after which a draft can no longer be exported; raises `EditRejected`.

        A timeline that is empty can be filled again, and one that could not be exported before is
        not the doing of this edit.
        """
        sources = {**self._context.assets.render_sources(session.id), PENDING: _PENDING_SOURCE}
        objection = _find_rejection(after, sources)
        if objection is not None and _find_rejection(before, sources) is None:
            raise EditRejected("cannot_export", reason=objection.reason)

    def preview(
        self, session: SessionRecord, newest: DraftVersion, edits: tuple[Edit, ...]
    ) -> Draft:
        """The draft as it will be, before anything is made for it; raises `EditRejected`."""
        if not edits:
            return newest.draft
        return self.build_versions(session, newest, edits, _NO_TURN, {})[-1].draft


def _find_rejection(draft: Draft, sources: Mapping[str, MediaSource]) -> DraftRejected | None:
    """What the renderer has against a draft that is not empty."""
    if not draft.ready or length_of(draft) == 0:
        return None
    try:
        plan_render(draft, sources)
    except DraftRejected as error:
        return error
    return None


def _media(asset: Asset) -> Media:
    kind, length = asset.info.kind, int(asset.info.duration * 1000)
    # Whatever plays lasts; only a still lasts no time.
    length = length if kind == "image" else max(length, 1)
    return Media(asset.id, asset.filename, kind, length, asset.info.has_audio)
