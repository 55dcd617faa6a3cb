"""Everything that one client did, in order, with what judges ask of it."""

import bisect
import functools
from collections.abc import Callable, Hashable, Iterable, Iterator, Sequence

from nemolocal_contract.endpoints import CLAIM_PAGE, CONTROL_PREFIX, endpoints
from nemolocal_contract.journal import Entry

from .client_export import ClientExport, exports_of
from .client_turn import ClientTurn, turn_of
from .recorded_call import RecordedCall, url_path
from .time_scale import TimeScale

_CONTRACT_ENDPOINTS = {
    name
    for name, endpoint in endpoints().items()
    if not endpoint.template.startswith(CONTROL_PREFIX) and endpoint is not CLAIM_PAGE
}
_ACTING_ENDPOINTS = ("chat", "upload", "render")
"""Endpoints that do something to a session; all others look."""


class ClientLog:
    """The acts of one client.

    `whole` says that nothing is missing from the journal, `endings` that it tells how each
    reply ended: an archive of somebody else does not.
    """

    def __init__(
        self,
        entries: Iterable[Entry],
        time_scale: TimeScale,
        *,
        whole: bool = True,
        endings: bool = True,
    ) -> None:
        ordered = sorted(entries, key=lambda entry: (entry.started, entry.id))
        self.all_calls = tuple(map(RecordedCall, ordered))
        self.time_scale = time_scale
        self.is_complete = whole
        self.has_endings = endings

    def calls_to(self, *endpoints: str) -> tuple[RecordedCall, ...]:
        """The acts on these endpoints, in order."""
        return tuple(act for act in self.all_calls if act.endpoint in endpoints)

    @functools.cached_property
    def contract_calls(self) -> tuple[RecordedCall, ...]:
        """The acts on endpoints of the contract; the page of a claim link is a browser's."""
        return tuple(act for act in self.all_calls if act.endpoint in _CONTRACT_ENDPOINTS)

    @functools.cached_property
    def turns(self) -> tuple[ClientTurn, ...]:
        """The turns that were begun, in order."""
        return tuple(turn for act in self.all_calls if (turn := turn_of(act)) is not None)

    @functools.cached_property
    def exports(self) -> tuple[ClientExport, ...]:
        """The exports that were submitted, in order."""
        return exports_of(self.all_calls)

    def calls_after(self, call: RecordedCall) -> Iterator[RecordedCall]:
        """The acts that began when this one had ended."""
        places = range(self._positions[call] + 1, len(self.all_calls))
        later = (self.all_calls[place] for place in places)
        return (other for other in later if other.entry.started >= call.entry.ended)

    def calls_between(self, first: RecordedCall, last: RecordedCall) -> tuple[RecordedCall, ...]:
        """The acts that began after the first of these and before the last."""
        return self.all_calls[self._positions[first] + 1 : self._positions[last]]

    def calls_in_session(self, session: str) -> tuple[RecordedCall, ...]:
        """The acts that are about a session."""
        return self._sessions.get(session, ())

    def file_downloads(self, path: str) -> tuple[RecordedCall, ...]:
        """The downloads of a file by its own path."""
        return self._files.get(path, ())

    def fallback_downloads(self, render: str) -> tuple[RecordedCall, ...]:
        """The downloads of an export by its id (REN-8)."""
        return self._fallbacks.get(render, ())

    def state_reads_after(
        self, turn: ClientTurn
    ) -> tuple[tuple[RecordedCall, ...], RecordedCall | None]:
        """The looks at the state after a turn, and what the client did to the session next."""
        reads: list[RecordedCall] = []
        acts = self.calls_in_session(turn.session_id)
        for place in range(self._position_in(acts, turn.call) + 1, len(acts)):
            act = acts[place]
            if act.entry.started < turn.ended:
                continue
            if act.endpoint in _ACTING_ENDPOINTS:
                return tuple(reads), act
            if act.endpoint == "state":
                reads.append(act)
        return tuple(reads), None

    def has_draft_changed(self, turn: ClientTurn, read: RecordedCall) -> bool | None:
        """Whether a look at the state shows another draft than before the turn; None: unknown."""
        before, after = turn.call.entry.draft_before, read.entry.draft_after
        if before is not None and after is not None and before != after:
            return True
        base = self._last_read_before(turn)
        if base is not None and base.state is not None and read.state is not None:
            return bool(base.state != read.state)
        return None if before is None or after is None else False

    def _last_read_before(self, turn: ClientTurn) -> RecordedCall | None:
        """The last look at the state before a turn."""
        acts = self.calls_in_session(turn.session_id)
        for place in range(self._position_in(acts, turn.call) - 1, -1, -1):
            act = acts[place]
            if act.endpoint == "state" and act.is_ok and act.entry.ended <= turn.call.entry.started:
                return act
        return None

    def next_by_key(
        self, key: Callable[[RecordedCall], Hashable]
    ) -> Callable[[RecordedCall], RecordedCall | None]:
        """Finds the next act that `key` makes the same of, begun when this one had ended."""
        alike: dict[Hashable, list[RecordedCall]] = {}
        for call in self.all_calls:
            alike.setdefault(key(call), []).append(call)

        def find(call: RecordedCall) -> RecordedCall | None:
            acts = alike[key(call)]
            first = self._position_in(acts, call) + 1
            later = (acts[place] for place in range(first, len(acts)))
            return next((o for o in later if o.entry.started >= call.entry.ended), None)

        return find

    def _position_in(self, calls: Sequence[RecordedCall], call: RecordedCall) -> int:
        """Where an act stands among some that are in order."""
        return bisect.bisect_left(calls, self._positions[call], key=self._positions.__getitem__)

    @functools.cached_property
    def _positions(self) -> dict[RecordedCall, int]:
        return {act: place for place, act in enumerate(self.all_calls)}

    @functools.cached_property
    def _sessions(self) -> dict[str, tuple[RecordedCall, ...]]:
        return _group_by(
            (act for act in self.all_calls if act.session_id), lambda act: act.session_id
        )

    @functools.cached_property
    def _files(self) -> dict[str, tuple[RecordedCall, ...]]:
        others = (act for act in self.all_calls if not act.endpoint)
        return _group_by(others, lambda act: url_path(act.entry.url))

    @functools.cached_property
    def _fallbacks(self) -> dict[str, tuple[RecordedCall, ...]]:
        return _group_by(self.calls_to("render_download"), lambda act: act.render_id)


def _group_by(
    calls: Iterable[RecordedCall], name: Callable[[RecordedCall], str]
) -> dict[str, tuple[RecordedCall, ...]]:
    """Acts by a name of theirs, each in order."""
    found: dict[str, list[RecordedCall]] = {}
    for act in calls:
        found.setdefault(name(act), []).append(act)
    return {key: tuple(alike) for key, alike in found.items()}
