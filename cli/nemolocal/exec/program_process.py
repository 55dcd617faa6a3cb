"""Runs a program in its environment, as a shell does: its signals and its exit status."""

import asyncio
import contextlib
import functools
import signal
from collections.abc import Callable, Iterator, Mapping, Sequence

from ..errors import UsageError
from ..termination import TERMINATING
from .program_environment import ProgramEnvironment

_NOT_RUNNABLE, _NOT_FOUND, _SIGNALLED = 126, 127, 128


def program_command(given: list[str]) -> list[str]:
    """The program and its arguments, without the `--` before them."""
    words = given[1:] if given[:1] == ["--"] else given
    if not words or not words[0]:
        raise UsageError("nothing to run: give a program after --")
    return words


def is_started(status: int) -> bool:
    """Whether a status is that of a program, and not of one that could not be run."""
    return status not in (_NOT_FOUND, _NOT_RUNNABLE)


async def run_program(
    words: Sequence[str],
    place: ProgramEnvironment,
    environment: Mapping[str, str],
    log: Callable[[str], None],
) -> int:
    """The exit status of a program; 128 and the number of the signal where one ended it.

    127 and 126 where there is none to run, as a shell has it.
    """
    command, variables = place.wrap_command(words), place.merge_variables(environment)
    with _forward_signals() as told:
        try:
            child = await asyncio.create_subprocess_exec(*command, env=variables)
        except FileNotFoundError:
            log(f"{words[0]}: not found")
            return _NOT_FOUND
        except OSError as error:
            log(f"{words[0]}: {(error.strerror or str(error)).lower()}")
            return _NOT_RUNNABLE
        told.add_done_callback(lambda heard: _pass_on(heard, child))
        status = await child.wait()
    return status if status >= 0 else _SIGNALLED - status


def _pass_on(heard: asyncio.Future[int], child: asyncio.subprocess.Process) -> None:
    if child.returncode is None and not heard.cancelled():
        child.send_signal(heard.result())


@contextlib.contextmanager
def _forward_signals() -> Iterator[asyncio.Future[int]]:
    """Signals are the program's to answer, and so are caught before there is one.

    The future has the signal that tells us to end; an interrupt the program gets from the terminal.
    One that is ignored is ignored by the program, too.
    """
    loop = asyncio.get_running_loop()
    told: asyncio.Future[int] = loop.create_future()

    def tell(number: int) -> None:
        with contextlib.suppress(asyncio.InvalidStateError):  # told again
            told.set_result(number)

    before = {number: signal.getsignal(number) for number in (signal.SIGINT, *TERMINATING)}
    before = {number: found for number, found in before.items() if found != signal.SIG_IGN}
    # Windows has no such handlers: there an interrupt ends us both.
    with contextlib.suppress(NotImplementedError):
        for number in before:
            heard = (lambda: None) if number == signal.SIGINT else functools.partial(tell, number)
            loop.add_signal_handler(number, heard)
    try:
        yield told
    finally:
        told.cancel()
        with contextlib.suppress(NotImplementedError):
            for number, found in before.items():
                loop.remove_signal_handler(number)
                signal.signal(number, found)
