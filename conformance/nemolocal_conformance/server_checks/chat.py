"""Section 5: the stream of a turn, its events, its length and its end (SSE-1 to SSE-7, SSE-11)."""

import contextlib
from typing import Any

import msgspec

from nemolocal_contract import endpoints as wire
from nemolocal_contract.codes import Code
from nemolocal_contract.envelope import decode_json
from nemolocal_contract.events import Heartbeat, Text, ToolCall, ToolResult, Unreadable

from ..check import check
from ..expectations import expect, expect_one_of, expect_that, field
from ..failures import expect_failure
from ..peer import Told
from ..stage import Stage

_TITLE = "add a title 'Hello' for 1 second"
_LONGEST_TURN = 900


def _bodies(told: Told) -> list[dict[str, Any]]:
    """The JSON objects of the frames that hold one; the others are for `chat.stream.frames`."""
    bodies = []
    for frame in told.frames:
        with contextlib.suppress(msgspec.DecodeError):
            bodies.append(decode_json(frame.data))
    return [body for body in bodies if isinstance(body, dict)]


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


@check("chat.events.shape", "SSE-2", needs="session")
def events_have_a_known_shape(stage: Stage) -> None:
    """Events MUST be ADK events or typed objects, and all of one kind."""
    bodies = _bodies(stage.say(stage.session, "hello"))
    shapes = {"typed" if "type" in body else "adk" for body in bodies}
    expect_that("shapes", len(shapes) == 1, "one", sorted(shapes))
    (shape,) = shapes
    stage.saw("SSE-2", f"sse={shape}")
    for body in bodies:
        if shape == "adk":
            field("the event", body, "content", "parts")
        else:
            expect_one_of("type", body["type"], ("text", "tool_call", "tool_result", "heartbeat"))


@check("chat.events.adk-fields", "SSE-2", needs="work")
def adk_events_are_whole(stage: Stage) -> None:
    """An ADK event MUST have author, invocationId, id and timestamp, in camelCase, no nulls."""
    bodies = _bodies(stage.say(stage.worked, _TITLE))
    for body in bodies:
        if "type" in body:
            continue
        for name in ("author", "invocationId", "id", "timestamp", "actions"):
            field("the event", body, name)
        nulls = [name for name, value in body.items() if value is None]
        expect("fields that are null", nulls, [])
    invocations = {body["invocationId"] for body in bodies if "invocationId" in body}
    expect_that("invocationId", len(invocations) <= 1, "one a turn", sorted(invocations))


@check("chat.events.distinct", "SSE-2", needs="work")
def adk_event_ids_are_distinct(stage: Stage) -> None:
    """The `id` of an ADK event MUST be its own."""
    ids = [body["id"] for body in _bodies(stage.say(stage.worked, _TITLE)) if "id" in body]
    expect("ids that come twice", len(ids) - len(set(ids)), 0)


@check("chat.events.roles", "SSE-2", needs="work")
def tool_results_have_the_role_user(stage: Stage) -> None:
    """In ADK events a tool result MUST have the role user, everything else the role model."""
    for body in _bodies(stage.say(stage.worked, _TITLE)):
        if "type" in body:
            continue
        result = any("functionResponse" in part for part in body["content"]["parts"])
        expect("role", field("content", body["content"], "role"), "user" if result else "model")


@check("chat.tools.called", "SSE-2", needs="work")
def edit_calls_a_tool(stage: Stage) -> None:
    """An edit MUST be told as a tool call with its name and arguments, and its result."""
    told = stage.say(stage.worked, _TITLE)
    calls, results = told.of(ToolCall), told.of(ToolResult)
    expect_that("tool calls", bool(calls), "at least one", told.answer.body[:200])
    expect("results", [result.name for result in results], [call.name for call in calls])


@check("chat.tools.matched", "SSE-2", needs="work")
def results_answer_their_calls(stage: Stage) -> None:
    """A tool result MUST come after its call and carry its id."""
    told = stage.say(stage.worked, _TITLE)
    open_calls: list[str] = []
    for event in told.of(ToolCall, ToolResult):
        if isinstance(event, ToolCall):
            open_calls.append(event.id)
        else:
            expect_that("the call of a result", event.id in open_calls, str(open_calls), event.id)


@check("chat.tools.documented-name", "SSE-2", needs="work", assumed=True)
def edit_tool_has_its_public_name(stage: Stage) -> None:
    """An edit of the timeline SHOULD call `edit_multitrack`, as public documents show."""
    names = [call.name for call in stage.say(stage.worked, _TITLE).of(ToolCall)]
    expect_that("tool names", "edit_multitrack" in names, "edit_multitrack among them", names)


@check("chat.heartbeat.sent", "SSE-3", control=True)
def working_backend_sends_heartbeats(stage: Stage) -> None:
    """A long turn MUST send heartbeats while it has nothing to say."""
    beats = len(stage.generated.told.of(Heartbeat))
    expect_that("heartbeats in 100 to 300 s", beats >= 5, "one every 15 s or so", beats)


@check("chat.heartbeat.form", "SSE-3", "SSE-2", control=True)
def heartbeat_has_a_known_form(stage: Stage) -> None:
    """A heartbeat MUST be an empty data line or a heartbeat event."""
    told = stage.generated.told
    for frame in told.frames:
        if frame.data.strip() and decode_json(frame.data).get("type") == "heartbeat":
            stage.saw("SSE-3", "heartbeat=event")
        elif not frame.data.strip():
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
    kinds = [body.get("type") for body in _bodies(told) if body.get("type") in ("done", "end")]
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
        titles = [t for t in stage.draft(session)["t"] if t.get("tt") == 7]
        shown = sum(len(track["sg"]) for track in titles)
        expect(f"titles after {number} turns", shown, number)


@check("chat.hang-up.goes-on", "SSE-7", control=True)
def work_goes_on_without_the_client(stage: Stage) -> None:
    """The work MUST go on, and be charged, when the client hangs up."""
    account = stage.anybody(credits=200)
    session = stage.new_session(account)
    stage.upload(session, "clip.mp4", account=account)
    body = {
        "app_name": wire.APP,
        "user_id": wire.ME,
        "session_id": session,
        "new_message": {"parts": [{"text": "put my clip on the timeline"}]},
    }
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
    took = stage.generated.seconds
    expect_that("seconds", 95 <= took <= 300, "95 to 300", round(took, 1))


def _expect_time(stage: Stage, act: Any, least: float, most: float) -> None:
    before = stage.control.time()
    act()
    took = stage.control.time() - before
    expect_that("seconds", least <= took <= most, f"{least} to {most}", round(took, 1))
