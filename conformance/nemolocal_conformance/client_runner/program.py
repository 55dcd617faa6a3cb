"""Runs a program for so long and no longer, with everything that it has started."""

import contextlib
import os
import signal
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path

import msgspec

_SIGNALLED = 128
NOT_EXECUTABLE, NOT_FOUND = 126, 127
# Windows has no groups of processes: there only the program itself is ended.
_KILL_ALL = getattr(os, "killpg", os.kill)
_KILL = getattr(signal, "SIGKILL", signal.SIGTERM)


class ProgramExit(msgspec.Struct, frozen=True):
    """How a program ended; `status` is None where it had to be stopped."""

    status: int | None


def run_program(
    words: Sequence[str], environment: Mapping[str, str], output: Path, seconds: float
) -> ProgramExit:
    """Run a program; what it says goes to the file `output`.

    The status is 128 and the number of the signal where one ended it, 127 and 126 where there is
    nothing to run, as a shell has it.
    """
    with output.open("wb") as told:
        try:
            child = subprocess.Popen(
                words,
                env=dict(environment),
                stdin=subprocess.DEVNULL,
                stdout=told,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        except OSError as error:
            told.write(f"{words[0]}: {(error.strerror or str(error)).lower()}\n".encode())
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
    """End a program and whatever it has left behind: they are a group of their own."""
    with contextlib.suppress(OSError):  # there is nobody left
        _KILL_ALL(child.pid, _KILL)
    child.wait()
