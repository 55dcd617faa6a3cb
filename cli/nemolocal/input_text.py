"""Text of the command line and of standard input, in whatever locale.

Where the locale has no UTF-8 (`LC_ALL=C`), Python hands on the bytes that it cannot read, each as
half a character.
"""

import io
import os
import sys
from collections.abc import Iterator


def decode_argument(text: str) -> str:
    """What was meant: UTF-8. Text that is none stays as it is, and the client refuses it."""
    if text.isascii():
        return text
    try:
        return os.fsencode(text).decode()
    except UnicodeError:
        return text


def stdin_lines() -> Iterator[str]:
    """The lines of standard input; bytes that are no text end no conversation."""
    if isinstance(sys.stdin, io.TextIOWrapper):
        sys.stdin.reconfigure(errors="surrogateescape")
    for line in sys.stdin:
        yield decode_argument(line).removeprefix("\ufeff")
