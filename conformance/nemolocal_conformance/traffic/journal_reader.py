"""Reads journal files: JSON lines or JSON of a local server, or a HAR file of any program."""

from pathlib import Path
from typing import Any

import msgspec

from nemolocal_contract.journal import JOURNAL_VERSION, Entry
from nemolocal_contract.responses import decode_json

from .har import read_har
from .journal import MAX_ENTRIES, JournalUnreadable, LoadedJournal

MAX_BYTES = 256 * 1024 * 1024


def read_journal(path: Path) -> LoadedJournal:
    """Read a file of any of these formats; raises `JournalUnreadable`."""
    try:
        with path.open("rb") as file:
            content = file.read(MAX_BYTES + 1)
    except OSError as error:
        raise JournalUnreadable(f"{path}: {(error.strerror or 'unreadable').lower()}") from None
    if len(content) > MAX_BYTES:
        raise JournalUnreadable(f"{path}: larger than {MAX_BYTES // 1024 // 1024} MB")
    try:
        return parse_journal(content)
    except JournalUnreadable as problem:
        raise JournalUnreadable(f"{path}: {problem}") from None


def parse_journal(content: bytes) -> LoadedJournal:
    """Parse a journal; raises `JournalUnreadable`, whose message has the line."""
    content = content.removeprefix(b"\xef\xbb\xbf").strip()
    if not content:
        raise JournalUnreadable("line 1: the file is empty")
    document = _object(content)
    if document is None or "method" in document:
        return _of_lines(content)
    if "log" in document:
        return read_har(document["log"])
    return _of_listing(document)


def _object(content: bytes) -> dict[str, Any] | None:
    """Return the file as one JSON object, None if it is not one."""
    try:
        document = decode_json(content)
    except (msgspec.DecodeError, RecursionError, UnicodeDecodeError):
        return None
    return document if isinstance(document, dict) else None


class _JournalListing(msgspec.Struct):
    entries: list[Entry]
    dropped: int = 0


def _of_lines(content: bytes) -> LoadedJournal:
    found = [
        _check_version(_entry(line, number), f"line {number}")
        for number, line in enumerate(content.split(b"\n"), 1)
        if line.strip()
    ]
    return _check_size(LoadedJournal(tuple(found)))


def _of_listing(document: dict[str, Any]) -> LoadedJournal:
    try:
        listing = msgspec.convert(document, _JournalListing)
    except msgspec.ValidationError as error:
        raise JournalUnreadable(f"line 1: {error}") from None
    found = [_check_version(entry, f"entry {n}") for n, entry in enumerate(listing.entries, 1)]
    return _check_size(LoadedJournal(tuple(found), dropped=listing.dropped))


def _entry(line: bytes, number: int) -> Entry:
    try:
        return decode_json(line, type=Entry)
    except (msgspec.DecodeError, RecursionError, UnicodeDecodeError) as error:
        raise JournalUnreadable(f"line {number}: {error}") from None


def _check_version(entry: Entry, where: str) -> Entry:
    if entry.version > JOURNAL_VERSION:
        raise JournalUnreadable(f"{where}: version {entry.version} is newer than {JOURNAL_VERSION}")
    return entry


def _check_size(journal: LoadedJournal) -> LoadedJournal:
    if len(journal.entries) > MAX_ENTRIES:
        raise JournalUnreadable(f"line {MAX_ENTRIES + 1}: more than {MAX_ENTRIES:,} entries")
    return journal
