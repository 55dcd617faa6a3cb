"""A render executor that needs no FFmpeg."""

import asyncio
from collections.abc import Callable
from pathlib import Path

from nemolocal_render.job import RenderResult
from nemolocal_render.planning.planner import RenderPlan


class FakeRenderExecutor:
    """Reports some progress, then writes a file of eight bytes or fails, as told.

    While `gate` is set to an event, a render waits for it. `failure` is raised by every render, or
    by the next `failures_left` of them.
    """

    def __init__(self, warnings: tuple[str, ...] = ("a warning",)) -> None:
        self.warnings = warnings
        self.plans: list[RenderPlan] = []
        self.running = 0
        self.most_at_once = 0
        self.gate: asyncio.Event | None = None
        self.failure: Exception | None = None
        self.failures_left: int | None = None

    async def __call__(
        self, plan: RenderPlan, destination: Path, on_progress: Callable[[int], None]
    ) -> RenderResult:
        self.plans.append(plan)
        self.running += 1
        self.most_at_once = max(self.most_at_once, self.running)
        try:
            for percent in (0, 40, 100):
                on_progress(percent)
                await asyncio.sleep(0)
            if self.gate is not None:
                await self.gate.wait()
            self._fail_if_told()
            destination.write_bytes(b"a render")
            return RenderResult(
                duration=plan.duration, size=8, frames=60, width=1280, height=720,
                encoder="none", encoder_reason="planned", warnings=self.warnings,
            )  # fmt: skip
        finally:
            self.running -= 1

    def _fail_if_told(self) -> None:
        if self.failure is None or self.failures_left == 0:
            return
        if self.failures_left is not None:
            self.failures_left -= 1
        raise self.failure
