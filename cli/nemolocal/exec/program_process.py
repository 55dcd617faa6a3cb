"""Runs a program as a shell does: forwards signals and returns its exit status."""

import asyncio
import contextlib
import functools
import signal
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Protocol

from ..errors import UsageError
from ..termination import TERMINATING

_NOT_RUNNABLE, _NOT_FOUND, _SIGNALLED = 126, 127, 128


class Surroundings(Protocol):
    """What a program runs in: see `ProgramEnvironment`."""

    def wrap_command(self, words: Sequence[str]) -> list[str]:
        """Return the command line that runs a program there."""

    def merge_variables(self, found: Mapping[str, str]) -> dict[str, str]:
        """Return the variables `found` as the program gets them."""


def program_command(given: list[str]) -> list[str]:
    """Return the program and its arguments without a leading `--`."""
    words = given[1:] if given[:1] == ["--"] else given
    if not words or not words[0]:
        raise UsageError("nothing to run: give a program after --")
    return words


def is_started(status: int) -> bool:
    """Whether an exit status means that the program could be started."""
    return status not in (_NOT_FOUND, _NOT_RUNNABLE)


async def run_program(
    words: Sequence[str],
    place: Surroundings,
    environment: Mapping[str, str],
    log: Callable[[str], None],
    output: int | None = None,
) -> int:
    """Return the exit status of a program, as a shell does.

    `output` is the file descriptor for its stdout, None for that of this process.

    It is 128 plus the number of the signal that ended the program, 127 if it was not found, and 126
    if it could not be executed.
    """
    command, variables = place.wrap_command(words), place.merge_variables(environment)
    with _forward_signals() as received:
        try:
            child = await asyncio.create_subprocess_exec(*command, env=variables, stdout=output)
        except FileNotFoundError:
            log(f"{words[0]}: not found")
            return _NOT_FOUND
        except OSError as error:
            log(f"{words[0]}: {(error.strerror or str(error)).lower()}")
            return _NOT_RUNNABLE
        received.add_done_callback(lambda caught: _pass_on(caught, child))
        status = await child.wait()
    return status if status >= 0 else _SIGNALLED - status


def _pass_on(caught: asyncio.Future[int], child: asyncio.subprocess.Process) -> None:
    if child.returncode is None and not caught.cancelled():
        child.send_signal(caught.result())


@contextlib.contextmanager
def _forward_signals() -> Iterator[asyncio.Future[int]]:
    """Catch signals, from before the program starts, so that it can handle them.

    The future receives the signal to forward. An interrupt reaches the program from the terminal.
    Ignored signals stay ignored, in the program too.
    """
    loop = asyncio.get_running_loop()
    received: asyncio.Future[int] = loop.create_future()

    def receive(number: int) -> None:
        with contextlib.suppress(asyncio.InvalidStateError):  # A second signal.
            received.set_result(number)

    before = {number: signal.getsignal(number) for number in (signal.SIGINT, *TERMINATING)}
    before = {number: found for number, found in before.items() if found != signal.SIG_IGN}
    # Windows has no such handlers: an interrupt ends both processes there.
    with contextlib.suppress(NotImplementedError):
        for number in before:
            ignored = number == signal.SIGINT
            handler = (lambda: None) if ignored else functools.partial(receive, number)
            loop.add_signal_handler(number, handler)
    try:
        yield received
    finally:
        received.cancel()
        with contextlib.suppress(NotImplementedError):
            for number, found in before.items():
                loop.remove_signal_handler(number)
                signal.signal(number, found)
