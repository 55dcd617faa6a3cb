"""Requests that are dropped, doubled, repeated later, or exchanged with the next one."""

import re
from collections.abc import Iterator, Sequence

import msgspec

from nemolocal_contract.journal import Entry

from .client_change import ClientChange, endpoint_of, moved, numbered
from .expected_responses import response_to_repetition

# So soon after the response no user has read it.
_AT_ONCE = 0.05
_LATER = 35.0
_RENDER_ID = re.compile(r"render_\w+")


def dropped(entries: Sequence[Entry]) -> Iterator[ClientChange]:
    """Each request is left out. What it gave, such as a session, is known from an earlier run."""
    for place in range(len(entries)):
        left = (*entries[:place], *entries[place + 1 :])
        yield ClientChange("drop", place + 1, "", numbered(left))


def doubled(entries: Sequence[Entry]) -> Iterator[ClientChange]:
    """Each request is sent again at once."""
    for place, entry in enumerate(entries):
        changed = _with_repetition(entries, place, response_to_repetition(entry), _AT_ONCE)
        yield ClientChange("double", place + 1, "", changed)


def repeated(entries: Sequence[Entry]) -> Iterator[ClientChange]:
    """Each request is sent again after half a minute: a retry too many."""
    for place, entry in enumerate(entries):
        changed = _with_repetition(entries, place, response_to_repetition(entry), _LATER)
        yield ClientChange("repeat", place + 1, f"{_LATER:g}s", changed)


def exported_again(entries: Sequence[Entry]) -> Iterator[ClientChange]:
    """The last export of a session is submitted once more, with a new id, after its last poll."""
    submits = [place for place, entry in enumerate(entries) if entry.endpoint == "render"]
    if not submits:
        return
    submit = entries[submits[-1]]
    about = [
        place for place, entry in enumerate(entries)
        if entry.endpoint == "render_status" and place > submits[-1]
    ]  # fmt: skip
    last = entries[about[-1]] if about else submit
    again = [_renamed(submit), *([_renamed(last)] if about else [])]
    place = about[-1] if about else submits[-1]
    began = last.ended + _AT_ONCE
    added = [
        moved(entry, began + 30.0 * number - entry.started) for number, entry in enumerate(again)
    ]
    later = [moved(entry, 30.0 * len(again)) for entry in entries[place + 1 :]]
    changed = numbered([*entries[: place + 1], *added, *later])
    yield ClientChange("new-export", place + 1, "", changed)


def exchanged(entries: Sequence[Entry]) -> Iterator[ClientChange]:
    """Each two neighbours in the other order, unless the second needs what the first returned."""
    for place in range(len(entries) - 1):
        first, second = entries[place], entries[place + 1]
        if _needs(second, first) or _is_same_request(first, second):
            continue
        gap = second.started - first.ended
        second = moved(second, first.started - second.started)
        first = moved(first, second.ended + gap - first.started)
        # Renders and turns take their time wherever they are: nothing after them moves.
        changed = numbered([*entries[:place], second, first, *entries[place + 2 :]])
        detail = endpoint_of(entries[place + 1])
        yield ClientChange("exchange", place + 1, detail, changed)


def _with_repetition(
    entries: Sequence[Entry], place: int, again: Entry, seconds: float
) -> tuple[Entry, ...]:
    entry = entries[place]
    began = entry.ended + seconds
    again = moved(again, began - again.started)
    shift = again.ended - entry.ended
    later = [moved(other, shift) for other in entries[place + 1 :]]
    return numbered([*entries[: place + 1], again, *later])


def _renamed(entry: Entry) -> Entry:
    """The same call about another export, with an id that none had before."""
    return msgspec.structs.replace(
        entry,
        url=_RENDER_ID.sub("render_999", entry.url),
        request_body=_RENDER_ID.sub("render_999", entry.request_body),
        response_body=_RENDER_ID.sub("render_999", entry.response_body),
        render_id="render_999" if entry.render_id else None,
    )


def _is_same_request(first: Entry, second: Entry) -> bool:
    return (first.method, first.url, first.request_body) == (
        second.method, second.url, second.request_body
    )  # fmt: skip


def _needs(second: Entry, first: Entry) -> bool:
    """Whether a request needs the response of the one before it."""
    match first.endpoint:
        case "token":
            return second.token_id is not None and second.token_id == first.token_id
        case "session":
            return bool(first.session_id) and second.session_id == first.session_id
        case "render":
            return second.endpoint in ("render_status", "render_download", "render_cancel", None)
        case "render_status":
            return second.endpoint in (None, "render_download")
    return False
