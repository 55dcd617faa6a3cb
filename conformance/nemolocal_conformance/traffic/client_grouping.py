"""Groups the entries of a journal by client.

Entries that share a token, a user, a client id or a session belong to one client. A request with
none of them (its token was unknown) belongs to the only client with the same headers, if there is
just one. Clients with the same headers that never overlap in time count as runs of one client,
since only this shows a new client id in each run. If they overlap, they are different clients.
"""

from collections.abc import Sequence
from itertools import chain, pairwise

from nemolocal_contract.endpoints import CLIENT_ID, SKILL_SOURCE
from nemolocal_contract.journal import Entry
from nemolocal_contract.responses import ResponseCode

from .client_log import ClientLog
from .journal import LoadedJournal
from .recorded_call import RecordedCall, url_path
from .time_scale import TimeScale, time_scale_of

Group = list[Entry]
_Key = tuple[str, object]
_CallerKey = tuple[str, str]


def group_by_client(
    journal: LoadedJournal,
    *,
    token: int | None = None,
    user: str | None = None,
    speed: float | None = None,
    fixed_job: bool = False,
) -> tuple[ClientLog, ...]:
    """Return the clients of a journal in the order of their first call.

    `token` or `user` selects one of them. `speed` is that of the clock, if it is known. With
    `fixed_job` they are programs that run one job without a user.
    """
    time_scale = time_scale_of(journal.entries) if speed is None else TimeScale(speed)
    ordered = sorted((e for e in journal.entries if not _is_forbidden(e, journal)), key=_start_key)
    groups = _with_unlinked(*_linked_groups(ordered))
    if token is None and user is None:
        groups = _merge_sequential_runs(groups)
    else:
        groups = [group for group in groups if any(_matches(entry, token, user) for entry in group)]
    groups.sort(key=lambda group: _start_key(group[0]))
    return tuple(
        ClientLog(
            group,
            time_scale,
            is_complete=journal.is_complete,
            has_endings=journal.has_endings,
            fixed_job=fixed_job,
        )
        for group in groups
    )


def _is_forbidden(entry: Entry, journal: LoadedJournal) -> bool:
    """Whether a local server rejected it with 403: perhaps a web page, not a client's call.

    The contract has no such code.
    """
    return journal.has_server_state and entry.code == ResponseCode.FORBIDDEN == entry.status


def _start_key(entry: Entry) -> tuple[float, int]:
    return entry.started, entry.id


def _matches(entry: Entry, token: int | None, user: str | None) -> bool:
    return (token is None or entry.token_id == token) and (user is None or entry.user_id == user)


def _linked_groups(entries: Sequence[Entry]) -> tuple[list[Group], list[Entry]]:
    """Return groups of linked entries, and the entries that are linked to nothing."""
    links = _GroupIndex()
    unlinked: list[Entry] = []
    for entry in entries:
        call = RecordedCall(entry)
        keys = _keys(call)
        if links.has_known_key(keys):
            links.add(entry, [*keys, *_keys_of_response(call)])
        else:
            unlinked.append(entry)
    return [sorted(group, key=_start_key) for group in links.groups.values()], unlinked


class _GroupIndex:
    """Groups of entries by their keys."""

    def __init__(self) -> None:
        self.groups: dict[int, Group] = {}
        self._owners: dict[_Key, int] = {}

    def has_known_key(self, keys: Sequence[_Key]) -> bool:
        """Whether an entry has a key; a file path counts only if a client was given it."""
        return any(key[0] != "file" or key in self._owners for key in keys)

    def add(self, entry: Entry, keys: Sequence[_Key]) -> None:
        """Add an entry to all groups that it is linked with, which become one group."""
        known = sorted({self._owners[key] for key in keys if key in self._owners})
        home = known[0] if known else max(self.groups, default=0) + 1
        group = self.groups.setdefault(home, [])
        group.append(entry)
        for other in known[1:]:
            group += self.groups.pop(other)
            self._owners |= {key: home for key, at in self._owners.items() if at == other}
        self._owners |= dict.fromkeys(keys, home)


def _keys(call: RecordedCall) -> list[_Key]:
    """Return the keys that identify the client of an entry."""
    if not call.endpoint:
        return [("file", call.path)]
    keys: list[_Key] = []
    if call.token_id is not None:
        keys.append(("token", call.token_id))
    if call.entry.user_id:
        keys.append(("user", call.entry.user_id))
    if call.endpoint == "token" and call.client_id:
        keys.append((CLIENT_ID, call.client_id))
    # A session that is not the caller's links to nobody, unless it once was.
    if call.session_id and (
        call.token_id is None or call.code in (ResponseCode.OK, ResponseCode.SESSION_NOT_FOUND)
    ):
        keys.append(("session", call.session_id))
    return keys


def _keys_of_response(call: RecordedCall) -> list[_Key]:
    """Return the keys that a response gives to its client only: a file path, a session."""
    found: list[_Key] = [("session", call.new_session_id)] if call.endpoint == "session" else []
    output = (
        call.render_reply.get("output") if call.endpoint in ("render", "render_status") else None
    )
    url = output.get("url") if isinstance(output, dict) else None
    if isinstance(url, str) and url:
        found.append(("file", url_path(url)))
    return [key for key in found if key[1]]


def _caller_key(entry: Entry) -> _CallerKey:
    """Return the headers that show who is calling: skill source and user agent."""
    headers = entry.request_headers
    return headers.get(SKILL_SOURCE.lower(), ""), headers.get("user-agent", "")


def _with_unlinked(groups: list[Group], unlinked: list[Entry]) -> list[Group]:
    """Add each unlinked entry to the only client with its headers; group the others by headers."""
    left: dict[_CallerKey, Group] = {}
    alike: dict[_CallerKey, list[Group]] = {}
    for group in groups:
        for way in {_caller_key(entry) for entry in group}:
            alike.setdefault(way, []).append(group)
    for entry in unlinked:
        homes = alike.get(_caller_key(entry), [])
        home = homes[0] if len(homes) == 1 else left.setdefault(_caller_key(entry), [])
        home.append(entry)
    return [sorted(group, key=_start_key) for group in (*groups, *left.values())]


def _merge_sequential_runs(groups: list[Group]) -> list[Group]:
    """Merge clients with the same headers that never overlap in time."""
    by_way: dict[_CallerKey, list[Group]] = {}
    for group in groups:
        by_way.setdefault(_caller_key(group[0]), []).append(group)
    found: list[Group] = []
    for alike in by_way.values():
        alike.sort(key=lambda group: _start_key(group[0]))
        found += [list(chain(*alike))] if _never_overlap(alike) else alike
    return found


def _never_overlap(groups: list[Group]) -> bool:
    spans = [(group[0].started, max(entry.ended for entry in group)) for group in groups]
    return all(before[1] <= after[0] for before, after in pairwise(spans))
