"""Bodies of the control interface that any judge or test of a local server may want to use."""

from typing import Annotated

import msgspec


class Health(msgspec.Struct, frozen=True):
    """A local server is ready; its waits pass `speed` times as fast, `time` is its clock's."""

    name: str
    version: str
    status: str
    speed: float
    time: float


class SnapshotId(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The id of a snapshot: what taking one answers, and what restoring one needs."""

    id: str


class ResetRequest(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Whose namespace to forget; without `token_id`, everything."""

    token_id: Annotated[int, msgspec.Meta(ge=1, le=2**53)] | None = None


class Cleared(msgspec.Struct, frozen=True):
    """How many entries of the journal were forgotten."""

    deleted: int
