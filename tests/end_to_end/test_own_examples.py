"""The project's own examples keep its rules: the guide for curl and `skill new`."""

import re
import subprocess
import sys
from pathlib import Path

import httpx
import pytest

from nemolocal.exec.program_environment import CLOUD_HOST
from nemolocal.main import main
from nemolocal.skill_new import skill_template
from nemolocal_conformance.client_checks import client_catalogue
from nemolocal_conformance.client_checks.evaluation import evaluate_journal
from nemolocal_conformance.client_runner.server_control import fetch_journal
from nemolocal_contract.clock import WallClock
from nemolocal_contract.endpoints import missing_attribution
from nemolocal_server.serving import LocalServer
from nemolocal_server.settings import Settings
from nemolocal_skill import SkillRunTarget, parse_skill, run_skill
from tests.support.executor import FakeRenderExecutor

CURL_GUIDE = Path(__file__).parents[2] / "docs" / "how-to" / "call-the-api-with-curl.md"
ADDRESS = "http://127.0.0.1:8787"


def curl_script() -> str:
    """Its session with curl, which knows only the cloud's address."""
    text = CURL_GUIDE.read_text(encoding="utf-8")
    block = re.search(r"```bash\n(.*?)```", text, re.DOTALL)
    assert block is not None
    assert ADDRESS in block[1]
    return block[1].replace(ADDRESS, f"https://{CLOUD_HOST}")


@pytest.mark.rule("CLI-1", "GEN-4")
def test_every_request_by_hand_is_attributed() -> None:
    document = f"```bash\n{curl_script()}\n```".encode()
    commands = parse_skill(document, CURL_GUIDE).commands
    asked = [curl for curl in commands if "/api/" in curl.url or "/run_sse" in curl.url]
    assert len(asked) == 8
    for curl in asked:
        assert not missing_attribution(curl.headers), curl.url


@pytest.fixture
def folder(tmp_path: Path, sample: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where the script finds its clip."""
    (tmp_path / "nemolocal-demo.mp4").write_bytes(sample.read_bytes())
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("NEMO_TOKEN", raising=False)
    return tmp_path


@pytest.mark.slow
@pytest.mark.ffmpeg
def test_session_by_hand_passes_the_judge(folder: Path, capfd: pytest.CaptureFixture[str]) -> None:
    words = ["exec", "--verdict", "--", "bash", "-c", curl_script()]
    status = main(words)
    reported = capfd.readouterr().err
    assert (status, "failed" in reported) == (0, False), reported
    assert (folder / "out.mp4").read_bytes()[4:8] == b"ftyp"


@pytest.mark.slow
@pytest.mark.ffmpeg
def test_session_by_hand_passes_where_exports_fail(
    folder: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    chosen = [
        word for name in ("plain", "render-fails", "duplicate-id") for word in ("--only", name)
    ]
    script = f"cd {folder}; {curl_script()}"
    status = main(["conform-client", "--cloud", *chosen, "--", "bash", "-c", script])
    reported = capfd.readouterr().out
    assert (status, "4 scenarios: 4 passed" in reported) == (0, True), reported


@pytest.mark.slow
@pytest.mark.rule("CLI-1")
def test_document_to_begin_with_passes_the_judge(sample: Path) -> None:
    skill = parse_skill(skill_template("my-skill").encode(), Path("SKILL.md"))
    settings = Settings(port=0, speed=1000.0)
    with (
        LocalServer(settings, execute=FakeRenderExecutor()) as server,
        httpx.Client(base_url=server.base_url, timeout=60, trust_env=False) as http,
    ):
        stage = SkillRunTarget(http, sample, "", WallClock(), tuple)
        assert all(answer.as_said for answer in run_skill(skill, stage))
        journal, _ = fetch_journal(server.base_url)
    report = evaluate_journal(journal, client_catalogue().values())
    assert [v.check for v in report.verdicts if v.outcome in ("failed", "error")] == []
    assert report.count("passed") > 20


AGENT = """
import sys
from nemolocal_client import Attribution, Client

skill, task = sys.argv[1:]
with Client("https://mega-api-prod.nemovideo.ai", attribution=Attribution(skill, "1")) as client:
    client.upload("clip.mp4")
    client.say(task.partition(" and ")[0])
    client.export("out.mp4")
"""
_BLOCK = re.compile(r"```(bash|python)\n(.*?)```", re.DOTALL)


@pytest.mark.slow
@pytest.mark.ffmpeg
def test_guide_to_grading_runs_an_agent_and_counts(folder: Path) -> None:
    guide = CURL_GUIDE.with_name("grade-a-skill.md").read_text(encoding="utf-8")
    blocks = dict(_BLOCK.findall(guide))
    (folder / "nemolocal-demo.mp4").rename(folder / "clip.mp4")
    (folder / "my_agent.py").write_text(AGENT, encoding="utf-8")
    command = f"nemolocal() {{ '{sys.executable}' -m nemolocal \"$@\"; }}\n"
    script = command + blocks["bash"].replace("-- \\\n    python", f"-- \\\n    {sys.executable}")
    subprocess.run(["bash", "-euo", "pipefail", "-c", script], cwd=folder, check=True)
    logs = "\n".join((folder / "runs" / f"{n}.log").read_text() for n in (1, 2, 3))
    counted = subprocess.run(
        [sys.executable, "-c", blocks["python"]], cwd=folder, capture_output=True, text=True
    )
    assert counted.stderr == ""
    lines = counted.stdout.splitlines()
    assert lines[:3] == [
        "passed with a video: 3 of 3", "outcomes: {'passed': 3}", "credits: [50, 50, 50]",
    ], logs  # fmt: skip
    assert "seconds of video: [1.0, 1.0, 1.0]" in lines
    for n in (1, 2, 3):
        assert (folder / "runs" / f"{n}.mp4").read_bytes()[4:8] == b"ftyp"
