"""Section 5, stream: the stream of a turn, its length and end (SSE-1, SSE-3 to 7, SSE-11)."""

import re
from collections.abc import Callable

from nemolocal_contract import endpoints as wire
from nemolocal_contract.responses import ResponseCode
from nemolocal_contract.turn_events import Heartbeat, Text, UnreadableEvent

from ..assertions import expect_equal, expect_true
from ..context import PUT_ON_TIMELINE, CheckContext
from ..endpoint_requests import UNKNOWN_TOKEN
from ..error_assertions import expect_error
from ..server_check import server_check
from ..target import TurnStream, turn_body
from .events import event_bodies

_TITLE = "add a title 'Hello' for 1 second"
_DONE = frozenset("done end complete completed close closed finish finished stop".split())
_LINE_END = re.compile(rb"\r\n|\r|\n")
# Seconds for which the fault `stall` holds up a turn.
_STALL = 900
# What is left of the credits of an account after its first edit.
_CREDITS_LEFT = 150
# The shares of an edit and of a generation after which a stream may end: its text comes last.
_SILENT_SHARE, _TOLD_SHARE = 0.8, 0.95
# The clock of a server counts seconds since 1970 as a floating-point number.
_ROUNDING = 0.001


@server_check("chat.stream.type", "SSE-1", prerequisite="session")
def turn_is_an_event_stream(context: CheckContext) -> None:
    """A turn MUST return HTTP 200 and `text/event-stream`."""
    response = context.send_message(context.session, "hello").response
    expect_equal("the HTTP status", response.status, 200)
    expect_equal("content-type", response.media_type, "text/event-stream")


@server_check("chat.stream.utf-8", "SSE-1", prerequisite="session")
def stream_is_utf8(context: CheckContext) -> None:
    """The stream MUST be UTF-8, whatever the message contains."""
    stream = context.send_message(context.session, "你好 🎬 \u2028 café")
    try:
        stream.response.body.decode()
    except UnicodeDecodeError as error:
        expect_equal("the stream", str(error), "UTF-8")
    expect_true(
        "events", bool(stream.events_of(Text)), "at least one text", stream.response.body[:80]
    )


@server_check("chat.stream.frames", "SSE-1", prerequisite="session")
def stream_is_made_of_data_frames(context: CheckContext) -> None:
    """Every event MUST consist of `data:` lines and a blank line, with JSON unless it is empty."""
    stream = context.send_message(context.session, "hello")
    end = stream.response.body[-20:]
    expect_true("the stream", not stream.is_torn, "a blank line last", end)
    expect_equal("frames without JSON", stream.events_of(UnreadableEvent), [])


@server_check("chat.stream.uncached", "SSE-1", prerequisite="session", assumed=True)
def stream_is_not_cached(context: CheckContext) -> None:
    """A stream SHOULD forbid caching."""
    said = context.send_message(context.session, "hello").response.headers.get("cache-control", "")
    forbids = re.search(r"\bno-(?:store|cache)\b|\bmax-age=0\b", said.lower())
    expect_true("cache-control", bool(forbids), "no-store or no-cache", said)


@server_check("chat.body.minimal", "SSE-1", prerequisite="session")
def session_and_message_are_enough(context: CheckContext) -> None:
    """A turn MUST require only `session_id` and `new_message`."""
    body = {"session_id": context.session, "new_message": {"parts": [{"text": "hello"}]}}
    stream = context.target.stream_turn(body, token=context.account.token)
    expect_equal("the HTTP status", stream.response.status, 200)


@server_check("chat.body.no-session", "SSE-1", "GEN-6", prerequisite="session", assumed=True)
def session_id_is_required(context: CheckContext) -> None:
    """A turn without `session_id` SHOULD be refused with a message that names the field."""
    stream = context.target.stream_turn(
        {"new_message": {"parts": [{"text": "x"}]}}, token=context.account.token
    )
    message = expect_error(context, stream.response, ResponseCode.BAD_REQUEST, chat=True)
    expect_true("message", "session_id" in message, "the field name session_id", message)


@server_check("chat.body.no-message", "SSE-1", "GEN-6", prerequisite="session", assumed=True)
def message_is_required(context: CheckContext) -> None:
    """A turn without a message SHOULD be refused with a message that names the field."""
    stream = context.target.stream_turn(
        {"session_id": context.session}, token=context.account.token
    )
    message = expect_error(context, stream.response, ResponseCode.BAD_REQUEST, chat=True)
    expect_true("message", "new_message" in message, "the field name new_message", message)


@server_check("chat.body.empty-message", "SSE-1", "GEN-6", prerequisite="session", assumed=True)
def empty_message_is_refused(context: CheckContext) -> None:
    """A turn with an empty message SHOULD be refused with 400."""
    stream = context.send_message(context.session, "  ")
    expect_error(context, stream.response, ResponseCode.BAD_REQUEST, chat=True)


@server_check("chat.body.snake-case", "SSE-1", prerequisite="session")
def camel_case_is_not_enough(context: CheckContext) -> None:
    """A turn with camelCase fields MUST be refused with 400."""
    body = {"sessionId": context.session, "newMessage": {"parts": [{"text": "hello"}]}}
    stream = context.target.stream_turn(body, token=context.account.token)
    expect_error(context, stream.response, ResponseCode.BAD_REQUEST, chat=True)


@server_check("chat.refused.unchanged", "GEN-3", "SSE-1", prerequisite="edit")
def refused_turn_leaves_no_trace(context: CheckContext) -> None:
    """A turn refused with 1001 or 400 MUST NOT change the draft or the balance."""
    session = context.edited_session
    before = _count_segments(context, session), context.read_balance()
    context.target.stream_turn(turn_body(session, _TITLE), token=UNKNOWN_TOKEN)
    camel = {"sessionId": session, "newMessage": {"parts": [{"text": _TITLE}]}}
    context.target.stream_turn(camel, token=context.account.token)
    after = _count_segments(context, session), context.read_balance()
    expect_equal("segments of each track, and the balance", after, before)


def _count_segments(context: CheckContext, session: str) -> list[int]:
    return [len(track.get("sg") or ()) for track in context.read_draft(session)["t"]]


@server_check(
    "chat.heartbeat.sent", "SSE-3", needs_control=True, long_turns=("generated", "stalled")
)
def working_backend_sends_heartbeats(context: CheckContext) -> None:
    """A long turn MUST send heartbeats between its events."""
    settings = context.settings
    interval, longest = settings.dialect.heartbeat_seconds, settings.turn_times.limit
    generated = context.generated_clip.stream
    # What a generation says takes some of the beats away.
    least = int(min(settings.turn_times.generation[0], longest) / interval) // 2
    _expect_heartbeats(generated, least, f"a generation, one every {interval:g} s or so")
    least = int(min(longest, _STALL) / interval) - 1
    _expect_heartbeats(context.stalled_turn.stream, least, f"a turn of {longest:g} s")


def _expect_heartbeats(stream: TurnStream, least: int, what: str) -> None:
    beats = len(stream.events_of(Heartbeat))
    expect_true(f"heartbeats of {what}", beats >= least, f"at least {least}", beats)


@server_check("chat.heartbeat.form", "SSE-3", "SSE-2", needs_control=True, long_turns=("stalled",))
def heartbeat_has_a_known_form(context: CheckContext) -> None:
    """A heartbeat MUST be an empty data line or a heartbeat event."""
    turn = context.stalled_turn
    stream = turn.stream
    if any(body.get("type") == "heartbeat" for body in event_bodies(stream)):
        context.note_alternative("SSE-3", "heartbeat=event")
    if not all(frame.data.strip() for frame in stream.frames):
        context.note_alternative("SSE-3", "heartbeat=line")
    if stream.events_of(Heartbeat) or turn.seconds < context.settings.dialect.heartbeat_seconds:
        return
    # Comments may come besides heartbeats, not in their place.
    comments = [line for line in _LINE_END.split(stream.response.body) if line.startswith(b":")]
    instead = [*comments, *stream.events_of(UnreadableEvent)]
    expect_equal("lines in place of heartbeats", instead, [])


@server_check("chat.end.clean", "SSE-4", prerequisite="session")
def stream_ends_by_closing(context: CheckContext) -> None:
    """A turn MUST end with a clean close of the stream."""
    stream = context.send_message(context.session, "hello")
    expect_equal("the end of the body", stream.response.ending, "complete")


@server_check("chat.end.no-done", "SSE-4", prerequisite="session")
def there_is_no_done_event(context: CheckContext) -> None:
    """A stream MUST contain text, tool calls, tool results and heartbeats only: no done event."""
    stream = context.send_message(context.session, "hello")
    done = [
        frame.data
        for frame in stream.frames
        if frame.data.strip().strip('"').strip("[]").lower() in _DONE
    ]
    named = [frame.event for frame in stream.frames if frame.event.lower() in _DONE]
    types = [str(body.get("type")) for body in event_bodies(stream)]
    kinds = [kind for kind in types if kind.lower() in _DONE]
    expect_equal("done events", done + named + kinds, [])


@server_check("chat.turn.limit", "SSE-6", needs_control=True, long_turns=("stalled",))
def turn_ends_within_a_quarter_of_an_hour(context: CheckContext) -> None:
    """A turn MUST last at most 15 minutes of the server's clock."""
    limit, turn = context.settings.turn_times.limit, context.stalled_turn
    expect_true(
        "seconds", turn.seconds <= limit + turn.slack, f"at most {limit:g}", round(turn.seconds)
    )


@server_check("chat.again.is-second", "SSE-7", prerequisite="token", credits=50)
def same_message_is_a_second_turn(context: CheckContext) -> None:
    """A repeated message MUST run as a second turn and edit again."""
    session = context.new_edited_session()
    for number in (1, 2):
        context.send_message(session, _TITLE)
        # Their track type is left to the checks of STA-2.
        others = [t for t in context.read_draft(session)["t"] if t.get("tt") != 0]
        shown = sum(len(track.get("sg") or ()) for track in others)
        expect_equal(f"titles after {number} turns", shown, number)


@server_check("chat.hang-up.goes-on", "SSE-7", needs_control=True)
def work_goes_on_without_the_client(context: CheckContext) -> None:
    """A turn MUST finish and be charged when the client disconnects."""
    price = context.settings.tariff.editing
    account = context.make_account(credits=price + _CREDITS_LEFT)
    session = context.new_session(account)
    context.upload(session, "clip.mp4", account=account)
    body = turn_body(session, PUT_ON_TIMELINE)
    context.target.send_and_disconnect("POST", wire.CHAT.template, token=account.token, json=body)
    context.control.advance_clock(context.settings.turn_times.limit)
    expect_true(
        "the draft",
        any(t.get("sg") for t in context.read_draft(session, account)["t"]),
        "not empty",
        "empty",
    )
    expect_equal("available", context.read_balance(account)["available"], _CREDITS_LEFT)


@server_check("chat.time.talk", "SSE-11", needs_control=True)
def talk_takes_its_time(context: CheckContext) -> None:
    """An answer without an edit SHOULD take 5 to 15 s of the server's clock."""
    account = context.make_account()
    session = context.new_session(account)
    times = context.settings.turn_times
    took = _measure(context, lambda: context.send_message(session, "hello", account))
    _expect_time(took, *times.talk, times.limit)


@server_check("chat.time.edit", "SSE-11", needs_control=True)
def edit_takes_its_time(context: CheckContext) -> None:
    """An edit SHOULD take 10 to 30 s of the server's clock."""
    account = context.make_account()
    session = context.new_edited_session(account)
    least, most = context.settings.turn_times.edit
    took = _measure(context, lambda: context.send_message(session, _TITLE, account))
    # A silent edit ends with its tool.
    _expect_time(took, _SILENT_SHARE * least, most, context.settings.turn_times.limit)


@server_check("chat.time.generation", "SSE-11", needs_control=True)
def generation_takes_its_time(context: CheckContext) -> None:
    """A generation SHOULD take 100 to 300 s of the server's clock."""
    context.control.require_manual_clock()
    least, most = context.settings.turn_times.generation
    took = context.generated_clip.seconds
    _expect_time(took, _TOLD_SHARE * least, most, context.settings.turn_times.limit)


def _measure(context: CheckContext, call: Callable[[], object]) -> float:
    context.control.require_manual_clock()
    before = context.control.read_clock()
    call()
    return context.control.read_clock() - before


def _expect_time(took: float, least: float, most: float, limit: float) -> None:
    least, most = min(least, limit), min(most, limit)
    fits = least - _ROUNDING <= took <= most + _ROUNDING
    expect_true("seconds", fits, f"{least:g} to {most:g}", round(took, 1))
