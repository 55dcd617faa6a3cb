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
