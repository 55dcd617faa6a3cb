"""Everything that one client did, in order, with what judges ask of it."""

import bisect
import functools
from collections.abc import Callable, Hashable, Iterable, Iterator, Sequence

from nemolocal_contract.endpoints import CLAIM_PAGE, CONTROL, endpoints
from nemolocal_contract.journal import Entry

from .act import Act, file_path
from .render import Render, renders_of
from .tempo import Tempo
from .turn import Turn, turn_of

_CALLS = {
    name
    for name, endpoint in endpoints().items()
    if not endpoint.template.startswith(CONTROL) and endpoint is not CLAIM_PAGE
}
_DOES = ("chat", "upload", "render")
"""Endpoints that do something to a session; all others look."""


class Record:
    """The acts of one client.

    `whole` says that nothing is missing from the journal, `endings` that it tells how each
    reply ended: an archive of somebody else does not.
    """

    def __init__(
        self, entries: Iterable[Entry], tempo: Tempo, *, whole: bool = True, endings: bool = True
    ) -> None:
        ordered = sorted(entries, key=lambda entry: (entry.started, entry.id))
        self.acts = tuple(map(Act, ordered))
        self.tempo = tempo
        self.whole = whole
        self.endings = endings

    def of(self, *endpoints: str) -> tuple[Act, ...]:
        """The acts on these endpoints, in order."""
        return tuple(act for act in self.acts if act.endpoint in endpoints)

    @functools.cached_property
    def calls(self) -> tuple[Act, ...]:
        """The acts on endpoints of the contract; the page of a claim link is a browser's."""
        return tuple(act for act in self.acts if act.endpoint in _CALLS)

    @functools.cached_property
    def turns(self) -> tuple[Turn, ...]:
        """The turns that were begun, in order."""
        return tuple(turn for act in self.acts if (turn := turn_of(act)) is not None)

    @functools.cached_property
    def renders(self) -> tuple[Render, ...]:
        """The exports that were submitted, in order."""
        return renders_of(self.acts)

    def after(self, act: Act) -> Iterator[Act]:
        """The acts that began when this one had ended."""
        places = range(self._places[act] + 1, len(self.acts))
        later = (self.acts[place] for place in places)
        return (other for other in later if other.entry.started >= act.entry.ended)

    def between(self, first: Act, last: Act) -> tuple[Act, ...]:
        """The acts that began after the first of these and before the last."""
        return self.acts[self._places[first] + 1 : self._places[last]]

    def of_session(self, session: str) -> tuple[Act, ...]:
        """The acts that are about a session."""
        return self._sessions.get(session, ())

    def of_file(self, path: str) -> tuple[Act, ...]:
        """The downloads of a file by its own path."""
        return self._files.get(path, ())

    def of_fallback(self, render: str) -> tuple[Act, ...]:
        """The downloads of an export by its id (REN-8)."""
        return self._fallbacks.get(render, ())

    def reads_after(self, turn: Turn) -> tuple[tuple[Act, ...], Act | None]:
        """The looks at the state after a turn, and what the client did to the session next."""
        reads: list[Act] = []
        acts = self.of_session(turn.session)
        for place in range(self._place_in(acts, turn.act) + 1, len(acts)):
            act = acts[place]
            if act.entry.started < turn.ended:
                continue
            if act.endpoint in _DOES:
                return tuple(reads), act
            if act.endpoint == "state":
                reads.append(act)
        return tuple(reads), None

    def changed(self, turn: Turn, read: Act) -> bool | None:
        """Whether a look at the state shows another draft than before the turn; None: unknown."""
        before, after = turn.act.entry.draft_before, read.entry.draft_after
        if before is not None and after is not None and before != after:
            return True
        base = self._base_of(turn)
        if base is not None and base.state is not None and read.state is not None:
            return bool(base.state != read.state)
        return None if before is None or after is None else False

    def _base_of(self, turn: Turn) -> Act | None:
        """The last look at the state before a turn."""
        acts = self.of_session(turn.session)
        for place in range(self._place_in(acts, turn.act) - 1, -1, -1):
            act = acts[place]
            if act.endpoint == "state" and act.ok and act.entry.ended <= turn.act.entry.started:
                return act
        return None

    def next_with(self, key: Callable[[Act], Hashable]) -> Callable[[Act], Act | None]:
        """Finds the next act that `key` makes the same of, begun when this one had ended."""
        alike: dict[Hashable, list[Act]] = {}
        for act in self.acts:
            alike.setdefault(key(act), []).append(act)

        def find(act: Act) -> Act | None:
            acts = alike[key(act)]
            first = self._place_in(acts, act) + 1
            later = (acts[place] for place in range(first, len(acts)))
            return next((o for o in later if o.entry.started >= act.entry.ended), None)

        return find

    def _place_in(self, acts: Sequence[Act], act: Act) -> int:
        """Where an act stands among some that are in order."""
        return bisect.bisect_left(acts, self._places[act], key=self._places.__getitem__)

    @functools.cached_property
    def _places(self) -> dict[Act, int]:
        return {act: place for place, act in enumerate(self.acts)}

    @functools.cached_property
    def _sessions(self) -> dict[str, tuple[Act, ...]]:
        return _by((act for act in self.acts if act.session), lambda act: act.session)

    @functools.cached_property
    def _files(self) -> dict[str, tuple[Act, ...]]:
        others = (act for act in self.acts if not act.endpoint)
        return _by(others, lambda act: file_path(act.entry.url))

    @functools.cached_property
    def _fallbacks(self) -> dict[str, tuple[Act, ...]]:
        return _by(self.of("render_download"), lambda act: act.render)


def _by(acts: Iterable[Act], name: Callable[[Act], str]) -> dict[str, tuple[Act, ...]]:
    """Acts by a name of theirs, each in order."""
    found: dict[str, list[Act]] = {}
    for act in acts:
        found.setdefault(name(act), []).append(act)
    return {key: tuple(alike) for key, alike in found.items()}
