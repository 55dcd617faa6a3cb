"""The exchanges of a recording in the forms that claims look at."""

from collections.abc import Iterator
from functools import cached_property
from typing import Any

import msgspec

from nemolocal_conformance.observed_replies import ObservedReplies, ObservedRequest
from nemolocal_conformance.render_replies import flatten_render
from nemolocal_conformance.reply_violation import ReplyViolation
from nemolocal_conformance.target import TargetResponse
from nemolocal_contract.endpoints import CONTROL_PREFIX
from nemolocal_contract.responses import encode_json
from nemolocal_contract.turn_events import (
    Heartbeat,
    ReceivedEvent,
    SseEvent,
    Text,
    ToolCall,
    ToolResult,
    decode_turn_events,
)

from ..recording import ExchangeRecord, Recording, StreamFrame

RENDER_ENDPOINTS = ("render", "render_status", "render_cancel")
ENVELOPE_ENDPOINTS = ("token", "claim_token", "session", "upload", "balance", "state")


class StreamedTurn(msgspec.Struct, frozen=True):
    """A turn: its exchange, its events with the times of their frames, and the session."""

    exchange: ExchangeRecord
    events: tuple[tuple[float, ReceivedEvent], ...]
    session: str

    @property
    def number(self) -> int:
        """The number of its exchange."""
        return self.exchange.request.exchange

    @property
    def texts(self) -> list[str]:
        """Its texts, as they stand in the recording."""
        return [event.text for _, event in self.events if isinstance(event, Text)]

    @property
    def has_edit(self) -> bool:
        """Whether a tool was called and gave a result."""
        kinds = {type(event) for _, event in self.events}
        return {ToolCall, ToolResult} <= kinds

    @property
    def heartbeats(self) -> list[float]:
        """The times of its heartbeats."""
        return [at for at, event in self.events if isinstance(event, Heartbeat)]

    @property
    def tools(self) -> list[str]:
        """The names of the tools that were called."""
        return [event.name for _, event in self.events if isinstance(event, ToolCall)]


class TrafficView:
    """What claims see of a recording. Only exchanges that ended cleanly are judged."""

    def __init__(self, recording: Recording) -> None:
        self.header = recording.header
        self.all = recording.exchanges
        self.exchanges = [one for one in recording.exchanges if _is_judged(one)]
        self._violations: dict[int, list[ReplyViolation]] = {}
        self._watch()

    def of(self, *endpoints: str) -> list[ExchangeRecord]:
        """Return the exchanges of these endpoints."""
        return [one for one in self.exchanges if one.endpoint in endpoints]

    def successes(self, *endpoints: str) -> Iterator[tuple[ExchangeRecord, dict[str, Any]]]:
        """Yield successes and their `data`; of a render its flat reply."""
        for one in self.of(*endpoints):
            if one.endpoint in RENDER_ENDPOINTS:
                body = flatten_render(one.json) if isinstance(one.json, dict) else {}
                if "status" in body:
                    yield one, body
            elif code_of(one) == 0 and isinstance(one.json.get("data"), dict):
                yield one, one.json["data"]

    def failures(self, *codes: int) -> list[ExchangeRecord]:
        """Return the refusals with these codes, all if none are given."""
        found = [one for one in self.exchanges if code_of(one) not in (0, None)]
        return [one for one in found if not codes or code_of(one) in codes]

    def violations(self, exchange: ExchangeRecord, rule: str) -> list[ReplyViolation]:
        """Return what is wrong with the form of a reply by a rule."""
        found = self._violations.get(exchange.request.exchange, [])
        return [one for one in found if one.rule == rule]

    @property
    def all_violations(self) -> Iterator[tuple[int, ReplyViolation]]:
        """Every violation of a form with the number of its exchange."""
        for number, found in self._violations.items():
            yield from ((number, one) for one in found)

    @cached_property
    def turns(self) -> list[StreamedTurn]:
        """The turns that were streamed."""
        return [_turn(one) for one in self.of("chat") if one.is_stream]

    @cached_property
    def tokens(self) -> dict[str, int]:
        """The issued tokens and the exchange in which each was issued."""
        return {
            str(data["token"]): one.request.exchange
            for one, data in self.successes("token")
            if "token" in data
        }

    @cached_property
    def sessions(self) -> dict[str, str]:
        """The ids of the sessions that were opened, and the token of each."""
        return {
            str(data.get("session_id")): bearer_of(one) for one, data in self.successes("session")
        }

    def before(self, exchange: ExchangeRecord, *endpoints: str) -> list[ExchangeRecord]:
        """Return earlier exchanges of the same token at these endpoints, the latest last."""
        token, number = bearer_of(exchange), exchange.request.exchange
        found = [one for one in self.of(*endpoints) if one.request.exchange < number]
        return [one for one in found if bearer_of(one) == token]

    def after(self, exchange: ExchangeRecord, *endpoints: str) -> list[ExchangeRecord]:
        """Return later exchanges of the same token at these endpoints, the first first."""
        token, number = bearer_of(exchange), exchange.request.exchange
        found = [one for one in self.of(*endpoints) if one.request.exchange > number]
        return [one for one in found if bearer_of(one) == token]

    def state_around(self, turn: StreamedTurn) -> tuple[Any, Any]:
        """Return the drafts that were read of a session before and after a turn, or None."""
        return (
            _draft(self.before(turn.exchange, "state"), turn.session, last=True),
            _draft(self.after(turn.exchange, "state"), turn.session, last=False),
        )

    def _watch(self) -> None:
        watch = ObservedReplies()
        for one in self.exchanges:
            before = len(watch.violations)
            watch.watch(_request(one), _response(one))
            self._violations[one.request.exchange] = watch.violations[before:]


def code_of(exchange: ExchangeRecord) -> int | None:
    """Return the code of a reply; None if it has no envelope."""
    body = exchange.json
    code = body.get("code") if isinstance(body, dict) else None
    return code if type(code) is int else None


def bearer_of(exchange: ExchangeRecord) -> str:
    """Return the pseudonym of the token of a request, "" if it has none."""
    return exchange.request.headers.get("authorization", "").removeprefix("Bearer ")


def segment(exchange: ExchangeRecord, name: str) -> str:
    """Return the value in the path for a variable of the template, "" if there is none."""
    template = (exchange.request.template or "").split("/")
    given = exchange.request.path.split("/")
    found = dict(zip(template, given, strict=False))
    return found.get(f"{{{name}}}", "")


def balance_of(exchange: ExchangeRecord) -> tuple[Any, ...]:
    """Return the three numbers of a balance."""
    data = exchange.json.get("data") if isinstance(exchange.json, dict) else None
    held = data if isinstance(data, dict) else {}
    return tuple(held.get(name) for name in ("available", "frozen", "total"))


def segments_of(draft: Any) -> list[tuple[dict[str, Any], dict[str, Any]]]:
    """Return the tracks of a draft with each of their segments."""
    tracks = draft.get("t") if isinstance(draft, dict) else None
    listed = tracks if isinstance(tracks, list) else ()
    found = [track for track in listed if isinstance(track, dict)]
    return [
        (track, one)
        for track in found
        for one in (track["sg"] if isinstance(track.get("sg"), list) else ())
        if isinstance(one, dict)
    ]


def _is_judged(exchange: ExchangeRecord) -> bool:
    if (exchange.request.template or "").startswith(CONTROL_PREFIX):
        return False
    return exchange.is_complete and exchange.refused is None and exchange.request.generation != 2


def _turn(exchange: ExchangeRecord) -> StreamedTurn:
    sent = exchange.sent_json if isinstance(exchange.sent_json, dict) else {}
    events = tuple(
        (frame.at, event) for frame in exchange.frames for event in decode_turn_events(_sse(frame))
    )
    return StreamedTurn(exchange, events, str(sent.get("session_id", "")))


def _sse(frame: StreamFrame) -> SseEvent:
    if "json" in frame.data:
        return SseEvent(encode_json(frame.json).decode())
    return SseEvent("" if frame.is_empty else "<not JSON>")


def _draft(reads: list[ExchangeRecord], session: str, *, last: bool) -> Any:
    found = [one for one in reads if segment(one, "session") == session and code_of(one) == 0]
    state = _state(found[-1 if last else 0]) if found else None
    return None if state is None else state.get("draft")


def _state(exchange: ExchangeRecord) -> dict[str, Any] | None:
    data = exchange.json.get("data")
    state = data.get("state") if isinstance(data, dict) else None
    return state if isinstance(state, dict) else None


def state_after(view: TrafficView, turn: StreamedTurn) -> dict[str, Any] | None:
    """Return the state of a session that was read first after a turn, or None."""
    reads = view.after(turn.exchange, "state")
    found = [one for one in reads if segment(one, "session") == turn.session and code_of(one) == 0]
    return _state(found[0]) if found else None


def _request(exchange: ExchangeRecord) -> ObservedRequest:
    request = exchange.request
    return ObservedRequest(request.method, request.path, request.headers, exchange.sent_json)


def _response(exchange: ExchangeRecord) -> TargetResponse:
    assert exchange.response is not None
    headers = dict(exchange.response.headers)
    return TargetResponse(exchange.status, headers, _body(exchange))


def _body(exchange: ExchangeRecord) -> bytes:
    if exchange.is_stream:
        frames = [b"data: %b\n\n" % _sse(frame).data.encode() for frame in exchange.frames]
        return b"".join(frames)
    kept = exchange.body
    if "json" in kept:
        return encode_json(kept["json"])
    return kept.get("begins", "<text>").encode() if kept else b""


def asked_language(view: TrafficView, session: str) -> str:
    """Return the language that a session was opened with, "" if that is not known."""
    for one, data in view.successes("session"):
        if str(data.get("session_id")) == session and isinstance(one.sent_json, dict):
            return str(one.sent_json.get("language", ""))
    return ""
