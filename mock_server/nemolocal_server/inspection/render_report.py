"""Renders as the control API shows them: the plan, the encoder and why, the log, the commands."""

import math

import msgspec

from nemolocal_contract.control_api import (
    RenderCommand,
    RenderDetail,
    RenderLogLine,
    RenderPart,
    RenderPlanSummary,
)
from nemolocal_contract.responses import decode_json
from nemolocal_render.job import RenderResult
from nemolocal_render.planning.planner import DraftRejected, RenderPlan
from nemolocal_render.render_log import RenderLog

from ..exports.export_service import ExportService
from .session_report import SessionReport


class RenderReport:
    """Reads renders of all tokens for the control API."""

    def __init__(self, sessions: SessionReport, exports: ExportService) -> None:
        self._sessions = sessions
        self._exports = exports

    async def read(self, file_id: str, base_url: str) -> RenderDetail:
        """Return a render by the id of its file; 404 if there is none."""
        self._sessions.find_render(file_id, base_url)
        export = self._exports.find_by_file(file_id)
        assert export is not None  # It was found just now.
        plan, error = None, ""
        try:
            plan = await self._exports.plan_again(export)
        except DraftRejected as rejected:
            error = str(rejected)
        log = self._exports.log_of(export)
        result = None if export.result is None else decode_json(export.result, type=RenderResult)
        return RenderDetail(
            # Read again: planning may have taken a while.
            render=self._sessions.find_render(file_id, base_url),
            output=decode_json(export.output),
            result=None if result is None else msgspec.to_builtins(result),
            plan=None if plan is None else _plan_summary(plan),
            plan_error=error,
            encoder=result.encoder if result is not None else log.encoder if log else "",
            encoder_reason=(
                result.encoder_reason if result is not None else log.encoder_reason if log else ""
            ),
            workers=log.workers if log is not None else 0,
            parts=len(log.parts) if log is not None else 0,
            part_states=_part_states(log),
            log=_lines(log),
            commands=_commands(log),
        )

    def cancel(self, file_id: str) -> None:
        """Stop a render, unless it has ended; the caller knows that it exists."""
        export = self._exports.find_by_file(file_id)
        if export is not None:
            self._exports.cancel(export)


def _plan_summary(plan: RenderPlan) -> RenderPlanSummary:
    return RenderPlanSummary(
        width=plan.width,
        height=plan.height,
        fps=round(float(plan.fps), 3),
        frames=plan.frames,
        duration=round(plan.duration, 3),
        layers=tuple(map(len, plan.layers)),
        sounds=tuple(map(len, plan.audio_tracks)),
        titles=len(plan.titles),
        copies=plan.copy_source is not None,
        warnings=plan.warnings,
    )


def _part_states(log: RenderLog | None) -> tuple[RenderPart, ...]:
    return tuple(
        RenderPart(
            round(part.begin, 3), round(part.duration, 3), part.worker, math.floor(part.done * 100)
        )
        for part in (() if log is None else log.parts)
    )


def _lines(log: RenderLog | None) -> tuple[RenderLogLine, ...]:
    return () if log is None else tuple(RenderLogLine(*line) for line in log.lines)


def _commands(log: RenderLog | None) -> tuple[RenderCommand, ...]:
    return () if log is None else tuple(RenderCommand(*command) for command in log.commands)
