"""Remembers in memory which sessions and renders changed when, for the event feed."""

from collections.abc import Iterator
from typing import Literal

ChangeKind = Literal["session", "render"]
_MAX_REMEMBERED = 4096


class ChangeLog:
    """Numbers every change, and remembers for each session and render the number of its latest one.

    At most 4,096 of them are remembered, the latest. `restarts` counts resets and restores, after
    which everything may be different.
    """

    def __init__(self) -> None:
        self.number = 0
        self.restarts = 0
        # In the order of the numbers.
        self._latest: dict[tuple[ChangeKind, str], int] = {}
        self._forgotten_to = 0

    def note(self, kind: ChangeKind, item_id: str) -> None:
        """Record that a session or a render has changed; a render by the id of its file."""
        self.number += 1
        key = (kind, item_id)
        self._latest.pop(key, None)
        self._latest[key] = self.number
        if len(self._latest) > _MAX_REMEMBERED:
            oldest = next(iter(self._latest))
            self._forgotten_to = self._latest.pop(oldest)

    def restart(self) -> None:
        """Record that everything may have changed."""
        self.number += 1
        self.restarts += 1
        self._latest.clear()
        self._forgotten_to = self.number

    def remembers(self, number: int) -> bool:
        """Return whether all changes since this number are known."""
        return self._forgotten_to <= number <= self.number

    def since(self, number: int) -> dict[ChangeKind, list[str]]:
        """Return the changes since a number, the earliest first."""
        found: dict[ChangeKind, list[str]] = {"session": [], "render": []}
        for kind, item_id in reversed([*self._changed_after(number)]):
            found[kind].append(item_id)
        return found

    def _changed_after(self, number: int) -> Iterator[tuple[ChangeKind, str]]:
        for key, changed in reversed(self._latest.items()):
            if changed <= number:
                return
            yield key
