"""What checks share: each result is created when it is first needed, and kept."""

from collections.abc import Callable
from concurrent.futures import Future
from typing import Any, TypeVar

from .assertions import CheckFailed, NotApplicable, PrerequisiteFailed
from .target import TargetClient

T = TypeVar("T")


class SharedResults:
    """The results of a run by name, those begun early in a thread included.

    A result that could not be created is kept as its exception: every check that needs it fails
    (`PrerequisiteFailed`), or is not applicable where the server is right (`NotApplicable`).
    """

    def __init__(self, target: TargetClient) -> None:
        self._target = target
        self._results: dict[str, object] = {}
        self._begun: dict[str, tuple[TargetClient, Future[Any]]] = {}

    def begin(self, name: str, client: TargetClient, future: "Future[Any]") -> None:
        """Take the result of a future, which uses a client of its own, for this name."""
        self._begun[name] = client, future

    def once(self, name: str, make: Callable[[], T]) -> T:
        """Return the result of this name; the first call makes it, or waits for it."""
        if name not in self._results:
            try:
                self._results[name] = self._finish(name) if name in self._begun else make()
            except NotApplicable as reason:
                self._results[name] = reason
            except (PrerequisiteFailed, CheckFailed) as failure:
                self._results[name] = PrerequisiteFailed(str(failure))
        result = self._results[name]
        if isinstance(result, (PrerequisiteFailed, NotApplicable)):
            raise result
        return result  # type: ignore[return-value]

    def _finish(self, name: str) -> object:
        """Return the result of a future; the exchanges of its client become evidence, too."""
        client, future = self._begun.pop(name)
        try:
            return future.result()
        finally:
            self._target.add_evidence(client.take_evidence())
