"""Watch a part that the engine has handed out: how far it is, and whether it is still going on."""

from collections.abc import Callable
from datetime import datetime, timedelta
from statistics import median

from temporalio.client import (
    ActivityExecutionDescription,
    ActivityExecutionStatus,
    ActivityHandle,
    PendingActivityState,
)
from temporalio.service import RPCError, RPCStatusCode

from .engine import EngineUnreachable
from .farm import Farm, FarmLimits, FarmUnavailable

WATCH_SECONDS = 0.5
# Workers send heartbeats once a second: more often, the engine has nothing new to say of a part.
_AT_WORK_SECONDS = 1.0
# Waiting parts are looked at so often a second together: all parts of a long render wait. A look
# costs the engine about 3 ms (measured), as much as an idle one takes in a second.
_WAITING_LOOKS = 1.0
RPC_TIMEOUT = timedelta(seconds=5)
# A share of a part from which on its end can be foreseen.
_FORESEEABLE = 0.05


class PartForgotten(Exception):
    """The engine must be given a part again; the message says why."""


class PartUnanswered(PartForgotten):
    """The engine has counted tries of a part in which no worker has sent a heartbeat."""


class PartView:
    """What is known of a part at a worker: when this try of it began, and the share that is done.

    `begun` is None while no worker has it. Times are those of the clock. `answered` is the number
    of tries in which a worker has sent a heartbeat: the engine also begins tries, and counts them,
    for workers that are gone or have no processor time to learn of them.
    """

    def __init__(self) -> None:
        self.begun: float | None = None
        self.share = 0.0
        self.answered = 0
        self._last_answered: datetime | None = None
        self._attempt = 0
        self._sign: tuple[int, float, datetime | None] | None = None
        self.last_sign = 0.0

    def note(self, seen: ActivityExecutionDescription, share: float, now: float) -> None:
        """Note what the engine knows of a part that a worker has."""
        self.note_answer(seen)
        if self.begun is None or seen.attempt != self._attempt:
            self.begun, self._attempt = now - _seconds_at_work(seen), seen.attempt
        self.share = share
        sign = (seen.attempt, share, seen.last_heartbeat_time)
        if sign != self._sign:
            self._sign, self.last_sign = sign, now

    def note_answer(self, seen: ActivityExecutionDescription) -> None:
        """Count the try that the engine has begun last, if its worker has sent a heartbeat."""
        begun = seen.last_started_time
        if _has_answered(seen) and begun != self._last_answered:
            self.answered += 1
            self._last_answered = begun

    def is_straggling(self, now: float, usual: float, ratio: float) -> bool:
        """Whether another worker would be done sooner that takes `usual` seconds.

        The part must take longer than `ratio` of this.
        """
        if self.begun is None:
            return False
        passed = now - self.begun
        if self.share < _FORESEEABLE:
            return passed > ratio * usual
        whole = passed / self.share
        return whole > ratio * usual and whole - passed > usual


def _has_answered(seen: ActivityExecutionDescription) -> bool:
    begun, beat = seen.last_started_time, seen.last_heartbeat_time
    return begun is not None and beat is not None and beat >= begun


def _seconds_at_work(seen: ActivityExecutionDescription) -> float:
    """Return from when to when the engine knows a worker at work; both times are the engine's."""
    begun, beat = seen.last_started_time, seen.last_heartbeat_time
    return max((beat - begun).total_seconds(), 0.0) if begun and beat else 0.0


class RenderPace:
    """How fast the parts of one render are, to tell which are slow."""

    def __init__(self, limits: FarmLimits) -> None:
        self._ratio = limits.straggler
        # So that the absence of workers is noticed in time.
        self._longest_wait = limits.no_worker / 2
        # The engine hands over the part of a worker that gives no sign.
        self._most_silence = limits.heartbeat / 2
        self._seconds_per_frame: list[float] = []
        self._views: list[PartView] = []

    def add(self, view: PartView) -> None:
        """Count a part that is not done yet."""
        self._views.append(view)

    def remove(self, view: PartView, frames: int, end: float | None) -> None:
        """Count a part no more; `end` is when it was done, None if it was not."""
        self._views.remove(view)
        if end is not None and view.begun is not None:
            self._seconds_per_frame.append((end - view.begun) / frames)

    def look_again_in(self, view: PartView) -> float:
        """Return after how many seconds the engine should be asked again about a part.

        The more parts wait, the longer: but not so long that missing workers go unnoticed.
        """
        if view.begun is not None:
            return _AT_WORK_SECONDS
        waiting = sum(each.begun is None for each in self._views)
        return max(WATCH_SECONDS, min(waiting / _WAITING_LOOKS, self._longest_wait))

    def is_straggling(self, view: PartView, frames: int, now: float) -> bool:
        """Whether a part is slow at a worker that lives, and no other waits for one."""
        if not self._seconds_per_frame or any(each.begun is None for each in self._views):
            return False
        if now - view.last_sign > self._most_silence:
            return False
        usual = median(self._seconds_per_frame) * frames
        return view.is_straggling(now, usual, self._ratio)


class PartWatch:
    """Looks at a part again and again, as often as `pace` says."""

    def __init__(
        self, farm: Farm, handle: ActivityHandle[bytes], view: PartView, pace: RenderPace
    ) -> None:
        self._farm = farm
        self._handle = handle
        self._view = view
        self._pace = pace
        self._begun = farm.clock.elapsed()
        # When the engine last answered, when the workers were last counted, when the part ended.
        self._answered = self._counted = self._begun
        self._closed: float | None = None

    async def run(self, on_sign: Callable[[str, float], None]) -> None:
        """Report worker and progress; raises FarmUnavailable when nothing happens for long."""
        clock = self._farm.clock
        while True:
            await clock.sleep(self._pace.look_again_in(self._view))
            now = clock.elapsed()
            try:
                await self._look(now, on_sign)
            except (RPCError, EngineUnreachable) as error:
                if isinstance(error, RPCError) and error.status == RPCStatusCode.NOT_FOUND:
                    raise PartForgotten("the engine has lost it") from None
                if now - self._answered > self._farm.limits.engine:
                    raise FarmUnavailable("the engine does not answer any more") from error

    async def _look(self, now: float, on_sign: Callable[[str, float], None]) -> None:
        seen = await self._handle.describe(include_heartbeat_details=True, rpc_timeout=RPC_TIMEOUT)
        self._answered = now
        if seen.status != ActivityExecutionStatus.RUNNING:
            self._require_result(now)
        elif seen.run_state == PendingActivityState.STARTED:
            details = await seen.heartbeat_details([float])
            share = details[0] if details else 0.0
            self._view.note(seen, share, now)
            on_sign(seen.last_worker_identity or "", share)
            self._require_signs(now)
        else:
            self._view.begun = None
            await self._require_workers(now)

    def _require_result(self, now: float) -> None:
        """Raise FarmUnavailable if the result of a part that has ended does not arrive."""
        self._closed = now if self._closed is None else self._closed
        if now - self._closed > self._farm.limits.engine:
            raise FarmUnavailable("the engine does not return its result")

    def _require_signs(self, now: float) -> None:
        """Raise FarmUnavailable if a worker is lost and the engine does not notice it."""
        limits = self._farm.limits
        self._farm.last_sign = now
        if now - self._view.last_sign > limits.heartbeat + limits.engine:
            raise FarmUnavailable("the engine does not notice that its worker is lost")

    async def _require_workers(self, now: float) -> None:
        """Raise FarmUnavailable if no worker takes a part."""
        farm, limits = self._farm, self._farm.limits
        if now - max(self._counted, farm.last_sign) <= limits.no_worker:
            return
        if not await farm.engine.workers_of(farm.queue):
            raise FarmUnavailable("no worker takes it")
        if now - max(self._begun, farm.last_sign) > limits.idle:
            raise FarmUnavailable("its workers take nothing")
        self._counted = now
