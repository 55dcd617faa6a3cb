"""The arguments of the tools; from these come their schemas and the page of the reference."""

from typing import Annotated, Literal

import msgspec
from msgspec import Meta

from nemolocal_server.data.tokens import NotUnderstood
from nemolocal_server.faults.catalogue import FaultSpec
from nemolocal_server.scripted_replies.reply_spec import ReplySpec
from nemolocal_server.settings import ClockKind

MAX_PAGE = 50
MAX_BODY = 20_000

_Name = Annotated[str, Meta(max_length=200)]
_EntryId = Annotated[int, Meta(ge=0, le=2**53)]

__all__ = ["FaultSpec", "ReplySpec"]


class _Arguments(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    pass


class NoArguments(_Arguments, frozen=True):
    """No arguments."""


class StartServer(_Arguments, frozen=True):
    """The settings of a server in memory, on this machine alone."""

    port: Annotated[int, Meta(ge=0, le=65_535, description="port; 0 takes a free one")] = 0
    clock: Annotated[
        ClockKind,
        Meta(
            description="real: only simulated delays are sped up; scaled: all time is; manual: "
            "time stands still until advance_clock, so a turn of the chat waits for it, too"
        ),
    ] = "real"
    speed: Annotated[
        float, Meta(gt=0, le=1e9, description="factor by which simulated delays are shorter")
    ] = 50.0
    seed: Annotated[
        int, Meta(ge=-(2**63), le=2**63 - 1, description="random seed of silent turns and chaos")
    ] = 0
    free: Annotated[bool, Meta(description="do not charge credits")] = False
    silent_rate: Annotated[
        float,
        Meta(ge=0, le=1, description="probability that the stream of an edit ends without text"),
    ] = 0.3
    chaos: Annotated[
        float, Meta(ge=0, le=1, description="probability of a random fault in each request")
    ] = 0.0
    not_understood: Annotated[
        NotUnderstood,
        Meta(
            description="what to do with a message that is not understood: try (a stand-in edit, "
            "marked as simulated), ask what is meant, or refuse"
        ),
    ] = "try"
    preset: Annotated[
        Literal["skills", "reference", "adk"],
        Meta(description="dialect where public documents disagree"),
    ] = "skills"
    scenario: Annotated[
        _Name,
        Meta(description="built-in scenario of faults, such as rough-network; none by default"),
    ] = ""


class QueryJournal(_Arguments, frozen=True):
    """Which exchanges to list."""

    since: Annotated[
        _EntryId, Meta(description="only entries after this id: last_id of the page before")
    ] = 0
    order: Annotated[
        Literal["newest", "oldest"],
        Meta(description="which entries to keep if more match than limit allows"),
    ] = "newest"
    limit: Annotated[int, Meta(ge=1, le=MAX_PAGE, description="number of entries")] = 20
    endpoint: Annotated[
        _Name | None,
        Meta(description="name of an endpoint, such as chat, upload, render or render_status"),
    ] = None
    session: Annotated[_Name | None, Meta(description="id of a session")] = None
    user_id: Annotated[_Name | None, Meta(description="id of a user")] = None
    failed_only: Annotated[bool, Meta(description="only calls that failed or were cut")] = False


class ReadJournalEntry(_Arguments, frozen=True):
    """Which exchange to read."""

    id: Annotated[_EntryId, Meta(description="id of the entry, from query_journal")]
    max_characters: Annotated[
        int,
        Meta(ge=0, le=MAX_BODY, description="length at which each of the two bodies is cut"),
    ] = 4000


class ClearFaults(_Arguments, frozen=True):
    """Which fault to disarm."""

    id: Annotated[
        _Name | None, Meta(description="id of the fault, from arm_fault; all faults without it")
    ] = None


class AdvanceClock(_Arguments, frozen=True):
    """How far to advance the clock."""

    seconds: Annotated[
        float, Meta(ge=0, le=366 * 86_400, description="seconds of the server's time")
    ]


class GetVerdict(_Arguments, frozen=True):
    """Which clients and checks."""

    user_id: Annotated[
        _Name | None, Meta(description="only the client with this user id; all without it")
    ] = None
    only: Annotated[
        tuple[_Name, ...],
        Meta(max_length=20, description="only checks whose id starts with one of these"),
    ] = ()


class SkillPath(_Arguments, frozen=True):
    """A skill document."""

    path: Annotated[
        str,
        Meta(
            min_length=1,
            max_length=4096,
            description="SKILL.md or its folder, in a folder that this server may read; a relative "
            "path starts in the first of them",
        ),
    ]
