"""The plan of a turn that a scripted reply answers. Pure."""

from collections.abc import Sequence
from typing import Any

import msgspec

from nemolocal_contract.turn_events import Text, ToolCall, ToolResult, TurnEvent

from ..scripted_replies.reply_spec import ReplyTool
from ..scripted_replies.scripted_reply import ScriptedReply
from .silent_turns import AppliedState, EditOutcome
from .turn_schedule import (
    CALL_FRACTION,
    RESULT_FRACTION,
    AnyToolCall,
    CommitEdits,
    TurnScheduler,
    TurnStep,
    add_heartbeats,
    with_call_ids,
)

_APPLIED: dict[str | None, AppliedState] = {"no": "not_applied", "late": "late"}


class ScriptedToolCall(msgspec.Struct, frozen=True):
    """A tool call that a reply gives."""

    spec: ReplyTool

    @property
    def tool(self) -> str:
        """The name of the tool."""
        return self.spec.name

    def args(self) -> dict[str, Any]:
        """The arguments of the call."""
        return self.spec.args

    def response(self) -> dict[str, Any]:
        """The response of the tool."""
        return self.spec.response


class ScriptedTurn(msgspec.Struct, frozen=True):
    """What a turn does: the `calls` of the agent, the number of its `stages`, its text."""

    reply: ScriptedReply
    text: str | None
    calls: Sequence[AnyToolCall] = ()
    stages: int = 0
    is_generation: bool = False

    def steps(self, scheduler: TurnScheduler) -> list[TurnStep]:
        """Return the plan. All of `wait` passes before the last event."""
        timeline = self._raw_events() if self.reply.events is not None else self._events(scheduler)
        length = self._length(scheduler)
        steps: list[TurnStep] = []
        elapsed = 0.0
        for at, action in timeline:
            steps.append(TurnStep((at - elapsed) * length, action))
            elapsed = at
        return add_heartbeats(steps, scheduler.heartbeat)

    def _length(self, scheduler: TurnScheduler) -> float:
        if self.reply.spec.wait is not None:
            return self.reply.spec.wait
        if not self.stages:
            return scheduler.draw_length("talk")
        return scheduler.draw_length("generation" if self.is_generation else "edit")

    def _commits(self, at: float) -> list[tuple[float, CommitEdits]]:
        return [(at, CommitEdits(stage)) for stage in range(self.stages)]

    def _raw_events(self) -> list[tuple[float, TurnEvent | CommitEdits]]:
        """The draft changes before the first event, so that none reports a change too early."""
        return [*self._commits(1.0), *((1.0, event) for event in self.reply.events or ())]

    def _events(self, scheduler: TurnScheduler) -> list[tuple[float, TurnEvent | CommitEdits]]:
        """Calls, changes, results and text: each at its fraction of the length."""
        tools = self.reply.spec.tools
        calls = self.calls if tools is None else tuple(map(ScriptedToolCall, tools))
        numbered = with_call_ids(calls, scheduler.seed)
        result_at = 1.0 if self.text is None else RESULT_FRACTION
        return [
            *((CALL_FRACTION, ToolCall(key, call.tool, call.args())) for key, call in numbered),
            *self._commits(result_at),
            *((result_at, ToolResult(key, call.tool, call.response())) for key, call in numbered),
            *([] if self.text is None else [(1.0, Text(self.text))]),
        ]


def scripted_outcome(reply: ScriptedReply, late_seconds: float) -> EditOutcome:
    """Whether the edit of a reply is silent, and whether it is applied."""
    state = _APPLIED.get(reply.spec.applied, "applied")
    return EditOutcome(reply.spec.say == "", state, late_seconds if state == "late" else 0.0)
