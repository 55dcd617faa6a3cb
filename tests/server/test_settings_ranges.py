"""Settings that nothing can come of are refused at the start, each by its field."""

import asyncio
import os
import socket
import stat
import subprocess
import sys
from pathlib import Path
from typing import Any

import msgspec
import pytest
from hypothesis import given, strategies as st

from nemolocal_conformance.known_differences import (
    KnownDifferencesUnreadable,
    read_known_differences,
)
from nemolocal_server import serving
from nemolocal_server.app import build_app
from nemolocal_server.data.store import StoreError
from nemolocal_server.data.tokens import NewToken
from nemolocal_server.faults.fault_scenario import ScenarioError, find_scenario
from nemolocal_server.serving import ListenError, LocalServer
from nemolocal_server.settings import Settings
from nemolocal_server.settings_loader import load_settings
from tests.support.cli import CommandRunner

HUGE = str(10**26)
NONSENSE = [
    ("[tariff]\ngrant = -100", "tariff.grant"),
    ("[tariff]\nediting = -50", "tariff.editing"),
    (f"[tariff]\ngeneration = {HUGE}", "generation"),
    (f"[tariff]\ngrant = {10**13}", "tariff.grant"),
    ("upload_limit = -1", "upload_limit"),
    ("upload_limit = 0", "upload_limit"),
    ("address_limit = 0", "address_limit"),
    ("address_limit = -3", "address_limit"),
    ("token_lifetime = 1e300", "token_lifetime"),
    ("token_lifetime = 0", "token_lifetime"),
    ("token_lifetime = nan", "token_lifetime"),
    ("fetch_seconds = inf", "fetch_seconds"),
    ("fetch_seconds = -1", "fetch_seconds"),
    ("speed = inf", "speed"),
    ("speed = nan", "speed"),
    (f"seed = {2**63 - 1}\nport = -1", "port"),
    ("chaos = nan", "chaos"),
    ("render_queue = [0, inf]", "render_queue"),
    ("render_queue = [nan, 1]", "render_queue"),
    ('host = "a\\u0000b"', "host"),
    ('host = "a\\nb"', "host"),
    ("[dialect]\nheartbeat_seconds = inf", "heartbeat_seconds"),
    ("[dialect]\nheartbeat_seconds = nan", "heartbeat_seconds"),
    ("[turn_times]\nedit = [1, inf]", "turn_times"),
    ("[turn_times]\nlimit = inf", "turn_times.limit"),
    ("[silence]\nlate_seconds = inf", "late_seconds"),
    ("[silence]\nquota = [1, 1000000000]", "silent quota"),
    ("[silence.truths]\nlate = inf", "truths.late"),
    ("[silence.truths]\napplied = nan", "truths.applied"),
    ("[[skills]]\nsource = 'x'\nupload_limit = -5", r"skills\[0\].upload_limit"),
    ("[[tokens]]\nexpires_in = nan", "expires_in"),
    ("[[tokens]]\nuser_id = ''", "user_id"),
    ("[[tokens]]\nuser_id = 'a/b'", "user_id"),
    ("[[tokens]]\nclient_id = ''", "X-Client-Id"),
    ("[[tokens]]\nuser_id = 'a'\n[[tokens]]\nuser_id = 'a'", r"tokens: .*same user_id \('a'\)"),
    ("[[tokens]]\ntoken = '12345678'\n" * 2, "tokens: .*same token: change one"),
    ("a = " + "[" * 5000 + "]" * 5000, "is not valid TOML"),
    (f"seed = {HUGE}", "seed"),
]


@pytest.mark.parametrize(("text", "named"), NONSENSE)
def test_nonsense_in_a_file_is_refused_by_its_field(tmp_path: Path, text: str, named: str) -> None:
    file = tmp_path / "nemolocal.toml"
    file.write_text(text)
    with pytest.raises(ValueError, match=named) as refused:
        load_settings(file)
    assert "12345678" not in str(refused.value)


@pytest.mark.slow
@given(st.floats() | st.integers())
def test_a_number_is_a_setting_or_is_refused_and_never_anything_else(value: float) -> None:
    for name in ("speed", "token_lifetime", "fetch_seconds", "chaos", "port", "seed"):
        fields: dict[str, Any] = {name: value}
        refused = ""
        try:
            assert getattr(msgspec.convert(fields, Settings), name) == value
        except msgspec.ValidationError as error:
            refused = str(error)
        assert not refused or name in refused


@pytest.mark.parametrize("host", ["a..b", "x" * 200, "\ud800", "256.1.1.1.1", "no such host"])
def test_a_host_that_is_none_is_said(host: str) -> None:
    with pytest.raises((ListenError, ValueError), match=r"cannot listen on|host must be"):
        LocalServer(Settings(host=host, port=0))


def test_a_folder_or_a_file_with_a_nul_is_said() -> None:
    with pytest.raises(StoreError, match="cannot use data folder"):
        build_app(Settings(data_dir=Path("a\0b")))
    with pytest.raises(ScenarioError, match="cannot read scenario"):
        find_scenario("a\0b")


def test_a_deep_file_is_no_toml_wherever_it_is_given(tmp_path: Path) -> None:
    file = tmp_path / "deep.toml"
    file.write_text("a = " + "[" * 5000 + "]" * 5000)
    with pytest.raises(ScenarioError, match=r"deep\.toml"):
        find_scenario(str(file))
    with pytest.raises(KnownDifferencesUnreadable, match=r"deep\.toml"):
        read_known_differences(file)


def test_a_token_of_the_settings_that_somebody_else_has_is_said_at_the_start(
    tmp_path: Path,
) -> None:
    async def once(token: str) -> None:
        settings = Settings(data_dir=tmp_path, tokens=(NewToken(token=token, user_id="ann"),))
        await build_app(settings).state.services.close()

    asyncio.run(once("first-text"))
    with pytest.raises(StoreError, match=r"tokens of the settings.*`user_id` 'ann' has a token"):
        asyncio.run(once("second-text"))
    asyncio.run(once("first-text"))  # the folder is free again


def test_the_command_says_it_in_one_line(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "nemolocal.toml"
    file.write_text("upload_limit = -1")
    done = CommandRunner(capsys)("serve", "--config", file, "--data", "")
    assert (done.status, done.out) == (2, "")
    assert done.err.count("\n") == 1
    assert "upload_limit must be from 1" in done.err


_INTERRUPTED = """
import sys
interrupted = sys.argv[1]
class Interrupt:
    def find_spec(self, name, path=None, target=None):
        if name == interrupted:
            raise KeyboardInterrupt
sys.meta_path.insert(0, Interrupt())
from nemolocal.__main__ import main
sys.argv = ["nemolocal", "serve", "--port", "0", "--data", ""]
sys.exit(main())
"""


@pytest.mark.slow
@pytest.mark.parametrize("while_importing", ["nemolocal.main", "uvicorn"])
def test_an_interrupt_at_the_very_beginning_is_one_line(while_importing: str) -> None:
    command = [sys.executable, "-c", _INTERRUPTED, while_importing]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60)
    assert (done.returncode, done.stderr) == (130, "nemolocal: interrupted\n")


def test_what_serve_makes_is_its_owners_alone(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    def make_a_file(listener: socket.socket, *_: object) -> None:
        listener.close()
        (tmp_path / "made").touch()

    monkeypatch.setattr(serving, "_run", make_a_file)
    before = os.umask(0)
    try:
        serving.serve(Settings(port=0), print)
        assert os.umask(0) == 0
    finally:
        os.umask(before)
    if os.name == "posix":
        assert stat.S_IMODE((tmp_path / "made").stat().st_mode) == 0o600
