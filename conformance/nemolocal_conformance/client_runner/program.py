"""Runs a program with a time limit and ends all of its child processes."""

import contextlib
import os
import signal
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path

import msgspec

_SIGNALLED = 128
NOT_EXECUTABLE, NOT_FOUND = 126, 127
# Windows has no process groups: only the program itself is ended there.
_KILL_ALL = getattr(os, "killpg", os.kill)
_KILL = getattr(signal, "SIGKILL", signal.SIGTERM)


class ProgramExit(msgspec.Struct, frozen=True):
    """How a program ended; `status` is None if it was stopped at the time limit."""

    status: int | None


def run_program(
    words: Sequence[str], environment: Mapping[str, str], output: Path, seconds: float
) -> ProgramExit:
    """Run a program; its output goes to the file `output`.

    As in a shell, the status is 128 plus the number of the signal that ended it, 127 if the program
    was not found and 126 if it is not executable.
    """
    with output.open("wb") as log_file:
        try:
            child = subprocess.Popen(
                words,
                env=dict(environment),
                stdin=subprocess.DEVNULL,
                stdout=log_file,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        except OSError as error:
            log_file.write(f"{words[0]}: {(error.strerror or str(error)).lower()}\n".encode())
            return ProgramExit(
                NOT_FOUND if isinstance(error, FileNotFoundError) else NOT_EXECUTABLE
            )
        try:
            status = child.wait(seconds)
        except subprocess.TimeoutExpired:
            return ProgramExit(None)
        finally:
            _kill_group(child)
    return ProgramExit(status if status >= 0 else _SIGNALLED - status)


def _kill_group(child: subprocess.Popen[bytes]) -> None:
    """End a program and all processes of its group."""
    with contextlib.suppress(OSError):  # no process is left
        _KILL_ALL(child.pid, _KILL)
    child.wait()
