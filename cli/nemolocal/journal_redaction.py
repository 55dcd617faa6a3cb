"""A journal to give to others: redacted by allowlist, with the code that redacts recordings."""

from collections.abc import Callable
from typing import Any

import msgspec

from nemolocal_contract.journal import Entry, TurnEntry
from nemolocal_contract.responses import encode_json
from nemolocal_recording.allowlist_redactor import AllowlistRedactor
from nemolocal_recording.event_capture import EventCapture
from nemolocal_recording.pseudonyms import Pseudonyms
from nemolocal_recording.text_marks import describe_text


def entry_redactor() -> Callable[[Entry], Entry]:
    """Return a function that redacts entries; an id has the same pseudonym in all of them."""
    redactor = AllowlistRedactor(Pseudonyms())
    return lambda entry: _redact_entry(entry, redactor)


def _redact_entry(entry: Entry, redactor: AllowlistRedactor) -> Entry:
    path, _, query = entry.url.partition("?")
    shown = "&".join(f"{name}={value}" for name, value in redactor.query(query))
    sent, answered = entry.request_headers, entry.response_headers
    ids = ("user_id", "session_id", "render_id", "draft_before", "draft_after")
    return msgspec.structs.replace(
        entry,
        method=redactor.method(entry.method),
        url=redactor.path(entry.method, path).path + (f"?{shown}" if shown else ""),
        request_headers=redactor.headers(sent),
        request_body=_redact_body(entry.request_body, sent, redactor),
        response_headers=redactor.headers(answered),
        response_body=_redact_body(entry.response_body, answered, redactor),
        turn=entry.turn and _redact_turn(entry.turn, redactor),
        unknown=tuple(redactor.json(dict.fromkeys(entry.unknown))),
        reply=describe_text(entry.reply) if isinstance(entry.reply, str) else entry.reply,
        **{name: _pseudonym(getattr(entry, name), redactor) for name in ids},
    )


def _redact_turn(turn: TurnEntry, redactor: AllowlistRedactor) -> TurnEntry:
    model = turn.model
    if model:
        name, detail = redactor.text(model.name), redactor.text(model.detail)
        model = msgspec.structs.replace(model, name=name, detail=detail)
    return msgspec.structs.replace(turn, message=redactor.text(turn.message), model=model)


def _pseudonym(value: str | None, redactor: AllowlistRedactor) -> str | None:
    return redactor.pseudonyms.of(value) if value else value


def _redact_body(body: str, headers: dict[str, str], redactor: AllowlistRedactor) -> str:
    """Return a body with what the contract has; of one that is cut short or no JSON its length."""
    if headers.get("content-type", "").startswith("text/event-stream"):
        capture = EventCapture(redactor)
        frames = [*capture.feed(body.encode(errors="replace")), *capture.finish()["torn"]]
        return "".join(_frame_text(frame) for frame in frames)
    try:
        return encode_json(redactor.json(msgspec.json.decode(body))).decode()
    except (msgspec.DecodeError, RecursionError):
        return describe_text(body)


def _frame_text(frame: dict[str, Any]) -> str:
    if "json" in frame:
        return f"data: {encode_json(frame['json']).decode()}\n\n"
    return f"data:{describe_text('x' * frame['text']) if 'text' in frame else ''}\n\n"
