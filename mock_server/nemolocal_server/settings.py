"""Everything that can be set about a server, in one frozen object made once."""

from pathlib import Path
from typing import Literal

import msgspec

from nemolocal_contract.events import SseDialect
from nemolocal_contract.replies import RenderDialect

DAY = 86_400.0


class Tariff(msgspec.Struct, frozen=True):
    """Credits: what a fresh anonymous token is given, and what operations cost (CRD-3)."""

    grant: int = 100
    editing: int = 50


class Settings(msgspec.Struct, frozen=True, kw_only=True):
    """How a server behaves.

    `data_dir` None keeps everything in memory and a temporary folder. `port` 0 takes a free one.
    `speed` divides the waits that the cloud would make (turns, heartbeats); `silent_rate` is the
    part of edits that close without a word (SSE-5); `heartbeat` is in seconds of the server's
    clock (SSE-3); `upload_limit`, in bytes, overrides the skill's own (UPL-4).
    """

    host: str = "127.0.0.1"
    port: int = 8787
    data_dir: Path | None = None
    seed: int = 0
    speed: float = 50.0
    silent_rate: float = 0.3
    heartbeat: float = 15.0
    token_lifetime: float = 7 * DAY
    upload_limit: int | None = None
    tariff: Tariff = Tariff()
    sse: SseDialect = "adk"
    render: RenderDialect = "flat"
    errors: Literal["envelope", "http"] = "envelope"

    def __post_init__(self) -> None:
        """Refuse values that make no sense, naming the setting."""
        if not 0 <= self.silent_rate <= 1:
            raise ValueError(f"silent_rate must be from 0 to 1, not {self.silent_rate}")
        if not 0 <= self.port <= 65_535:
            raise ValueError(f"port must be from 0 to 65535, not {self.port}")
        if not self.speed > 0:
            raise ValueError(f"speed must be greater than 0, not {self.speed}")
        if not self.heartbeat > 0:
            raise ValueError(f"heartbeat must be greater than 0, not {self.heartbeat}")
