"""The session of the guide for curl, run as printed: only the address is another."""

import json
import re
import subprocess
from pathlib import Path

import pytest

from nemolocal_server.serving import LocalServer
from nemolocal_server.settings import Settings
from nemolocal_server.turns.silent_turns import SilentTurnPolicy
from tests.support.executor import FakeRenderExecutor

# The session by `nemolocal exec` in tests/command is the fast one.
pytestmark = pytest.mark.slow

CURL_GUIDE = Path(__file__).parents[2] / "docs" / "how-to" / "call-the-api-with-curl.md"


def curl_session() -> str:
    text = CURL_GUIDE.read_text(encoding="utf-8")
    block = re.search(r"```bash\n(.*?)```", text, re.DOTALL)
    assert block is not None
    return block[1]


@pytest.fixture(
    params=[False, pytest.param(True, marks=pytest.mark.ffmpeg)],
    ids=["planned", "rendered"],
)
def rendered(request: pytest.FixtureRequest) -> bool:
    """Whether the server renders: in the deep run it does that, too."""
    return bool(request.param)


@pytest.fixture
def output(tmp_path: Path, sample: Path, rendered: bool) -> str:
    (tmp_path / "nemolocal-demo.mp4").write_bytes(sample.read_bytes())
    settings = Settings(port=0, silence=SilentTurnPolicy(rate=0))
    with LocalServer(settings, execute=None if rendered else FakeRenderExecutor()) as server:
        script = curl_session().replace("http://127.0.0.1:8787", server.base_url)
        run = subprocess.run(
            ["bash", "-euo", "pipefail", "-c", script],
            cwd=tmp_path, check=True, capture_output=True, text=True, timeout=600,
        )  # fmt: skip
    return run.stdout


def test_the_seven_requests_get_what_the_documents_promise(
    output: str, tmp_path: Path, rendered: bool
) -> None:
    upload, *stream, balance, submitted = output.strip().splitlines()
    assert json.loads(upload)["data"]["files"][0]["file_type"] == "video"
    assert all(line == "" or line.startswith("data:") for line in stream)
    assert "RTK compression" in "".join(stream)
    assert json.loads(balance)["data"] == {"available": 50, "frozen": 0, "total": 50}
    assert json.loads(submitted)["status"] == "pending"
    film = (tmp_path / "out.mp4").read_bytes()
    assert film[4:8] == b"ftyp" if rendered else film == b"a render"
