"""Receives uploaded files: multipart bodies streamed to disk within the limits (UPL-1, UPL-4).

Nothing is buffered in memory, and nothing that the sender chose becomes a path.
"""

import re
from collections.abc import Sequence
from email.message import Message
from hashlib import sha256
from pathlib import Path
from typing import Any, BinaryIO

import msgspec
from python_multipart.exceptions import FormParserError
from python_multipart.multipart import MultipartParser, parse_options_header
from starlette.requests import Request

from nemolocal_contract.describe.text_formats import truncate_text
from nemolocal_contract.media import ExtraExtension, normalize_extension
from nemolocal_contract.responses import ResponseCode

from .. import ids
from ..errors import ContractError, bad_request, unsupported_file

FILES_FIELD = "files"
MAX_FILES = 50
# Everything in a form but its files: headers of parts, other fields, boundaries.
MAX_FORM_OVERHEAD = 1 << 20
_HINT = f"send one or more files in the multipart field `{FILES_FIELD}`"
_MAX_NAME = 255
# The one encoding besides UTF-8 that RFC 5987 requires for names.
_LATIN = "iso-8859-1"
_SEPARATORS = re.compile(r"[/\\]")
# How browsers escape characters in a quoted name (HTML standard).
_ESCAPED = {"%22": '"', "%0D": "\r", "%0A": "\n"}
_ESCAPES = re.compile("|".join(_ESCAPED), re.IGNORECASE)
# Invisible, but part of how some scripts and emojis are written.
_JOINERS = "\u200c\u200d"


class ReceivedFile(msgspec.Struct, frozen=True):
    """A received file before it is probed."""

    id: str
    filename: str
    extension: str
    path: Path
    hash: str


async def receive_multipart(
    request: Request, folder: Path, limit: int, extra: Sequence[ExtraExtension] = ()
) -> list[ReceivedFile]:
    """Write the files of a multipart body to `folder`; at most `limit` bytes each.

    `extra` are the extensions that are accepted besides those of the contract.

    Raises 400 for an invalid form or one with more than 1 MB besides its files, 4001 for a type
    that is not accepted and 4002 at the first byte over the limit. Then the rest of the body is not
    read, and `folder` is as before.
    """
    receiver = _MultipartReceiver(folder, limit, extra)
    try:
        parser = MultipartParser(_boundary(request), receiver.callbacks())
        async for chunk in request.stream():
            parser.write(chunk)
            receiver.count_bytes(len(chunk))
        parser.finalize()
        return receiver.result()
    except FormParserError as error:
        receiver.discard()
        raise bad_request(f"body is no valid multipart form: {_HINT}") from error
    except BaseException:
        receiver.discard()
        raise


def _boundary(request: Request) -> bytes:
    kind, options = parse_options_header(request.headers.get("content-type"))
    boundary = options.get(b"boundary", b"")
    if kind != b"multipart/form-data" or not boundary:
        raise bad_request(f"Content-Type must be multipart/form-data or application/json: {_HINT}")
    return boundary


class _MultipartReceiver:
    """The callbacks of the multipart parser: one open file at a time."""

    def __init__(self, folder: Path, limit: int, extra: Sequence[ExtraExtension]) -> None:
        self._folder = folder
        self._limit = limit
        self._extra = extra
        self._files: list[ReceivedFile] = []
        self._header = [b"", b""]
        self._disposition = b""
        self._open: IncomingFile | None = None
        self._complete = False
        self._overhead = 0

    def count_bytes(self, size: int) -> None:
        """Count the bytes of the body; raises 400 if too many do not belong to files."""
        self._overhead += size
        if self._overhead > MAX_FORM_OVERHEAD:
            raise bad_request(f"the form has more than 1 MB beside its files: {_HINT}")

    def callbacks(self) -> Any:
        return {
            "on_part_begin": self._begin_part,
            "on_header_field": lambda data, start, end: self._extend_header(0, data[start:end]),
            "on_header_value": lambda data, start, end: self._extend_header(1, data[start:end]),
            "on_header_end": self._end_header,
            "on_headers_finished": self._end_headers,
            "on_part_data": self._write,
            "on_part_end": self._end_part,
            "on_end": self._end,
        }

    def result(self) -> list[ReceivedFile]:
        if not self._complete:
            raise bad_request(f"multipart body ends too early: {_HINT}")
        if not self._files:
            raise bad_request(f"`{FILES_FIELD}` is missing: {_HINT}")
        return self._files

    def discard(self) -> None:
        if self._open is not None:
            self._open.discard()
        for received in self._files:
            received.path.unlink(missing_ok=True)

    def _begin_part(self) -> None:
        self._disposition = b""

    def _extend_header(self, part: int, data: bytes) -> None:
        self._header[part] += data

    def _end_header(self) -> None:
        name, value = self._header
        self._header = [b"", b""]
        if name.lower() == b"content-disposition":
            self._disposition = value

    def _end_headers(self) -> None:
        _, options = parse_options_header(self._disposition)
        name = form_filename(self._disposition, options.get(b"filename"))
        field = options.get(b"name", b"").decode(errors="replace")
        if name is None and field == FILES_FIELD:
            raise bad_request(
                f"`{FILES_FIELD}` is missing a filename in Content-Disposition: {_HINT}"
            )
        if name is None:
            return  # an ordinary form field: allowed and ignored
        if field != FILES_FIELD:
            raise bad_request(f"field `{truncate_text(field, 200)}` is unknown: {_HINT}")
        if len(self._files) == MAX_FILES:
            raise bad_request(f"more than {MAX_FILES} files in one request: send them in several")
        filename = printable_name(name)
        extension = accepted_extension(filename, self._extra)
        self._open = IncomingFile(filename, extension, self._folder, self._limit)

    def _write(self, data: bytes, start: int, end: int) -> None:
        if self._open is not None:
            self._open.write(data[start:end])
            self._overhead -= end - start

    def _end_part(self) -> None:
        if self._open is not None:
            opened, self._open = self._open, None
            self._files.append(opened.close())

    def _end(self) -> None:
        self._complete = True


def accepted_extension(filename: str, extra: Sequence[ExtraExtension] = ()) -> str:
    """The extension of a file name; raises 4001 if it is not accepted (UPL-3)."""
    accepted = normalize_extension(filename, extra)
    if not filename:
        raise unsupported_file("it has no file name, so its type is not known", extra)
    if accepted is None:
        raise unsupported_file(
            f"the type of {truncate_text(filename, 200)!r} is not accepted", extra
        )
    return accepted


class IncomingFile:
    """A file while it is received: counted, hashed and written under a name of ours."""

    def __init__(self, filename: str, accepted: str, folder: Path, limit: int) -> None:
        self._id = ids.new_file_id()
        self._filename = printable_name(filename)
        self._extension = accepted
        self._limit = limit
        self._size = 0
        self._digest = sha256()
        self._path = folder / f"{self._id}.{accepted}"
        self._file: BinaryIO = self._path.open("wb")

    def write(self, data: bytes) -> None:
        """Write a chunk; raises 4002 at the first byte over the limit (UPL-4)."""
        self._size += len(data)
        if self._size > self._limit:
            filename = truncate_text(self._filename, 200)
            raise ContractError(
                ResponseCode.FILE_TOO_LARGE,
                f"File too large: {filename!r} is over {self._limit / 1e6:g} MB. "
                "Compress or trim it, then upload again",
            )
        self._digest.update(data)
        self._file.write(data)

    def close(self) -> ReceivedFile:
        """Finish the file."""
        self._file.close()
        return ReceivedFile(
            self._id, self._filename, self._extension, self._path, self._digest.hexdigest()
        )

    def discard(self) -> None:
        """Delete the file."""
        self._file.close()
        self._path.unlink(missing_ok=True)


def printable_name(name: str) -> str:
    """The last part of a path without control characters and direction marks.

    It has at most 255 characters and keeps its extension.
    """
    base = _SEPARATORS.split(name)[-1]
    shown = "".join(" " if c.isspace() else c for c in base if _is_printable(c)).strip()
    stem, dot, suffix = shown.rpartition(".")
    return f"{stem[: max(_MAX_NAME - len(suffix) - 1, 0)]}{dot}{suffix}"[:_MAX_NAME]


def _is_printable(character: str) -> bool:
    return character.isprintable() or character in _JOINERS or character in "\t\u00a0\u3000"


def form_filename(disposition: bytes, quoted: bytes | None) -> str | None:
    """The filename of a form part; None if it has none.

    `quoted` is its `filename`. A `filename*` (RFC 5987), or a name in pieces like `filename*0`
    (RFC 2231), takes precedence.
    """
    if b"*" in disposition and (extended := _extended_filename(disposition)) is not None:
        return extended
    if quoted is None:
        return None
    text = quoted.decode(errors="replace")
    return _ESCAPES.sub(lambda found: _ESCAPED[found[0].upper()], text)


def _extended_filename(disposition: bytes) -> str | None:
    message = Message()
    message["Content-Disposition"] = disposition.decode("latin-1")
    try:
        parameters = message.get_params([], "Content-Disposition")[1:]
    except ValueError:
        # The number of a piece has thousands of digits.
        return None
    names = [value for name, value in parameters if name.lower() == "filename"]
    encoded = next((value for value in names if isinstance(value, tuple)), None)
    if encoded is not None:
        latin = (encoded[0] or "").lower() == _LATIN
        return encoded[2].encode(_LATIN, "replace").decode(_LATIN if latin else "utf-8", "replace")
    # A name in pieces has no `filename=`.
    in_pieces = b"filename=" not in disposition.lower().replace(b" ", b"")
    if not names or not in_pieces:
        return None
    return str(names[0]).encode(_LATIN, "replace").decode(errors="replace")
