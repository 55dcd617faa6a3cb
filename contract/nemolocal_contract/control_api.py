"""Request and response bodies of the control API of a local server."""

from typing import Annotated, Literal

import msgspec

from .media import SkillProfile


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
