"""The recordings that were given: each is learnt from offline, and the docs say what it shows."""

import json
from pathlib import Path

import httpx
import pytest

import write_rules
from nemolocal_contract.endpoints import BALANCE
from nemolocal_contract.rules import rules
from nemolocal_recording.learning.observations import RecordingSource, add_observations
from nemolocal_recording.recording_file import RecordingUnreadable
from tests.support.recorder import raw_server, running_recorder

FOLDER = Path(__file__).parents[2] / "fixtures" / "recordings"
GIVEN = sorted(FOLDER.glob("*.jsonl"))


def write_recording(path: Path, **header: object) -> None:
    """A recording of two balances, with these fields in its header."""
    body = json.dumps({"code": 0, "data": {"available": 50, "frozen": 50, "total": 100}}).encode()
    head = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n"
    with (
        raw_server(head % len(body) + body) as server,
        running_recorder(server.base_url, path) as recorder,
    ):
        for _ in range(2):
            httpx.get(recorder.base_url + BALANCE.path(), trust_env=False, timeout=60)
    first, *lines = path.read_text().splitlines(keepends=True)
    changed = json.dumps({**json.loads(first), "server": "cloud", **header})
    path.write_text("".join([f"{changed}\n", *lines]))


def test_every_given_recording_is_learnt_from(tmp_path: Path) -> None:
    """It is of the cloud, without texts, and shows something of a rule."""
    sources = [RecordingSource.read(path) for path in GIVEN]
    assert [one.path.name for one in sources if one.recording.header.server != "cloud"] == []
    assert [one.path.name for one in sources if one.recording.header.has_text] == []
    learnt = add_observations(tmp_path / "observations.jsonl", sources)
    assert {one.recording for one in learnt} == {one.hash for one in sources}


def test_folder_has_recordings_and_its_readme_only() -> None:
    assert {path.suffix for path in FOLDER.iterdir()} <= {".jsonl", ".md"}
    readme = (FOLDER / "README.md").read_text(encoding="utf-8")
    assert ("There are none yet" in readme) == (not GIVEN)


def test_rules_page_lists_what_recordings_show(tmp_path: Path) -> None:
    write_recording(tmp_path / "a.jsonl")
    shown = write_rules.observed_rules(tmp_path)
    assert shown["CRD-1"] == ("held", 2)
    # The balance was told to somebody without a token.
    assert shown["GEN-3"] == ("contradicted", 0)
    assert "| CRD-1 | held | 2 |" in write_rules.observed_section(tmp_path)


def test_nothing_is_called_observed_without_a_recording(tmp_path: Path) -> None:
    assert write_rules.observed_rules(tmp_path) == {}
    assert "no rule is called observed" in write_rules.observed_section(tmp_path)


@pytest.mark.parametrize("header", [{"server": "other"}, {"has_text": True}])
def test_recording_of_another_server_or_with_texts_is_refused(
    header: dict[str, object], tmp_path: Path
) -> None:
    write_recording(tmp_path / "a.jsonl", **header)
    with pytest.raises(RecordingUnreadable, match=r"a\.jsonl"):
        write_rules.observed_rules(tmp_path)


def test_observed_rules_are_rules() -> None:
    assert write_rules.observed_rules(FOLDER).keys() <= rules().keys()
