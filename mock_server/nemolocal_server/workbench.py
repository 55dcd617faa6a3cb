"""The workbench: what lies before the agent in a session, and what it would be after some edits."""

from nemolocal_contract.draft import Draft

from .agent.edits import Media, apply_edits
from .agent.intents import Edit
from .composer import needs_media
from .core import Core
from .sessions import Session

_PENDING = "pending"


class Workbench:
    """Drafts and uploads of sessions, as the agent needs them."""

    def __init__(self, core: Core) -> None:
        self._core = core

    def uploads(self, session: Session) -> list[Media]:
        """What the user has uploaded, in order."""
        return [
            Media(asset.id, asset.filename, asset.info.kind, int(asset.info.duration * 1000))
            for asset in self._core.assets.of_session(session.id)
            if asset.origin == "upload"
        ]

    def edited(self, session: Session, edits: tuple[Edit, ...], made: dict[Edit, str]) -> Draft:
        """The draft after these edits; raises `CannotEdit`."""
        draft = self._core.sessions.draft(session.id)
        return apply_edits(edits, draft, self.uploads(session), made)

    def foresee(self, session: Session, edits: tuple[Edit, ...]) -> Draft:
        """The draft as it will be, before anything is made for it; raises `CannotEdit`."""
        return self.edited(session, edits, {e: _PENDING for e in edits if needs_media(e)})

    def length_ms(self, session: Session, edits: tuple[Edit, ...]) -> float:
        """How long the timeline will be after these edits."""
        return self.foresee(session, edits).duration_ms or 0
