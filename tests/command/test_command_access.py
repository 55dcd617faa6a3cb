"""The commands, where others could reach a server: options, control tokens, ports and proxies."""

from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest

from nemolocal_contract.endpoints import CONTROL_TOKEN
from nemolocal_server.settings import Settings
from tests.support.cli import CommandRunner, ServerStarter
from tests.support.forwarding import mapped_port, reverse_proxy

TOKEN = "NEMO_CONTROL_TOKEN"


@pytest.fixture
def served(monkeypatch: pytest.MonkeyPatch) -> list[Settings]:
    """The settings that the server was asked to serve with; none is started."""
    monkeypatch.delenv(TOKEN, raising=False)
    seen: list[Settings] = []

    def serve(settings: Settings, on_ready: Callable[[str], None], *_: object) -> None:
        seen.append(settings)
        on_ready("http://somewhere:1")

    monkeypatch.setattr("nemolocal_server.serving.serve", serve)
    return seen


def test_options_of_access_become_settings(run: CommandRunner, served: list[Settings]) -> None:
    run("serve", "--allowed-host", "nemo", "--allowed-host", "10.0.0.1:9", "--public-url",
        "https://nemo.example/x", "--trusted-proxy", "10.0.0.0/8", "--control-token", "mine",
        "--trusted-proxy", "::1")  # fmt: skip
    (chosen,) = served
    assert chosen.allowed_hosts == ("nemo", "10.0.0.1:9")
    assert chosen.public_url == "https://nemo.example/x"
    assert chosen.trusted_proxies == ("10.0.0.0/8", "::1")
    assert chosen.control_token == "mine"


@pytest.mark.slow
@pytest.mark.parametrize(
    ("arguments", "variable", "token"),
    [
        ((), "", ""),
        ((), "of-the-variable", "of-the-variable"),
        (("--control-token", "of-the-option"), "of-the-variable", "of-the-option"),
        (("--host", "0.0.0.0"), "of-the-variable", "of-the-variable"),
        (("--host", "0.0.0.0", "--no-control"), "", ""),
    ],
)
def test_the_control_token_is_that_of_the_option_or_the_variable(
    run: CommandRunner,
    served: list[Settings],
    monkeypatch: pytest.MonkeyPatch,
    arguments: tuple[str, ...],
    variable: str,
    token: str,
) -> None:
    monkeypatch.setenv(TOKEN, variable)
    outcome = run("serve", *arguments)
    assert served[0].control_token == token
    assert CONTROL_TOKEN not in outcome.out


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "192.168.1.5"])
def test_a_control_token_that_was_made_is_printed(
    run: CommandRunner, served: list[Settings], host: str
) -> None:
    outcome = run("serve", "--host", host)
    assert outcome.lines[0].startswith("Nemo Local serves http://somewhere:1")
    assert outcome.lines[1].endswith(f"{CONTROL_TOKEN}: {served[0].control_token}")
    assert served[0].control_token.startswith("ctl_")


def test_a_setting_of_access_that_makes_no_sense_is_said_in_one_line(run: CommandRunner) -> None:
    outcome = run("serve", "--public-url", "nemo.example")
    assert (outcome.status, outcome.err.count("\n")) == (2, 1)
    assert "public_url must be an http or https URL" in outcome.err


@pytest.mark.slow
def test_a_harness_needs_the_control_token_of_a_server(
    run: CommandRunner, serve: ServerStarter, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv(TOKEN, raising=False)
    conform = ("conform", "--only", "credits.balance", "--base-url", serve(control_token="mine"))
    for arguments in ((), ("--control-token", "another")):
        outcome = run(*conform, *arguments)
        assert (outcome.status, outcome.err.count("\n")) == (2, 1)
        assert "set NEMO_CONTROL_TOKEN, or give --control-token" in outcome.err
    assert run(*conform, "--control-token", "mine").status == 0
    monkeypatch.setenv(TOKEN, "mine")
    assert run(*conform).status == 0


@pytest.mark.slow
def test_scripts_are_played_with_the_control_token(
    run: CommandRunner, serve: ServerStarter, monkeypatch: pytest.MonkeyPatch
) -> None:
    random = ("conform", "--random", 2, "--base-url", serve(control_token="mine"))
    monkeypatch.delenv(TOKEN, raising=False)
    assert run(*random).status == 2
    monkeypatch.setenv(TOKEN, "mine")
    assert run(*random).status == 0


@pytest.mark.slow
@pytest.mark.parametrize("behind", ["port", "proxy"])
def test_edit_works_behind_a_mapped_port_and_a_proxy(
    run: CommandRunner, serve: ServerStarter, clip: Path, behind: str
) -> None:
    with ExitStack() as stack:
        if behind == "port":
            url = stack.enter_context(mapped_port(serve(control_token="mine")))
        else:
            said: dict[str, Any] = {"X-Forwarded-Prefix": "/nemo"}
            inner = serve(trusted_proxies=("127.0.0.1",))
            url = stack.enter_context(reverse_proxy(inner, said, "/nemo"))
        message = "trim to the first 1 second"
        outcome = run("edit", clip, "-m", message, "-o", "out.mp4", "--base-url", url)
        assert outcome.status == 0, outcome.err
        assert Path("out.mp4").read_bytes() == b"a render"
