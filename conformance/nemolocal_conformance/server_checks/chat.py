"""Section 5, stream: the stream of a turn, its length and end (SSE-1, SSE-3 to 7, SSE-11)."""

from typing import Any

from nemolocal_contract import endpoints as wire
from nemolocal_contract.responses import ResponseCode
from nemolocal_contract.turn_events import Heartbeat, Text, UnreadableEvent

from ..assertions import expect_equal, expect_true
from ..context import PUT_ON_TIMELINE, CheckContext
from ..error_assertions import expect_error
from ..server_check import server_check
from ..target import turn_body
from .events import event_bodies

_TITLE = "add a title 'Hello' for 1 second"
_LONGEST_TURN = 900


@server_check("chat.stream.type", "SSE-1", prerequisite="session")
def turn_is_an_event_stream(context: CheckContext) -> None:
    """A turn MUST be answered with HTTP 200 and `text/event-stream`."""
    response = context.send_message(context.session, "hello").response
    expect_equal("the HTTP status", response.status, 200)
    kind = response.headers.get("content-type", "").partition(";")[0].strip()
    expect_equal("content-type", kind, "text/event-stream")


@server_check("chat.stream.utf-8", "SSE-1", prerequisite="session")
def stream_is_utf8(context: CheckContext) -> None:
    """The stream MUST be UTF-8, whatever the user writes."""
    stream = context.send_message(context.session, "你好 🎬 \u2028 café")
    try:
        stream.response.body.decode()
    except UnicodeDecodeError as error:
        expect_equal("the stream", str(error), "UTF-8")
    expect_true("events", bool(stream.events_of(Text)), "a text", stream.response.body[:80])


@server_check("chat.stream.frames", "SSE-1", prerequisite="session")
def stream_is_made_of_data_frames(context: CheckContext) -> None:
    """Every event MUST be `data:` lines and a blank line, JSON unless empty."""
    stream = context.send_message(context.session, "hello")
    expect_true(
        "the stream",
        stream.response.body.endswith(b"\n\n"),
        "a blank line last",
        stream.response.body[-20:],
    )
    expect_equal("frames that are no JSON", stream.events_of(UnreadableEvent), [])


@server_check("chat.stream.uncached", "SSE-1", prerequisite="session", assumed=True)
def stream_is_not_cached(context: CheckContext) -> None:
    """A stream SHOULD forbid caches to keep it."""
    said = context.send_message(context.session, "hello").response.headers.get("cache-control", "")
    expect_true("cache-control", "no-" in said, "no-store or no-cache", said)


@server_check("chat.body.minimal", "SSE-1", prerequisite="session")
def session_and_message_are_enough(context: CheckContext) -> None:
    """A turn MUST need `session_id` and `new_message` only."""
    body = {"session_id": context.session, "new_message": {"parts": [{"text": "hello"}]}}
    stream = context.target.stream_turn(body, token=context.account.token)
    expect_equal("the HTTP status", stream.response.status, 200)


@server_check("chat.body.no-session", "SSE-1", "GEN-6", prerequisite="session", assumed=True)
def session_id_is_required(context: CheckContext) -> None:
    """A turn without `session_id` SHOULD be refused with a message that names it."""
    stream = context.target.stream_turn(
        {"new_message": {"parts": [{"text": "x"}]}}, token=context.account.token
    )
    message = expect_error(context, stream.response, ResponseCode.BAD_REQUEST, chat=True)
    expect_true("message", "session_id" in message, "session_id in it", message)


@server_check("chat.body.no-message", "SSE-1", "GEN-6", prerequisite="session", assumed=True)
def message_is_required(context: CheckContext) -> None:
    """A turn without a message SHOULD be refused with a message that names the field."""
    stream = context.target.stream_turn(
        {"session_id": context.session}, token=context.account.token
    )
    message = expect_error(context, stream.response, ResponseCode.BAD_REQUEST, chat=True)
    expect_true("message", "new_message" in message, "new_message in it", message)


@server_check("chat.body.empty-message", "SSE-1", "GEN-6", prerequisite="session", assumed=True)
def empty_message_is_refused(context: CheckContext) -> None:
    """A turn whose message is empty SHOULD be refused."""
    stream = context.send_message(context.session, "  ")
    expect_error(context, stream.response, ResponseCode.BAD_REQUEST, chat=True)


@server_check("chat.body.snake-case", "SSE-1", prerequisite="session")
def camel_case_is_not_enough(context: CheckContext) -> None:
    """A turn whose fields are in camelCase MUST be refused."""
    body = {"sessionId": context.session, "newMessage": {"parts": [{"text": "hello"}]}}
    stream = context.target.stream_turn(body, token=context.account.token)
    expect_error(context, stream.response, ResponseCode.BAD_REQUEST, chat=True)


@server_check("chat.heartbeat.sent", "SSE-3", needs_control=True)
def working_backend_sends_heartbeats(context: CheckContext) -> None:
    """A long turn MUST send heartbeats while it has nothing to say."""
    beats = len(context.generated_clip.stream.events_of(Heartbeat))
    expect_true("heartbeats in 100 to 300 s", beats >= 5, "one every 15 s or so", beats)


@server_check("chat.heartbeat.form", "SSE-3", "SSE-2", needs_control=True)
def heartbeat_has_a_known_form(context: CheckContext) -> None:
    """A heartbeat MUST be an empty data line or a heartbeat event."""
    stream = context.generated_clip.stream
    if any(body.get("type") == "heartbeat" for body in event_bodies(stream)):
        context.note_alternative("SSE-3", "heartbeat=event")
    if not all(frame.data.strip() for frame in stream.frames):
        context.note_alternative("SSE-3", "heartbeat=line")
    lines = [line for line in stream.response.body.split(b"\n") if line.startswith(b":")]
    expect_equal("comment lines, which no source names", lines, [])


@server_check("chat.end.clean", "SSE-4", prerequisite="session")
def stream_ends_by_closing(context: CheckContext) -> None:
    """A turn MUST end by a clean close of the stream."""
    stream = context.send_message(context.session, "hello")
    expect_equal("the end of the body", stream.response.ending, "complete")


@server_check("chat.end.no-done", "SSE-4", prerequisite="session")
def there_is_no_done_event(context: CheckContext) -> None:
    """There MUST be no done event: nothing but text, tools and heartbeats is told."""
    stream = context.send_message(context.session, "hello")
    done = [
        f.data for f in stream.frames if f.data.strip().strip('"').lower() in ("[done]", "done")
    ]
    named = [f.event for f in stream.frames if f.event]
    kinds = [
        body.get("type") for body in event_bodies(stream) if body.get("type") in ("done", "end")
    ]
    expect_equal("done events", done + named + kinds, [])


@server_check("chat.turn.limit", "SSE-6", needs_control=True)
def turn_ends_within_a_quarter_of_an_hour(context: CheckContext) -> None:
    """A turn MUST last at most 15 minutes of the server's clock."""
    account = context.make_account(credits=1_000)
    session = context.new_edited_session(account)
    context.control.arm_fault("stall", account.user_id)
    before = context.control.read_clock()
    context.send_message(session, _TITLE, account)
    took = context.control.read_clock() - before
    expect_true("seconds", took <= _LONGEST_TURN + 5, f"at most {_LONGEST_TURN}", round(took))


@server_check("chat.again.is-second", "SSE-7", prerequisite="token", credits=50)
def same_message_is_a_second_turn(context: CheckContext) -> None:
    """The same message again MUST be a second turn, which edits again."""
    session = context.new_edited_session()
    for number in (1, 2):
        context.send_message(session, _TITLE)
        # Their track type is left to the checks of STA-2.
        others = [t for t in context.read_draft(session)["t"] if t.get("tt") != 0]
        shown = sum(len(track.get("sg") or ()) for track in others)
        expect_equal(f"titles after {number} turns", shown, number)


@server_check("chat.hang-up.goes-on", "SSE-7", needs_control=True)
def work_goes_on_without_the_client(context: CheckContext) -> None:
    """The work MUST go on, and be charged, when the client hangs up."""
    account = context.make_account(credits=200)
    session = context.new_session(account)
    context.upload(session, "clip.mp4", account=account)
    body = turn_body(session, PUT_ON_TIMELINE)
    context.target.send_and_disconnect("POST", wire.CHAT.template, token=account.token, json=body)
    context.control.advance_clock(_LONGEST_TURN)
    expect_true(
        "the draft",
        any(t.get("sg") for t in context.read_draft(session, account)["t"]),
        "edited",
        "empty",
    )
    expect_equal("available", context.read_balance(account)["available"], 150)


@server_check("chat.time.talk", "SSE-11", needs_control=True)
def talk_takes_its_time(context: CheckContext) -> None:
    """An answer without an edit SHOULD take 5 to 15 s of the server's clock."""
    account = context.make_account()
    session = context.new_session(account)
    _expect_time(context, lambda: context.send_message(session, "hello", account), 5, 15)


@server_check("chat.time.edit", "SSE-11", needs_control=True)
def edit_takes_its_time(context: CheckContext) -> None:
    """An edit SHOULD take 10 to 30 s of the server's clock."""
    account = context.make_account(credits=1_000)
    session = context.new_edited_session(account)
    _expect_time(context, lambda: context.send_message(session, _TITLE, account), 8, 30)


@server_check("chat.time.generation", "SSE-11", needs_control=True)
def generation_takes_its_time(context: CheckContext) -> None:
    """A generation SHOULD take 100 to 300 s of the server's clock."""
    context.control.require_manual_clock()
    took = context.generated_clip.seconds
    expect_true("seconds", 95 <= took <= 300, "95 to 300", round(took, 1))


def _expect_time(context: CheckContext, call: Any, least: float, most: float) -> None:
    context.control.require_manual_clock()
    before = context.control.read_clock()
    call()
    took = context.control.read_clock() - before
    expect_true("seconds", least <= took <= most, f"{least} to {most}", round(took, 1))
