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

    contains: Annotated[_Text | None, Meta(description="it contains this, in any case")] = None
    equals: Annotated[_Text | None, Meta(description="it is this")] = None
    regex: Annotated[
        Annotated[str, Meta(max_length=500)] | None, Meta(description="it matches this")
    ] = None


class ReplyMatch(_Spec, frozen=True):
    """Which chat requests get a reply: those that match all of the given fields."""

    message: Annotated[
        _Text | MessageMatch | None,
        Meta(
            description="a text that must occur in the message, in any case, or how to compare it"
        ),
    ] = None
    turn: Annotated[
        Annotated[int, Meta(ge=1)] | None, Meta(description="number of the turn in its session")
    ] = None
    client: Annotated[_Id | None, Meta(description="X-Client-Id of the token")] = None
    session: Annotated[_Id | None, Meta(description="id of the session")] = None
    language: Annotated[_Id | None, Meta(description="language of the session")] = None


class ReplyTool(_Spec, frozen=True):
    """A tool call and its result."""

    name: _Id
    args: _Object = {}
    response: _Object = {}


class ReplySpec(_Spec, frozen=True):
    """A scripted reply; what is left out, the agent decides."""

    name: Annotated[
        Annotated[str, Meta(min_length=1, max_length=100)] | None,
        Meta(description="name of the reply in the journal"),
    ] = None
    match: Annotated[ReplyMatch, Meta(description="requests that get it; all by default")] = (
        ReplyMatch()
    )
    times: Annotated[int, Meta(ge=0, description="number of requests that get it; 0 is all")] = 1
    edits: Annotated[
        Annotated[tuple[_Object, ...], Meta(max_length=100)] | None,
        Meta(description="what changes, in the notation of edits; [] changes nothing"),
    ] = None
    captions: Annotated[
        _Text | Annotated[tuple[str, ...], Meta(min_length=1, max_length=300)] | None,
        Meta(description="words of an edit that adds captions: one text for each, or SRT"),
    ] = None
    draft: Annotated[_Object | None, Meta(description="the whole draft after the turn")] = None
    draft_patch: Annotated[
        Annotated[tuple[_Object, ...], Meta(min_length=1, max_length=100)] | None,
        Meta(description="what changes, as a JSON Patch (RFC 6902)"),
    ] = None
    say: Annotated[_Text | None, Meta(description='text of the turn; "" for none')] = None
    tools: Annotated[
        Annotated[tuple[ReplyTool, ...], Meta(max_length=100)] | None,
        Meta(description="tool calls in place of the agent's"),
    ] = None
    wait: Annotated[
        Annotated[float, Meta(ge=0, le=MAX_WAIT)] | None,
        Meta(description="length of the turn in seconds of the server's clock"),
    ] = None
    credits: Annotated[
        Annotated[int, Meta(ge=0, le=MAX_CREDITS)] | None, Meta(description="price of the turn")
    ] = None
    applied: Annotated[
        Literal["yes", "no", "late"] | None, Meta(description="whether the draft changes")
    ] = None
    fault: Annotated[
        _Id | None, Meta(description="a fault, as in the header for faults: cut-fin;after=2")
    ] = None
    events: Annotated[
        Annotated[tuple[_Object, ...], Meta(max_length=1000)] | None,
        Meta(description="everything that is streamed"),
    ] = None
