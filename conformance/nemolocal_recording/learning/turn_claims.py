"""Claims about turns and their streams (SSE)."""

from collections.abc import Iterator

from nemolocal_contract.turn_events import UnreadableEvent

from ..text_marks import marks_of
from .account_claims import seen
from .claims import Sighting, claim, describe_actual
from .traffic_view import LONGEST_TURN, StreamedTurn, TrafficView, asked_language, segments_of
from .variants import event_shapes

Sightings = Iterator[Sighting]
_HEARTBEAT, _HEARTBEAT_TOLERANCE = 15.0, 2.0
_MINIMAL = {"session_id", "new_message"}


@claim("SSE-1", "stream", count=2)
def turn_is_an_event_stream(view: TrafficView) -> Sightings:
    """A turn is text/event-stream in UTF-8, and its last event ends with a blank line."""
    for one in view.of("chat"):
        if one.is_stream:
            body = one.body
            holds = body.get("utf8") is True and not body.get("torn")
            yield seen(one, holds, "", body)
        elif one.body.get("begins") == "data:":
            yield seen(one, False, "", one.content_type)


@claim("SSE-1", "fields", cases="all minimal")
def turn_needs_two_fields(view: TrafficView) -> Sightings:
    """Of the fields of a turn only session_id and new_message are needed."""
    for one in view.of("chat"):
        sent = one.sent_json
        if isinstance(sent, dict) and set(sent) >= _MINIMAL and sent.get("new_message"):
            case = "minimal" if set(sent) == _MINIMAL else "all"
            if one.is_stream:
                yield seen(one, True, case)


@claim("SSE-2", "events", count=2)
def events_have_one_shape(view: TrafficView) -> Sightings:
    """Events are those of ADK, or typed objects."""
    for turn in view.turns:
        broken = view.violations(turn.exchange, "SSE-2")
        unread = any(isinstance(event, UnreadableEvent) for _, event in turn.events)
        shapes = event_shapes(turn.exchange)
        holds = not broken and not unread and len(shapes) <= 1
        shape = next(iter(shapes), "") if len(shapes) == 1 else ""
        actual = "" if holds else describe_actual(broken or sorted(shapes))
        yield Sighting(turn.number, holds, "", actual, shape)


@claim("SSE-3", "interval")
def heartbeats_come_every_15_seconds(view: TrafficView) -> Sightings:
    """Two heartbeats with nothing between them are 15 seconds apart."""
    for turn in view.turns:
        for (at, event), (later, following) in zip(turn.events, turn.events[1:], strict=False):
            if type(event).__name__ == type(following).__name__ == "Heartbeat":
                apart = later - at
                holds = abs(apart - _HEARTBEAT) <= _HEARTBEAT_TOLERANCE
                # A local server may run on a faster clock, and a network may delay a chunk.
                is_cloud = view.header.server == "cloud"
                yield seen(turn.exchange, holds or (False if is_cloud else None), "", apart)


@claim("SSE-3", "silence")
def long_silences_have_heartbeats(view: TrafficView) -> Sightings:
    """Between two events that are 20 seconds or more apart there is a heartbeat."""
    for turn in view.turns:
        yield from _silences(turn)


def _silences(turn: StreamedTurn) -> Sightings:
    before, beats = None, 0
    for frame in turn.exchange.frames:
        body = frame.json if isinstance(frame.json, dict) else {}
        stamp = body.get("timestamp")
        if frame.is_empty or body.get("type") == "heartbeat":
            beats += 1
        elif isinstance(stamp, int | float):
            if before is not None and 20 <= stamp - before < 1_000:
                yield seen(turn.exchange, beats > 0, "", f"{stamp - before:.0f} s of silence")
            before, beats = stamp, 0


@claim("SSE-4", "end", cases="text silent")
def turn_ends_with_the_stream(view: TrafficView) -> Sightings:
    """A turn ends by the clean end of its stream, with no event that says so."""
    for turn in view.turns:
        bodies = [frame.json for frame in turn.exchange.frames if isinstance(frame.json, dict)]
        done = any(body.get("type") == "done" or body.get("turnComplete") for body in bodies)
        unknown = any(isinstance(event, UnreadableEvent) for _, event in turn.events)
        if turn.texts or turn.has_edit:
            case = "text" if turn.texts else "silent"
            yield seen(turn.exchange, not done and not unknown, case, bodies[-1:])
    for one in view.all:
        if one.endpoint == "chat" and one.is_stream and one.ending in ("fin", "rst"):
            # The network may have cut it.
            yield seen(one, None, "text", one.ending)


@claim("SSE-5", "silent")
def silent_edit_has_changed_the_draft(view: TrafficView) -> Sightings:
    """An edit without text has changed the draft."""
    for turn in view.turns:
        if turn.has_edit and not turn.texts:
            before, after = view.state_around(turn)
            if before is not None and after is not None:
                yield seen(turn.exchange, before != after, "", "an unchanged draft")


@claim("SSE-5", "talk")
def talk_has_a_text(view: TrafficView) -> Sightings:
    """A turn without an edit has a text."""
    for turn in view.turns:
        if not turn.has_edit and not turn.tools:
            yield seen(turn.exchange, bool(turn.texts), "", "no text")


@claim("SSE-6", "length")
def turn_is_over_in_15_minutes(view: TrafficView) -> Sightings:
    """A turn lasts at most 15 minutes."""
    for turn in view.turns:
        lasted = (turn.exchange.ended or 0.0) - turn.exchange.request.at
        yield seen(turn.exchange, lasted <= LONGEST_TURN, "", f"{lasted:.0f} s")


@claim("SSE-7", "disconnected")
def work_goes_on_without_the_client(view: TrafficView) -> Sightings:
    """A draft changes after its client has hung up."""
    for one in view.all:
        if one.endpoint != "chat" or one.ending != "client" or not one.is_stream:
            continue
        sent = one.sent_json if isinstance(one.sent_json, dict) else {}
        before, after = view.state_around(StreamedTurn(one, (), str(sent.get("session_id"))))
        if before is not None and after is not None and before != after:
            yield seen(one, True)


@claim("SSE-8", "stages")
def generation_adds_music_and_a_title(view: TrafficView) -> Sightings:
    """After a generation the draft has a clip, music and a title."""
    for turn in view.turns:
        state = view.state_after(turn) if turn.is_generation else None
        if state is not None:
            kinds = {track.get("tt") for track, _ in segments_of(state.get("draft"))}
            yield seen(turn.exchange, kinds >= {0, 1, 7}, "", sorted(map(str, kinds)))


@claim("SSE-8", "media")
def generated_clip_is_listed(view: TrafficView) -> Sightings:
    """A generated clip is in the media of the state, and its tool call has the form of one."""
    for turn in view.turns:
        state = view.state_after(turn) if turn.is_generation else None
        if state is not None:
            is_formed = not view.violations(turn.exchange, "SSE-2")
            yield seen(turn.exchange, is_formed and bool(state.get("generated_media")), "", state)


@claim("SSE-9", "issue")
def temporary_issue_follows_a_changed_draft(view: TrafficView) -> Sightings:
    """A turn that ends with a temporary issue has changed the draft."""
    for turn in view.turns:
        if turn.texts and "temporary_issue" in marks_of(turn.texts[-1]):
            before, after = view.state_around(turn)
            if before is not None and after is not None:
                yield seen(turn.exchange, before != after, "", "an unchanged draft")


@claim("SSE-10", "gui", cases="en zh", count=2)
def texts_assume_a_gui(view: TrafficView) -> Sightings:
    """The text of an edit mentions a GUI, in the language of the session."""
    for turn in view.turns:
        if not turn.has_edit or not turn.texts:
            continue
        language = asked_language(view, turn.session)
        if language in ("en", "zh"):
            marks = frozenset().union(*(marks_of(text) for text in turn.texts))
            wanted = "gui_zh" if language == "zh" else "gui"
            is_other = language == "zh" and "han" not in marks
            # A single text may do without.
            yield seen(turn.exchange, wanted in marks or (False if is_other else None), language)


@claim("SSE-11", "seconds", cases="talk edit generation")
def turns_take_their_time(view: TrafficView) -> Sightings:
    """A text takes 5 to 15 s, an edit 10 to 30 s, a generation 100 to 300 s."""
    if view.header.server != "cloud":
        return
    bounds = {"talk": (5, 15), "edit": (10, 30), "generation": (100, 300)}
    for turn in view.turns:
        lasted = (turn.exchange.ended or 0.0) - turn.exchange.request.at
        least, most = bounds[turn.kind]
        yield seen(turn.exchange, least <= lasted <= most, turn.kind, f"{lasted:.1f} s")
