"""Exports cancelled at any moment: the status says so, nothing is left, the next one runs."""

import random
from pathlib import Path

import pytest

from tests.support.http_caller import NewCaller
from tests.support.servers import ServerFactory

JOBS = 16
# So many more are cancelled unasked: however busy the machine, they are not done yet.
AT_ONCE = 2
# A render is left alone for so many questions about it at most.
QUESTIONS = 120


@pytest.mark.rule("REN-8")
def test_a_cancelled_export_is_failed_and_leaves_nothing(
    servers: ServerFactory, new_caller: NewCaller, sample: Path, tmp_path: Path
) -> None:
    data = tmp_path / "data"
    caller = new_caller(servers.start(data_dir=data)).connect()
    caller.upload(sample)
    caller.say("edit my raw video footage")
    # Smaller than the clip: it is encoded, not copied.
    draft = {**caller.draft(), "m": {"width": 320, "height": 180, "fps": 25}}
    draw, ends = random.Random(11), []
    questions = [draw.randrange(QUESTIONS) for _ in range(JOBS)] + AT_ONCE * [0]
    for number, asked in enumerate(questions):
        name = f"render_{number}"
        assert caller.submit(name, draft)["status"] == "pending"
        told = [caller.status(name) for _ in range(asked)]
        final = caller.post(f"/api/render/proxy/lambda/{name}/cancel")
        ends.append(final["status"])
        if final["status"] == "failed":
            assert final["error"] == "cancelled"
            assert "output" not in final
            assert caller.get(f"/api/render/proxy/{name}/download")["code"] == 400
        assert caller.status(name) == final
        progress = [status["progress"] for status in (*told, final)]
        assert progress == sorted(progress)
    assert "failed" in ends
    # The queue is worked off: what was cancelled has gone before the next one ends.
    assert caller.submit("last", draft)["status"] == "pending"
    assert caller.finished("last")["status"] == "completed"
    assert len(list((data / "renders").iterdir())) == ends.count("completed") + 1
    assert list((data / "work").iterdir()) == []
