"""The workbench: what lies before the agent in a session, and what it would be after some edits."""

from collections.abc import Mapping

from nemolocal_contract.draft import Draft

from .agent.edits import Material, Media, apply_edits
from .agent.history import Version, versions_after
from .agent.intents import Edit
from .assets import Asset
from .core import Core
from .sessions import Session

_NO_TURN = 0


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
        )

    def foresee(self, session: Session, newest: Version, edits: tuple[Edit, ...]) -> Draft:
        """The draft as it will be, before anything is made for it; raises `CannotEdit`."""
        if not edits:
            return newest.draft
        return self.versions(session, newest, edits, _NO_TURN, {})[-1].draft


def _media(asset: Asset) -> Media:
    kind, length = asset.info.kind, int(asset.info.duration * 1000)
    # Whatever plays lasts; only a still lasts no time.
    return Media(asset.id, asset.filename, kind, length if kind == "image" else max(length, 1))
