"""Text of the command line and of standard input, in any locale.

In a locale without UTF-8 (`LC_ALL=C`), Python turns bytes that it cannot decode into surrogates.
"""

import io
import os
import sys
from collections.abc import Iterator


def decode_argument(text: str) -> str:
    """Decode as UTF-8; text that is not UTF-8 stays as it is, and the client refuses it."""
    if text.isascii():
        return text
    try:
        return os.fsencode(text).decode()
    except UnicodeError:
        return text


def stdin_lines() -> Iterator[str]:
    """Yield the lines of standard input; bytes that are not text do not end the chat."""
    if isinstance(sys.stdin, io.TextIOWrapper):
        sys.stdin.reconfigure(errors="surrogateescape")
    for line in sys.stdin:
        yield decode_argument(line).removeprefix("\ufeff")
