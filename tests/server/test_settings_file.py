"""Where settings are looked for, and errors in them."""

import os
import re
import stat as stat_module
from pathlib import Path

import pytest

from nemolocal_server.settings_file import (
    SettingsFile,
    choose_settings_file,
    find_settings_file,
)
from nemolocal_server.settings_loader import load_settings


def test_pyproject_without_our_table_is_passed_over(tmp_path: Path) -> None:
    inner = tmp_path / "package"
    inner.mkdir()
    (tmp_path / "pyproject.toml").write_text("[tool.nemolocal]\nport = 1")
    (inner / "pyproject.toml").write_text("[tool.other]\nport = 2")
    found = find_settings_file(inner)
    assert found is not None
    assert found.path == tmp_path / "pyproject.toml"
    assert load_settings(found).port == 1


def test_broken_pyproject_counts_only_if_it_mentions_us(tmp_path: Path) -> None:
    project = tmp_path / "pyproject.toml"
    project.write_text("[tool.other")
    assert find_settings_file(tmp_path) is None
    project.write_bytes(b"\xff\xfe")
    assert find_settings_file(tmp_path) is None
    project.write_text("[tool.nemolocal]\nport = ")
    with pytest.raises(ValueError, match="is not valid TOML"):
        load_settings(find_settings_file(tmp_path))


def test_pyproject_of_a_stranger_above_the_folder_is_passed_over(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    inner = tmp_path / "package"
    inner.mkdir()
    project = tmp_path / "pyproject.toml"
    project.write_text("[tool.nemolocal]\nport = 1")
    stranger, owner = 4242, inner.stat().st_uid
    real = Path.stat

    def stat(path: Path, **options: bool) -> os.stat_result:
        found = list(real(path, **options))
        found[stat_module.ST_UID] = stranger if path == project else owner
        return os.stat_result(found)

    monkeypatch.setattr(Path, "stat", stat)
    assert find_settings_file(inner) is None
    assert find_settings_file(tmp_path) == SettingsFile(project, "tool.nemolocal")
    monkeypatch.setattr(os, "geteuid", lambda: stranger)
    assert find_settings_file(inner) == SettingsFile(project, "tool.nemolocal")


def test_removed_folder_has_no_settings(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    gone = tmp_path / "gone"
    gone.mkdir()
    monkeypatch.chdir(gone)
    gone.rmdir()
    assert choose_settings_file(None) is None
    assert choose_settings_file("a.toml") == SettingsFile(Path("a.toml"))


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("tokens = [3]", "tokens[0] must be a table, not 3"),
        ("extra_uploads = 3", "extra_uploads must be a list of cube, srt, vtt, not 3"),
        ("skills = 3", "skills must be a list of tables, not 3"),
        ("[tokens]\na = 1", "tokens must be a list of tables, not a table"),
        ("model = true", "model must be a table, not true"),
        ("dialect = 3", "dialect must be a table, not 3"),
        ("render_queue = [1]", "render_queue must be a list of 2 values"),
        ("[silence]\nquota = [1, 'x']", 'silence.quota[1] must be a whole number, not "x"'),
        ("fetch_from = 'a'", 'fetch_from must be a list of texts, not "a"'),
        (
            "[[tokens]]\nscopes = ['all']",
            'tokens[0].scopes[0] must be one of read, write, upload, render, *, not "all"',
        ),
        ("control_token = 12345678", "control_token must be a text"),
        ("preset = ['adk']", "unknown preset ['adk']: choose from skills, reference, adk"),
    ],
)
def test_wrong_value_names_its_key_and_what_is_allowed(
    tmp_path: Path, text: str, said: str
) -> None:
    file = tmp_path / "nemolocal.toml"
    file.write_text(text)
    with pytest.raises(ValueError, match=re.escape(f"{file}: {said}")):
        load_settings(file)


def test_secret_of_the_wrong_type_is_not_repeated(tmp_path: Path) -> None:
    file = tmp_path / "nemolocal.toml"
    file.write_text("[[tokens]]\ntoken = 1234567890")
    with pytest.raises(ValueError, match=r"token must be a text$"):
        load_settings(file)


def test_a_table_that_is_none_is_named(tmp_path: Path) -> None:
    (tmp_path / "pyproject.toml").write_text("[tool]\nnemolocal = 3")
    with pytest.raises(ValueError, match=r"pyproject\.toml: tool\.nemolocal must be a table$"):
        load_settings(find_settings_file(tmp_path))


def test_where_files_have_no_owner_a_pyproject_above_counts(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    inner = tmp_path / "package"
    inner.mkdir()
    (tmp_path / "pyproject.toml").write_text("[tool.nemolocal]\nport = 1")
    monkeypatch.delattr(os, "geteuid", raising=False)
    found = find_settings_file(inner)
    assert found == SettingsFile(tmp_path / "pyproject.toml", "tool.nemolocal")
