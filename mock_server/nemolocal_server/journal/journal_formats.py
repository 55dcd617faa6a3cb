"""The journal as bytes, written an entry at a time: JSON, JSON lines, or an HTTP archive."""

import logging
from collections.abc import Callable, Iterator
from typing import Any, Literal

import msgspec

from nemolocal_contract.journal import JOURNAL_VERSION, Entry
from nemolocal_contract.responses import encode_json

from .har import har_entry, har_head

_log = logging.getLogger(__name__)

JournalFormat = Literal["json", "jsonl", "har"]
MEDIA_TYPES: dict[JournalFormat, str] = {
    "json": "application/json; charset=utf-8",
    "jsonl": "application/x-ndjson; charset=utf-8",
    "har": "application/json; charset=utf-8",
}


def write_journal(
    kind: JournalFormat, entries: Iterator[Entry], dropped: int, server_version: str
) -> Iterator[bytes]:
    """The bytes of all entries; `dropped` is how many older ones are no longer there."""
    if kind == "jsonl":
        return (line + b"\n" for line in _written(entries, lambda entry: entry))
    if kind == "har":
        return _har(entries, server_version)
    head = {"version": JOURNAL_VERSION, "dropped": dropped}
    return _object(head, entries, lambda entry: entry)


def _har(entries: Iterator[Entry], server_version: str) -> Iterator[bytes]:
    yield b'{"log":'
    yield from _object(har_head(server_version), entries, har_entry)
    yield b"}"


def _object(
    head: dict[str, Any], entries: Iterator[Entry], show: Callable[[Entry], Any]
) -> Iterator[bytes]:
    """A JSON object with what `head` has and, last, the `entries`."""
    yield encode_json(head)[:-1] + b',"entries":['
    for number, line in enumerate(_written(entries, show)):
        yield (b"," if number else b"") + line
    yield b"]}"


def _written(entries: Iterator[Entry], show: Callable[[Entry], Any]) -> Iterator[bytes]:
    """Each entry as JSON.

    One that cannot be written is left out and logged: all others of an export that has begun are
    worth more, and half an export is none.
    """
    for entry in entries:
        try:
            line = encode_json(msgspec.to_builtins(show(entry)))
        except Exception:
            _log.exception("entry %d of the journal could not be written", entry.id)
            continue
        yield line
