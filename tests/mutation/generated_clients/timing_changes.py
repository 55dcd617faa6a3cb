"""Requests that are sent earlier or later, and streams that are left early or late."""

from collections.abc import Iterator, Sequence

import msgspec

from nemolocal_contract.journal import Entry

from .client_change import ClientChange, moved, numbered, replaced

_SHORT, _HALF = 0.1, 0.5
# Longer than every wait that the contract demands, and long enough for a poll to be too late.
_DELAYS = (40.0, 1000.0)
_HEARTBEAT = b"data:\n\n"
_HEARTBEAT_SECONDS = 15.0
_TOO_LONG = (780.0, 1200.0)


def hurried(entries: Sequence[Entry]) -> Iterator[ClientChange]:
    """Each wait is left out, and halved."""
    for place, gap in _gaps(entries):
        if gap > 1.0:
            for detail, wait in (("no-wait", _SHORT), ("half", gap * _HALF)):
                yield ClientChange("early", place + 1, detail, _shifted(entries, place, wait - gap))


def delayed(entries: Sequence[Entry]) -> Iterator[ClientChange]:
    """Each request is sent later, and with it all that follow."""
    for place, _ in _gaps(entries):
        for delay in _DELAYS:
            yield ClientChange("late", place + 1, f"{delay:g}s", _shifted(entries, place, delay))


def hung_up(entries: Sequence[Entry]) -> Iterator[ClientChange]:
    """The client closes each stream: after the first event, in its middle, before its last."""
    for place, entry in enumerate(entries):
        if entry.endpoint != "chat" or entry.ending != "complete" or len(entry.chunks) < 2:
            continue
        places = {1: "first", len(entry.chunks) // 2: "middle", len(entry.chunks) - 1: "last"}
        for count, detail in places.items():
            yield ClientChange("hang-up", place + 1, detail, _left(entries, place, count))


def listened_on(entries: Sequence[Entry]) -> Iterator[ClientChange]:
    """The client goes on listening to heartbeats after the last event of each stream."""
    for place, entry in enumerate(entries):
        if entry.endpoint != "chat" or not entry.chunks:
            continue
        for seconds in _TOO_LONG:
            count = int(seconds / _HEARTBEAT_SECONDS)
            size = len(_HEARTBEAT)
            last = entry.ended - entry.started
            beats = [(last + _HEARTBEAT_SECONDS * n, size) for n in range(1, count + 1)]
            longer = msgspec.structs.replace(
                entry,
                ended=entry.ended + seconds,
                chunks=(*entry.chunks, *beats),
                response_body=entry.response_body + _HEARTBEAT.decode() * count,
                response_size=entry.response_size + size * count,
            )
            later = [moved(other, seconds) for other in entries[place + 1 :]]
            changed = numbered([*entries[:place], longer, *later])
            yield ClientChange("listen-on", place + 1, f"{seconds:g}s", changed)


def _gaps(entries: Sequence[Entry]) -> Iterator[tuple[int, float]]:
    """Return each place but the first, with the seconds since all before it had ended."""
    for place in range(1, len(entries)):
        ended = max(entry.ended for entry in entries[:place])
        yield place, entries[place].started - ended


def _shifted(entries: Sequence[Entry], place: int, seconds: float) -> tuple[Entry, ...]:
    return numbered([*entries[:place], *(moved(entry, seconds) for entry in entries[place:])])


def _left(entries: Sequence[Entry], place: int, count: int) -> tuple[Entry, ...]:
    """Return the entries with a stream that the client closes after so many chunks."""
    entry = entries[place]
    size = sum(part for _, part in entry.chunks[:count])
    seconds = entry.chunks[count - 1][0] + 0.01
    body = entry.response_body.encode()[:size].decode(errors="ignore")
    closed = msgspec.structs.replace(
        entry,
        ended=entry.started + seconds,
        ending="cut by client",
        chunks=entry.chunks[:count],
        response_body=body,
        response_size=size,
    )
    return numbered(replaced(entries, place, closed))
