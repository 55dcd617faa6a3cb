"""What is kept between runs: one client id, one token for each base URL, for the owner only."""

import stat
from pathlib import Path

import pytest

from nemolocal_client import FileProblem, MemoryProfile, Profile, config_folder
from nemolocal_client.httpx_adapter import plain_base_url
from nemolocal_client.operations import SavedToken, Secret
from nemolocal_client.profile import is_cloud

KEPT = SavedToken(Secret("nmv_usr_x"), 5.0, "anon_1")


def test_client_id_is_made_once_and_kept(tmp_path: Path) -> None:
    first = Profile(tmp_path / "config").client_id()
    assert Profile(tmp_path / "config").client_id() == first
    assert len(first) == 36


def test_client_id_can_be_replaced(tmp_path: Path) -> None:
    profile = Profile(tmp_path)
    first = profile.client_id()
    second = profile.renew_client_id()
    assert first != second == profile.client_id()


@pytest.mark.parametrize("broken", [b"", b"x" * 65, "é".encode(), b"\xff\xfe", b"a\nb"])
def test_client_id_that_no_header_takes_is_replaced(tmp_path: Path, broken: bytes) -> None:
    (tmp_path / "client-id").write_bytes(broken)
    assert len(Profile(tmp_path).client_id()) == 36


def test_token_is_kept_for_its_base_url_only(tmp_path: Path) -> None:
    profile = Profile(tmp_path)
    profile.keep("https://a.example", KEPT)
    assert profile.token("https://a.example") == KEPT
    assert profile.token("https://b.example") is None
    assert profile.token("https://a-example") is None


def test_base_urls_whose_file_names_fall_together_do_not_share_a_token(tmp_path: Path) -> None:
    profile = Profile(tmp_path)
    profile.keep("http://a.example/x", KEPT)
    assert profile.token("http://a.example-x") is None


@pytest.mark.parametrize(
    ("given", "plain"),
    [
        ("HTTP://LocalHost:8787/", "http://localhost:8787"),
        ("https://me:PassWord@Host.example/Nemo//", "https://me:PassWord@host.example/Nemo"),
        ("http://[FE80::1]:8787", "http://[fe80::1]:8787"),
        ("localhost:8787", "localhost:8787"),
        ("", ""),
    ],
)
def test_spellings_of_a_base_url_are_one_server(given: str, plain: str) -> None:
    assert plain_base_url(given) == plain


def test_files_are_readable_by_their_owner_only(tmp_path: Path) -> None:
    profile = Profile(tmp_path / "config")
    profile.client_id()
    profile.keep("https://a.example", KEPT)
    modes = {stat.S_IMODE(path.stat().st_mode) for path in (tmp_path / "config").iterdir()}
    assert modes == {0o600}
    assert stat.S_IMODE((tmp_path / "config").stat().st_mode) == 0o700


def test_nothing_but_the_kept_files_is_left_behind(tmp_path: Path) -> None:
    profile = Profile(tmp_path)
    profile.keep("https://a.example", KEPT)
    profile.keep("https://a.example", KEPT)
    assert [path.name for path in tmp_path.iterdir()] == ["token-https-a.example.json"]


def test_keeping_tokens_can_be_switched_off(tmp_path: Path) -> None:
    Profile(tmp_path).keep("https://a.example", KEPT)
    profile = Profile(tmp_path, keep_tokens=False)
    profile.keep("https://b.example", KEPT)
    assert profile.token("https://a.example") is None
    assert len(list(tmp_path.iterdir())) == 1


def test_broken_token_file_counts_as_none(tmp_path: Path) -> None:
    (tmp_path / "token-https-a.example.json").write_text("{")
    assert Profile(tmp_path).token("https://a.example") is None


def test_folder_that_cannot_be_written_is_said_with_the_way_out(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(FileProblem, match="NEMOLOCAL_CONFIG_DIR"):
        Profile(tmp_path / "file").client_id()
    with pytest.raises(FileProblem, match="NEMOLOCAL_CONFIG_DIR"):
        Profile(tmp_path / "file").renew_client_id()


def test_environment_names_the_folder(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("NEMOLOCAL_CONFIG_DIR", str(tmp_path))
    assert Profile().folder == config_folder() == tmp_path
    monkeypatch.delenv("NEMOLOCAL_CONFIG_DIR")
    assert "nemolocal" in str(config_folder())


def test_memory_profile_keeps_nothing_on_disk_but_the_same_things() -> None:
    profile = MemoryProfile()
    first = profile.client_id()
    assert profile.client_id() == first != profile.renew_client_id()
    profile.keep("https://a.example", KEPT)
    assert profile.token("https://a.example") == KEPT


def test_client_id_of_a_profile_that_keeps_nothing_is_replaced_in_memory(tmp_path: Path) -> None:
    profile = Profile(tmp_path, keep_tokens=False)
    first = profile.client_id("http://localhost:1")
    second = profile.renew_client_id("http://localhost:1")
    assert first != second == profile.client_id("http://localhost:1")
    assert list(tmp_path.iterdir()) == []


def test_base_url_that_is_none_is_not_the_clouds() -> None:
    assert not is_cloud("http://[")
