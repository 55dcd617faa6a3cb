"""A journal entry as a row of the list (pure)."""

from collections.abc import Sequence
from datetime import UTC, datetime

import msgspec

from nemolocal_contract.endpoints import REPLAY_OF, SKILL_SOURCE, SKILL_VERSION, ChatRequest
from nemolocal_contract.journal import Entry
from nemolocal_contract.responses import decode_json

from .waterfall import Axis, Bar, build_axis, place_entry

_MESSAGE = 200
_KB, _MB = 1024, 1024 * 1024


class Mark(msgspec.Struct, frozen=True):
    """A note on an entry: the key of its text, its value, and how serious it is.

    `kind` is "", "info", "warn" or "bad".
    """

    text: str
    kind: str = ""
    value: str = ""


class JournalRow(msgspec.Struct, frozen=True):
    """A row of the list; times are of the server's clock, in its time zone."""

    entry: Entry
    time: str
    iso_time: str
    name: str
    message: str
    path: str
    status: str
    state: str
    client: str
    took: str
    size: str
    marks: tuple[Mark, ...]
    bar: Bar


def build_rows(entries: Sequence[Entry]) -> tuple[list[JournalRow], Axis]:
    """Return a row for each entry, and the time axis that they share."""
    axis = build_axis(entries)
    return [build_row(entry, axis) for entry in entries], axis


def build_row(entry: Entry, axis: Axis) -> JournalRow:
    """Return the row of an entry."""
    started = datetime.fromtimestamp(entry.started, UTC)
    return JournalRow(
        entry=entry,
        time=started.astimezone().strftime("%H:%M:%S.%f")[:-3],
        iso_time=started.isoformat(timespec="milliseconds"),
        name=entry.endpoint or "",
        message=message_of(entry),
        path=entry.url,
        status=status_text(entry),
        state=state_of(entry),
        client=client_name(entry),
        took=format_duration(entry.ended - entry.started),
        size=format_size(entry.response_size),
        marks=tuple(find_marks(entry)),
        bar=place_entry(entry, axis),
    )


def message_of(entry: Entry) -> str:
    """Return the beginning of what the user said in a chat request, "" for any other."""
    if entry.endpoint != "chat":
        return ""
    text = entry.turn.message if entry.turn is not None else ""
    if not text:
        try:
            text = decode_json(entry.request_body, type=ChatRequest).new_message.text
        except (msgspec.MsgspecError, RecursionError):
            return ""
    return " ".join(text[:_MESSAGE].split())


def state_of(entry: Entry) -> str:
    """Return "ok", "warn" (cut, or a turn without a text) or "bad"."""
    if entry.code != 0:
        return "bad"
    is_silent = entry.turn is not None and entry.turn.silent and entry.turn.edits > 0
    return "warn" if is_silent or entry.ending != "complete" else "ok"


def status_text(entry: Entry) -> str:
    """Return the HTTP status, and the code of the envelope where that says more."""
    if not entry.status:
        return "—"
    if entry.code and entry.code != entry.status:
        return f"{entry.status} · {entry.code}"
    return str(entry.status)


def client_name(entry: Entry) -> str:
    """Return the skill with its version, else the first product of the User-Agent."""
    headers = entry.request_headers
    if skill := headers.get(SKILL_SOURCE.lower()):
        return f"{skill} {headers.get(SKILL_VERSION.lower(), '')}".strip()
    return headers.get("user-agent", "").partition(" ")[0]


def find_marks(entry: Entry) -> list[Mark]:
    """Return the notes on an entry, the worst first."""
    marks = [Mark("mark_fault", "bad", name) for name in entry.faults]
    if entry.ending != "complete":
        marks.append(Mark(f"mark_{entry.ending.replace(' ', '_')}", "warn"))
    if (turn := entry.turn) is not None:
        if turn.silent and turn.edits:
            marks.append(Mark(f"mark_silent_{turn.truth}", "warn"))
        if turn.resend:
            marks.append(Mark("mark_resend", "warn"))
        if turn.is_simulated:
            marks.append(Mark("mark_simulated", "info"))
    if REPLAY_OF.lower() in entry.request_headers:
        marks.append(Mark("mark_replay", "info", entry.request_headers[REPLAY_OF.lower()]))
    if isinstance(entry.reply, str):
        marks.append(Mark("mark_reply", "info", entry.reply))
    return marks


def format_duration(seconds: float) -> str:
    """Return a human-readable duration: `4 ms`, `1.25 s`, `2 min 5 s`."""
    seconds = max(seconds, 0.0)
    if seconds < 1:
        return f"{seconds * 1000:.0f} ms"
    if seconds < 60:
        return f"{seconds:.2f} s"
    minutes, rest = divmod(round(seconds), 60)
    return f"{minutes} min {rest} s" if minutes < 60 else f"{minutes // 60} h {minutes % 60} min"


def format_size(size: int) -> str:
    """Return a human-readable size of bytes."""
    if size < _KB:
        return f"{size} B"
    return f"{size / _KB:.1f} KB" if size < _MB else f"{size / _MB:.1f} MB"
