"""Section 5: the stream of a turn, its length and its end (SSE-1, SSE-3 to SSE-7, SSE-11)."""

from typing import Any

from nemolocal_contract import endpoints as wire
from nemolocal_contract.codes import Code
from nemolocal_contract.events import Heartbeat, Text, Unreadable

from ..check import check
from ..expectations import expect, expect_that
from ..failures import expect_failure
from ..peer import turn
from ..stage import PUT_ON_TIMELINE, Stage
from .events import event_bodies

_TITLE = "add a title 'Hello' for 1 second"
_LONGEST_TURN = 900


@check("chat.stream.type", "SSE-1", needs="session")
def turn_is_an_event_stream(stage: Stage) -> None:
    """A turn MUST be answered with HTTP 200 and `text/event-stream`."""
    answer = stage.say(stage.session, "hello").answer
    expect("the HTTP status", answer.status, 200)
    kind = answer.headers.get("content-type", "").partition(";")[0].strip()
    expect("content-type", kind, "text/event-stream")


@check("chat.stream.utf-8", "SSE-1", needs="session")
def stream_is_utf8(stage: Stage) -> None:
    """The stream MUST be UTF-8, whatever the user writes."""
    told = stage.say(stage.session, "你好 🎬 \u2028 café")
    try:
        told.answer.body.decode()
    except UnicodeDecodeError as error:
        expect("the stream", str(error), "UTF-8")
    expect_that("events", bool(told.of(Text)), "a text", told.answer.body[:80])


@check("chat.stream.frames", "SSE-1", needs="session")
def stream_is_made_of_data_frames(stage: Stage) -> None:
    """Every event MUST be `data:` lines and a blank line, JSON unless empty."""
    told = stage.say(stage.session, "hello")
    expect_that(
        "the stream",
        told.answer.body.endswith(b"\n\n"),
        "a blank line last",
        told.answer.body[-20:],
    )
    expect("frames that are no JSON", told.of(Unreadable), [])


@check("chat.stream.uncached", "SSE-1", needs="session", assumed=True)
def stream_is_not_cached(stage: Stage) -> None:
    """A stream SHOULD forbid caches to keep it."""
    said = stage.say(stage.session, "hello").answer.headers.get("cache-control", "")
    expect_that("cache-control", "no-" in said, "no-store or no-cache", said)


@check("chat.body.minimal", "SSE-1", needs="session")
def session_and_message_are_enough(stage: Stage) -> None:
    """A turn MUST need `session_id` and `new_message` only."""
    body = {"session_id": stage.session, "new_message": {"parts": [{"text": "hello"}]}}
    told = stage.peer.chat(body, token=stage.account.token)
    expect("the HTTP status", told.answer.status, 200)


@check("chat.body.no-session", "SSE-1", "GEN-6", needs="session", assumed=True)
def session_id_is_required(stage: Stage) -> None:
    """A turn without `session_id` SHOULD be refused with a message that names it."""
    told = stage.peer.chat({"new_message": {"parts": [{"text": "x"}]}}, token=stage.account.token)
    message = expect_failure(stage, told.answer, Code.BAD_REQUEST, chat=True)
    expect_that("message", "session_id" in message, "session_id in it", message)


@check("chat.body.no-message", "SSE-1", "GEN-6", needs="session", assumed=True)
def message_is_required(stage: Stage) -> None:
    """A turn without a message SHOULD be refused with a message that names the field."""
    told = stage.peer.chat({"session_id": stage.session}, token=stage.account.token)
    message = expect_failure(stage, told.answer, Code.BAD_REQUEST, chat=True)
    expect_that("message", "new_message" in message, "new_message in it", message)


@check("chat.body.empty-message", "SSE-1", "GEN-6", needs="session", assumed=True)
def empty_message_is_refused(stage: Stage) -> None:
    """A turn whose message is empty SHOULD be refused."""
    told = stage.say(stage.session, "  ")
    expect_failure(stage, told.answer, Code.BAD_REQUEST, chat=True)


@check("chat.body.snake-case", "SSE-1", needs="session")
def camel_case_is_not_enough(stage: Stage) -> None:
    """A turn whose fields are in camelCase MUST be refused."""
    body = {"sessionId": stage.session, "newMessage": {"parts": [{"text": "hello"}]}}
    told = stage.peer.chat(body, token=stage.account.token)
    expect_failure(stage, told.answer, Code.BAD_REQUEST, chat=True)


@check("chat.heartbeat.sent", "SSE-3", control=True)
def working_backend_sends_heartbeats(stage: Stage) -> None:
    """A long turn MUST send heartbeats while it has nothing to say."""
    beats = len(stage.generated.told.of(Heartbeat))
    expect_that("heartbeats in 100 to 300 s", beats >= 5, "one every 15 s or so", beats)


@check("chat.heartbeat.form", "SSE-3", "SSE-2", control=True)
def heartbeat_has_a_known_form(stage: Stage) -> None:
    """A heartbeat MUST be an empty data line or a heartbeat event."""
    told = stage.generated.told
    if any(body.get("type") == "heartbeat" for body in event_bodies(told)):
        stage.saw("SSE-3", "heartbeat=event")
    if not all(frame.data.strip() for frame in told.frames):
        stage.saw("SSE-3", "heartbeat=line")
    lines = [line for line in told.answer.body.split(b"\n") if line.startswith(b":")]
    expect("comment lines, which no source names", lines, [])


@check("chat.end.clean", "SSE-4", needs="session")
def stream_ends_by_closing(stage: Stage) -> None:
    """A turn MUST end by a clean close of the stream."""
    told = stage.say(stage.session, "hello")
    expect("the end of the body", told.answer.ending, "complete")


@check("chat.end.no-done", "SSE-4", needs="session")
def there_is_no_done_event(stage: Stage) -> None:
    """There MUST be no done event: nothing but text, tools and heartbeats is told."""
    told = stage.say(stage.session, "hello")
    done = [f.data for f in told.frames if f.data.strip().strip('"').lower() in ("[done]", "done")]
    named = [f.event for f in told.frames if f.event]
    kinds = [body.get("type") for body in event_bodies(told) if body.get("type") in ("done", "end")]
    expect("done events", done + named + kinds, [])


@check("chat.turn.limit", "SSE-6", control=True)
def turn_ends_within_a_quarter_of_an_hour(stage: Stage) -> None:
    """A turn MUST last at most 15 minutes of the server's clock."""
    account = stage.anybody(credits=1_000)
    session = stage.new_edited(account)
    stage.control.arm("stall", account.user_id)
    before = stage.control.time()
    stage.say(session, _TITLE, account)
    took = stage.control.time() - before
    expect_that("seconds", took <= _LONGEST_TURN + 5, f"at most {_LONGEST_TURN}", round(took))


@check("chat.again.is-second", "SSE-7", needs="token", credits=50)
def same_message_is_a_second_turn(stage: Stage) -> None:
    """The same message again MUST be a second turn, which edits again."""
    session = stage.new_edited()
    for number in (1, 2):
        stage.say(session, _TITLE)
        # Of which type their track is, is for STA-2 to say.
        others = [t for t in stage.draft(session)["t"] if t.get("tt") != 0]
        shown = sum(len(track.get("sg") or ()) for track in others)
        expect(f"titles after {number} turns", shown, number)


@check("chat.hang-up.goes-on", "SSE-7", control=True)
def work_goes_on_without_the_client(stage: Stage) -> None:
    """The work MUST go on, and be charged, when the client hangs up."""
    account = stage.anybody(credits=200)
    session = stage.new_session(account)
    stage.upload(session, "clip.mp4", account=account)
    body = turn(session, PUT_ON_TIMELINE)
    stage.peer.hang_up("POST", wire.CHAT.template, token=account.token, json=body)
    stage.control.advance(_LONGEST_TURN)
    expect_that(
        "the draft", any(t.get("sg") for t in stage.draft(session, account)["t"]), "edited", "empty"
    )
    expect("available", stage.balance(account)["available"], 150)


@check("chat.time.talk", "SSE-11", control=True)
def talk_takes_its_time(stage: Stage) -> None:
    """An answer without an edit SHOULD take 5 to 15 s of the server's clock."""
    account = stage.anybody()
    session = stage.new_session(account)
    _expect_time(stage, lambda: stage.say(session, "hello", account), 5, 15)


@check("chat.time.edit", "SSE-11", control=True)
def edit_takes_its_time(stage: Stage) -> None:
    """An edit SHOULD take 10 to 30 s of the server's clock."""
    account = stage.anybody(credits=1_000)
    session = stage.new_edited(account)
    _expect_time(stage, lambda: stage.say(session, _TITLE, account), 8, 30)


@check("chat.time.generation", "SSE-11", control=True)
def generation_takes_its_time(stage: Stage) -> None:
    """A generation SHOULD take 100 to 300 s of the server's clock."""
    stage.control.require_movable_time()
    took = stage.generated.seconds
    expect_that("seconds", 95 <= took <= 300, "95 to 300", round(took, 1))


def _expect_time(stage: Stage, act: Any, least: float, most: float) -> None:
    stage.control.require_movable_time()
    before = stage.control.time()
    act()
    took = stage.control.time() - before
    expect_that("seconds", least <= took <= most, f"{least} to {most}", round(took, 1))
