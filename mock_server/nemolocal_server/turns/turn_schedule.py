"""The plan of a turn: what is streamed and when the draft changes. Pure, seeded (SSE-5, SSE-11)."""

from collections.abc import Sequence
from typing import Any, Literal, Protocol

import msgspec

from nemolocal_contract.turn_events import Heartbeat, Text, ToolCall, ToolResult, TurnEvent

from ..seeded_random import SeededRandom
from ..setting_ranges import DAY, check_positive

# When an edit calls its tools and when these have answered, as fractions of its length.
CALL_FRACTION, RESULT_FRACTION = 0.15, 0.85


TurnKind = Literal["talk", "edit", "generation"]


class TurnTimes(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """How long turns take, minimum and maximum, in seconds of the server's clock (SSE-11).

    A turn is aborted after `limit` seconds (SSE-6).
    """

    talk: tuple[float, float] = (5.0, 15.0)
    edit: tuple[float, float] = (10.0, 30.0)
    generation: tuple[float, float] = (100.0, 300.0)
    limit: float = 900.0

    def __post_init__(self) -> None:
        """Raise ValueError for times out of range."""
        for least, most in (self.talk, self.edit, self.generation):
            if not 0 <= least <= most <= DAY:
                raise ValueError(
                    f"turn_times must be rising numbers up to {DAY:.0f}, not {least}, {most}"
                )
        check_positive("turn_times.limit", self.limit, DAY)


CLOUD_TURN_TIMES = TurnTimes()
"""The times of the cloud."""


class TurnSeed(msgspec.Struct, frozen=True):
    """The key of a turn's random numbers: only what the client controls (SSE-5)."""

    client_id: str
    session_ordinal: int
    turn: int
    message: str

    def key(self) -> tuple[str | int, ...]:
        return (self.client_id, self.session_ordinal, self.turn, self.message)


class AnyToolCall(Protocol):
    """A tool call with its response, planned by the agent or given by a scripted reply."""

    @property
    def tool(self) -> str:
        """The name of the tool."""

    def args(self) -> dict[str, Any]:
        """The arguments of the call."""

    def response(self) -> dict[str, Any]:
        """The response of the tool."""


class CommitEdits(msgspec.Struct, frozen=True):
    """The draft changes, in one stage or two (SSE-8).

    Credits are charged with the last stage (CRD-2).
    """

    stage: int = 0


class AbortTurn(msgspec.Struct, frozen=True):
    """The turn ends here; its remaining steps are dropped."""


class TurnStep(msgspec.Struct, frozen=True):
    """After `delay` seconds of the server's clock, stream or do this."""

    delay: float
    action: TurnEvent | CommitEdits | AbortTurn


class TurnScheduler(msgspec.Struct, frozen=True):
    """Plans turns with the random numbers of `seed`; `heartbeat` is the interval in seconds."""

    seed: TurnSeed
    rng: SeededRandom
    heartbeat: float
    times: TurnTimes = CLOUD_TURN_TIMES

    def reply(self, text: str) -> list[TurnStep]:
        """Wait, then answer with a text."""
        length = self.draw_length("talk")
        return add_heartbeats([TurnStep(length, Text(text))], self.heartbeat)

    def edit(self, calls: Sequence[AnyToolCall], text: str | None) -> list[TurnStep]:
        """Call the tools, change the draft, report the results; then the text, if there is one."""
        length = self.draw_length("edit")
        steps = _tool_call_steps(
            with_call_ids(calls, self.seed),
            CALL_FRACTION * length,
            (RESULT_FRACTION - CALL_FRACTION) * length,
            CommitEdits(),
        )
        if text is not None:
            steps.append(TurnStep((1 - RESULT_FRACTION) * length, Text(text)))
        return add_heartbeats(steps, self.heartbeat)

    def generation(
        self, stages: Sequence[Sequence[AnyToolCall]], text: str | None
    ) -> list[TurnStep]:
        """Add the requested clip, then music and a title that nobody requested (SSE-8)."""
        length = self.draw_length("generation")
        numbered = iter(with_call_ids([call for stage in stages for call in stage], self.seed))
        steps: list[TurnStep] = []
        for stage, (call_at, result_at) in enumerate(((0.05, 0.7), (0.02, 0.18))):
            calls = [next(numbered) for _ in stages[stage]]
            commit = CommitEdits(stage)
            steps += _tool_call_steps(calls, call_at * length, result_at * length, commit)
        if text is not None:
            steps.append(TurnStep(0.05 * length, Text(text)))
        return add_heartbeats(steps, self.heartbeat)

    def draw_length(self, kind: TurnKind) -> float:
        """The length of the turn in seconds."""
        limits: tuple[float, float] = getattr(self.times, kind)
        return self.rng.uniform(*limits, kind, *self.seed.key())


def with_call_ids(calls: Sequence[AnyToolCall], seed: TurnSeed) -> list[tuple[str, AnyToolCall]]:
    """Pair each call with an id that is unique in the session."""
    if len(calls) == 1:
        return [(f"call-{seed.turn}", calls[0])]
    return [(f"call-{seed.turn}-{number}", call) for number, call in enumerate(calls, 1)]


def _tool_call_steps(
    calls: Sequence[tuple[str, AnyToolCall]],
    call_delay: float,
    result_delay: float,
    commit: CommitEdits,
) -> list[TurnStep]:
    """All calls, the change, all results: no result is reported before the change."""
    started = [ToolCall(call_id, call.tool, call.args()) for call_id, call in calls]
    results = [ToolResult(call_id, call.tool, call.response()) for call_id, call in calls]
    delays = [call_delay, *[0.0] * (len(started) - 1)] if started else []
    return [
        *map(TurnStep, delays, started),
        TurnStep(result_delay if started else call_delay + result_delay, commit),
        *(TurnStep(0.0, result) for result in results),
    ]


def add_heartbeats(steps: list[TurnStep], interval: float) -> list[TurnStep]:
    """Add a heartbeat wherever nothing is streamed for `interval` seconds (SSE-3)."""
    result: list[TurnStep] = []
    for step in steps:
        beats = int(step.delay // interval)
        result += [TurnStep(interval, Heartbeat())] * beats
        result.append(TurnStep(step.delay - beats * interval, step.action))
    return result


def heartbeat_steps(seconds: float, interval: float) -> list[TurnStep]:
    """A wait with nothing but heartbeats."""
    return [TurnStep(interval, Heartbeat())] * int(seconds // interval)


def limit_duration(steps: list[TurnStep], limit: float = CLOUD_TURN_TIMES.limit) -> list[TurnStep]:
    """Abort at `limit` seconds instead of any step that would come later (SSE-6)."""
    elapsed = 0.0
    for number, step in enumerate(steps):
        if elapsed + step.delay > limit:
            return [*steps[:number], TurnStep(limit - elapsed, AbortTurn())]
        elapsed += step.delay
    return steps
