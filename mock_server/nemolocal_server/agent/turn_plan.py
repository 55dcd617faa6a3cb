"""A turn as a plan: what is streamed and when the draft changes. Pure, seeded (SSE-5, SSE-11)."""

from collections.abc import Sequence

import msgspec

from nemolocal_contract.events import Heartbeat, Text, ToolCall, ToolResult, TurnEvent

from ..draw import Draw
from ..ranges import DAY, check_positive
from .tools import Job

# When within an edit the tool is called and when it has answered, as parts of the whole.
_CALLED, _ANSWERED = 0.15, 0.85


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


TURN_TIMES = TurnTimes()
"""Those of the cloud."""


class TurnKey(msgspec.Struct, frozen=True):
    """What decides the chances of a turn: only what the client controls (SSE-5)."""

    client_id: str
    session_ordinal: int
    turn: int
    message: str

    def parts(self) -> tuple[str | int, ...]:
        return (self.client_id, self.session_ordinal, self.turn, self.message)


class Commit(msgspec.Struct, frozen=True):
    """The moment at which the draft changes, in one stage or two (SSE-8).

    The credits are taken with the last (CRD-2).
    """

    stage: int = 0


class Abandon(msgspec.Struct, frozen=True):
    """The end of a turn that did not get to its end: what it has not done yet is not done."""


class Step(msgspec.Struct, frozen=True):
    """After `delay` seconds of the server's clock, say or do this."""

    delay: float
    action: TurnEvent | Commit | Abandon


def plan_talk(
    text: str, key: TurnKey, draw: Draw, heartbeat: float, times: TurnTimes = TURN_TIMES
) -> list[Step]:
    """Think a while, then answer."""
    length = draw.between(*times.talk, "talk", *key.parts())
    return _with_heartbeats([Step(length, Text(text))], heartbeat)


def plan_edit(
    jobs: Sequence[Job],
    text: str | None,
    key: TurnKey,
    draw: Draw,
    heartbeat: float,
    times: TurnTimes = TURN_TIMES,
) -> list[Step]:
    """Call the tools, change the draft, report the results; then the text, unless it is None."""
    length = draw.between(*times.edit, "edit", *key.parts())
    answered = (_ANSWERED - _CALLED) * length
    steps = _call(_numbered(jobs, key), _CALLED * length, answered, Commit())
    if text is not None:
        steps.append(Step((1 - _ANSWERED) * length, Text(text)))
    return _with_heartbeats(steps, heartbeat)


def plan_generation(
    stages: Sequence[Sequence[Job]],
    text: str | None,
    key: TurnKey,
    draw: Draw,
    heartbeat: float,
    times: TurnTimes = TURN_TIMES,
) -> list[Step]:
    """First the clip that was asked for, then what nobody asked for: music and a title (SSE-8)."""
    length = draw.between(*times.generation, "generation", *key.parts())
    numbered = iter(_numbered([job for stage in stages for job in stage], key))
    steps: list[Step] = []
    for stage, (called, answered) in enumerate(((0.05, 0.7), (0.02, 0.18))):
        jobs = [next(numbered) for _ in stages[stage]]
        steps += _call(jobs, called * length, answered * length, Commit(stage))
    if text is not None:
        steps.append(Step(0.05 * length, Text(text)))
    return _with_heartbeats(steps, heartbeat)


def _numbered(jobs: Sequence[Job], key: TurnKey) -> list[tuple[str, Job]]:
    """Jobs with the ids of their calls, which no other turn of the session has."""
    if len(jobs) == 1:
        return [(f"call-{key.turn}", jobs[0])]
    return [(f"call-{key.turn}-{number}", job) for number, job in enumerate(jobs, 1)]


def _call(
    jobs: Sequence[tuple[str, Job]], called: float, answered: float, commit: Commit
) -> list[Step]:
    """All calls at once, the change, all results: none tells of what is not done yet."""
    calls = [ToolCall(call_id, job.tool, job.args()) for call_id, job in jobs]
    results = [ToolResult(call_id, job.tool, job.response()) for call_id, job in jobs]
    delays = [called, *[0.0] * (len(calls) - 1)] if calls else []
    return [
        *map(Step, delays, calls),
        Step(answered if calls else called + answered, commit),
        *(Step(0.0, result) for result in results),
    ]


def _with_heartbeats(steps: list[Step], interval: float) -> list[Step]:
    """The same steps, with a heartbeat wherever nothing is said for `interval` seconds (SSE-3)."""
    beating: list[Step] = []
    for step in steps:
        beats = int(step.delay // interval)
        beating += [Step(interval, Heartbeat())] * beats
        beating.append(Step(step.delay - beats * interval, step.action))
    return beating


def heartbeats(seconds: float, interval: float) -> list[Step]:
    """A wait of so many seconds in which nothing but heartbeats is said."""
    return [Step(interval, Heartbeat())] * int(seconds // interval)


def within_limit(steps: list[Step], limit: float = TURN_TIMES.limit) -> list[Step]:
    """The same steps; those that would come too late are given up (SSE-6)."""
    elapsed = 0.0
    for number, step in enumerate(steps):
        if elapsed + step.delay > limit:
            return [*steps[:number], Step(limit - elapsed, Abandon())]
        elapsed += step.delay
    return steps
