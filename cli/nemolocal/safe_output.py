"""Output streams that keep untrusted text from controlling the terminal."""

import contextlib
import io
import sys
from collections.abc import Iterable, Iterator
from typing import Any, TextIO

from nemolocal_contract.text_escaping import escape_controls


class SanitizingStream:
    """A text stream that escapes control characters; otherwise the wrapped stream."""

    def __init__(self, stream: TextIO) -> None:
        self.stream = stream

    def write(self, text: str) -> int:
        self.stream.write(escape_controls(text))
        return len(text)

    def writelines(self, lines: Iterable[str]) -> None:
        for line in lines:
            self.write(line)

    def __getattr__(self, name: str) -> Any:
        return getattr(self.stream, name)


@contextlib.contextmanager
def sanitized_output() -> Iterator[None]:
    """Guard stdout and stderr; a console that lacks a character gets a replacement.

    After an unexpected exception they stay guarded, since the interpreter prints it later.
    """
    before = sys.stdout, sys.stderr
    for stream in before:
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="replace")
    sys.stdout, sys.stderr = map(_sanitizing, before)
    try:
        yield
    except Exception:
        raise
    except BaseException:
        sys.stdout, sys.stderr = before
        raise
    sys.stdout, sys.stderr = before


def _sanitizing(stream: Any) -> Any:
    return stream if isinstance(stream, SanitizingStream) else SanitizingStream(stream)


def unwrap_stream(stream: TextIO) -> TextIO:
    """Return the wrapped stream, for code that writes escape sequences and escapes its texts."""
    return stream.stream if isinstance(stream, SanitizingStream) else stream


def format_json(value: object, *, indent: int | None = None) -> str:
    """Return a value as JSON that stdout can print, with names that are not UTF-8."""
    # Imported late, so that `--help` is fast.
    import json

    import msgspec

    encoding = getattr(sys.stdout, "encoding", None) or ""
    return json.dumps(
        msgspec.to_builtins(value),
        ensure_ascii=not encoding.lower().startswith("utf"),
        indent=indent,
        separators=None if indent else (",", ":"),
    )


def print_json(value: object, *, indent: int | None = None) -> None:
    """Print a value as JSON and flush."""
    print(format_json(value, indent=indent), flush=True)
