"""Ends a command when the program that started it is gone, which closes the standard input."""

import os
import signal
import threading

_STDIN = 0
_CHUNK_BYTES = 4096


def interrupt_when_stdin_closes() -> None:
    """Interrupt this process, as Ctrl-C does, when its standard input ends.

    A pipe ends when its writer has closed it, and when the writer was killed. What arrives is
    discarded. Call it when the process handles SIGINT already: otherwise the signal may be ignored.
    """
    threading.Thread(target=_watch, name="nemolocal-stdin", daemon=True).start()


def _watch() -> None:
    # `sys.stdin` has a lock, which would be held when the interpreter ends.
    try:
        while os.read(_STDIN, _CHUNK_BYTES):
            pass
    except OSError:  # there is no standard input
        pass
    signal.raise_signal(signal.SIGINT)
