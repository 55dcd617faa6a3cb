"""Google's ADK api_server, whose event streams are the ground of SSE-2, plays the cloud.

`fixtures/adk_agents/session.jsonl` is a recording of version 2.13.0, made by
`python -m tests.support.adk_session`. Where `google-adk` is installed, a new one is made.
"""

import contextlib
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path

import httpx
import pytest

from nemolocal_recording.learning.evaluation import evaluate_recordings
from nemolocal_recording.learning.traffic_view import TrafficView
from nemolocal_recording.learning.values import silent_share
from nemolocal_recording.recording import Recording, assemble
from nemolocal_recording.recording_file import read_lines
from tests.support.adk_session import play_adk_session
from tests.support.recorder import running_recorder

AGENTS = Path(__file__).parents[2] / "fixtures" / "adk_agents"
HAS_ADK = find_spec("google") is not None and find_spec("google.adk") is not None
_START_SECONDS = 120.0


def outcomes(recording: Recording) -> dict[str, str]:
    """The rules of which it shows something."""
    found = evaluate_recordings([recording])
    return {one.rule: one.outcome for one in found if one.outcome != "not seen"}


def require_adk_outcomes(recording: Recording) -> None:
    """It has ADK's events, failures in ADK's words, and neither tokens nor the cloud's paths."""
    assert outcomes(recording) == {
        "GEN-2": "alternative",
        "GEN-3": "contradicted",
        "GEN-4": "held",
        "GEN-6": "contradicted",
        "SSE-1": "held",
        "SSE-2": "held",
        "SSE-4": "confirmed",
        "SSE-5": "held",
        "SSE-6": "held",
    }
    (style,) = (one for one in evaluate_recordings([recording]) if one.rule == "GEN-2")
    assert style.alternative == "adk"
    share = silent_share([TrafficView(recording)])
    assert share is not None
    assert (share.count, share.total) == (1, 2)


def test_recorded_events_of_adk_have_the_form_of_the_contract() -> None:
    require_adk_outcomes(assemble(read_lines(AGENTS / "session.jsonl")))


@contextlib.contextmanager
def adk_server(folder: Path) -> Iterator[str]:
    """Start `adk api_server` on a free port; its base URL. It writes beside its agents."""
    agents, log = folder / "agents", folder / "log"
    shutil.copytree(AGENTS, agents)
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    command = [sys.executable, "-m", "google.adk.cli", "api_server", "--port", str(port)]
    with log.open("wb") as output:
        process = subprocess.Popen([*command, str(agents)], stdout=output, stderr=output)
    base_url = f"http://127.0.0.1:{port}"
    try:
        _wait_until_it_answers(base_url, process, log)
        yield base_url
    finally:
        process.terminate()
        process.wait()


def _wait_until_it_answers(base_url: str, process: "subprocess.Popen[bytes]", log: Path) -> None:
    end = time.monotonic() + _START_SECONDS
    while process.poll() is None and time.monotonic() < end:
        with contextlib.suppress(httpx.TransportError):
            httpx.get(f"{base_url}/list-apps", trust_env=False)
            return
    pytest.fail(log.read_text(errors="replace"))


@pytest.mark.slow
@pytest.mark.skipif(not HAS_ADK, reason="needs google-adk (dependency group adk)")
def test_installed_adk_has_the_events_of_the_contract(tmp_path: Path) -> None:
    with (
        adk_server(tmp_path) as base_url,
        running_recorder(base_url, tmp_path / "r") as recorder,
    ):
        play_adk_session(recorder.base_url)
    require_adk_outcomes(recorder.recording())
