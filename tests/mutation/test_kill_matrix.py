"""The kill matrix: rows of mutants, killed or not."""

from pathlib import Path

import msgspec
import pytest

from nemolocal_conformance.client_checks import client_catalogue
from nemolocal_conformance.mutation_scores import mutation_scores
from nemolocal_conformance.server_checks import server_catalogue
from tests.mutation import __main__ as command, score_file
from tests.mutation.clients import client_mutants
from tests.mutation.kill_matrix import as_markdown, section
from tests.mutation.mutation_result import MutationResult
from tests.mutation.parallel import run_client_mutants, run_server_mutants
from tests.mutation.servers import server_mutants

MUTANT = next(iter(server_mutants().values()))


def tables(result: MutationResult) -> str:
    checks = ["general.envelope.success", "chat.cut"]
    return section("Broken", server_mutants(), [result], checks, {"chat.cut": "nobody can"})


def test_killed_mutant_is_listed_with_its_checks() -> None:
    killer = "general.envelope.success"
    text = tables(MutationResult(MUTANT.id, (killer,), (), (), 1))
    assert "1 of 1 killed, by 2 checks." in text
    rules = ", ".join(MUTANT.breaks)
    assert f"| `{MUTANT.id}` | {MUTANT.sentence} | {rules} | `{killer}` |" in text
    assert f"| `{killer}` | `{MUTANT.id}` |" in text
    assert "| `chat.cut` | nobody can |" in text


def test_errors_are_emphasised() -> None:
    text = tables(MutationResult(MUTANT.id, (), ("a.check",), ("b.check",), 0))
    assert "0 of 1 killed" in text
    assert "none; **missed by** a.check; **false positive** b.check; **not applied**" in text
    assert "| `general.envelope.success` | **none** |" in text


def test_the_document_says_how_it_was_made() -> None:
    assert "python -m tests.mutation" in as_markdown("one", "two")


@pytest.mark.parametrize(("missed", "ends"), [((), 0), (("chat.cut",), 1)])
def test_command_writes_the_document_and_says_what_is_wrong(
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    tmp_path: Path,
    missed: tuple[str, ...],
    ends: int,
) -> None:
    page, scores = tmp_path / "kill-matrix.md", tmp_path / "scores.json"
    scores.write_text("{}", encoding="utf-8")
    result = MutationResult(MUTANT.id, MUTANT.kills, missed, (), 1, seconds=2.5)
    monkeypatch.setattr(command, "FILE", page)
    monkeypatch.setattr(score_file, "FILE", scores)
    monkeypatch.setattr(command, "run_client_mutants", lambda _names, _jobs: [])
    monkeypatch.setattr(command, "run_server_mutants", lambda _names, _jobs: [result])
    monkeypatch.setattr("sys.argv", ["python -m tests.mutation"])
    assert command.main() == ends
    assert f"{1 - ends} of 1 killed" in page.read_text(encoding="utf-8")
    assert msgspec.json.decode(scores.read_bytes()) == {
        "server": {"mutants": 1, "killed": 1 - ends},
        "client": {"mutants": 0, "killed": 0},
    }
    ended = f"wrong: {MUTANT.id}" if ends else "all 1 are killed"
    assert capsys.readouterr().out.splitlines() == ["2 s of processor time", ended]


@pytest.mark.slow
@pytest.mark.nightly
@pytest.mark.mutants
def test_mutants_run_in_processes_in_order() -> None:
    names = ["general.no-code", "general.message-missing"]
    results = list(run_server_mutants(names, 2))
    assert [result.mutant_id for result in results] == names
    assert all(result.seconds > 0 for result in results)
    client = next(iter(client_mutants()))
    assert [result.is_killed for result in run_client_mutants([client], 1)] == [True]


def test_document_has_every_mutant_and_check_without_survivors() -> None:
    page = Path(__file__).parents[2] / "docs" / "reference" / "kill-matrix.md"
    text = page.read_text(encoding="utf-8")
    reported = {line.split("`")[1] for line in text.splitlines() if line.startswith("| `")}
    assert reported == {
        *server_mutants(),
        *client_mutants(),
        *server_catalogue(),
        *client_catalogue(),
    }
    assert "**" not in text
    scores = mutation_scores()
    assert (scores.server.mutants, scores.client.mutants) == (
        len(server_mutants()),
        len(client_mutants()),
    )
