"""Compares the exchanges of a recording with those of a replay, and names the rules."""

from collections.abc import Iterator
from typing import Any

import msgspec

from nemolocal_conformance.render_replies import flatten_render
from nemolocal_conformance.reply_forms import REPLY_FORMS
from nemolocal_contract.responses import ResponseCode

from ..learning.traffic_view import RENDER_ENDPOINTS, code_of
from ..recording import ExchangeRecord
from .reply_shapes import MessageMarks, ReplyShape

_RULES = {
    "token": "AUTH-1", "claim_token": "AUTH-7", "claim_page": "AUTH-7", "session": "SES-1",
    "upload": "UPL-2", "chat": "SSE-1", "balance": "CRD-1", "state": "STA-1", "render": "REN-4",
    "render_status": "REN-4", "render_cancel": "REN-8", "render_download": "REN-8", "": "GEN-6",
}  # fmt: skip
_REFUSALS: dict[int, tuple[str, ...]] = {
    ResponseCode.BAD_TOKEN: ("GEN-3",),
    ResponseCode.SESSION_NOT_FOUND: ("SES-3",),
    ResponseCode.NO_CREDITS: ("CRD-4",),
    ResponseCode.EXPORT_BLOCKED: ("REN-2",),
    ResponseCode.RATE_LIMITED: ("AUTH-3",),
    4001: ("UPL-3",),
    4002: ("UPL-4",),
    400: ("GEN-6",),
    404: ("GEN-6",),
    405: ("GEN-6",),
}
_PASSING = (429, 502, 503, 504)
_BROKEN = 500
_EVENTS = "the events of a turn"
_LINE, _EVENT = "an empty data line", "an event"


class Difference(msgspec.Struct, frozen=True):
    """What differs, by the rules that it is about; `exchange` is that of the recording, or 0."""

    rules: tuple[str, ...]
    exchange: int
    what: str
    recorded: str
    now: str


class ExchangePair(msgspec.Struct, frozen=True):
    """A recorded exchange and the one that was played for it."""

    recorded: ExchangeRecord
    now: ExchangeRecord

    @property
    def unclear(self) -> str:
        """Why nothing can be said of the pair, "" if it can be compared."""
        if not self.recorded.is_complete:
            return "the recorded response is not complete"
        if self.now.ending != self.recorded.ending:
            return "the response was not complete"
        for one, other, which in (
            (self.recorded, self.now, "recorded"),
            (self.now, self.recorded, "new"),
        ):
            if may_be_passing(one, other):
                return f"the {which} response is HTTP {one.status}, which may be a passing fault"
        if (
            self.recorded.is_stream
            and self.now.is_stream
            and _edits(self.recorded) != _edits(self.now)
        ):
            return "the turn was an edit at one time only: its message may mean something else"
        return ""


def _edits(one: ExchangeRecord) -> bool:
    """Whether a tool was called in a turn."""
    return any("tool_call" in kind or "functionCall" in kind for kind in _frame_kinds(one))


def _frame_kinds(one: ExchangeRecord) -> set[str]:
    return {_frame_kind(frame.data) for frame in one.frames}


def may_be_passing(one: ExchangeRecord, other: ExchangeRecord | None) -> bool:
    """Whether a response that its counterpart differs from may come from a passing fault.

    Proxies and limits give such responses, and servers that are about to restart.
    """
    if other is not None and one.status == other.status:
        return False
    return one.status in _PASSING or (one.status >= _BROKEN and not isinstance(one.json, dict))


def compare_heads(pair: ExchangePair) -> Iterator[Difference]:
    """Yield what differs in status, code and headers."""
    before, now = pair.recorded, pair.now
    number = before.request.exchange
    was, is_ = outcome_of(before), outcome_of(now)
    if was != is_:
        yield Difference(_rules_of_change(before, now), number, "the outcome", was, is_)
        return
    if before.status != now.status:
        rules = ("GEN-2",) if code_of(before) else (_RULES.get(before.endpoint, "GEN-1"), "GEN-1")
        yield Difference(rules, number, "the HTTP status", str(before.status), str(now.status))
    if before.content_type != now.content_type:
        about = {"chat": ("SSE-1", "GEN-1"), "render_download": ("REN-7", "GEN-1")}
        yield Difference(
            about.get(before.endpoint, ("GEN-1",)), number, "Content-Type",
            before.content_type or "none", now.content_type or "none",
        )  # fmt: skip
    yield from _headers(before, now)
    if before.is_stream and now.is_stream:
        for name in ("utf8", "torn"):
            if bool(before.body.get(name)) != bool(now.body.get(name)):
                yield Difference(
                    ("SSE-1",), number, f"the stream: {name}", str(bool(before.body.get(name))),
                    str(bool(now.body.get(name))),
                )  # fmt: skip


def _headers(before: ExchangeRecord, now: ExchangeRecord) -> Iterator[Difference]:
    assert before.response is not None
    assert now.response is not None
    for name, rule in (("retry-after", "AUTH-3"), ("allow", "GEN-6")):
        was, is_ = before.response.headers.get(name), now.response.headers.get(name)
        if (was is None) != (is_ is None) or (name == "allow" and _names(was) != _names(is_)):
            yield Difference(
                (rule,), before.request.exchange, name.title(), was or "missing", is_ or "missing"
            )


def _names(value: str | None) -> set[str]:
    return {one.strip() for one in (value or "").split(",")}


def outcome_of(one: ExchangeRecord) -> str:
    """Return the kind of a response: a success, an event stream, a refusal, a render's status."""
    if one.is_stream or one.body.get("begins") == "data:":
        return "an event stream"
    code = code_of(one)
    if code not in (0, None):
        return f"code {code}"
    if one.endpoint in RENDER_ENDPOINTS and isinstance(one.json, dict):
        status = flatten_render(one.json).get("status")
        if isinstance(status, str):
            return f"status {status}"
    if one.status >= 400:
        return f"HTTP {one.status}"
    return "a file" if one.body.get("kind") == "media" else "a success"


def _rules_of_change(before: ExchangeRecord, now: ExchangeRecord) -> tuple[str, ...]:
    """Return the rules that are about another outcome."""
    found = [*_refusal_rules(before), *_refusal_rules(now)]
    return tuple(dict.fromkeys(found)) or (_RULES.get(before.endpoint, "GEN-6"),)


def _refusal_rules(one: ExchangeRecord) -> Iterator[str]:
    code = code_of(one) or (one.status if one.status >= 400 else 0)
    if not code:
        return
    if one.request.token_in_url:
        yield "GEN-5"
    elif one.endpoint == "token" and code == 400:
        yield "AUTH-2"
    elif one.endpoint == "render" and code == 400:
        yield from ("REN-9", "REN-6")
    elif one.endpoint.startswith("render_") and code == ResponseCode.SESSION_NOT_FOUND:
        yield "REN-8"
    elif code == ResponseCode.SESSION_NOT_FOUND:
        yield from ("SES-3", "GEN-7")
    elif one.endpoint == "chat" and code == 400:
        yield from ("GEN-6", "SSE-1")
    else:
        yield from _REFUSALS.get(code, (_RULES.get(one.endpoint, "GEN-6"),))


def compare_shapes(pairs: list[ExchangePair], polls: list[ExchangeRecord]) -> Iterator[Difference]:
    """Yield what differs in the shape of replies of one kind; `polls` are further ones of now."""
    before, now = _Shapes(), _Shapes()
    for pair in pairs:
        before.add(pair.recorded)
        now.add(pair.now)
    for one in polls:
        now.add(one)
    for key in before.shapes.keys() & now.shapes.keys():
        endpoint, outcome = key
        found = [
            *before.shapes[key].differences(now.shapes[key]),
            *before.marks[key].differences(now.marks[key]),
        ]
        for path, was, is_ in found:
            what = f"{endpoint or 'an unknown path'}, {outcome}: {path.lstrip('.')}"
            yield Difference(
                _rules_of_path(endpoint, outcome, path), before.at[key], what, was, is_
            )
    yield from _event_kinds(before, now)


class _Shapes:
    """Shapes by endpoint and outcome; those of events by their kind."""

    def __init__(self) -> None:
        self.shapes: dict[tuple[str, str], ReplyShape] = {}
        self.marks: dict[tuple[str, str], MessageMarks] = {}
        self.at: dict[tuple[str, str], int] = {}
        self.has_turns = False

    def add(self, one: ExchangeRecord) -> None:
        if one.is_stream:
            self.has_turns = True
            for frame in one.frames:
                self._merge(("chat", _frame_kind(frame.data)), frame.json, one)
        elif one.json is not None:
            self._merge((one.endpoint, outcome_of(one)), one.json, one)

    def _merge(self, key: tuple[str, str], value: Any, one: ExchangeRecord) -> None:
        self.shapes.setdefault(key, ReplyShape()).add(value)
        marks = self.marks.setdefault(key, MessageMarks())
        if isinstance(value, dict) and "message" in value:
            marks.add(value["message"])
        self.at.setdefault(key, one.request.exchange)


def _event_kinds(before: _Shapes, now: _Shapes) -> Iterator[Difference]:
    """Yield kinds of events that the recording does not have in any turn."""
    if not (before.has_turns and now.has_turns):
        return
    known = {outcome for endpoint, outcome in before.shapes if endpoint == "chat"}
    beats = {one for one in known if one.startswith("heartbeat")}
    for endpoint, kind in now.shapes:
        if endpoint != "chat" or kind in known or not kind.startswith(("heartbeat", "event")):
            continue
        rule = "SSE-3" if kind.startswith("heartbeat") else "SSE-2"
        if rule == "SSE-3" and not beats:
            continue
        if kind in ("event done", "event turnComplete"):
            rule = "SSE-4"
        yield Difference((rule,), 0, _EVENTS, ", ".join(sorted(beats or known)), kind)


def _frame_kind(data: dict[str, Any]) -> str:
    if data.get("data") == "":
        return f"heartbeat as {_LINE}"
    body = data.get("json")
    if not isinstance(body, dict):
        return "event that is no JSON object"
    kind = body.get("type")
    if kind == "heartbeat":
        return f"heartbeat as {_EVENT}"
    if isinstance(kind, str):
        known = kind in ("text", "tool_call", "tool_result", "done")
        return f"event {kind}" if kind == "done" or not known else f"typed {kind}"
    if body.get("turnComplete"):
        return "event turnComplete"
    if "code" in body:
        return "failure in a stream"
    return f"adk {'+'.join(sorted(_part_kinds(body))) or 'event without parts'}"


def _part_kinds(body: dict[str, Any]) -> set[str]:
    content = body.get("content")
    parts = content.get("parts") if isinstance(content, dict) else None
    named = [part for part in parts if isinstance(part, dict)] if isinstance(parts, list) else []
    return {name for part in named for name in part}


def _rules_of_path(endpoint: str, outcome: str, path: str) -> tuple[str, ...]:
    """Return the rules about a field of a reply."""
    plain = path.lstrip(".")
    if endpoint == "chat" and not outcome.startswith(("code", "HTTP")):
        return ("SSE-2", "SSE-8") if "functionCall" in path else ("SSE-2",)
    if outcome.startswith(("code", "HTTP")):
        code = outcome.split()[1]
        about = _REFUSALS.get(int(code), ()) if plain == "message" else ()
        return ("GEN-1", *about, *(("GEN-7",) if plain == "message" and code == "1002" else ()))
    fields = [
        form.rule for form in REPLY_FORMS.get(endpoint, ())
        if form.path.removeprefix("data.") == plain.removeprefix("data.")
    ]  # fmt: skip
    if fields:
        return tuple(dict.fromkeys(fields))
    if plain in ("code", "data", "message"):
        return ("GEN-1",)
    if endpoint == "state" and ".draft" in path:
        return ("STA-2", "STA-1")
    return (_RULES.get(endpoint, "GEN-1"),)
