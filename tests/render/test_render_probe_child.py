"""The child that looks into a file may break, or take its time: then there is a reason."""

import asyncio
import os
import sys
from pathlib import Path
from typing import Any

import msgspec
import pytest

from nemolocal_render import sandbox
from nemolocal_render.media import MediaRejected
from nemolocal_render.probing import media_probe as probing
from nemolocal_render.probing.media_probe import probe, probe_render
from nemolocal_render.probing.probe_worker import ProbeWorkerOutput


def child_says(lines: str, monkeypatch: pytest.MonkeyPatch) -> None:
    def confined(argv: list[str], _: Any) -> list[str]:
        assert argv[0] == sys.executable
        return [sys.executable, "-S", "-c", lines]

    monkeypatch.setattr(sandbox, "sandboxed_argv", confined)


@pytest.mark.parametrize(
    "lines", ["", 'print(\'{"info": {"ki\')', "import os; os.kill(os.getpid(), 9)"]
)
def test_a_child_that_breaks_is_a_refusal(
    media: Path, monkeypatch: pytest.MonkeyPatch, lines: str
) -> None:
    child_says(lines, monkeypatch)
    with pytest.raises(MediaRejected, match=r"^the file cannot be read$"):
        asyncio.run(probe(media / "small.png", "png"))


def test_a_child_that_does_not_end_is_a_refusal(
    media: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    child_says("import signal; signal.pause()", monkeypatch)
    monkeypatch.setattr(probing, "_TIMEOUT_SECONDS", 0.01)
    with pytest.raises(MediaRejected, match=r"^the file takes too long to read$"):
        asyncio.run(probe(media / "small.png", "png"))


@pytest.mark.slow
def test_a_child_that_a_busy_machine_keeps_waiting_is_waited_for(
    media: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    info = asyncio.run(probe(media / "small.png", "png"))
    answer = msgspec.json.encode(ProbeWorkerOutput(info=info)).decode()
    child_says(f"import time; time.sleep(0.2); print({answer!r})", monkeypatch)
    monkeypatch.setattr(probing, "_SECONDS", 0.1)  # of processor time
    assert asyncio.run(probe(media / "small.png", "png")) == info


def test_a_check_that_breaks_is_a_refusal(media: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    child_says("", monkeypatch)
    with pytest.raises(MediaRejected, match=r"^the rendered file cannot be read$"):
        asyncio.run(probe_render(media / "sample.mp4"))


@pytest.mark.slow
def test_the_probe_needs_nothing_of_the_environment(
    media: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(os, "environ", {})
    assert asyncio.run(probe(media / "small.png", "png")).width == 160
