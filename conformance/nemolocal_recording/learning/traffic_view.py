"""The exchanges of a recording in the forms that claims look at."""

from collections.abc import Iterator
from functools import cached_property
from typing import Any, Literal

import msgspec

from nemolocal_conformance.observed_replies import ObservedReplies, ObservedRequest
from nemolocal_conformance.render_replies import flatten_render
from nemolocal_conformance.reply_violation import ReplyViolation
from nemolocal_conformance.target import TargetResponse
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
from .faulty_exchanges import fault_of, is_about_contract

RENDER_ENDPOINTS = ("render", "render_status", "render_cancel")
ENVELOPE_ENDPOINTS = ("token", "claim_token", "session", "upload", "balance", "state")
TurnKind = Literal["generation", "edit", "talk"]
GENERATION_TOOL = "generate_video_with_seedance"
LONGEST_TURN = 900.0
"""So many seconds after its request a turn may still be at work (SSE-6)."""


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
    def is_generation(self) -> bool:
        """Whether a clip was generated."""
        return GENERATION_TOOL in self.tools

    @property
    def kind(self) -> TurnKind:
        """Whether a clip was generated, else whether there was an edit."""
        if self.is_generation:
            return "generation"
        return "edit" if self.has_edit else "talk"

    @property
    def heartbeats(self) -> list[float]:
        """The times of its heartbeats."""
        return [at for at, event in self.events if isinstance(event, Heartbeat)]

    @property
    def tools(self) -> list[str]:
        """The names of the tools that were called."""
        return [event.name for _, event in self.events if isinstance(event, ToolCall)]


class TrafficView:
    """What claims see of a recording.

    `exchanges` are judged, `hit` are those that a fault has hit: what they have done is unknown.
    """

    def __init__(self, recording: Recording) -> None:
        self.header = recording.header
        self.all = recording.exchanges
        about = [one for one in recording.exchanges if is_about_contract(one)]
        self.exchanges = [one for one in about if not fault_of(one)]
        self.hit = [one for one in about if fault_of(one)]
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
        before, after = self.reads_around(turn.exchange, turn.session) or (None, None)
        return _draft(before), _draft(after)

    def reads_around(
        self, exchange: ExchangeRecord, session: str
    ) -> tuple[ExchangeRecord, ExchangeRecord] | None:
        """Return the reads of a session before and after an exchange.

        None if there are none, or if something else may have changed the session between them.
        """
        before = _reads(self.before(exchange, "state"), session)[-1:]
        after = _reads(self.after(exchange, "state"), session)[:1]
        if not before or not after or self._is_changed(before[0], after[0], session, exchange):
            return None
        return before[0], after[0]

    def state_after(self, turn: StreamedTurn) -> dict[str, Any] | None:
        """Return the state of a session that a turn has left; None as in `reads_around`."""
        after = _reads(self.after(turn.exchange, "state"), turn.session)[:1]
        if not after or self._is_changed(turn.exchange, after[0], turn.session, turn.exchange):
            return None
        return _state(after[0])

    def balances_around(
        self, first: ExchangeRecord, last: ExchangeRecord
    ) -> tuple[tuple[Any, ...], tuple[Any, ...]] | None:
        """Return the balances before an exchange and after another one (or the same).

        None if there are none, or if another turn may have cost something between them.
        """
        before = self.before(first, "balance", "chat")[-1:]
        after = self.after(last, "balance", "chat")[:1]
        if [one.endpoint for one in (*before, *after)] != ["balance", "balance"]:
            return None
        turns = (one.request.exchange for one in self.before(last, "chat") if one is not first)
        is_paid = any(number > before[0].request.exchange for number in turns)
        if is_paid or self.is_paid_unseen(before[0], after[0]):
            return None
        return balance_of(before[0]), balance_of(after[0])

    def cost_of(self, turn: StreamedTurn) -> int | None:
        """Return the credits that a turn has cost; None as in `balances_around`."""
        around = self.balances_around(turn.exchange, turn.exchange)
        held, left = (around[0][2], around[1][2]) if around else (None, None)
        return held - left if isinstance(held, int) and isinstance(left, int) else None

    def is_paid_unseen(self, first: ExchangeRecord, last: ExchangeRecord) -> bool:
        """Whether a call that a fault has hit may change the balance between two exchanges."""
        return any(
            _number(one) > _number(first) or not self._is_settled(one, first)
            for one in self._hit_writes(last)
        )

    def edit_order(self, turn: StreamedTurn) -> Literal["first", "later", ""]:
        """Return whether an edit is the first of its session, "" if that is not known."""
        earlier = [one for one in self.turns if one.number < turn.number]
        if any(one.kind == "edit" and one.session == turn.session for one in earlier):
            return "later"
        is_hit = any(
            session_of(one) == turn.session and _number(one) < turn.number for one in self.hit
        )
        return "first" if turn.session in self.sessions and not is_hit else ""

    def has_hit(self, endpoint: str) -> bool:
        """Whether a fault has hit a call of an endpoint."""
        return any(one.endpoint == endpoint for one in self.hit)

    def _is_changed(
        self, first: ExchangeRecord, last: ExchangeRecord, session: str, known: ExchangeRecord
    ) -> bool:
        """Whether another exchange than `known` may change a session between two exchanges."""
        writes = [
            one
            for one in self.of("chat", "upload")
            if one is not known
            and session_of(one) == session
            # A refused upload changes nothing (UPL-5).
            and (one.endpoint == "chat" or code_of(one) == 0)
        ]
        if any(_number(first) < _number(one) < _number(last) for one in writes):
            return True
        return any(
            one is not known and (_number(one) > _number(first) or _may_go_on(one, first))
            for one in self._hit_writes(last)
        )

    def _hit_writes(self, last: ExchangeRecord) -> list[ExchangeRecord]:
        """Return the earlier calls of the same token that a fault has hit, but those that read."""
        return [
            one
            for one in self.hit
            if one.request.method not in ("GET", "HEAD")
            and bearer_of(one) == bearer_of(last)
            and _number(one) < _number(last)
        ]

    def _is_settled(self, hit: ExchangeRecord, first: ExchangeRecord) -> bool:
        """Whether a call that a fault has hit can cost nothing more after another exchange."""
        reads = [
            one
            for one in self.of("balance")
            if _number(hit) < _number(one) <= _number(first) and bearer_of(one) == bearer_of(hit)
        ]
        # A hold is there while a turn runs (CRD-2).
        return not _may_go_on(hit, first) or any(balance_of(one)[1] == 0 for one in reads)

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


def session_of(exchange: ExchangeRecord) -> str:
    """Return the session that a request is about, "" if it is about none."""
    sent = exchange.sent_json if isinstance(exchange.sent_json, dict) else {}
    given = sent.get("session_id") or sent.get("sessionId") or segment(exchange, "session")
    return str(given or "")


def _number(exchange: ExchangeRecord) -> int:
    return exchange.request.exchange


def _may_go_on(hit: ExchangeRecord, other: ExchangeRecord) -> bool:
    """Whether the work of a call may go on when another one is made: that of a turn does."""
    return hit.endpoint == "chat" and other.request.at - hit.request.at < LONGEST_TURN


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


def _reads(states: list[ExchangeRecord], session: str) -> list[ExchangeRecord]:
    return [one for one in states if segment(one, "session") == session and code_of(one) == 0]


def _state(exchange: ExchangeRecord) -> dict[str, Any] | None:
    data = exchange.json.get("data")
    state = data.get("state") if isinstance(data, dict) else None
    return state if isinstance(state, dict) else None


def _draft(read: ExchangeRecord | None) -> Any:
    return (_state(read) or {}).get("draft") if read is not None else None


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
