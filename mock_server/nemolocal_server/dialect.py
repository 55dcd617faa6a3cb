"""Dialects: the variants of the wire format on which public documents disagree."""

from typing import Literal

import msgspec

from nemolocal_contract.responses import RenderDialect
from nemolocal_contract.turn_events import HeartbeatForm, SseDialect

from .setting_ranges import DAY, check_positive

ErrorStyle = Literal["envelope", "http", "adk"]


class Dialect(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The wire format of a server, or of one token.

    `sse` is the shape of events (SSE-2), `heartbeat` the form of heartbeats and `heartbeat_seconds`
    their interval on the server's clock (SSE-3), `render` the shape of render responses (REN-4),
    `errors` the HTTP status of failures (GEN-2), `export_402` who may not export (REN-2).
    """

    sse: SseDialect = "adk"
    heartbeat: HeartbeatForm = "line"
    heartbeat_seconds: float = 15.0
    render: RenderDialect = "flat"
    errors: ErrorStyle = "envelope"
    export_402: Literal["strict", "out_of_credits"] = "strict"

    def __post_init__(self) -> None:
        """Raise ValueError for an interval out of range."""
        check_positive("heartbeat_seconds", self.heartbeat_seconds, DAY)


PRESETS = {
    # What the two seed documents and the vendor's skill 1.9 describe.
    "skills": Dialect(),
    # The vendor's earlier API reference.
    "reference": Dialect(
        sse="typed",
        heartbeat="event",
        render="nested",
        errors="http",
        export_402="out_of_credits",
    ),
    # The public ADK api_server, whose chat endpoint has errors of its own.
    "adk": Dialect(errors="adk"),
}
