"""All calls of one client in order, with the queries that checks need."""

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
"""Endpoints that change a session; all others read."""


class ClientLog:
    """The calls of one client.

    `is_complete` says that no entry is missing from the journal. `has_endings` says that it records
    how each response ended, which a HAR file of other programs does not. `fixed_job` says that the
    client is a program that runs one job without a user, so that it does everything by itself.
    """

    def __init__(
        self,
        entries: Iterable[Entry],
        time_scale: TimeScale,
        *,
        is_complete: bool = True,
        has_endings: bool = True,
        fixed_job: bool = False,
    ) -> None:
        ordered = sorted(entries, key=lambda entry: (entry.started, entry.id))
        self.all_calls = tuple(map(RecordedCall, ordered))
        self.time_scale = time_scale
        self.is_complete = is_complete
        self.has_endings = has_endings
        self.fixed_job = fixed_job

    def calls_to(self, *endpoints: str) -> tuple[RecordedCall, ...]:
        """Return the calls to these endpoints, in order."""
        return tuple(call for call in self.all_calls if call.endpoint in endpoints)

    @functools.cached_property
    def contract_calls(self) -> tuple[RecordedCall, ...]:
        """The calls to endpoints of the contract, without the claim page, which a browser loads."""
        return tuple(call for call in self.all_calls if call.endpoint in _CONTRACT_ENDPOINTS)

    @functools.cached_property
    def turns(self) -> tuple[ClientTurn, ...]:
        """The turns that the server started, in order."""
        return tuple(turn for call in self.all_calls if (turn := turn_of(call)) is not None)

    @functools.cached_property
    def exports(self) -> tuple[ClientExport, ...]:
        """The submitted exports, in order."""
        return exports_of(self.all_calls)

    def position(self, call: RecordedCall) -> int:
        """Return the position of a call in `all_calls`."""
        return self._positions[call]

    def calls_after(self, call: RecordedCall) -> Iterator[RecordedCall]:
        """Return the calls that began after this one had ended."""
        places = range(self._positions[call] + 1, len(self.all_calls))
        later = (self.all_calls[place] for place in places)
        return (other for other in later if other.entry.started >= call.entry.ended)

    def calls_between(self, first: RecordedCall, last: RecordedCall) -> tuple[RecordedCall, ...]:
        """Return the calls that began after `first` and before `last`."""
        return self.all_calls[self._positions[first] + 1 : self._positions[last]]

    def is_automatic(self, seconds: float, limit: float) -> bool:
        """Whether the client did something by itself: within `limit` seconds of the contract.

        What comes later may be the user's. A program with a fixed job has none, however slow it is.
        """
        return self.fixed_job or self.time_scale.is_within(seconds, limit)

    def calls_in_session(self, session: str) -> tuple[RecordedCall, ...]:
        """Return the calls about a session."""
        return self._sessions.get(session, ())

    def file_downloads(self, path: str) -> tuple[RecordedCall, ...]:
        """Return the downloads of a file by its path."""
        return self._files.get(path, ())

    def fallback_downloads(self, render: str) -> tuple[RecordedCall, ...]:
        """Return the downloads of an export by its id (REN-8)."""
        return self._fallbacks.get(render, ())

    def state_reads_after(
        self, turn: ClientTurn
    ) -> tuple[tuple[RecordedCall, ...], RecordedCall | None]:
        """Return the state reads after a turn, and the next call that changes the session."""
        reads: list[RecordedCall] = []
        acts = self.calls_in_session(turn.session_id)
        for place in range(self._position_in(acts, turn.call) + 1, len(acts)):
            call = acts[place]
            if call.entry.started < turn.ended:
                continue
            if call.endpoint in _ACTING_ENDPOINTS:
                return tuple(reads), call
            if call.endpoint == "state":
                reads.append(call)
        return tuple(reads), None

    def has_draft_changed(self, turn: ClientTurn, read: RecordedCall) -> bool | None:
        """Whether a state read shows a draft that the turn changed; None: unknown."""
        before, after = turn.call.entry.draft_before, read.entry.draft_after
        if before is not None and after is not None and before != after:
            return True
        base = self._last_read_before(turn)
        if base is not None and base.state is not None and read.state is not None:
            return bool(base.state != read.state)
        return None if before is None or after is None else False

    def _last_read_before(self, turn: ClientTurn) -> RecordedCall | None:
        """Return the last state read before a turn."""
        acts = self.calls_in_session(turn.session_id)
        for place in range(self._position_in(acts, turn.call) - 1, -1, -1):
            call = acts[place]
            if (
                call.endpoint == "state"
                and call.is_ok
                and call.entry.ended <= turn.call.entry.started
            ):
                return call
        return None

    def next_by_key(
        self, key: Callable[[RecordedCall], Hashable]
    ) -> Callable[[RecordedCall], RecordedCall | None]:
        """Return a function that finds the next call with the same `key` after a call has ended."""
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
        """Return the position of a call in a sorted sequence."""
        return bisect.bisect_left(calls, self._positions[call], key=self._positions.__getitem__)

    @functools.cached_property
    def _positions(self) -> dict[RecordedCall, int]:
        return {call: place for place, call in enumerate(self.all_calls)}

    @functools.cached_property
    def _sessions(self) -> dict[str, tuple[RecordedCall, ...]]:
        return _group_by(
            (call for call in self.all_calls if call.session_id), lambda call: call.session_id
        )

    @functools.cached_property
    def _files(self) -> dict[str, tuple[RecordedCall, ...]]:
        others = (call for call in self.all_calls if not call.endpoint)
        return _group_by(others, lambda call: url_path(call.entry.url))

    @functools.cached_property
    def _fallbacks(self) -> dict[str, tuple[RecordedCall, ...]]:
        return _group_by(self.calls_to("render_download"), lambda call: call.render_id)


def _group_by(
    calls: Iterable[RecordedCall], name: Callable[[RecordedCall], str]
) -> dict[str, tuple[RecordedCall, ...]]:
    """Group calls by a name, each group in order."""
    found: dict[str, list[RecordedCall]] = {}
    for call in calls:
        found.setdefault(name(call), []).append(call)
    return {key: tuple(alike) for key, alike in found.items()}
