"""What the renders of a server share: the engine, the key, the parts; and how long they wait."""

import asyncio

import msgspec

from nemolocal_contract.clock import Clock, WallClock

from .engine import Engine
from .farm_key import FarmKey
from .part_store import PartStore
from .source_ranges import SourceRanges


class FarmLimits(msgspec.Struct, frozen=True):
    """Seconds: of a part, and of silence until something is considered lost.

    A worker is lost after `heartbeat` without a sign of life, all workers are after `no_worker` in
    which none takes a part, the engine is after `engine`. Workers that are there and work on
    nothing of this server for `idle` are not waited for. A part that takes more than `straggler`
    times as long as the others is given to a second worker.
    """

    part: float = 8.0
    heartbeat: float = 4.0
    no_worker: float = 10.0
    engine: float = 30.0
    idle: float = 60.0
    straggler: float = 1.5


class FarmUnavailable(Exception):
    """The farm does not render a part; the message says why."""


class Farm(msgspec.Struct):
    """What all renders of a server share: `queue` is that of the workers of this build.

    `places` are for the parts that this machine renders itself. `last_sign` is when a worker was
    last seen at work, by the clock.
    """

    engine: Engine
    key: FarmKey
    store: PartStore
    ranges: SourceRanges
    queue: str
    limits: FarmLimits
    places: asyncio.Semaphore
    clock: Clock = msgspec.field(default_factory=WallClock)
    last_sign: float = 0.0
