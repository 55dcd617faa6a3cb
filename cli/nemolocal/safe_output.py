"""What is printed anywhere, with somebody else's text doing nothing to the terminal."""

import contextlib
import io
import sys
from collections.abc import Iterable, Iterator
from typing import Any, TextIO

from nemolocal_contract.text_escaping import escape_controls


class SanitizingStream:
    """A text stream that escapes control characters; for all else it is the stream behind it."""

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

    After a defect they stay guarded, since the interpreter prints it after us.
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
    """The stream itself, for who draws with escape sequences and guards the texts alone."""
    return stream.stream if isinstance(stream, SanitizingStream) else stream


def format_json(value: object, *, indent: int | None = None) -> str:
    """A value as JSON that stdout can write without loss, names that are not UTF-8 too."""
    # Imported late: most of what is printed is no JSON, and `--help` is to answer at once.
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
    """Print a value as JSON, at once."""
    print(format_json(value, indent=indent), flush=True)
