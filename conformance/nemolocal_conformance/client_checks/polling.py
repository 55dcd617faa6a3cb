"""Polling of an export: every 30 seconds, at most ten times (CLI-8, REN-6)."""

from collections.abc import Iterator
from itertools import pairwise

from nemolocal_contract.plurals import pluralize
from nemolocal_contract.responses import ResponseCode

from ..traffic.client_export import ClientExport
from ..traffic.client_log import ClientLog
from ..traffic.recorded_call import RecordedCall
from .client_check import ClientFinding, client_check, failed, inconclusive, passed

_INTERVAL, _MAX_INTERVAL, _MAX_POLLS = 30.0, 45.0, 10
# A client may poll a local server twice a second, whatever the speed of its clock.
_LOCAL_INTERVAL = 0.45
_REFUSED = (ResponseCode.BAD_TOKEN, ResponseCode.RATE_LIMITED)
_SCALED_CLOCK = "renders take real time, while the waits of the client may be shortened"
_STUCK_FAULT = "render-stuck"


@client_check("client.poll.rhythm", "CLI-8", "REN-6")
def export_is_not_polled_too_often(log: ClientLog) -> Iterator[ClientFinding]:
    """An export MUST NOT be polled more often than every 30 s."""
    for render in log.exports:
        for before, poll in _pairs(render):
            apart = poll.entry.started - before.entry.started
            shorter = log.time_scale.is_shorter(apart, _INTERVAL)
            if shorter is None:
                yield inconclusive(log.time_scale.unknown_reason, before, poll)
            elif shorter and log.time_scale.is_scaled and apart >= _LOCAL_INTERVAL:
                yield inconclusive(_SCALED_CLOCK, before, poll)
            elif shorter:
                yield failed("a poll", "after 30 s", f"after {apart:.1f} s", before, poll)
            else:
                yield passed(before, poll)


@client_check("client.poll.slow", "CLI-8", "REN-6")
def export_is_not_polled_too_seldom(log: ClientLog) -> Iterator[ClientFinding]:
    """An export SHOULD be polled every 30 s, and at least every 45 s."""
    for render in log.exports:
        # Without a whole reply to its submit, a client first has to find out that there is one.
        begun = [render.submit] if render.submit.entry.ending == "complete" else []
        for before, poll in pairwise([*begun, *_answered(render)]):
            apart = poll.entry.started - before.entry.ended
            late = log.time_scale.is_longer(apart, _MAX_INTERVAL)
            actual = f"after {apart:.1f} s"
            shown = (before, poll)
            seldom = failed("a poll", "after 30 s", actual, *shown, missing=True)
            yield seldom if late else passed(*shown)


@client_check("client.poll.count", "CLI-8", "REN-6")
def export_is_polled_ten_times(log: ClientLog) -> Iterator[ClientFinding]:
    """An export MUST be polled 10 times at most."""
    for render in log.exports:
        polls = _answered(render)
        if len(polls) <= _MAX_POLLS:
            if polls:
                yield passed(render.submit, *polls)
        elif log.time_scale.is_scaled and not _is_limit_visible(log, render):
            yield inconclusive(_SCALED_CLOCK, render.submit, *polls)
        else:
            yield failed("polls", f"{_MAX_POLLS} at most", len(polls), render.submit, *polls)


@client_check("client.poll.stops", "CLI-8", "REN-5")
def ended_export_is_not_polled(log: ClientLog) -> Iterator[ClientFinding]:
    """A completed or failed export SHOULD NOT be polled again."""
    for render in log.exports:
        if render.end_call is None:
            continue
        more = [poll for poll in render.polls if poll.entry.started >= render.end_call.entry.ended]
        more = [poll for poll in more if poll is not render.end_call]
        actual = f"{len(more)} more"
        shown = (render.end_call, *more)
        yield (
            failed("polls after the end", "none", actual, *shown)
            if more
            else passed(render.end_call)
        )


@client_check("client.poll.until-end", "CLI-8", "REN-6")
def export_is_polled_until_its_end(log: ClientLog) -> Iterator[ClientFinding]:
    """An export SHOULD be polled until it has ended, or 10 times."""
    for render in log.exports:
        begun = render.is_accepted or any(poll.is_ok for poll in render.polls)
        if not begun or render.is_cancelled:
            continue
        asked = (render.submit, *render.polls)
        polls = len(_answered(render))
        more = [call for call in log.calls_after(asked[-1]) if call.endpoint]
        if render.end_call is not None or polls >= _MAX_POLLS:
            yield passed(*asked)
        elif not more or not log.fixed_job:
            yield inconclusive("the user may have stopped the client", *asked)
        else:
            actual = f"{pluralize(polls, 'poll')}, then {more[0].label}"
            yield failed("polls", "until the end", actual, *asked, more[0], missing=True)


def _is_limit_visible(log: ClientLog, render: ClientExport) -> bool:
    """Whether too many polls on a scaled clock are the client's fault.

    They are if the export never ends, unless the client polls by real time.
    """
    if log.time_scale.speed is None or _STUCK_FAULT not in render.submit.entry.faults:
        return False
    gaps = [poll.entry.started - before.entry.started for before, poll in _pairs(render)]
    return min(gaps) < _LOCAL_INTERVAL


def _answered(render: ClientExport) -> list[RecordedCall]:
    """The polls until the end was seen, without those that were refused and had to be repeated."""
    last = render.end_call.entry.started if render.end_call is not None else float("inf")
    return [p for p in render.polls if p.entry.started <= last and p.code not in _REFUSED]


def _pairs(render: ClientExport) -> list[tuple[RecordedCall, RecordedCall]]:
    """Return each poll with the one before it."""
    polls = _answered(render)
    return list(pairwise(polls))
