"""What a render on the farm says of itself: its parts, their workers and their progress."""

from pathlib import Path

import msgspec
import pytest

from nemolocal_farm.build_difference import why_unfit
from nemolocal_render.planning.render_plan import RenderPlan
from nemolocal_render.render_log import LoggedPart
from tests.farm.conftest import RunningFarm, WorkerProcess, wait_until


@pytest.mark.parametrize(
    ("queue", "reason"),
    [
        ("nemolocal-1.2.0-aa-bb-cc-libx264", ""),
        ("nemolocal-1.1.0-aa-b0-cc-libx264", "it has Nemo Local 1.1.0 instead of 1.2.0"),
        ("nemolocal-1.2.0-a0-b0-cc-libx264", "it has another FFmpeg (binary b0 instead of bb)"),
        ("nemolocal-1.2.0-a0-bb-cc-libx264", "its files of Nemo Local 1.2.0 differ from those"),
        ("nemolocal-1.2.0-aa-bb-cc-h264_nvenc", "it encodes with h264_nvenc instead of libx264"),
        ("nemolocal-1.2.0-aa-cc-libx264", "its build is not known here"),
        ("", "its build is not known here"),
    ],
)
def test_reason_why_a_worker_gets_no_parts(queue: str, reason: str) -> None:
    found = why_unfit(queue, "nemolocal-1.2.0-aa-bb-cc-libx264")
    assert found.startswith(reason)
    assert bool(found) == bool(reason)


@pytest.mark.ffmpeg
@pytest.mark.slow
def test_log_follows_the_parts_from_worker_to_worker(
    farm: RunningFarm, slow_plan: RenderPlan, tmp_path: Path
) -> None:
    encoding = msgspec.structs.replace(slow_plan.encoding, preset="veryslow")
    plan = msgspec.structs.replace(slow_plan, encoding=encoding)
    killed, other = (farm.start_worker("--places", "1") for _ in range(2))
    rendering = farm.render(plan, tmp_path / "x.mp4")

    def part_of(worker: WorkerProcess) -> LoggedPart | None:
        name = f":{worker.process.pid}"
        return next((part for part in rendering.log.parts if part.worker.endswith(name)), None)

    wait_until(lambda: part_of(killed) and part_of(other), "each has a part")
    part = part_of(killed)
    assert part is not None
    killed.kill()
    assert part.done < 1
    wait_until(lambda: any(0 < each.done < 1 for each in rendering.log.parts), "progress")
    rendering.result()
    assert [each.done for each in rendering.log.parts] == [1.0, 1.0]
    assert part.worker.endswith(f":{other.process.pid}")
    place = f"part at {part.begin:.1f} s: "
    (begun,) = rendering.mentions(f"{place}begun by ")
    (again,) = rendering.mentions(f"{place}begun again by ")
    assert begun.endswith(f":{killed.process.pid}")
    assert again.endswith(f":{other.process.pid}")
