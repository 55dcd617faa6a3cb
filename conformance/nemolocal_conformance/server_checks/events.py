"""Section 5, events: the events of a turn, and its tools (SSE-2)."""

import contextlib
import uuid
from typing import Any

import msgspec

from nemolocal_contract.endpoints import APP_NAME
from nemolocal_contract.responses import decode_json
from nemolocal_contract.turn_events import ToolCall, ToolResult

from ..assertions import expect_equal, expect_one_of, expect_true, expect_type, require_field
from ..context import CheckContext
from ..server_check import server_check
from ..target import TurnStream

_TITLE = "add a title 'Hello' for 1 second"
# Seconds by which the clock of a server may differ between two of its parts.
_CLOCK_SLACK = 2.0
_ADK_FIELDS: dict[str, tuple[type, ...]] = {
    "author": (str,),
    "invocationId": (str,),
    "id": (str,),
    "timestamp": (int, float),
    "actions": (dict,),
}


def event_bodies(stream: TurnStream) -> list[dict[str, Any]]:
    """Return the JSON objects of the frames; other frames are left to `chat.stream.frames`."""
    bodies = []
    for frame in stream.frames:
        with contextlib.suppress(msgspec.DecodeError):
            bodies.append(decode_json(frame.data))
    return [body for body in bodies if isinstance(body, dict)]


@server_check("chat.events.shape", "SSE-2", prerequisite="session")
def events_have_a_known_shape(context: CheckContext) -> None:
    """A stream MUST contain ADK events only or typed objects only."""
    events = event_bodies(context.send_message(context.session, "hello"))
    # A heartbeat has a form of its own (SSE-3).
    bodies = [body for body in events if body.get("type") != "heartbeat"]
    shapes = {"typed" if "type" in body else "adk" for body in bodies}
    expect_true("forms of events", len(shapes) == 1, "one form", sorted(shapes))
    (shape,) = shapes
    context.note_alternative("SSE-2", f"sse={shape}")
    for body in bodies:
        if shape == "adk":
            require_field("the event", body, "content", "parts")
        else:
            expect_one_of("type", body["type"], ("text", "tool_call", "tool_result"))


@server_check("chat.events.adk-fields", "SSE-2", prerequisite="work")
def adk_events_are_whole(context: CheckContext) -> None:
    """An ADK event MUST have author, invocationId, id, timestamp and actions, and no null field."""
    bodies = event_bodies(context.send_message(context.scratch_session, _TITLE))
    for body in bodies:
        if "type" in body:
            continue
        for name, kinds in _ADK_FIELDS.items():
            expect_type(name, require_field("the event", body, name), *kinds)
        nulls = [name for name, value in body.items() if value is None]
        expect_equal("fields that are null", nulls, [])
    invocations = {str(body["invocationId"]) for body in bodies if "invocationId" in body}
    expect_true("invocationId", len(invocations) <= 1, "one per turn", sorted(invocations))


@server_check("chat.events.distinct", "SSE-2", prerequisite="work")
def adk_event_ids_are_distinct(context: CheckContext) -> None:
    """Every ADK event of a turn MUST have a unique `id`."""
    bodies = event_bodies(context.send_message(context.scratch_session, _TITLE))
    # In the other dialect an id is that of a tool call.
    ids = [str(body["id"]) for body in bodies if "id" in body and "type" not in body]
    expect_equal("repeated ids", len(ids) - len(set(ids)), 0)


@server_check("chat.events.of-turns", "SSE-2", prerequisite="work")
def ids_of_turns_are_distinct(context: CheckContext) -> None:
    """Two turns MUST NOT share an `invocationId` or the `id` of an ADK event."""
    turns = [_adk_bodies(context) for _ in range(2)]
    invocations = [{str(body.get("invocationId")) for body in turn} for turn in turns]
    expect_equal("invocationIds that both turns have", invocations[0] & invocations[1], set())
    ids = [{str(body.get("id")) for body in turn} for turn in turns]
    expect_equal("event ids that both turns have", ids[0] & ids[1], set())


@server_check("chat.events.times", "SSE-2", prerequisite="work")
def times_of_events_never_fall(context: CheckContext) -> None:
    """The `timestamp` of ADK events MUST be in seconds since 1970 and never decrease."""
    before = context.control.read_clock() if context.has_control else None
    times = [
        float(expect_type("timestamp", body.get("timestamp"), int, float))
        for body in _adk_bodies(context)
    ]
    expect_equal("the timestamps", times, sorted(times))
    if before is None or not times:
        return
    after = context.control.read_clock()
    fits = before - _CLOCK_SLACK <= times[0] and times[-1] <= after + _CLOCK_SLACK
    expect_true("the timestamps", fits, f"from {before:.0f} to {after:.0f}", times)


@server_check("chat.events.author", "SSE-2", prerequisite="work", assumed=True)
def events_are_the_agents(context: CheckContext) -> None:
    """The `author` of an ADK event MUST be `nemo_agent`."""
    authors = {str(body.get("author")) for body in _adk_bodies(context)}
    expect_true("authors", authors <= {APP_NAME}, APP_NAME, sorted(authors))


def _adk_bodies(context: CheckContext) -> list[dict[str, Any]]:
    """Return the ADK events of an edit that was not asked for before; none in the other dialect."""
    message = f"add a title 'Take {uuid.uuid4().hex[:8]}' for 1 second"
    bodies = event_bodies(context.send_message(context.scratch_session, message))
    return [body for body in bodies if "type" not in body]


@server_check("chat.events.roles", "SSE-2", prerequisite="work")
def tool_results_have_the_role_user(context: CheckContext) -> None:
    """An ADK event MUST have the role user if it is a tool result, and else the role model."""
    for body in event_bodies(context.send_message(context.scratch_session, _TITLE)):
        if "type" in body:
            continue
        result = any("functionResponse" in part for part in _parts(body))
        role = require_field("the event", body, "content", "role")
        expect_equal("role", role, "user" if result else "model")


@server_check("chat.tools.called", "SSE-2", prerequisite="work")
def edit_calls_a_tool(context: CheckContext) -> None:
    """An edit MUST be reported as a tool call with name and arguments, and its result."""
    stream = context.send_message(context.scratch_session, _TITLE)
    calls, results = stream.events_of(ToolCall), stream.events_of(ToolResult)
    expect_true("tool calls", bool(calls), "at least one", stream.response.body[:200])
    expect_equal("results", [result.name for result in results], [call.name for call in calls])


@server_check("chat.tools.objects", "SSE-2", prerequisite="work")
def arguments_and_results_are_objects(context: CheckContext) -> None:
    """The arguments and the result of a tool call MUST be JSON objects."""
    shown = 0
    for body in event_bodies(context.send_message(context.scratch_session, _TITLE)):
        calls = [part["functionCall"] for part in _parts(body) if "functionCall" in part]
        results = [part["functionResponse"] for part in _parts(body) if "functionResponse" in part]
        held = [expect_type("functionCall", call, dict).get("args") for call in calls]
        held += [expect_type("functionResponse", one, dict).get("response") for one in results]
        held += [body.get("args", body.get("result"))] if _is_typed_tool(body) else []
        for value in held:
            expect_type("args, response or result", value, dict)
        shown += len(held)
    expect_true("tool calls and results", shown > 0, "at least one", shown)


def _parts(body: dict[str, Any]) -> list[dict[str, Any]]:
    content = body.get("content")
    parts = content.get("parts") if isinstance(content, dict) else None
    return [part for part in parts or () if isinstance(part, dict)]


def _is_typed_tool(body: dict[str, Any]) -> bool:
    return body.get("type") in ("tool_call", "tool_result")


@server_check("chat.tools.matched", "SSE-2", prerequisite="work")
def results_answer_their_calls(context: CheckContext) -> None:
    """A tool result MUST come after its call and carry the same id."""
    stream = context.send_message(context.scratch_session, _TITLE)
    expect_equal("tool results without a call before them", stream.unmatched_results, [])


@server_check("chat.tools.ids", "SSE-2", prerequisite="work")
def tool_calls_have_ids_of_their_own(context: CheckContext) -> None:
    """In ADK events, every tool call MUST have a unique `id`, and every tool result an `id`."""
    calls: list[str] = []
    for body in _adk_bodies(context):
        for part in _parts(body):
            for tool in ("functionCall", "functionResponse"):
                if tool not in part:
                    continue
                found = expect_type(f"{tool}.id", require_field(tool, part[tool], "id"), str)
                expect_true(f"{tool}.id", bool(found), "not empty", found)
                calls += [found] if tool == "functionCall" else []
    expect_equal("repeated ids of tool calls", len(calls) - len(set(calls)), 0)


@server_check("chat.tools.documented-name", "SSE-2", prerequisite="work", assumed=True)
def edit_tool_has_its_public_name(context: CheckContext) -> None:
    """An edit of the timeline SHOULD call `edit_multitrack`, as public documents show."""
    names = [
        call.name
        for call in context.send_message(context.scratch_session, _TITLE).events_of(ToolCall)
    ]
    expect_true("tool names", "edit_multitrack" in names, "edit_multitrack among them", names)
