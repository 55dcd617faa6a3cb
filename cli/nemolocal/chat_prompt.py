"""The prompt of a chat in a terminal, with a saved history."""

import contextlib
import sys
from collections.abc import Iterator

from nemolocal_client import config_folder

from .input_text import decode_argument

_PROMPT = "> "
_INTERRUPT_AGAIN = "Ctrl-C once more, or Ctrl-D, ends"
_HISTORY = "chat-history"
_HISTORY_MAX = 1000


def prompt_lines() -> Iterator[str]:
    """Reads lines; the history is saved between chats."""
    with _history():
        print("Say what to edit, or /help", file=sys.stderr)
        interrupted = False
        while True:
            try:
                message = decode_argument(input(_PROMPT))
            except EOFError:
                # The prompt does not end with a newline.
                print(file=sys.stderr)
                return
            except KeyboardInterrupt:
                print(file=sys.stderr)
                if interrupted:
                    return
                interrupted = True
                print(_INTERRUPT_AGAIN, file=sys.stderr)
                continue
            interrupted = False
            yield message


@contextlib.contextmanager
def _history() -> Iterator[None]:
    """Enable arrow keys and a saved history if this Python has readline."""
    try:
        import readline
    except ImportError:
        yield
        return
    file = config_folder() / _HISTORY
    with contextlib.suppress(OSError):
        readline.read_history_file(file)
    readline.set_history_length(_HISTORY_MAX)
    try:
        yield
    finally:
        with contextlib.suppress(OSError):
            file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            readline.write_history_file(file)
            file.chmod(0o600)
