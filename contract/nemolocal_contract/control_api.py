"""Request and response bodies of the control API of a local server."""

from typing import Annotated, Any, Literal

import msgspec

from .journal import TurnEditState
from .media import SkillProfile
from .responses import RenderState


class Health(msgspec.Struct, frozen=True):
    """A local server is ready; its waits pass `speed` times as fast, `time` is its clock's."""

    name: str
    version: str
    status: str
    speed: float
    time: float


class TariffSettings(msgspec.Struct, frozen=True):
    """Credits of a new anonymous token, and prices (CRD-3)."""

    grant: int = 100
    editing: int = 50
    generation: int = 100


class TurnTimeSettings(msgspec.Struct, frozen=True):
    """Shortest and longest turns, in seconds of the server's clock (SSE-6, SSE-11)."""

    talk: tuple[float, float] = (5.0, 15.0)
    edit: tuple[float, float] = (10.0, 30.0)
    generation: tuple[float, float] = (100.0, 300.0)
    limit: float = 900.0


class SilenceTruthSettings(msgspec.Struct, frozen=True):
    """What is true behind a silent edit, as weights."""

    applied: float = 1.0
    not_applied: float = 0.0
    late: float = 0.0


class SilenceSettings(msgspec.Struct, frozen=True):
    """Which edits end without text: by `script`, else by `quota`, else by `rate` (SSE-5).

    Late edits are applied `late_seconds` after the end of their stream.
    """

    rate: float = 0.3
    quota: tuple[int, int] | None = None
    script: str = ""
    truths: SilenceTruthSettings = SilenceTruthSettings()
    late_seconds: float = 20.0


class DialectSettings(msgspec.Struct, frozen=True):
    """How the server speaks where sources disagree, and its heartbeats (SSE-3)."""

    sse: str = "adk"
    heartbeat: str = "line"
    heartbeat_seconds: float = 15.0
    render: str = "flat"
    errors: str = "envelope"
    export_402: str = "strict"


class EffectiveSettings(msgspec.Struct, frozen=True, kw_only=True):
    """The settings of a local server that decide what clients see; without secrets.

    The defaults are the values of the contract. Each field has the name and the meaning of the
    setting (`docs/settings.toml`).
    """

    clock: Literal["real", "scaled", "manual"] = "real"
    speed: float = 1.0
    turn_times: TurnTimeSettings = TurnTimeSettings()
    gui: bool = True
    silence: SilenceSettings = SilenceSettings()
    not_understood: Literal["try", "ask", "refuse"] = "refuse"
    chaos: float = 0.0
    render_queue: tuple[float, float] = (0.0, 0.0)
    token_lifetime: float = 7 * 86_400.0
    address_limit: int | None = None
    upload_limit: int | None = None
    sniff: Literal["strict", "lenient"] = "strict"
    fetch_from: tuple[str, ...] = ()
    tariff: TariffSettings = TariffSettings()
    skills: tuple[SkillProfile, ...] = ()
    dialect: DialectSettings = DialectSettings()
    public_url: str = ""


class SnapshotId(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The id of a snapshot: what taking one answers, and what restoring one needs."""

    id: str


class Snapshot(msgspec.Struct, frozen=True):
    """A snapshot that is kept; `taken` is the server's time then, in seconds since the epoch."""

    id: str
    taken: float


class SnapshotList(msgspec.Struct, frozen=True):
    """The snapshots that are kept, oldest first, and how many there can be."""

    snapshots: tuple[Snapshot, ...]
    most: int


class ResetRequest(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Whose namespace to forget; without `token_id`, everything."""

    token_id: Annotated[int, msgspec.Meta(ge=1, le=2**53)] | None = None


class Cleared(msgspec.Struct, frozen=True):
    """How many entries of the journal were forgotten."""

    deleted: int


class EntryRange(msgspec.Struct, frozen=True):
    """The ids of the first and the last new entry of the journal."""

    first: int
    last: int


class Changes(msgspec.Struct, frozen=True):
    """The data of an event `changes`: what has changed since the previous event.

    `sessions` are session ids, `renders` file ids. `clock` is True if a manual clock was advanced,
    `faults` and `replies` if any were added, removed or used.
    """

    journal: EntryRange | None
    sessions: tuple[str, ...]
    renders: tuple[str, ...]
    clock: bool
    faults: bool
    replies: bool


class DraftVersionSummary(msgspec.Struct, frozen=True, kw_only=True):
    """A version of a draft.

    `turn` is the number of the turn that made it, None for the empty first one. `undo_to` and
    `redo_to` are the versions to which undo and redo go.
    """

    number: int
    turn: int | None
    created: float
    undo_to: int | None
    redo_to: int | None
    duration_ms: float
    tracks: int


class DraftVersionDetail(msgspec.Struct, frozen=True, kw_only=True):
    """A version of a draft with the draft itself, as the state of the session showed it (STA-2)."""

    number: int
    turn: int | None
    created: float
    undo_to: int | None
    redo_to: int | None
    draft: dict[str, Any]


class DraftChanges(msgspec.Struct, frozen=True):
    """The difference of two versions of a draft: in sentences, and as a JSON Patch (RFC 6902)."""

    since: int
    number: int
    changes: tuple[str, ...]
    patch: tuple[dict[str, Any], ...]


class SessionSummary(msgspec.Struct, frozen=True, kw_only=True):
    """A session; `version` is the number of its newest draft, `silent` counts silent turns.

    `running` counts turns and renders that have not ended. `used` is in real time, other times
    are of the server's clock.
    """

    id: str
    token_id: int
    user_id: str
    task_name: str
    language: str
    created: float
    used: float
    version: int
    turns: int
    silent: int
    assets: int
    renders: int
    running: int


class TurnDetail(msgspec.Struct, frozen=True, kw_only=True):
    """A turn with its truth.

    `truth` is as in the journal: whether the edits are in the draft. `versions` are the versions
    that it made, `held` the credits that it held and `cost` those that it was charged. `events`
    are the texts, tool calls and tool results that were sent. `entry` is the id of its journal
    entry; it is None, and `events` empty, if the journal does not have it.
    """

    number: int
    message: str
    status: Literal["running", "done", "failed"]
    silent: bool
    truth: TurnEditState
    started: float
    ended: float | None
    versions: tuple[int, ...]
    held: int
    cost: int
    resend: bool
    entry: int | None
    events: tuple[dict[str, Any], ...] = ()


class AssetDetail(msgspec.Struct, frozen=True, kw_only=True):
    """A media file of a session; `url` needs no token, `duration` is in seconds.

    `tiles` is the number of thumbnails in its strip.
    """

    id: str
    origin: Literal["upload", "generated"]
    filename: str
    kind: str
    duration: float
    width: int
    height: int
    fps: float
    has_audio: bool
    tiles: int
    hash: str
    url: str


class LedgerRow(msgspec.Struct, frozen=True, kw_only=True):
    """A row of the ledger; `turn` is the turn of this session that it belongs to.

    `available` and `frozen` are the changes, `balance` is the available credits after them.
    """

    id: int
    kind: Literal["grant", "hold", "settle", "release"]
    available: int
    frozen: int
    balance: int
    reason: str
    created: float
    turn: int | None


class RenderSummary(msgspec.Struct, frozen=True, kw_only=True):
    """A render; `id` is the client's, `file_id` is unique on this server. `progress` in percent.

    `version` is the newest draft version that is equal to the draft of the render, None if there is
    none, and in the list of all renders. `url` is that of the file, None unless the render is
    completed.
    """

    id: str
    file_id: str
    token_id: int
    session_id: str
    status: RenderState
    progress: int
    error: str | None
    created: float
    completed: float | None
    version: int | None
    url: str | None


class SessionDetail(msgspec.Struct, frozen=True, kw_only=True):
    """A session with everything that happened in it; `ledger` has the newest rows of its token."""

    session: SessionSummary
    turns: tuple[TurnDetail, ...]
    versions: tuple[DraftVersionSummary, ...]
    assets: tuple[AssetDetail, ...]
    renders: tuple[RenderSummary, ...]
    ledger: tuple[LedgerRow, ...]


class SessionList(msgspec.Struct, frozen=True):
    """The sessions of all tokens, last used first; at most 500."""

    sessions: tuple[SessionSummary, ...]


class RenderList(msgspec.Struct, frozen=True):
    """The renders of all tokens, newest first; at most 500."""

    renders: tuple[RenderSummary, ...]


class RenderPlanSummary(msgspec.Struct, frozen=True, kw_only=True):
    """What a draft is rendered to: pixels, frames, seconds, and its content.

    `layers` has the number of slices of each video layer, `sounds` the number of clips of each
    audio track. `copies` is True if the source can be copied without encoding.
    """

    width: int
    height: int
    fps: float
    frames: int
    duration: float
    layers: tuple[int, ...]
    sounds: tuple[int, ...]
    titles: int
    copies: bool
    warnings: tuple[str, ...]


class RenderCommand(msgspec.Struct, frozen=True):
    """A run of FFmpeg: its command line without folders, and its filter graphs by file name."""

    line: str
    graphs: dict[str, str]


class RenderLogLine(msgspec.Struct, frozen=True):
    """A line of the log of a render, `at` seconds of real time after its start."""

    at: float
    text: str


class RenderPart(msgspec.Struct, frozen=True):
    """A part of a render that is encoded by itself: its place in seconds, and percent done.

    `worker` is the worker of the farm that encodes it (host and process), `server` if this server
    does, and empty while the part waits, or if its file was there already.
    """

    begin: float
    duration: float
    worker: str
    progress: int


class RenderDetail(msgspec.Struct, frozen=True, kw_only=True):
    """A render with its plan and how it was made.

    `plan` is None if the draft can no longer be planned, for example because media were deleted;
    `plan_error` then says why. `encoder` and `encoder_reason` are empty until an encoder is chosen.
    Of `parts` parts, `workers` may be encoded at once; both are 0 until known. `part_states` has
    each of them. They, the log and the commands are kept for the last 100 renders of this process.
    """

    render: RenderSummary
    output: dict[str, Any]
    result: dict[str, Any] | None
    plan: RenderPlanSummary | None
    plan_error: str
    encoder: str
    encoder_reason: str
    workers: int
    parts: int
    part_states: tuple[RenderPart, ...]
    log: tuple[RenderLogLine, ...]
    commands: tuple[RenderCommand, ...]
