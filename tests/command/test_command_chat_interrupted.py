"""Ctrl-C while a turn is waited for: a real signal to a real process, and a turn that goes on."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from nemolocal_server.serving import LocalServer
from nemolocal_server.settings import Settings
from nemolocal_server.turns.silent_turns import SilentTurnPolicy

CONTROL = "/__nemolocal__"


@pytest.fixture
def address() -> Iterator[str]:
    """A server whose time stands still: its turns never end by themselves."""
    settings = Settings(port=0, clock="manual", silence=SilentTurnPolicy(rate=0))
    with LocalServer(settings) as server:
        yield server.base_url


def frozen(http: httpx.Client) -> int:
    """The credits that running turns hold."""
    tokens = http.get(f"{CONTROL}/tokens").json()["tokens"]
    return sum(token["balance"]["frozen"] for token in tokens)


@pytest.mark.slow
@pytest.mark.usefixtures("interruptible")
@pytest.mark.skipif(os.name == "nt", reason="signals of a terminal are sent otherwise there")
def test_ctrl_c_ends_the_wait_and_the_conversation_goes_on(
    address: str, clip: Path, tmp_path: Path
) -> None:
    control = httpx.Client(base_url=address, timeout=60)
    with control, subprocess.Popen(
        [sys.executable, "-m", "nemolocal", "chat", str(clip), "--base-url", address],
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
        cwd=tmp_path, env={**os.environ, "NEMOLOCAL_CONFIG_DIR": str(tmp_path / "kept")},
    ) as chat:  # fmt: skip
        assert chat.stdin is not None
        chat.stdin.write("trim to the first 1 second\n")
        chat.stdin.flush()
        while not frozen(control):
            assert chat.poll() is None
            time.sleep(0.02)
        chat.send_signal(signal.SIGINT)
        assert chat.stderr is not None
        while "the edit continues in the backend" not in (line := chat.stderr.readline()):
            assert line, "it has ended"
        control.post(f"{CONTROL}/clock/advance", json={"seconds": 60}).raise_for_status()
        out, _ = chat.communicate("/state\n", timeout=600)
    assert chat.returncode == 0
    assert out.splitlines()[-1] == "Timeline (1 track): 1. Video: clip (0-1s)"
