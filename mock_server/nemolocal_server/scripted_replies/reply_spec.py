"""The form of a scripted reply, as scenario files, the control API and Python code give it."""

from typing import Annotated, Any, Literal

import msgspec
from msgspec import Meta

from ..setting_ranges import MAX_CREDITS

MAX_WAIT = 3600.0
"""The longest `wait` in seconds; the turn ends after 15 minutes anyway (SSE-6)."""
_Text = Annotated[str, Meta(max_length=20_000)]
_Id = Annotated[str, Meta(max_length=200)]
_Object = dict[str, Any]


class ReplyError(ValueError):
    """A scripted reply is invalid. `path` is the field with the error, as in `match.message`."""

    def __init__(self, path: str, reason: str) -> None:
        super().__init__(f"{path}: {reason}" if path else reason)
        self.path = path
        self.reason = reason


class _Spec(msgspec.Struct, frozen=True, omit_defaults=True, forbid_unknown_fields=True):
    pass


class MessageMatch(_Spec, frozen=True):
    """How a message is compared: exactly one of the three."""

    contains: _Text | None = None
    equals: _Text | None = None
    regex: Annotated[str, Meta(max_length=500)] | None = None


class ReplyMatch(_Spec, frozen=True):
    """Which chat requests get a reply: those that match all of the given fields.

    A `message` that is a string must occur in the message, in any case; `turn` is the number of the
    turn in its session, `client` an `X-Client-Id`.
    """

    message: _Text | MessageMatch | None = None
    turn: Annotated[int, Meta(ge=1)] | None = None
    client: _Id | None = None
    session: _Id | None = None
    language: _Id | None = None


class ReplyTool(_Spec, frozen=True):
    """A tool call and its result."""

    name: _Id
    args: _Object = {}
    response: _Object = {}


class ReplySpec(_Spec, frozen=True):
    """A scripted reply, for the next `times` requests that match; 0 is all of them.

    What is left out, the agent decides. `edits` (in the notation of edits), `draft` and
    `draft_patch` (RFC 6902) are what changes; `edits = []` changes nothing. `captions` are the
    words of an edit that adds captions: one text for each, or SRT. `say` is the text, ""
    for none. `tools` replace the tool calls, `events` everything that is streamed. `wait` is the
    length of the turn in seconds of the server's clock, `credits` its price, `applied` whether the
    draft changes. `fault` is written as in the header for faults.
    """

    name: Annotated[str, Meta(min_length=1, max_length=100)] | None = None
    match: ReplyMatch = ReplyMatch()
    times: Annotated[int, Meta(ge=0)] = 1
    edits: Annotated[tuple[_Object, ...], Meta(max_length=100)] | None = None
    captions: _Text | Annotated[tuple[str, ...], Meta(min_length=1, max_length=300)] | None = None
    draft: _Object | None = None
    draft_patch: Annotated[tuple[_Object, ...], Meta(min_length=1, max_length=100)] | None = None
    say: _Text | None = None
    tools: Annotated[tuple[ReplyTool, ...], Meta(max_length=100)] | None = None
    wait: Annotated[float, Meta(ge=0, le=MAX_WAIT)] | None = None
    credits: Annotated[int, Meta(ge=0, le=MAX_CREDITS)] | None = None
    applied: Literal["yes", "no", "late"] | None = None
    fault: _Id | None = None
    events: Annotated[tuple[_Object, ...], Meta(max_length=1000)] | None = None
