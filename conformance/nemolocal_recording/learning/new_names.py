"""Names and values in replies that the contract does not know: what a server has and no rule says.

Of keys and tools a recording without texts has only the length and a pseudonym, of headers the
words that header names are made of.
"""

from collections import Counter
from collections.abc import Iterator
from typing import Any, Literal

import msgspec

from nemolocal_contract.responses import ResponseCode

from ..allowlist import ENUMERATIONS, known_keys
from .traffic_view import TrafficView, code_of

_TRACK_TYPES = (0, 1, 7)
_CODES = frozenset(int(code) for code in ResponseCode)
# The contract leaves to each tool, and to the agent, what is in them.
_FREE_KEYS = frozenset("args response result stateDelta artifactDelta".split())
# Of HTTP itself, of files, and for proxies.
_ORDINARY_HEADERS = frozenset(
    "accept-ranges cache-control connection content-disposition content-encoding content-length "
    "content-range etag keep-alive last-modified server transfer-encoding vary "
    "x-accel-buffering".split()
)
_NUMBER, _NESTED = "<number>", "<nested>"

NameKind = Literal["key", "tool", "track type", "code", "header"]


class NewName(msgspec.Struct, frozen=True):
    """A name that is not of the contract: where it was, of which type its value is, how often.

    `place` is the endpoint and the path of keys. `type` is that of JSON, "" for what is neither a
    key nor a header.
    """

    kind: NameKind
    place: str
    name: str
    type: str
    count: int


def new_names(views: list[TrafficView]) -> list[NewName]:
    """Return them, in the order in which they were seen first."""
    found = Counter(one for view in views for one in _names(view))
    return [NewName(*one, count) for one, count in found.items()]


def _names(view: TrafficView) -> Iterator[tuple[NameKind, str, str, str]]:
    for one in view.exchanges:
        if not one.endpoint:
            continue
        code = code_of(one)
        if code is not None and code not in _CODES:
            yield "code", one.endpoint, str(code), ""
        for name, kind in one.response.other_names.items() if one.response else ():
            if name not in _ORDINARY_HEADERS:
                yield "header", one.endpoint, name, kind
        for body in (one.json, *(frame.json for frame in one.frames)):
            yield from _keys(body, one.endpoint)
    for turn in view.turns:
        for tool in turn.tools:
            if tool not in ENUMERATIONS["name"]:
                yield "tool", "chat", tool, ""


def _keys(value: Any, place: str) -> Iterator[tuple[NameKind, str, str, str]]:
    if isinstance(value, list):
        for item in value:
            yield from _keys(item, place)
    elif isinstance(value, dict):
        for name, held in value.items():
            if name not in known_keys():
                yield "key", place, name, _type(held)
            else:
                if name == "tt" and held not in _TRACK_TYPES:
                    yield "track type", place, str(held), ""
                if name not in _FREE_KEYS:
                    yield from _keys(held, f"{place} {name}")


def _type(value: Any) -> str:
    if value is None:
        return "null"
    if isinstance(value, bool):
        return "boolean"
    if value == _NESTED or isinstance(value, dict):
        return "object"
    if isinstance(value, list):
        return "array"
    return "number" if value == _NUMBER or isinstance(value, int | float) else "string"
