"""Lets time pass on a server whose clock is manual, while a request waits for it."""

import contextlib
import threading
from collections.abc import Iterator

from .assertions import NotApplicable, PrerequisiteFailed
from .control_client import ControlClient
from .target import TargetUnreachable

# Real seconds that a request may take before time is moved for it, and between two looks.
_PAUSE = 0.01


class ClockDriver:
    """Moves a manual clock from one wait that ends to the next, as far as a request needs.

    So a turn takes exactly the time that the server gives it. `control` needs a client of its own:
    the other one waits for the request.
    """

    def __init__(self, control: ControlClient) -> None:
        self._control = control

    @contextlib.contextmanager
    def advancing(self) -> Iterator[None]:
        """Let time pass until the block ends."""
        ended = threading.Event()
        thread = threading.Thread(target=self._advance, args=(ended,), daemon=True)
        thread.start()
        try:
            yield
        finally:
            ended.set()
            thread.join()

    def _advance(self, ended: threading.Event) -> None:
        # Where the server is gone, the request that waits reports it.
        with contextlib.suppress(TargetUnreachable, PrerequisiteFailed, NotApplicable):
            while not ended.wait(_PAUSE):
                while not ended.is_set() and self._control.advance_to_next_wait():
                    pass
