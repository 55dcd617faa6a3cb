"""What checks share: each result is created when it is first needed, and kept."""

from collections.abc import Callable
from concurrent.futures import Future
from typing import Any, Protocol, TypeVar

from .assertions import CheckFailed, LimitReached, NotApplicable, PrerequisiteFailed
from .target import TargetClient

T = TypeVar("T")


class KeptResults(Protocol):
    """Where results outlive the process."""

    def load(self, name: str) -> object | None:
        """Return the result of an earlier process, None if there is none."""

    def begin(self, name: str) -> None:
        """Note that a result is about to be made."""

    def keep(self, name: str, value: object) -> None:
        """Keep a result for a later process."""

    def abandon(self, name: str) -> None:
        """Note that a result was refused, and nothing was spent."""


class SharedResults:
    """The results of a run by name, those begun early in a thread included.

    `kept` has those of earlier processes that ran the same checks.

    A result that could not be created is kept as its exception: every check that needs it fails
    (`PrerequisiteFailed`), or is not applicable where the server is right (`NotApplicable`).
    """

    def __init__(self, target: TargetClient, kept: KeptResults | None = None) -> None:
        self._target = target
        self._kept = kept
        self._results: dict[str, object] = {}
        self._loaded: set[str] = set()
        self._begun: dict[str, tuple[TargetClient, Future[Any]]] = {}

    def begin(self, name: str, client: TargetClient, future: "Future[Any]") -> None:
        """Take the result of a future, which uses a client of its own, for this name."""
        self._begun[name] = client, future

    def once(self, name: str, make: Callable[[], T]) -> T:
        """Return the result of this name; the first call makes it, or waits for it."""
        if name not in self._results:
            try:
                self._results[name] = self._load_or_make(name, make)
            except NotApplicable as reason:
                self._results[name] = reason
            except (PrerequisiteFailed, CheckFailed) as failure:
                self._results[name] = PrerequisiteFailed(str(failure))
        result = self._results[name]
        if isinstance(result, (PrerequisiteFailed, NotApplicable)):
            raise result
        return result  # type: ignore[return-value]

    def was_kept(self, name: str) -> bool:
        """Whether an earlier process has made this result."""
        return name in self._loaded

    def _load_or_make(self, name: str, make: Callable[[], object]) -> object:
        if self._kept is None:
            return self._finish(name) if name in self._begun else make()
        result = self._kept.load(name)
        if result is not None:
            self._loaded.add(name)
            return result
        self._kept.begin(name)
        try:
            result = make()
        except LimitReached:
            self._kept.abandon(name)
            raise
        self._kept.keep(name, result)
        return result

    def _finish(self, name: str) -> object:
        """Return the result of a future; the exchanges of its client become evidence, too."""
        client, future = self._begun.pop(name)
        try:
            return future.result()
        finally:
            self._target.add_evidence(client.take_evidence())
