"""The workbench: what lies before the agent in a session, and what it would be after some edits."""

from collections.abc import Mapping
from pathlib import Path

from nemolocal_contract.draft import Draft
from nemolocal_render.media import MediaInfo
from nemolocal_render.plan import DraftRejected, Source, plan_render

from .agent.edits import CannotEdit, Material, Media, apply_edits, placed_unasked
from .agent.edits.material import PENDING
from .agent.history import Version, versions_after
from .agent.intents import Edit
from .agent.timeline import length_of
from .assets import Asset
from .core import Core
from .sessions import Session

_NO_TURN = 0
# Seconds: more than any draft can show of a source.
_LONGEST = 36_000.0
# Stands for what will be made as long as it is needed.
_UNMADE = Source(Path(PENDING), MediaInfo("video", "mp4", _LONGEST, 1280, 720, 30.0))


class Workbench:
    """Drafts and media of sessions, as the agent needs them."""

    def __init__(self, core: Core) -> None:
        self._core = core

    def material(self, session: Session, made: Mapping[Edit, str] | None = None) -> Material:
        """What was uploaded and generated, in order; `made` is what edits had made."""
        assets = self._core.assets.of_session(session.id)
        return Material(
            uploads=tuple(_media(asset) for asset in assets if asset.origin == "upload"),
            generated=tuple(_media(asset) for asset in assets if asset.origin == "generated"),
            made=made or {},
        )

    def versions(
        self,
        session: Session,
        newest: Version,
        edits: tuple[Edit, ...],
        turn: int,
        made: Mapping[Edit, str],
    ) -> list[Version]:
        """The versions that these edits add to the newest one; raises `CannotEdit`."""
        material, sessions = self.material(session, made), self._core.sessions
        return versions_after(
            edits,
            newest,
            turn,
            find=lambda number: sessions.version(session.id, number),
            apply=lambda some, draft: apply_edits(some, draft, material),
            place=lambda some, draft: placed_unasked(some, draft, material),
        )

    def require_export(self, session: Session, before: Draft, after: Draft) -> None:
        """Refuse an edit after which a draft can no longer be exported; raises `CannotEdit`.

        A timeline that is empty can be filled again, and one that could not be exported before is
        not the doing of this edit.
        """
        sources = {**self._core.assets.sources(session.id), PENDING: _UNMADE}
        objection = _objection(after, sources)
        if objection is not None and _objection(before, sources) is None:
            raise CannotEdit("cannot_export", reason=objection.reason)

    def foresee(self, session: Session, newest: Version, edits: tuple[Edit, ...]) -> Draft:
        """The draft as it will be, before anything is made for it; raises `CannotEdit`."""
        if not edits:
            return newest.draft
        return self.versions(session, newest, edits, _NO_TURN, {})[-1].draft


def _objection(draft: Draft, sources: Mapping[str, Source]) -> DraftRejected | None:
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
