"""Keeps the fields of a form with files: names of the contract, sizes and salted hashes."""

from collections.abc import Mapping
from hashlib import sha256
from typing import Any

from python_multipart.exceptions import FormParserError
from python_multipart.multipart import MultipartParser, parse_options_header

from .allowlist_redactor import AllowlistRedactor

_FIELDS = ("files",)
_MOST_PARTS = 1_000
_LONGEST_HEADER = 8_192
Kept = dict[str, Any]


class FormCapture:
    """Parses multipart/form-data as it comes; no part is held in memory."""

    def __init__(self, content_type: str, redactor: AllowlistRedactor) -> None:
        self._redactor = redactor
        self._parts: list[Kept] = []
        self._headers: dict[str, str] = {}
        self._name, self._value = bytearray(), bytearray()
        self._hash, self._size = sha256(), 0
        _, options = parse_options_header(content_type)
        boundary = options.get(b"boundary", b"")
        self._parser = MultipartParser(boundary, self._callbacks()) if boundary else None

    def feed(self, data: bytes) -> list[Kept]:
        """Take the next bytes; a form has no events."""
        if self._parser is not None:
            try:
                self._parser.write(data)
            except FormParserError:
                self._parser = None
        return []

    def finish(self) -> Kept:
        """Return the parts that were read to their end."""
        return {"kind": "form", "parts": self._parts, "is_readable": self._parser is not None}

    def _callbacks(self) -> Any:
        return {
            "on_part_begin": self._begin,
            "on_header_field": lambda data, start, end: _extend(self._name, data[start:end]),
            "on_header_value": lambda data, start, end: _extend(self._value, data[start:end]),
            "on_header_end": self._end_header,
            "on_part_data": self._add,
            "on_part_end": self._end,
        }

    def _begin(self) -> None:
        self._headers = {}
        self._hash, self._size = sha256(), 0

    def _end_header(self) -> None:
        name = self._name.decode("latin-1").lower()
        self._headers[name] = self._value.decode("utf-8", "replace")
        self._name, self._value = bytearray(), bytearray()

    def _add(self, data: bytes, start: int, end: int) -> None:
        self._hash.update(data[start:end])
        self._size += end - start

    def _end(self) -> None:
        if len(self._parts) < _MOST_PARTS:
            self._parts.append(self._part(self._headers))

    def _part(self, headers: Mapping[str, str]) -> Kept:
        _, options = parse_options_header(headers.get("content-disposition", ""))
        field = options.get(b"name", b"").decode("utf-8", "replace")
        kept: Kept = {"field": field if field in _FIELDS else self._redactor.text(field)}
        if b"filename" in options:
            name = options[b"filename"].decode("utf-8", "replace")
            kept["filename"] = self._redactor.filename(name)
        if "content-type" in headers:
            kept["type"] = self._redactor.content_type(headers["content-type"])
        digest = self._redactor.pseudonyms.digest_of_hash(self._hash.digest())
        return {**kept, "size": self._size, "hash": digest}


def _extend(held: bytearray, data: bytes) -> None:
    held.extend(data[: _LONGEST_HEADER - len(held)])
