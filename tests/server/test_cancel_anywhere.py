"""Exports cancelled at any moment: the status says so, nothing is left, the next one runs."""

import asyncio
import random
from collections.abc import Callable
from pathlib import Path

import pytest

from nemolocal_render.job import RenderResult
from nemolocal_render.planning.planner import RenderPlan
from nemolocal_server.exports.render_executor import LocalExecutor
from tests.support.http_caller import NewCaller
from tests.support.servers import ServerFactory

# So many more are rendered and then held: however busy the machine, they are not done yet.
HELD = 2
JOBS = 16
# A render is left alone for so many questions about it at most.
QUESTIONS = 120


class HoldingExecutor:
    """Renders with FFmpeg, and ends none that is to be held."""

    def __init__(self, folder: Path) -> None:
        self._execute = LocalExecutor(folder)
        self.holds = False

    async def __call__(
        self, plan: RenderPlan, destination: Path, on_progress: Callable[[int], None]
    ) -> RenderResult:
        held = self.holds
        result = await self._execute(plan, destination, on_progress)
        if held:
            await asyncio.Event().wait()
        return result


@pytest.mark.slow
@pytest.mark.ffmpeg
@pytest.mark.rule("REN-8")
def test_a_cancelled_export_is_failed_and_leaves_nothing(
    servers: ServerFactory, new_caller: NewCaller, sample: Path, tmp_path: Path
) -> None:
    data, folder = tmp_path / "data", tmp_path / "renders"
    folder.mkdir()
    execute = HoldingExecutor(folder)
    caller = new_caller(servers.start(execute, data_dir=data)).connect()
    caller.upload(sample)
    caller.say("edit my raw video footage")
    # Smaller than the clip: it is encoded, not copied.
    draft = {**caller.draft(), "m": {"width": 320, "height": 180, "fps": 25}}
    draw, ends = random.Random(11), []
    questions = [draw.randrange(QUESTIONS) for _ in range(JOBS + HELD)]
    for number, asked in enumerate(questions):
        name = f"render_{number}"
        execute.holds = number >= JOBS
        assert caller.submit(name, draft)["status"] == "pending"
        reported = [caller.status(name) for _ in range(asked)]
        final = caller.post(f"/api/render/proxy/lambda/{name}/cancel")
        ends.append(final["status"])
        if final["status"] == "failed":
            assert final["error"] == "cancelled"
            assert "output" not in final
            assert caller.get(f"/api/render/proxy/{name}/download")["code"] == 400
        assert caller.status(name) == final
        progress = [status["progress"] for status in (*reported, final)]
        assert progress == sorted(progress)
    assert ends[-HELD:] == HELD * ["failed"]
    execute.holds = False
    # The queue is worked off: what was cancelled has gone before the next one ends.
    assert caller.submit("last", draft)["status"] == "pending"
    assert caller.finished("last")["status"] == "completed"
    assert len(list((data / "renders").iterdir())) == ends.count("completed") + 1
    assert list(folder.iterdir()) == list((data / "work").iterdir()) == []
