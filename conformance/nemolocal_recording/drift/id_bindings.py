"""Binds the ids of a recording to those that a server gives when the recording is played again."""

from collections.abc import Iterator
from typing import Any

from nemolocal_contract.endpoints import CURRENT_USER

from ..allowlist import ID_KEYS, URL_KEYS
from ..pseudonyms import Pseudonyms


class CannotRebuild(Exception):
    """A request of a recording cannot be made again; the message says why."""


class IdBindings:
    """Ids of a recording and what stands for each in a replay.

    An id that a server gave is bound to the one that it gives now. One that the client made, or
    that nobody ever gave, becomes a new one of the same form, drawn with the secret of `made`.
    `me` is no id: it is the user of the token, in a path as in a body.
    """

    def __init__(self, made: Pseudonyms) -> None:
        self._made = made
        self._bound: dict[str, str] = {}
        self._issued: set[str] = set()
        self._fresh: list[str] = []

    def resolve(self, recorded: str) -> str:
        """Return what to send for an id; raises CannotRebuild if the server has not given it."""
        if recorded == CURRENT_USER:
            return recorded
        found = self._bound.get(recorded)
        if found is None:
            if recorded in self._issued:
                raise CannotRebuild("the call that gave an id that it needs has failed")
            found = self._bound[recorded] = self._made.of(recorded)
            self._fresh.append(recorded)
        return found

    def keep_fresh(self, *, is_known: bool) -> None:
        """End a call: the ids that it made can be used again only if its outcome is known."""
        if not is_known:
            for recorded in self._fresh:
                del self._bound[recorded]
            self._issued.update(self._fresh)
        self._fresh.clear()

    def set(self, recorded: str, sent: str) -> None:
        """Bind an id by hand."""
        self._bound[recorded] = sent

    def is_bound(self, recorded: str) -> bool:
        """Whether an id is known already."""
        return recorded in self._bound

    def bind(self, recorded: Any, received: Any) -> None:
        """Bind the ids of a recorded reply to those of the reply that came now (None: none)."""
        for path, value in _ids(recorded):
            now = _at(received, path)
            if value in self._bound:
                continue
            if isinstance(now, str | int) and not isinstance(now, bool) and str(now).strip():
                self._bound[value] = str(now)
            else:
                self._issued.add(value)


def _ids(
    value: Any, path: tuple[str | int, ...] = ()
) -> Iterator[tuple[tuple[str | int, ...], str]]:
    """Yield the path and the text of every id and URL in a JSON value."""
    if isinstance(value, dict):
        for key, held in value.items():
            yield from _ids(held, (*path, key))
    elif isinstance(value, list):
        for number, held in enumerate(value):
            yield from _ids(held, (*path, number))
    elif _is_id(path, value):
        yield path, str(value)


def _is_id(path: tuple[str | int, ...], value: Any) -> bool:
    key = next((one for one in reversed(path) if isinstance(one, str)), "")
    named = key in ID_KEYS or key in URL_KEYS
    return named and isinstance(value, str | int) and value is not True and bool(str(value).strip())


def _at(value: Any, path: tuple[str | int, ...]) -> Any:
    for step in path:
        if isinstance(value, dict) and isinstance(step, str):
            value = value.get(step)
        elif isinstance(value, list) and isinstance(step, int) and step < len(value):
            value = value[step]
        else:
            return None
    return value
