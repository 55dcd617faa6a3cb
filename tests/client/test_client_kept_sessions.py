"""Sessions that are remembered on this machine, and the link that opens one on the web."""

import json
import stat
from pathlib import Path

import pytest

from nemolocal_client import Client, FileProblem, KeptSession, MemoryProfile, Notice, Profile
from tests.support.client_faces import ClientFactory
from tests.support.scripted_backend import ScriptedBackend

CLAIM = "/api/auth/claim-token"
AnyProfile = MemoryProfile | Profile


@pytest.fixture(params=["memory", "files"])
def profile(request: pytest.FixtureRequest, tmp_path: Path) -> AnyProfile:
    return MemoryProfile() if request.param == "memory" else Profile(tmp_path / "kept")


def test_sessions_are_remembered_with_time_and_name_the_newest_first(
    make_client: ClientFactory, backend: ScriptedBackend, profile: AnyProfile
) -> None:
    client = make_client(profile=profile)
    client.open_session("holiday film")
    backend.clock.wait(60)
    client.resume("42")
    first, second = client.sessions()
    assert (first.session_id, second.session_id) == ("42", "1" * 19)
    assert (second.task_name, second.task_id) == ("holiday film", "t1")
    assert first.used_at - second.used_at == 60
    assert backend.of("/api/tasks")[0].json["task_name"] == "holiday film"


def test_session_that_is_used_again_moves_up_and_stands_there_once(profile: AnyProfile) -> None:
    for session, at in (("a", 1.0), ("b", 2.0), ("a", 3.0)):
        profile.keep_session("http://x", KeptSession(session, used_at=at))
    profile.keep_session("http://y", KeptSession("c"))
    assert [kept.session_id for kept in profile.sessions("http://x")] == ["a", "b"]
    assert [kept.used_at for kept in profile.sessions("http://x")] == [3.0, 2.0]


def test_no_token_is_in_the_list_and_only_its_owner_reads_it(
    make_client: ClientFactory, tmp_path: Path
) -> None:
    folder = tmp_path / "kept"
    make_client(profile=Profile(folder)).open_session("\u2028 odd\nname")
    (file,) = folder.glob("sessions-*.jsonl")
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert "nmv_usr" not in file.read_text(encoding="utf-8")
    assert [json.loads(line) for line in file.read_text().split("\n") if line]


def test_line_that_was_cut_off_costs_no_other_session(tmp_path: Path) -> None:
    profile = Profile(tmp_path)
    profile.keep_session("http://x", KeptSession("a", task_name="\u2028"))
    (file,) = tmp_path.glob("sessions-*")
    file.write_bytes(file.read_bytes() + b'{"base_url":"htt')
    profile.keep_session("http://x", KeptSession("b", used_at=1.0))
    assert [kept.session_id for kept in profile.sessions("http://x")] == ["b", "a"]


def test_list_of_another_base_url_with_the_same_file_name_is_not_mixed_in(tmp_path: Path) -> None:
    profile = Profile(tmp_path)
    profile.keep_session("http://x/a", KeptSession("a"))
    assert profile.sessions("http://x-a") == ()


def test_nothing_is_remembered_without_its_token(tmp_path: Path) -> None:
    profile = Profile(tmp_path, keep_tokens=False)
    profile.keep_session("http://x", KeptSession("a"))
    assert not list(tmp_path.iterdir())
    assert profile.sessions("http://x") == ()


def test_folder_that_cannot_be_written_is_said(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(FileProblem, match="NEMOLOCAL_CONFIG_DIR"):
        Profile(tmp_path / "file").keep_session("http://x", KeptSession("a"))


@pytest.mark.slow
@pytest.mark.rule("AUTH-7", "CLI-10")
def test_claim_link_opens_the_project_and_holds_no_other_token(
    client: Client, backend: ScriptedBackend, notices: list[Notice]
) -> None:
    backend.arm(CLAIM, backend.wire.ok({"claim_token": "clm_a/b", "expires_in": 604800}))
    client.open_session()
    assert client.claim_link() == f"{backend.base_url}/workspace/claim?ct=clm_a%2Fb"
    (request,) = backend.of(CLAIM)
    assert request.json == {"task_id": "t1", "session_id": "1" * 19}
    assert not [notice for notice in notices if "clm_" in notice.text]


@pytest.mark.slow
def test_resumed_session_knows_its_task(client: Client, backend: ScriptedBackend) -> None:
    backend.arm(CLAIM, backend.wire.ok({"claim_token": "clm_a", "expires_in": 1}))
    client.resume("42")
    client.claim_link()
    assert backend.of(CLAIM)[0].json == {"task_id": "t1", "session_id": "42"}
