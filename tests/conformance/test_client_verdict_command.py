"""`nemolocal verdict`: a line for each violation, and the exit codes."""

import json
from collections.abc import Callable
from pathlib import Path
from xml.etree import ElementTree

import httpx
import msgspec
import pytest

from nemolocal.main import main
from nemolocal_contract.clock import Clock, ManualClock, ScaledClock, WallClock
from nemolocal_contract.endpoints import BALANCE, JOURNAL
from nemolocal_server.serving import LocalServer
from nemolocal_server.settings import Settings
from tests.support.journal_builder import JournalBuilder

Write = Callable[[JournalBuilder], str]


@pytest.fixture
def write(tmp_path: Path) -> Write:
    """Write a journal to a file and return its path."""

    def written(builder: JournalBuilder) -> str:
        path = tmp_path / "journal.jsonl"
        path.write_bytes(b"\n".join(msgspec.json.encode(entry) for entry in builder.entries))
        return str(path)

    return written


@pytest.mark.slow
def test_a_good_client_passes(
    builder: JournalBuilder, write: Write, capsys: pytest.CaptureFixture[str]
) -> None:
    path = write(builder.start().chat())
    assert main(["verdict", path]) == 0
    (line,) = capsys.readouterr().out.splitlines()
    assert line.endswith(f"({path}, 5 entries)")
    assert "failed" not in line


@pytest.mark.slow
def test_each_failure_is_a_line_with_entries_and_cost(
    builder: JournalBuilder, write: Write, capsys: pytest.CaptureFixture[str]
) -> None:
    path = write(builder.start().chat(text="").chat(text="Done."))
    assert main(["verdict", path]) == 1
    lines = capsys.readouterr().out.splitlines()
    (resend,) = [line for line in lines if "client.resend" in line]
    assert resend.startswith("failed client.resend: the same message: expected sent once, saw ")
    assert resend.endswith("(entries 5, 6; 50 credits in the cloud)")
    assert "; 50 credits lost in the cloud (" in lines[-1]


def test_reports_are_written(
    builder: JournalBuilder, write: Write, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path, folder = write(builder.start().chat(text="").chat(text="Done.")), tmp_path / "report"
    assert main(["verdict", path, "--json", "--report", str(folder)]) == 1
    assert (folder / "report.json").read_text().strip() == capsys.readouterr().out.strip()
    suite = ElementTree.parse(folder / "junit.xml").getroot()
    assert suite.get("name") == "nemolocal verdict"
    assert "resend" in {case.get("name") for case in suite if case.find("failure") is not None}
    assert "| `client.resend` | failed |" in (folder / "summary.md").read_text()


def test_long_entry_list_is_shortened(
    builder: JournalBuilder, write: Write, capsys: pytest.CaptureFixture[str]
) -> None:
    for _ in range(20):
        builder.request("balance", headers={"X-Skill-Source": ""})
    assert main(["verdict", write(builder), "--only", "client.attribution"]) == 1
    out = capsys.readouterr().out
    assert "(entries 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, …)" in out


def test_calls_of_the_newer_interface_are_named_and_not_judged(
    builder: JournalBuilder, write: Write, capsys: pytest.CaptureFixture[str]
) -> None:
    builder.request("balance")
    judged = builder.entries[-1]
    newer = {"endpoint": None, "status": 404, "code": 404, "token_id": None, "user_id": None}
    for path in ("/projects", "/services/v1/render-proxy/lambda/r-1", "/other"):
        call = msgspec.structs.replace(judged, id=judged.id + 1, url=path, **newer)
        builder.entries.append(call)
    assert main(["verdict", write(builder), "--only", "client.attribution"]) == 0
    out = capsys.readouterr().out
    assert "not judged: 2 calls of generation 2 (the vendor's newer command line client)" in out
    assert "failed" not in out


def test_one_entry_is_named_in_the_singular(
    builder: JournalBuilder, write: Write, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["verdict", write(builder.request("balance", headers={"X-Skill-Source": ""}))]) == 1
    assert "(entry 1)" in capsys.readouterr().out


def test_report_is_printed_as_json(
    builder: JournalBuilder, write: Write, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["verdict", write(builder.start()), "--json", "--only", "client.bearer"]) == 0
    report = json.loads(capsys.readouterr().out)
    assert report["base_url"] == "http://127.0.0.1:8787"
    assert [verdict["check"] for verdict in report["verdicts"]] == ["client.bearer"]
    assert report["verdicts"][0]["entries"] == [2, 3, 4]


@pytest.mark.slow
@pytest.mark.parametrize("option", [("--token", "2"), ("--user", "anon_2")])
def test_one_client_can_be_selected(
    option: tuple[str, str], builder: JournalBuilder, write: Write
) -> None:
    builder.request("balance", headers={"X-Skill-Source": ""})
    builder.token_id, builder.user_id = 2, "anon_2"
    builder.request("balance")
    assert main(["verdict", write(builder)]) == 1
    assert main(["verdict", write(builder), *option]) == 0


def test_the_speed_may_be_given(builder: JournalBuilder, write: Write) -> None:
    builder.speed = None
    path = write(builder.start().chat(text="", ending="cut by fault").wait(0.6).read_state("after"))
    only = ["--only", "client.cut.wait"]
    assert main(["verdict", path, *only]) == 2
    assert main(["verdict", path, *only, "--speed", "50"]) == 0
    assert main(["verdict", path, *only, "--speed", "1"]) == 1
    assert main(["verdict", path, *only, "--speed", "0"]) == 2


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["nowhere.jsonl"], "nowhere.jsonl: no such file"),
        ([], "give a JOURNAL"),
        (["x", "--only", "client.nothing"], "no check id starts with this"),
        (["--explain", "client.nothing"], "no check has this id"),
    ],
)
def test_invalid_input_exits_with_two(
    arguments: list[str], said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["verdict", *arguments]) == 2
    assert said in capsys.readouterr().err


def test_unknown_client_exits_with_two(builder: JournalBuilder, write: Write) -> None:
    assert main(["verdict", write(builder.start()), "--token", "77"]) == 2


def test_checks_are_listed_and_explained(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["verdict", "--list", "--only", "client.resend"]) == 0
    assert capsys.readouterr().out.startswith("client.resend  A message whose stream ended")
    assert main(["verdict", "--explain", "client.resend"]) == 0
    out = capsys.readouterr().out
    assert "CLI-3: MUST, documented" in out
    assert "SSE-7" in out


@pytest.mark.slow
@pytest.mark.parametrize(
    ("clock", "speed"),
    [(WallClock(20.0), 20.0), (ScaledClock(20.0), 1.0), (ManualClock(autojump=True), None)],
)
def test_journal_records_the_speed(clock: Clock, speed: float | None) -> None:
    with (
        LocalServer(Settings(port=0), clock) as server,
        httpx.Client(base_url=server.base_url, trust_env=False) as http,
    ):
        http.get(BALANCE.template)
        (entry,) = http.get(JOURNAL.template).json()["entries"]
    assert entry["speed"] == speed
