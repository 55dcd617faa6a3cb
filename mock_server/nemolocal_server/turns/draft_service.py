"""The drafts and media of a session: previews and commits of edits."""

from collections.abc import Mapping, Sequence
from itertools import chain, groupby
from pathlib import Path

import msgspec

from nemolocal_agent import (
    PENDING,
    Analysis,
    AnalysisRequest,
    DraftVersion,
    Edit,
    EditRejected,
    Media,
    MediaPool,
    PlannedToolCall,
    apply_edits,
    build_versions,
    group_edits,
    has_length,
    place_uploads_if_empty,
    plan_tool_calls,
)
from nemolocal_agent.intents import Redo, Undo
from nemolocal_agent.tool_calls import is_undo_or_redo
from nemolocal_contract.draft import Draft
from nemolocal_contract.media import EXTRA_EXTENSIONS
from nemolocal_render.media import MediaInfo
from nemolocal_render.planning.planner import DraftRejected, MediaSource, plan_render

from ..context import ServerContext
from ..data.sessions import Asset, SessionRecord, SessionRepository, SessionStamp
from .content_analyzer import ContentAnalyzer

# Seconds: longer than any clip of a draft.
_LONGEST = 36_000.0
# Stands for media that will be generated as long as they need to be.
_PENDING_SOURCE = MediaSource(Path(PENDING), MediaInfo("video", "mp4", _LONGEST, 1280, 720, 30.0))


class StagePreview(msgspec.Struct, frozen=True):
    """What one stage of a turn does to a session in the state `stamp`.

    `pool` are the media of the session, `versions` those that the stage adds, `calls` its tool
    calls. Media that are still to be generated have the id `PENDING`.
    """

    stamp: SessionStamp
    pool: MediaPool
    base: DraftVersion
    versions: tuple[DraftVersion, ...]
    calls: tuple[PlannedToolCall, ...]

    @property
    def newest(self) -> DraftVersion:
        """The current version after the stage."""
        return self.versions[-1] if self.versions else self.base


class DraftService:
    """Applies edits to the drafts of sessions."""

    def __init__(self, context: ServerContext, analyzer: ContentAnalyzer | None = None) -> None:
        self._context = context
        self._analyzer = analyzer or ContentAnalyzer(context)

    def preview(
        self, session: SessionRecord, stages: Sequence[tuple[Edit, ...]], turn: int
    ) -> list[StagePreview]:
        """Return what each stage of a turn will do; raises `EditRejected`."""
        newest, stamp = self._context.sessions.newest_and_stamp(session.id)
        assets = self._context.assets.list_for_session(session.id)
        analyses = self._analyzer.results(assets, chain.from_iterable(stages))
        before, pool = newest.draft, _media_pool(assets, analyses=analyses)
        previews: list[StagePreview] = []
        for edits in stages:
            builder = _StageBuilder(self._context.sessions, session, pool)
            previews.append(builder.build(edits, stamp, newest, turn))
            newest = previews[-1].newest
        self._require_exportable(assets, before, newest.draft)
        return previews

    def renew_preview(
        self,
        session: SessionRecord,
        edits: tuple[Edit, ...],
        turn: int,
        preview: StagePreview | None,
    ) -> StagePreview:
        """Return the preview if it is still current, else a new one; raises `EditRejected`."""
        return self._if_current(session, preview) or self._build(session, edits, turn, {})[0]

    def commit(
        self,
        session: SessionRecord,
        edits: tuple[Edit, ...],
        turn: int,
        asset_ids: Mapping[Edit, str],
        preview: StagePreview | None,
    ) -> None:
        """Store the versions that these edits create; `asset_ids` are their generated media.

        A preview that is still current is used as it is. Raises `EditRejected`.
        """
        stage = None if asset_ids else self._if_current(session, preview)
        if stage is None:
            stage, assets = self._build(session, edits, turn, asset_ids)
            self._require_exportable(assets, stage.base.draft, stage.newest.draft)
        for version in stage.versions:
            self._context.sessions.add_version(session.id, version)

    def _if_current(
        self, session: SessionRecord, preview: StagePreview | None
    ) -> StagePreview | None:
        """Return the preview unless the draft or the media of the session have changed since."""
        if preview is None or preview.stamp != self._context.sessions.stamp(session.id):
            return None
        return preview

    def _build(
        self,
        session: SessionRecord,
        edits: tuple[Edit, ...],
        turn: int,
        asset_ids: Mapping[Edit, str],
    ) -> tuple[StagePreview, list[Asset]]:
        """Return what a stage does to the session now, and the assets of the session."""
        newest, stamp = self._context.sessions.newest_and_stamp(session.id)
        assets = self._context.assets.list_for_session(session.id)
        pool = _media_pool(assets, asset_ids, self._analyzer.results(assets, edits))
        builder = _StageBuilder(self._context.sessions, session, pool)
        return builder.build(edits, stamp, newest, turn), assets

    def _require_exportable(self, assets: Sequence[Asset], before: Draft, after: Draft) -> None:
        """Raise `EditRejected` for an edit after which a draft can no longer be exported.

        An empty timeline can be filled again, and a draft that could not be exported before the
        edit is not its fault.
        """
        sources = {**self._context.assets.sources_of(assets), PENDING: _PENDING_SOURCE}
        rejection = find_rejection(after, sources)
        if rejection is not None and find_rejection(before, sources) is None:
            raise EditRejected("cannot_export", reason=rejection.reason)


class _StageBuilder:
    """Applies the edits of a stage once, and records the draft after each tool call."""

    def __init__(
        self, sessions: SessionRepository, session: SessionRecord, pool: MediaPool
    ) -> None:
        self._sessions = sessions
        self._session = session
        self._pool = pool
        # For each run of edits without undo and redo: the drafts after its calls, and the number
        # of versions that it adds.
        self._runs: list[tuple[list[Draft], int]] = []
        self._is_placed = False

    def build(
        self, edits: tuple[Edit, ...], stamp: SessionStamp, newest: DraftVersion, turn: int
    ) -> StagePreview:
        versions = build_versions(edits, newest, turn, self._find, self._apply, self._place)
        groups = group_edits(edits)
        drafts = [newest.draft, *self._drafts_after(groups, versions)]
        return StagePreview(
            stamp, self._pool, newest, tuple(versions), plan_tool_calls(groups, drafts)
        )

    def _find(self, number: int) -> DraftVersion:
        return self._sessions.get_version(self._session.id, number)

    def _place(self, edits: Sequence[Edit], draft: Draft) -> Draft | None:
        placed = place_uploads_if_empty(edits, draft, self._pool)
        self._is_placed = placed is not None
        return placed

    def _apply(self, edits: Sequence[Edit], draft: Draft) -> Draft:
        drafts: list[Draft] = []
        for group in group_edits(edits):
            draft = apply_edits(group, draft, self._pool)
            drafts.append(draft)
        self._runs.append((drafts, 1 + self._is_placed))
        self._is_placed = False
        return draft

    def _drafts_after(
        self, groups: Sequence[tuple[Edit, ...]], versions: Sequence[DraftVersion]
    ) -> list[Draft]:
        """Return the draft after each group; undo and redo find theirs in the versions."""
        drafts: list[Draft] = []
        runs, done = iter(self._runs), 0
        for is_history, some in groupby(groups, lambda group: is_undo_or_redo(group[0])):
            if not is_history:
                after, count = next(runs)
                drafts += after
                done += count
                continue
            for (edit,) in some:
                assert isinstance(edit, Undo | Redo)
                done += max(edit.steps, 1)
                drafts.append(versions[done - 1].draft)
        return drafts


def _media_pool(
    assets: Sequence[Asset],
    asset_ids: Mapping[Edit, str] | None = None,
    analyses: Mapping[tuple[str, AnalysisRequest], Analysis] | None = None,
) -> MediaPool:
    """The assets of a session as edits see them; `asset_ids` are those of generated media."""
    return MediaPool(
        uploads=tuple(
            _media(asset) for asset in assets if asset.origin == "upload" and not _is_extra(asset)
        ),
        extras=tuple(_media(asset) for asset in assets if _is_extra(asset)),
        generated=tuple(_media(asset) for asset in assets if asset.origin == "generated"),
        asset_ids=asset_ids or {},
        analyses=analyses or {},
    )


def find_rejection(draft: Draft, sources: Mapping[str, MediaSource]) -> DraftRejected | None:
    """Return why the renderer rejects a draft that is not empty."""
    if not draft.ready or not has_length(draft):
        return None
    try:
        plan_render(draft, sources)
    except DraftRejected as error:
        return error
    return None


def _is_extra(asset: Asset) -> bool:
    """Whether it is no media: a color lookup table, or subtitles."""
    return asset.info.kind in EXTRA_EXTENSIONS.values()


def _media(asset: Asset) -> Media:
    kind, length = asset.info.kind, int(asset.info.duration * 1000)
    # Only a still image has the length 0.
    length = length if kind == "image" else max(length, 1)
    info = asset.info
    return Media(asset.id, asset.filename, kind, length, info.has_audio, info.channels)
