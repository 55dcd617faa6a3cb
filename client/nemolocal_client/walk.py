"""A flow on its way, as both drivers see it: what it wants now, and its outcome at the end."""

from typing import Generic, TypeVar

from .effects import Effect, Flow
from .errors import NemoError

T = TypeVar("T")


class Walk(Generic[T]):
    """Goes through a flow, an effect at a time; `wants` is None when it has come to its end."""

    def __init__(self, flow: Flow[T]) -> None:
        self._flow = flow
        self.wants: Effect | None = None
        self.outcome: T
        self.answer(None)

    def answer(self, reply: object) -> None:
        """The flow gets what it wanted, and goes on to its next wish."""
        try:
            self.wants = self._flow.send(reply)
        except StopIteration as end:
            self._end(end)

    def refuse(self, error: NemoError) -> None:
        """What the flow wanted went wrong; the error comes back where it does not deal with it."""
        try:
            self.wants = self._flow.throw(error)
        except StopIteration as end:
            self._end(end)

    def close(self) -> None:
        """Give the flow up, wherever it is."""
        self._flow.close()

    def _end(self, end: StopIteration) -> None:
        self.wants = None
        self.outcome = end.value
