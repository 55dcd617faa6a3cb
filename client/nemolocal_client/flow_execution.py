"""A flow on its way, as both drivers see it: what it wants now, and its outcome at the end."""

from typing import Generic, TypeVar

from .errors import NemoError
from .operations import Flow, Operation

T = TypeVar("T")


class FlowExecution(Generic[T]):
    """Goes through a flow, an effect at a time; `wants` is None when it has come to its end."""

    def __init__(self, flow: Flow[T]) -> None:
        self._flow = flow
        self.pending: Operation | None = None
        self.result: T
        self.send(None)

    def send(self, reply: object) -> None:
        """The flow gets what it wanted, and goes on to its next wish."""
        try:
            self.pending = self._flow.send(reply)
        except StopIteration as end:
            self._finish(end)

    def throw(self, error: NemoError) -> None:
        """What the flow wanted went wrong; the error comes back where it does not deal with it."""
        try:
            self.pending = self._flow.throw(error)
        except StopIteration as end:
            self._finish(end)

    def close(self) -> None:
        """Give the flow up, wherever it is."""
        self._flow.close()

    def _finish(self, end: StopIteration) -> None:
        self.pending = None
        self.result = end.value
