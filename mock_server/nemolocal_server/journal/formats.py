"""The journal as bytes, written an entry at a time: JSON, JSON lines, or an HTTP archive."""

from collections.abc import Callable, Iterator
from typing import Any, Literal

import msgspec

from nemolocal_contract.envelope import encode_json
from nemolocal_contract.journal import VERSION, Entry

from .har import har_entry, har_head

Format = Literal["json", "jsonl", "har"]
MEDIA_TYPES: dict[Format, str] = {
    "json": "application/json; charset=utf-8",
    "jsonl": "application/x-ndjson; charset=utf-8",
    "har": "application/json; charset=utf-8",
}


def write_journal(
    kind: Format, entries: Iterator[Entry], dropped: int, server_version: str
) -> Iterator[bytes]:
    """The bytes of all entries; `dropped` is how many older ones are no longer there."""
    if kind == "jsonl":
        return (encode_json(entry) + b"\n" for entry in entries)
    if kind == "har":
        return _har(entries, server_version)
    head = {"version": VERSION, "dropped": dropped}
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
    for number, entry in enumerate(entries):
        yield (b"," if number else b"") + encode_json(msgspec.to_builtins(show(entry)))
    yield b"]}"
