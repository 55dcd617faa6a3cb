"""What `conform` adds to the file of observations, and the calibration card of its report."""

import argparse
import contextlib
import socket
from collections.abc import Iterator
from pathlib import Path

import pytest

from nemolocal.conform_observations import observations_file
from nemolocal.main import main
from nemolocal_conformance.assumptions import list_assumptions
from nemolocal_conformance.reports import as_html
from nemolocal_conformance.verdicts import ConformanceReport, Verdict, VerdictOutcome
from nemolocal_contract.clock import ManualClock
from nemolocal_contract.endpoints import CLOUD_BASE_URL, find_endpoint
from nemolocal_recording.learning.calibration import RECORDED_ASSUMPTIONS, recorded_values
from nemolocal_recording.learning.check_observations import observe_report
from nemolocal_recording.learning.learned_values import learn_values
from nemolocal_recording.learning.observations import (
    Observation,
    ValueObservation,
    append_lines,
    days_seen,
    read_lines_of,
    read_observations,
)
from nemolocal_server.serving import LocalServer
from nemolocal_server.settings import Settings
from tests.support.recorder import RawServer, raw_server

CHECK = "general.path.unknown"
NOT_FOUND = b'{"code":404,"message":"no such path","data":null}'


@contextlib.contextmanager
def foreign_server(status: bytes) -> Iterator[RawServer]:
    """A server that refuses every request, one for an unknown path with this status."""

    def answer(connection: socket.socket) -> None:
        path = server.requests[-1].split()[1].decode()
        chosen = b"401 Unauthorized" if find_endpoint("GET", path) else status
        head = b"HTTP/1.1 %b\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n"
        connection.sendall(head % (chosen, len(NOT_FOUND)) + NOT_FOUND)

    with raw_server(answer) as server:
        yield server


def conform(base_url: str, *more: str) -> int:
    return main(["conform", "--base-url", base_url, "--only", CHECK, *more])


def report(*verdicts: tuple[VerdictOutcome, str], ours: bool = False) -> ConformanceReport:
    return ConformanceReport(
        base_url=CLOUD_BASE_URL,
        version="1.0",
        ours=ours,
        verdicts=tuple(
            Verdict(
                check=f"{rule}.check", rules=(rule,), sentence="", level="MUST", grade="A",
                outcome=outcome, actual="a secret",
            )
            for outcome, rule in verdicts
        ),
        alternatives={"SSE-2": ("sse=typed",), "GEN-2": ("errors=envelope",)},
        at="2026-01-31T00:00:00Z",
    )  # fmt: skip


@pytest.mark.parametrize(
    ("status", "outcome"), [(b"404 Not Found", "held"), (b"200 OK", "contradicted")]
)
def test_checks_of_a_foreign_server_are_added(
    status: bytes, outcome: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "seen.jsonl"
    with foreign_server(status) as server:
        conform(server.base_url, "--observations", str(path))
    seen = [one for one in read_observations(path) if one.rule == "GEN-6"]
    assert [(one.outcome, one.check, one.server) for one in seen] == [(outcome, CHECK, "other")]
    assert f"observations added to {path}" in capsys.readouterr().err


def test_nothing_is_added_without_being_asked_nor_for_a_server_of_this_project(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    with foreign_server(b"404 Not Found") as server:
        assert conform(server.base_url) == 0
    settings = Settings(port=0, control=False)
    with LocalServer(settings, ManualClock(autojump=True)) as own:
        assert conform(own.base_url, "--observations", "seen.jsonl") == 0
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("words", "file"),
    [
        (["--base-url", CLOUD_BASE_URL], "observations.jsonl"),
        (["--base-url", f"{CLOUD_BASE_URL}/", "--observations", ""], None),
        (["--base-url", CLOUD_BASE_URL, "--observations", "x.jsonl"], "x.jsonl"),
        (["--base-url", f"{CLOUD_BASE_URL}.example"], None),
        ([], None),
    ],
)
def test_cloud_has_a_file_by_default(
    words: list[str], file: str | None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    asked: list[Path | None] = []

    def run_no_checks(arguments: argparse.Namespace) -> int:
        asked.append(observations_file(arguments))
        return 0

    monkeypatch.setattr("nemolocal.conform_checks.run_checks", run_no_checks)
    assert main(["conform", *words]) == 0
    assert asked == [Path(file) if file else None]


def test_unreadable_file_is_told_before_anything_is_sent(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "seen.jsonl"
    path.write_text("{}\n")
    with foreign_server(b"404 Not Found") as server:
        assert conform(server.base_url, "--observations", str(path)) == 2
        assert server.requests == []
    assert f"{path}, line 1" in capsys.readouterr().err
    assert path.read_text() == "{}\n"


def test_file_that_cannot_be_written_does_not_lose_the_report(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "missing" / "seen.jsonl"
    with foreign_server(b"404 Not Found") as server:
        assert conform(server.base_url, "--observations", str(path)) == 0
    out, err = capsys.readouterr()
    assert "1 of 1 check passed" in out
    assert f"nothing was added to {path}" in err


def test_random_scripts_have_no_observations(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["conform", "--random", "1", "--observations", "x"]) == 2
    assert "--observations is for checks" in capsys.readouterr().err


def test_only_what_was_looked_at_is_an_observation_and_nothing_secret_is() -> None:
    seen = observe_report(
        report(
            ("passed", "AUTH-1"), ("passed", "SSE-2"), ("passed", "GEN-2"), ("learned", "GEN-6"),
            ("not applicable", "REN-1"), ("error", "REN-2"),
        ),
        "cloud",
    )  # fmt: skip
    rules = [one for one in seen if isinstance(one, Observation)]
    assert [(one.rule, one.outcome, one.alternative) for one in rules] == [
        ("AUTH-1", "held", ""),
        ("SSE-2", "alternative", "typed"),
        ("GEN-2", "held", ""),
        ("GEN-6", "contradicted", ""),
    ]
    assert {(one.day, one.actual) for one in rules} == {("2026-01-31", "")}
    assert observe_report(report(("passed", "AUTH-1"), ours=True), "cloud") == []


def test_variants_that_checks_saw_are_learnt() -> None:
    learned = learn_values(observe_report(report(("passed", "SSE-2")), "cloud"))
    assert {name: dict(one.counts) for name, one in learned.counts.items()} == {
        "sse": {"typed": 1}, "errors": {"envelope": 1},
    }  # fmt: skip
    source = "1 run of conform on 2026-01-31 (1 day old)"
    assert learned.counts["sse"].origin.describe("2026-02-01") == source


def test_checks_count_as_days_of_the_cloud(tmp_path: Path) -> None:
    path = tmp_path / "seen.jsonl"
    append_lines(path, observe_report(report(("passed", "AUTH-1")), "cloud"))
    append_lines(path, [Observation("AUTH-1", "held", "2026-01-01", "a", "cloud")])
    assert days_seen(read_observations(path), "AUTH-1", "held") == 2


def test_torn_last_line_is_replaced_by_what_is_added(tmp_path: Path) -> None:
    path = tmp_path / "seen.jsonl"
    first, second = (Observation("AUTH-1", "held", "2026-01-01", name, "cloud") for name in "ab")
    append_lines(path, [first])
    with path.open("ab") as file:
        file.write(b'{"line":"rule","rule":"AU')
    assert read_lines_of(path) == [first]
    append_lines(path, [second])
    assert read_lines_of(path) == [first, second]


def test_card_shows_value_source_and_age() -> None:
    seen = [
        ValueObservation("heartbeat interval", "s", (15.0, 15.5), day, day, "cloud")
        for day in ("2026-01-20", "2026-01-28")
    ]
    values = tuple(recorded_values(learn_values(seen), "2026-01-31"))
    found = ConformanceReport(
        base_url="http://a.test", version="1.0", ours=True, verdicts=(), alternatives={},
        recorded_values=values,
    )  # fmt: skip
    card = {row.name: row.recorded for row in list_assumptions(found)}
    assert card["heartbeat interval"] == (
        "15 to 15.5 s, median 15.25 s, seen 4 times; 2 recordings from 2026-01-20 to 2026-01-28; "
        "3 days old, stable: 2 days"
    )
    assert card["longest turn"] == "never"
    assert card["heartbeat interval"] in as_html(found)
    assert RECORDED_ASSUMPTIONS.keys() <= card.keys()


def test_card_of_a_run_has_what_the_file_shows(tmp_path: Path) -> None:
    path = tmp_path / "seen.jsonl"
    append_lines(
        path, [ValueObservation("turn: talk", "s", (7.0,), "2026-01-28", "a", "cloud"),
               ValueObservation("turn: edit", "s", (9.0,), "2026-01-28", "b", "other")],
    )  # fmt: skip
    with foreign_server(b"404 Not Found") as server:
        conform(server.base_url, "--observations", str(path), "--report", str(tmp_path / "r"))
    page = (tmp_path / "r" / "report.html").read_text()
    assert "7 s, seen 1 time; 1 recording on 2026-01-28" in page
    assert "9 s, seen" not in page
