"""How an export is followed: every 30 seconds, ten times at most (CLI-8, REN-6)."""

from collections.abc import Iterator
from itertools import pairwise

from nemolocal_contract.codes import Code

from ..records.act import Act
from ..records.record import Record
from ..records.render import Render
from .rule import Finding, broken, client_check, held, unclear

_EVERY, _AT_LATEST, _TIMES = 30.0, 45.0, 10
# Who knows that a server is at hand may ask it twice a second, whatever its clock does.
_LOCAL = 0.45
_REFUSED = (Code.BAD_TOKEN, Code.RATE_LIMITED)
_DIVIDED = "renders take the time they take, where waits are divided or may be"


@client_check("client.poll.rhythm", "CLI-8", "REN-6")
def export_is_not_polled_too_often(record: Record) -> Iterator[Finding]:
    """An export MUST be asked about every 30 s, not more often."""
    for render in record.renders:
        for before, poll in _pairs(render):
            apart = poll.entry.started - before.entry.started
            shorter = record.tempo.shorter(apart, _EVERY)
            if shorter is None:
                yield unclear(record.tempo.why, before, poll)
            elif shorter and record.tempo.divided and apart >= _LOCAL:
                yield unclear(_DIVIDED, before, poll)
            elif shorter:
                yield broken("a poll", "after 30 s", f"after {apart:.1f} s", before, poll)
            else:
                yield held(before, poll)


@client_check("client.poll.slow", "CLI-8", "REN-6")
def export_is_not_polled_too_seldom(record: Record) -> Iterator[Finding]:
    """An export SHOULD be asked about every 30 s, not more seldom than every 45."""
    for render in record.renders:
        for before, poll in _pairs(render):
            apart = poll.entry.started - before.entry.ended
            late = record.tempo.longer(apart, _AT_LATEST)
            told = f"after {apart:.1f} s"
            shown = (before, poll)
            seldom = broken("a poll", "after 30 s", told, *shown, missing=True)
            yield seldom if late else held(*shown)


@client_check("client.poll.count", "CLI-8", "REN-6")
def export_is_polled_ten_times(record: Record) -> Iterator[Finding]:
    """An export MUST be asked about 10 times at most."""
    for render in record.renders:
        polls = _answered(render)
        if len(polls) <= _TIMES:
            if polls:
                yield held(render.submit, *polls)
        elif record.tempo.divided:
            yield unclear(_DIVIDED, render.submit, *polls)
        else:
            yield broken("polls", f"{_TIMES} at most", len(polls), render.submit, *polls)


@client_check("client.poll.stops", "CLI-8", "REN-5")
def ended_export_is_not_polled(record: Record) -> Iterator[Finding]:
    """An export that has completed or failed SHOULD NOT be asked about any more."""
    for render in record.renders:
        if render.end is None:
            continue
        more = [poll for poll in render.polls if poll.entry.started >= render.end.entry.ended]
        more = [poll for poll in more if poll is not render.end]
        told = f"{len(more)} more"
        shown = (render.end, *more)
        yield broken("polls after the end", "none", told, *shown) if more else held(render.end)


def _answered(render: Render) -> list[Act]:
    """The polls until the end was seen, without those that were refused and had to be repeated."""
    last = render.end.entry.started if render.end is not None else float("inf")
    return [p for p in render.polls if p.entry.started <= last and p.code not in _REFUSED]


def _pairs(render: Render) -> list[tuple[Act, Act]]:
    """Each poll with the one before."""
    polls = _answered(render)
    return list(pairwise(polls))
