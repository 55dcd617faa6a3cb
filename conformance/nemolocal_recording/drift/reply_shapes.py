"""The shape of JSON replies: which keys they always have, and the kinds of their values.

Replies of one kind are merged, so that what only some of them have is not missed in one. Of drafts
and of the arguments of tools, which depend on what was said, less is compared.
"""

from collections import Counter
from collections.abc import Iterator
from typing import Any

from ..allowlist import ENUMERATIONS, ID_KEYS, ID_PREFIXES, ISO_TIME
from ..text_marks import marks_of

# Of these only the kind is compared.
_OPEN = ("args", "response", "stateDelta", "artifactDelta")
_DRAFT = ".draft."
_FIXED = ("credits", "expires_in")
# What a list holds depends on what was said.
_VARYING = ("name", "status", "language", "format", "quality", "resolution")
_LEAST_NUMBER_ID = 15
_SHOWN = 80


class ReplyShape:
    """The merged shape of replies."""

    def __init__(self) -> None:
        self._objects: Counter[str] = Counter()
        self._present: Counter[str] = Counter()
        self._kinds: dict[str, set[str]] = {}
        self._values: dict[str, set[Any]] = {}

    def add(self, value: Any) -> None:
        """Merge another reply."""
        self._add("", "", value)

    def differences(self, now: "ReplyShape") -> Iterator[tuple[str, str, str]]:
        """Yield the path, what was and what is, where another shape is not within this one."""
        for path in sorted(self._present.keys() | now._present.keys()):
            parent = path.rpartition(".")[0]
            was_always = 0 < self._objects[parent] == self._present[path]
            if was_always and now._present[path] < now._objects[parent]:
                yield path, "always there", "missing"
            elif not self._present[path] and self._objects[parent] and _is_told(path):
                yield path, "never there", "a new key"
        for path, kinds in sorted(now._kinds.items()):
            before = self._kinds.get(path)
            if before and (other := kinds - before):
                yield path, " or ".join(sorted(before)), " or ".join(sorted(other))[:_SHOWN]
        for path, values in sorted(now._values.items()):
            held = self._values.get(path, set())
            if len(held) == 1 and values != held:
                yield (
                    path,
                    str(next(iter(held))),
                    ", ".join(sorted(map(str, values - held)))[:_SHOWN],
                )

    def _add(self, path: str, key: str, value: Any) -> None:
        kind = _kind(key, value)
        if path:
            self._kinds.setdefault(path, set()).add(kind)
        if key in _FIXED and kind == "a number":
            self._values.setdefault(path, set()).add(value)
        if isinstance(value, dict) and key not in _OPEN:
            self._objects[path] += 1
            for name, held in value.items():
                below = f"{path}.{_name(name)}"
                self._present[below] += 1
                self._add(below, name, held)
        elif isinstance(value, list):
            for item in value:
                self._add(f"{path}[{_track(item)}]", key, item)


def _is_told(path: str) -> bool:
    """Whether a new key is told: within drafts only one that the contract does not have."""
    return _DRAFT not in path or ".<key" in path


def _name(name: str) -> str:
    """Return a key; a redacted one without its hash, which differs between recordings."""
    return f"{name.partition(' ')[0]}>" if name.startswith("<key:") else name


def _track(item: Any) -> str:
    """Return the type of a track of a draft, since each type has keys of its own."""
    kind = item.get("tt") if isinstance(item, dict) else None
    return "" if kind is None else str(kind)


def _kind(key: str, value: Any) -> str:
    if value is None:
        return "null"
    if isinstance(value, bool):
        return "a boolean"
    if isinstance(value, int | float):
        return "a number"
    if isinstance(value, dict):
        return "an object"
    if isinstance(value, list):
        return "a list"
    return _text_kind(key, str(value))


def _text_kind(key: str, value: str) -> str:
    if not value.strip():
        return "a blank text"
    if value in ENUMERATIONS.get(key, ()):
        return "a known text" if key in _VARYING else f"“{value}”"
    if key in ENUMERATIONS:
        return "an unknown text"
    if key in ID_KEYS:
        prefix = next((one for one in ID_PREFIXES if value.startswith(one)), "")
        is_number = not prefix and len(value) >= _LEAST_NUMBER_ID and value.isdecimal()
        return f"an id like {prefix}" if prefix else "digits" if is_number else "an id"
    if ISO_TIME.fullmatch(value):
        return "a time"
    return "a URL" if value.startswith(("http://", "https://")) else "a text"


class MessageMarks:
    """Which phrases of the contract the messages of one kind of refusal always have."""

    # Phrases about a GUI and languages come and go.
    _TOLD = frozenset("bind_link register duplicate field exists formats".split())

    def __init__(self) -> None:
        self._found: list[frozenset[str]] = []

    def add(self, message: object) -> None:
        """Add a message."""
        self._found.append(marks_of(message) & self._TOLD)

    def differences(self, now: "MessageMarks") -> Iterator[tuple[str, str, str]]:
        """Yield what messages always had and some now lack, and what they never had."""
        if not self._found or not now._found:
            return
        always = frozenset.intersection(*self._found)
        ever = frozenset().union(*self._found)
        for mark in sorted(always - frozenset.intersection(*now._found)):
            yield ".message", f"says “{mark}”", "does not"
        if "exists" in frozenset().union(*now._found) - ever:
            yield ".message", "no hint that it exists", "a hint"
