"""The kill matrix: what it tells of broken peers, right and wrong."""

from pathlib import Path

import pytest

from nemolocal_conformance.client_rules import client_catalogue
from nemolocal_conformance.mutants.autopsy import Autopsy
from nemolocal_conformance.mutants.clients import client_mutants
from nemolocal_conformance.mutants.matrix import as_markdown, section
from nemolocal_conformance.mutants.rounds import play_clients, play_servers
from nemolocal_conformance.mutants.servers import server_mutants
from nemolocal_conformance.server_checks import catalogue

MUTANT = next(iter(server_mutants().values()))


def tables(autopsy: Autopsy) -> str:
    checks = ["general.envelope.success", "chat.cut"]
    return section("Broken", server_mutants(), [autopsy], checks, {"chat.cut": "nobody can"})


def test_a_killed_mutant_stands_with_its_killers() -> None:
    killer = "general.envelope.success"
    text = tables(Autopsy(MUTANT.id, (killer,), (), (), 1))
    assert "1 of 1 killed, by 2 checks." in text
    rules = ", ".join(MUTANT.breaks)
    assert f"| `{MUTANT.id}` | {MUTANT.sentence} | {rules} | `{killer}` |" in text
    assert f"| `{killer}` | `{MUTANT.id}` |" in text
    assert "| `chat.cut` | nobody can |" in text


def test_what_went_wrong_is_shouted() -> None:
    text = tables(Autopsy(MUTANT.id, (), ("a.check",), ("b.check",), 0))
    assert "0 of 1 killed" in text
    assert "nobody; **missed by** a.check; **innocent** b.check; **void**" in text
    assert "| `general.envelope.success` | **none** |" in text


def test_the_document_says_how_it_was_made() -> None:
    assert "python -m nemolocal_conformance.mutants" in as_markdown("one", "two")


@pytest.mark.slow
@pytest.mark.mutants
def test_broken_peers_are_played_in_processes_in_their_order() -> None:
    names = ["general.no-code", "general.message-missing"]
    assert [autopsy.mutant for autopsy in play_servers(names, 2)] == names
    client = next(iter(client_mutants()))
    assert [autopsy.right for autopsy in play_clients([client], 1)] == [True]


def test_the_document_knows_every_broken_peer_and_every_check_and_nobody_got_away() -> None:
    text = (Path(__file__).parents[2] / "docs" / "kill-matrix.md").read_text(encoding="utf-8")
    told = {line.split("`")[1] for line in text.splitlines() if line.startswith("| `")}
    assert told == {*server_mutants(), *client_mutants(), *catalogue(), *client_catalogue()}
    assert "**" not in text
