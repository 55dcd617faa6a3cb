"""Whose is what: the entries of a journal, put together by client.

Entries that share a token, a user, a client id or a session are one client's. A request with none
of them (its token was not known) belongs to the one client that calls in the same way, if there is
only one. Clients that call in the same way, one after the other, are taken for runs of one client:
a new client id in each run shows only so. Where such clients overlap in time they are many.
"""

from collections.abc import Sequence
from itertools import chain, pairwise

from nemolocal_contract.codes import Code
from nemolocal_contract.headers import CLIENT_ID, SKILL_SOURCE
from nemolocal_contract.journal import Entry

from .act import Act, file_path
from .journal import Journal
from .record import Record
from .tempo import Tempo, tempo_of

Group = list[Entry]
_Key = tuple[str, object]
_Way = tuple[str, str]


def records_of(
    journal: Journal,
    *,
    token: int | None = None,
    user: str | None = None,
    speed: float | None = None,
) -> tuple[Record, ...]:
    """The clients of a journal, in the order in which they appeared.

    `token` or `user` picks one of them. `speed` is that of the clock, where it is known.
    """
    tempo = tempo_of(journal.entries) if speed is None else Tempo(speed)
    ordered = sorted((e for e in journal.entries if not _is_refused(e, journal)), key=_began)
    groups = _with_strays(*_joined(ordered))
    if token is None and user is None:
        groups = _runs_of_one(groups)
    else:
        groups = [group for group in groups if any(_is(entry, token, user) for entry in group)]
    groups.sort(key=lambda group: _began(group[0]))
    return tuple(
        Record(group, tempo, whole=journal.whole, endings=journal.endings) for group in groups
    )


def _is_refused(entry: Entry, journal: Journal) -> bool:
    """Whether a server of ours refused it at the door: perhaps a page's, and no call of a client.

    The contract has no such code.
    """
    return journal.truth and entry.code == Code.FORBIDDEN == entry.status


def _began(entry: Entry) -> tuple[float, int]:
    return entry.started, entry.id


def _is(entry: Entry, token: int | None, user: str | None) -> bool:
    return (token is None or entry.token_id == token) and (user is None or entry.user_id == user)


def _joined(entries: Sequence[Entry]) -> tuple[list[Group], list[Entry]]:
    """Entries that are linked, and those that are linked to nothing."""
    links = _Links()
    strays: list[Entry] = []
    for entry in entries:
        act = Act(entry)
        keys = _keys(act)
        if links.lead_somewhere(keys):
            links.add(entry, [*keys, *_offers(act)])
        else:
            strays.append(entry)
    return [sorted(group, key=_began) for group in links.groups.values()], strays


class _Links:
    """Groups of entries by what they are known by."""

    def __init__(self) -> None:
        self.groups: dict[int, Group] = {}
        self._owners: dict[_Key, int] = {}

    def lead_somewhere(self, keys: Sequence[_Key]) -> bool:
        """Whether an entry is known by something; a file is somebody's only if it was given."""
        return any(key[0] != "file" or key in self._owners for key in keys)

    def add(self, entry: Entry, keys: Sequence[_Key]) -> None:
        """Put an entry to those that it is linked with, which become one group."""
        known = sorted({self._owners[key] for key in keys if key in self._owners})
        home = known[0] if known else max(self.groups, default=0) + 1
        group = self.groups.setdefault(home, [])
        group.append(entry)
        for other in known[1:]:
            group += self.groups.pop(other)
            self._owners |= {key: home for key, at in self._owners.items() if at == other}
        self._owners |= dict.fromkeys(keys, home)


def _keys(act: Act) -> list[_Key]:
    """By what an entry is known."""
    if not act.endpoint:
        return [("file", act.path)]
    keys: list[_Key] = []
    if act.token is not None:
        keys.append(("token", act.token))
    if act.entry.user_id:
        keys.append(("user", act.entry.user_id))
    if act.endpoint == "token" and act.client_id:
        keys.append((CLIENT_ID, act.client_id))
    # Who asks for somebody else's session is nobody's friend, unless it was theirs once.
    if act.session and (act.token is None or act.code in (Code.OK, Code.SESSION_NOT_FOUND)):
        keys.append(("session", act.session))
    return keys


def _offers(act: Act) -> list[_Key]:
    """What a reply gives to its client only: the path of a file, a session."""
    found: list[_Key] = [("session", act.new_session)] if act.endpoint == "session" else []
    output = act.status.get("output") if act.endpoint in ("render", "render_status") else None
    url = output.get("url") if isinstance(output, dict) else None
    if isinstance(url, str) and url:
        found.append(("file", file_path(url)))
    return [key for key in found if key[1]]


def _way(entry: Entry) -> _Way:
    """How somebody calls: on whose behalf, and with what."""
    headers = entry.request_headers
    return headers.get(SKILL_SOURCE.lower(), ""), headers.get("user-agent", "")


def _with_strays(groups: list[Group], strays: list[Entry]) -> list[Group]:
    """Each stray with the one client that calls like it; the others, by the way they call."""
    left: dict[_Way, Group] = {}
    alike: dict[_Way, list[Group]] = {}
    for group in groups:
        for way in {_way(entry) for entry in group}:
            alike.setdefault(way, []).append(group)
    for entry in strays:
        homes = alike.get(_way(entry), [])
        home = homes[0] if len(homes) == 1 else left.setdefault(_way(entry), [])
        home.append(entry)
    return [sorted(group, key=_began) for group in (*groups, *left.values())]


def _runs_of_one(groups: list[Group]) -> list[Group]:
    """Clients that call in one way and never at the same time, as one."""
    by_way: dict[_Way, list[Group]] = {}
    for group in groups:
        by_way.setdefault(_way(group[0]), []).append(group)
    found: list[Group] = []
    for alike in by_way.values():
        alike.sort(key=lambda group: _began(group[0]))
        found += [list(chain(*alike))] if _never_at_once(alike) else alike
    return found


def _never_at_once(groups: list[Group]) -> bool:
    spans = [(group[0].started, max(entry.ended for entry in group)) for group in groups]
    return all(before[1] <= after[0] for before, after in pairwise(spans))
