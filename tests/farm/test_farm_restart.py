"""A server that is killed in the middle of a render goes on with the finished parts."""

import asyncio
import contextlib
import re
from pathlib import Path

import pytest

from nemolocal_farm.farm_key import write_farm_key
from nemolocal_render.media import MediaSource
from nemolocal_render.probing.packet_sizes import read_packets
from tests.farm.conftest import EngineProcess, WorkerProcess, wait_until
from tests.farm.server_process import Exporter, ServerProcess
from tests.support.frames import DecodedVideo

pytestmark = [pytest.mark.ffmpeg, pytest.mark.slow]

_RETURNED = re.compile(r"part ([0-9a-f]{32}) is returned")


def test_a_killed_server_goes_on_with_the_finished_parts(
    engine: EngineProcess, footage: MediaSource, tmp_path: Path
) -> None:
    write_farm_key(tmp_path / "farm.key")
    farm = ["--farm", engine.address, "--farm-key", str(tmp_path / "farm.key")]
    server = ServerProcess(tmp_path, farm)
    worker = WorkerProcess([*farm, "--server", server.url, "--places", "1"], tmp_path / "w.log")
    with contextlib.ExitStack() as stack:
        stack.callback(worker.end)
        stack.callback(server.end)
        server.start()
        server.wait_ready()
        worker.wait_ready()
        exporter = stack.enter_context(contextlib.closing(Exporter(server, footage.path)))
        exporter.export("render_1")
        wait_until(lambda: len(_RETURNED.findall(worker.log.read_text())) > 1, "two parts")
        server.kill()
        finished = _RETURNED.findall(worker.log.read_text())
        server.start()
        now = exporter.wait_end("render_1")
        assert now["status"] == "completed", now
        (tmp_path / "out.mp4").write_bytes(exporter.download(now))
        assert server.files_of_work() == []
    log = worker.log.read_text()
    assert len(set(_RETURNED.findall(log))) == 5
    # None of those that were finished is rendered a second time.
    assert [log.count(f"part {part} begins") for part in finished] == [1] * len(finished)
    packets = asyncio.run(read_packets(tmp_path, "out.mp4"))
    assert len(packets.sizes) == 1200
    seen = DecodedVideo(tmp_path / "out.mp4")
    assert [seen.counter(n) for n in range(1200)] == [n % 120 for n in range(1200)]
