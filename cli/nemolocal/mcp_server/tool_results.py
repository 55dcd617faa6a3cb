"""What the tools return; from these come their output schemas."""

from typing import Annotated, Any, Literal

import msgspec
from msgspec import Meta

from nemolocal_conformance.verdicts import VerdictOutcome
from nemolocal_contract.journal import Credits, Ending, TurnEntry
from nemolocal_contract.rules import Level
from nemolocal_skill import ExampleResult, SkillCallResult, SkillFinding

VerdictSummary = Literal["passed", "failed", "nothing checked"]


class _Result(msgspec.Struct, frozen=True, kw_only=True):
    pass


class ClockState(_Result, frozen=True):
    """The clock of the server."""

    kind: str
    speed: float
    time: Annotated[float, Meta(description="seconds since the epoch")]
    iso: str
    next: Annotated[
        float | None, Meta(description="seconds until the next wait on a manual clock ends")
    ] = None


class FaultUse(_Result, frozen=True):
    """An armed fault and how often it has hit a request."""

    id: str
    name: str
    times: Annotated[int, Meta(description="number of requests that it hits; 0 is all")]
    hits: Annotated[int, Meta(description="number of requests that it has hit")]


class ReplyUse(_Result, frozen=True):
    """A scripted reply and how often it was used."""

    name: str
    uses: int


class ServerStatus(_Result, frozen=True):
    """The server in use."""

    base_url: Annotated[str, Meta(description="base URL for the client under test")]
    version: str
    started_here: Annotated[bool, Meta(description="whether start_server started it")]
    dashboard: Annotated[
        str | None, Meta(description="page for a browser; null for a server of somebody else")
    ]
    clock: ClockState
    armed_faults: tuple[FaultUse, ...]
    replies: tuple[ReplyUse, ...]
    journal_entries: int
    summary: Annotated[str, Meta(description="what the cloud would have charged so far")]


class StoppedServer(_Result, frozen=True):
    """The server that was stopped."""

    base_url: str
    summary: str


class JournalLine(_Result, frozen=True):
    """An exchange without its headers and bodies."""

    id: int
    at: Annotated[str, Meta(description="time at which it began (ISO 8601, server's clock)")]
    milliseconds: int
    call: Annotated[str, Meta(description="method and URL")]
    endpoint: str | None
    status: Annotated[int, Meta(description="HTTP status; 0 if no response was begun")]
    code: Annotated[int | None, Meta(description="code of the envelope; 0 is success")]
    ending: Ending
    faults: tuple[str, ...]
    rules: tuple[str, ...]
    user_id: str | None
    session_id: str | None
    turn: Annotated[TurnEntry | None, Meta(description="what a chat request really did")]
    reply: Annotated[str | None, Meta(description="name of the scripted reply that answered")]


class JournalPage(_Result, frozen=True):
    """Entries of the journal, oldest first."""

    entries: tuple[JournalLine, ...]
    last_id: Annotated[int, Meta(description="pass it as since to get what comes after the page")]
    more: Annotated[bool, Meta(description="whether other entries match, too")]


class JournalEntry(_Result, frozen=True):
    """An exchange with headers and bodies; tokens are never in it."""

    line: JournalLine
    request_headers: dict[str, str]
    request_body: str
    request_size: Annotated[int, Meta(description="bytes of the whole body")]
    response_headers: dict[str, str]
    response_body: str
    response_size: Annotated[int, Meta(description="bytes of the whole body")]
    is_cut: Annotated[bool, Meta(description="whether a body is longer than what is shown")]
    credits_before: Credits | None
    credits_after: Credits | None
    draft_version_before: int | None
    draft_version_after: int | None


class ClearedJournal(_Result, frozen=True):
    """How many entries were deleted."""

    deleted: int


class FaultKind(_Result, frozen=True):
    """A fault of the catalogue."""

    name: str
    sentence: str
    endpoints: Annotated[tuple[str, ...], Meta(description="endpoints that it can hit")]
    rules: tuple[str, ...]
    args: Annotated[dict[str, Any], Meta(description="its arguments and their defaults")]


class FaultCatalogue(_Result, frozen=True):
    """All faults."""

    faults: tuple[FaultKind, ...]


class FaultId(_Result, frozen=True):
    """The id of an armed fault."""

    id: str


class DisarmedFaults(_Result, frozen=True):
    """The ids of the faults that were disarmed."""

    disarmed: tuple[str, ...]


class ReplyName(_Result, frozen=True):
    """The name of a scripted reply."""

    name: str


class DeletedReplies(_Result, frozen=True):
    """The names of the scripted replies that were deleted."""

    deleted: tuple[str, ...]


class VerdictFinding(_Result, frozen=True):
    """A check that did not pass, with the entries of the journal that show it."""

    check: str
    outcome: VerdictOutcome
    level: Level
    rules: tuple[str, ...]
    sentence: str
    reason: str
    entries: tuple[int, ...]
    credits: Annotated[int, Meta(description="credits that this costs in the cloud")]


class VerdictReport(_Result, frozen=True):
    """The verdict on the clients in the journal."""

    outcome: Annotated[
        VerdictSummary,
        Meta(description="failed: a MUST is broken"),
    ]
    counts: Annotated[dict[str, int], Meta(description="number of checks by outcome")]
    findings: Annotated[
        tuple[VerdictFinding, ...], Meta(description="failures, errors and warnings, worst first")
    ]
    left_out: Annotated[int, Meta(description="number of findings that are not listed")]


class SkillReport(_Result, frozen=True):
    """The findings in a skill document."""

    path: str
    name: str
    version: str
    errors: int
    warnings: int
    notes: int
    findings: tuple[SkillFinding, ...]
    left_out: Annotated[int, Meta(description="number of findings that are not listed")]


class SkillRun(_Result, frozen=True):
    """What the calls and example phrases of a skill document did on a server of their own."""

    path: str
    name: str
    as_said: Annotated[
        bool, Meta(description="whether every response was as the document says, and there was one")
    ]
    calls: tuple[SkillCallResult, ...]
    examples: tuple[ExampleResult, ...]
    left_out: Annotated[int, Meta(description="number of calls and examples that are not listed")]
