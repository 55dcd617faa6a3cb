"""One mechanical change of a recording, as data."""

from collections.abc import Callable, Iterator, Sequence

import msgspec

from nemolocal_contract.journal import Entry

from .recording import Recording

FILE = "file"
"""What stands for the endpoint of a download from `output.url`."""


class ClientChange(msgspec.Struct, frozen=True):
    """A change of the call with this number (from 1), and the entries that it leads to."""

    kind: str
    call: int
    detail: str
    entries: tuple[Entry, ...]


class ClientMutation(msgspec.Struct, frozen=True):
    """A change of a recording under its stable id: `plain:call-7:drop-header:Authorization`.

    `endpoint` is that of the changed call. `context` are the situations that the call is in.
    """

    journey: str
    kind: str
    call: int
    detail: str
    endpoint: str
    context: frozenset[str]
    recording: Recording

    @property
    def id(self) -> str:
        words = (self.journey, f"call-{self.call}", self.kind, self.detail)
        return ":".join(filter(None, words))


Generate = Callable[[Sequence[Entry]], Iterator[ClientChange]]
"""Makes all changes of one kind; the entries are in order."""


def endpoint_of(entry: Entry) -> str:
    """Return the name of the endpoint; `file` for any other path."""
    return entry.endpoint or FILE


def numbered(entries: Sequence[Entry]) -> tuple[Entry, ...]:
    """Return entries in the order of their start, with ids that grow by one."""
    ordered = sorted(entries, key=lambda entry: entry.started)
    return tuple(msgspec.structs.replace(e, id=n) for n, e in enumerate(ordered, 1))


def moved(entry: Entry, seconds: float) -> Entry:
    """Return an entry that happens so much later."""
    return msgspec.structs.replace(
        entry, started=entry.started + seconds, ended=entry.ended + seconds
    )


def replaced(entries: Sequence[Entry], place: int, entry: Entry) -> tuple[Entry, ...]:
    """Return the entries with another one at a place."""
    return (*entries[:place], entry, *entries[place + 1 :])
