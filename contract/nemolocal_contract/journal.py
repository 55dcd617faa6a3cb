"""The journal of a local server, as it is served and exported.

A line of the JSONL export is one `Entry` as a JSON object, complete in itself: it can be checked
hours later without the server. `version` goes up when a name below changes its meaning; names may
be added without that. Times are seconds since the epoch, and offsets are seconds, of the server's
clock. Bodies are text, at most 64 KB each; what is no text is described in `<…>`. Token values are
replaced by `[token]`.
"""

from typing import Literal

import msgspec

JOURNAL_VERSION = 1

Ending = Literal["complete", "cut by client", "cut by fault", "cut by server"]
Understood = Literal["full", "part", "none"]
TurnEditState = Literal["talk", "pending", "applied", "late", "not_applied", "unknown"]

ModelOutcome = Literal[
    "edited",
    "refused",
    "declined",
    "no_edits",
    "invalid",
    "destructive",
    "timeout",
    "unreachable",
    "rate_limited",
    "http_error",
    "not_recorded",
    "pending",
]
"""What a language model has made of a message.

`edited`: its edits are the turn's; `refused`: the timeline does not allow them; `declined`: it says
why it edits nothing. All others are no usable answer: `no_edits` (a text alone), `invalid` (what
cannot be read or be done), `destructive` (it would take everything away unasked), `timeout`,
`unreachable`, `rate_limited`, `http_error`, or `not_recorded` (in a replay). `pending`: the client
hung up before the answer came.
"""


class Credits(msgspec.Struct, frozen=True):
    """What a token has: to spend, and frozen by what runs."""

    available: int
    frozen: int


class ModelEntry(msgspec.Struct, frozen=True):
    """The language model that was asked, what came of it, and how long it took in real time.

    `detail` says why there is no usable answer.
    """

    name: str
    outcome: ModelOutcome
    milliseconds: int
    detail: str = ""


class TurnEntry(msgspec.Struct, frozen=True):
    """What a chat request really did.

    `edits` counts the edits that the message asked for; `silent` says that the turn has no text in
    its plan (SSE-5). `truth` is whether they are in the draft: `late` means since after the
    stream had ended, for whatever reason, `pending` not yet, `talk` that there were none. `cost` is
    in credits, 0 where they were given back. A `resend` repeats the message of the turn before it.
    `understood` is how much of the message the local agent understood, absent where a scripted
    reply says what changes: edits of a turn with `none` are simulated. It is `full` where the edits
    are those of a language model. `model` is the model that was asked, absent where none was.
    """

    number: int
    edits: int
    message: str = ""
    silent: bool = False
    truth: TurnEditState = "unknown"
    cost: int = 0
    resend: bool = False
    understood: Understood | msgspec.UnsetType = msgspec.UNSET
    model: ModelEntry | msgspec.UnsetType = msgspec.UNSET

    @property
    def is_simulated(self) -> bool:
        """Whether its edit only stands for what was asked for."""
        return self.understood == "none" and self.edits > 0


class Entry(msgspec.Struct, frozen=True, kw_only=True):
    """One exchange.

    `id` grows by one an entry. `endpoint` is the name of the contract's endpoint, None for any
    other path. `status` is 0 where no response was begun; `code` is the envelope's, or else 0 for
    a success and the status for a failure. `rules` are the ids of the rules that the exchange
    touches, `faults` the names of the faults in force. Credits are the token's, drafts are hashes
    of the draft of `session_id` (SHA-256 of its canonical JSON, the first 16 digits), with the
    number of the version; `before` and `after` are the moments at which the request was understood
    and its last byte left. `chunks`
    has an item per chunk of an event stream, the first 1,000 of them: offset from `started` and
    number of bytes. Sizes are in bytes, of the whole bodies. `speed` seconds of waiting pass in a
    second of these times; None where the clock only moves when it is told to. `unknown` are fields
    of the request that the server does not know and left aside, as `output.crf` (REN-1).
    `reply` is the name of the scripted reply that answered, absent where none did.
    """

    version: int = JOURNAL_VERSION
    id: int = 0
    started: float
    ended: float
    ending: Ending
    method: str
    url: str
    endpoint: str | None
    status: int
    code: int | None
    rules: tuple[str, ...]
    faults: tuple[str, ...]
    token_id: int | None
    user_id: str | None
    session_id: str | None
    render_id: str | None
    turn: TurnEntry | None
    credits_before: Credits | None
    credits_after: Credits | None
    draft_before: str | None
    draft_after: str | None
    request_headers: dict[str, str]
    request_body: str
    request_size: int
    response_headers: dict[str, str]
    response_body: str
    response_size: int
    chunks: tuple[tuple[float, int], ...]
    speed: float | None = None
    draft_version_before: int | None = None
    draft_version_after: int | None = None
    unknown: tuple[str, ...] = ()
    reply: str | msgspec.UnsetType = msgspec.UNSET


class CreditSummary(msgspec.Struct, frozen=True):
    """Credits by the server's tariff, which is the cloud's unless set otherwise (CRD-3).

    `resent` is the part of `spent` that went for messages sent again.
    """

    spent: int
    resent: int


class Summary(msgspec.Struct, frozen=True):
    """A run: `requests` by endpoint and code, and `dropped` entries that are not counted in it.

    `unused_replies` are the scripted replies that were never used, if there were any replies, and
    `simulated` the number of turns whose edit only stands for what was asked for, if there are any.
    """

    entries: int
    dropped: int
    requests: dict[str, dict[str, int]]
    turns: int
    resends: int
    credits: CreditSummary
    line: str
    unused_replies: tuple[str, ...] | msgspec.UnsetType = msgspec.UNSET
    simulated: int | msgspec.UnsetType = msgspec.UNSET
