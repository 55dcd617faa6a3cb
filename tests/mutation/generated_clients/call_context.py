"""The situations that the calls of a recording are in: some rules hold in one of them only."""

from collections.abc import Iterator, Sequence

from nemolocal_conformance.traffic.client_log import ClientLog
from nemolocal_conformance.traffic.client_turn import ClientTurn, turn_of
from nemolocal_conformance.traffic.recorded_call import RecordedCall
from nemolocal_conformance.traffic.time_scale import TimeScale
from nemolocal_contract.journal import Entry


def contexts_of(entries: Sequence[Entry]) -> list[frozenset[str]]:
    """Return the situations of each call, by their names."""
    log = ClientLog(entries, TimeScale(1.0))
    return [frozenset(_contexts(log, place)) for place in range(len(log.all_calls))]


def _contexts(log: ClientLog, place: int) -> Iterator[str]:
    call = log.all_calls[place]
    before, after = log.all_calls[:place], log.all_calls[place + 1 :]
    if not call.is_ok:
        yield "failed"
    yield from _next_contexts(after)
    if any(o.request_key == call.request_key and not o.is_ok for o in before):
        yield "retry"
    if any(o.endpoint == call.endpoint for o in before):
        yield "not-first"
    if call.endpoint == "token" and any(o.client_id == call.client_id for o in after):
        yield "asked-again"
    if call.endpoint == "state":
        yield from _state_contexts(log, call, before, after)
    if call.endpoint == "chat":
        yield from _chat_contexts(log, call)
    if call.endpoint == "render_status":
        yield from _poll_contexts(call, before)


def _next_contexts(after: Sequence[RecordedCall]) -> Iterator[str]:
    if not after:
        yield "last"
    elif not after[0].is_ok:
        yield "before-failed"
    elif after[0].endpoint == "render_cancel":
        yield "before-cancel"


def _chat_contexts(log: ClientLog, call: RecordedCall) -> Iterator[str]:
    """How its stream ended, and whether the state is read more than once after it."""
    turn = turn_of(call)
    if turn is None:
        return
    yield from (f"turn-{word}" for word in _turn_words(turn))
    if len(log.state_reads_after(turn)[0]) > 1:
        yield "read-twice"


def _poll_contexts(call: RecordedCall, before: Sequence[RecordedCall]) -> Iterator[str]:
    """Whether it is the first one, and whether it shows the end."""
    same = [o for o in before if o.render_id == call.render_id and o.endpoint == call.endpoint]
    yield "next-poll" if same else "first-poll"
    status = call.render_reply.get("status")
    if status in ("completed", "failed"):
        yield "last-poll"
    if status == "completed":
        yield "completed"


def _state_contexts(
    log: ClientLog,
    call: RecordedCall,
    before: Sequence[RecordedCall],
    after: Sequence[RecordedCall],
) -> Iterator[str]:
    """The turn before it, whether another read is as good, and what comes next."""
    own = [o for o in before if o.session_id == call.session_id]
    for other in reversed(own):
        turn = turn_of(other)
        if turn is not None:
            yield from (f"after-{word}" for word in _turn_words(turn))
            if log.has_draft_changed(turn, call):
                yield "changed"
            break
        if other.endpoint == "upload":
            break
        if other.endpoint == "state":
            yield "read-before"
    nearest = next((o for o in after if o.session_id == call.session_id), None)
    if nearest is None:
        return
    if nearest.endpoint == "render":
        yield "before-export"
    elif nearest.endpoint == "state":
        yield "read-later"
    yield from (f"before-{word}" for word in _turn_words(turn_of(nearest)))


def _turn_words(turn: ClientTurn | None) -> Iterator[str]:
    if turn is None:
        return
    if turn.is_cut:
        yield "cut"
    elif turn.is_silent:
        yield "silence"
    elif turn.is_disconnected:
        yield "hang-up"
    else:
        yield "text"
