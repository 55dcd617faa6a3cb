"""A turn as a plan: what is streamed and when the draft changes. Pure, seeded (SSE-5, SSE-11)."""

from collections.abc import Sequence

import msgspec

from nemolocal_agent import PlannedToolCall
from nemolocal_contract.turn_events import Heartbeat, Text, ToolCall, ToolResult, TurnEvent

from ..seeded_random import SeededRandom
from ..setting_ranges import DAY, check_positive

# When within an edit the tool is called and when it has answered, as parts of the whole.
_CALL_SHARE, _RESULT_SHARE = 0.15, 0.85


class TurnTimes(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """How long turns take, the least and the most, in seconds of the server's clock (SSE-11).

    No turn lasts longer than `limit` (SSE-6).
    """

    talk: tuple[float, float] = (5.0, 15.0)
    edit: tuple[float, float] = (10.0, 30.0)
    generation: tuple[float, float] = (100.0, 300.0)
    limit: float = 900.0

    def __post_init__(self) -> None:
        """Refuse lengths that no turn can have."""
        for least, most in (self.talk, self.edit, self.generation):
            if not 0 <= least <= most <= DAY:
                raise ValueError(
                    f"turn_times must be rising numbers up to {DAY:.0f}, not {least}, {most}"
                )
        check_positive("turn_times.limit", self.limit, DAY)


CLOUD_TURN_TIMES = TurnTimes()
"""Those of the cloud."""


class TurnSeed(msgspec.Struct, frozen=True):
    """What decides the chances of a turn: only what the client controls (SSE-5)."""

    client_id: str
    session_ordinal: int
    turn: int
    message: str

    def key(self) -> tuple[str | int, ...]:
        return (self.client_id, self.session_ordinal, self.turn, self.message)


class CommitEdits(msgspec.Struct, frozen=True):
    """The moment at which the draft changes, in one stage or two (SSE-8).

    The credits are taken with the last (CRD-2).
    """

    stage: int = 0


class AbortTurn(msgspec.Struct, frozen=True):
    """The end of a turn that did not get to its end: what it has not done yet is not done."""


class TurnStep(msgspec.Struct, frozen=True):
    """After `delay` seconds of the server's clock, say or do this."""

    delay: float
    action: TurnEvent | CommitEdits | AbortTurn


def schedule_reply(
    text: str,
    key: TurnSeed,
    draw: SeededRandom,
    heartbeat: float,
    times: TurnTimes = CLOUD_TURN_TIMES,
) -> list[TurnStep]:
    """Think a while, then answer."""
    length = draw.uniform(*times.talk, "talk", *key.key())
    return _with_heartbeats([TurnStep(length, Text(text))], heartbeat)


def schedule_edit(
    jobs: Sequence[PlannedToolCall],
    text: str | None,
    key: TurnSeed,
    draw: SeededRandom,
    heartbeat: float,
    times: TurnTimes = CLOUD_TURN_TIMES,
) -> list[TurnStep]:
    """Call the tools, change the draft, report the results; then the text, unless it is None."""
    length = draw.uniform(*times.edit, "edit", *key.key())
    answered = (_RESULT_SHARE - _CALL_SHARE) * length
    steps = _tool_call_steps(
        _with_call_ids(jobs, key), _CALL_SHARE * length, answered, CommitEdits()
    )
    if text is not None:
        steps.append(TurnStep((1 - _RESULT_SHARE) * length, Text(text)))
    return _with_heartbeats(steps, heartbeat)


def schedule_generation(
    stages: Sequence[Sequence[PlannedToolCall]],
    text: str | None,
    key: TurnSeed,
    draw: SeededRandom,
    heartbeat: float,
    times: TurnTimes = CLOUD_TURN_TIMES,
) -> list[TurnStep]:
    """First the clip that was asked for, then what nobody asked for: music and a title (SSE-8)."""
    length = draw.uniform(*times.generation, "generation", *key.key())
    numbered = iter(_with_call_ids([job for stage in stages for job in stage], key))
    steps: list[TurnStep] = []
    for stage, (called, answered) in enumerate(((0.05, 0.7), (0.02, 0.18))):
        jobs = [next(numbered) for _ in stages[stage]]
        steps += _tool_call_steps(jobs, called * length, answered * length, CommitEdits(stage))
    if text is not None:
        steps.append(TurnStep(0.05 * length, Text(text)))
    return _with_heartbeats(steps, heartbeat)


def _with_call_ids(
    jobs: Sequence[PlannedToolCall], key: TurnSeed
) -> list[tuple[str, PlannedToolCall]]:
    """Jobs with the ids of their calls, which no other turn of the session has."""
    if len(jobs) == 1:
        return [(f"call-{key.turn}", jobs[0])]
    return [(f"call-{key.turn}-{number}", job) for number, job in enumerate(jobs, 1)]


def _tool_call_steps(
    jobs: Sequence[tuple[str, PlannedToolCall]], called: float, answered: float, commit: CommitEdits
) -> list[TurnStep]:
    """All calls at once, the change, all results: none tells of what is not done yet."""
    calls = [ToolCall(call_id, job.tool, job.args()) for call_id, job in jobs]
    results = [ToolResult(call_id, job.tool, job.response()) for call_id, job in jobs]
    delays = [called, *[0.0] * (len(calls) - 1)] if calls else []
    return [
        *map(TurnStep, delays, calls),
        TurnStep(answered if calls else called + answered, commit),
        *(TurnStep(0.0, result) for result in results),
    ]


def _with_heartbeats(steps: list[TurnStep], interval: float) -> list[TurnStep]:
    """The same steps, with a heartbeat wherever nothing is said for `interval` seconds (SSE-3)."""
    beating: list[TurnStep] = []
    for step in steps:
        beats = int(step.delay // interval)
        beating += [TurnStep(interval, Heartbeat())] * beats
        beating.append(TurnStep(step.delay - beats * interval, step.action))
    return beating


def heartbeat_steps(seconds: float, interval: float) -> list[TurnStep]:
    """A wait of so many seconds in which nothing but heartbeats is said."""
    return [TurnStep(interval, Heartbeat())] * int(seconds // interval)


def limit_duration(steps: list[TurnStep], limit: float = CLOUD_TURN_TIMES.limit) -> list[TurnStep]:
    """The same steps; those that would come too late are given up (SSE-6)."""
    elapsed = 0.0
    for number, step in enumerate(steps):
        if elapsed + step.delay > limit:
            return [*steps[:number], TurnStep(limit - elapsed, AbortTurn())]
        elapsed += step.delay
    return steps
