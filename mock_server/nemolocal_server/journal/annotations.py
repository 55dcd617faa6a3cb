"""What endpoints know about a request beyond its bytes, gathered while it is answered."""

from collections.abc import Iterable
from itertools import islice

from starlette.types import Scope

from nemolocal_contract.journal import Credits, TurnEntry

from .state_lookup import StateLookup

_KEY = "nemolocal.truth"
# Of fields that a client made up.
_MOST_NAMES = 20

# Left in a scope by the faults: the names of those in force, and that one has cut the connection.
FAULTS_KEY = "nemolocal.faults"
CUT_KEY = "nemolocal.cut"
# Left in a scope for them: writes the entry, before the client sees the cut and asks for it.
CLOSE_KEY = "nemolocal.close_entry"


class RequestAnnotations:
    """Made by the journal's middleware for every request, filled by whoever learns something."""

    def __init__(self, evidence: StateLookup) -> None:
        self._state_lookup = evidence
        self._token_id: int | None = None
        self.session_id: str | None = None
        self.render_id: str | None = None
        self.turn: TurnEntry | None = None
        self.credits_before: Credits | None = None
        self.credits_after: Credits | None = None
        self.draft_before: str | None = None
        self.draft_after: str | None = None
        self.unknown: tuple[str, ...] = ()

    def set_token(self, token_id: int, *, fresh: bool = False) -> None:
        """The request is this token's; `fresh` if it made the token."""
        if self._token_id is None and not fresh:
            self.credits_before = self._state_lookup.credits(token_id)
        self._token_id = token_id

    def set_session(self, session_id: str, *, fresh: bool = False) -> None:
        """The request is about this session; `fresh` if it opened the session."""
        if self.session_id is None and not fresh:
            self.draft_before = self._state_lookup.newest_draft_hash(session_id)
        self.session_id = session_id

    def set_render(self, render_id: str) -> None:
        """The request is about this render, by the id that the client gave it."""
        self.render_id = render_id

    def set_unknown_fields(self, names: Iterable[str]) -> None:
        """The request has fields that nobody here knows, and that were left aside."""
        self.unknown = tuple(islice(names, _MOST_NAMES))

    def set_turn(self, number: int, edits: int) -> None:
        """The request began this turn of its session, with so many edits."""
        self.turn = TurnEntry(number, edits)

    def finish(self) -> None:
        """The last byte leaves: what the store says now is what there was after it."""
        if self._token_id is not None:
            self.credits_after = self._state_lookup.credits(self._token_id)
        if self.session_id is not None:
            self.draft_after = self._state_lookup.newest_draft_hash(self.session_id)


def start_annotations(scope: Scope, evidence: StateLookup) -> RequestAnnotations:
    """A truth for this request, for everybody who has its scope."""
    truth = scope[_KEY] = RequestAnnotations(evidence)
    return truth


def annotations_of(scope: Scope) -> RequestAnnotations:
    """The truth of this request."""
    truth: RequestAnnotations = scope[_KEY]
    return truth
