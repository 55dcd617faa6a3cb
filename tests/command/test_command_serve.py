"""`nemolocal serve`: arguments become settings, and what cannot work is said in one line."""

import logging
import re
import signal
import socket
import subprocess
import sys
from pathlib import Path

import httpx
import pytest
import uvicorn

from nemolocal.main import main
from nemolocal_contract.endpoints import UI_PREFIX
from nemolocal_server import serving
from nemolocal_server.dialect import Dialect
from nemolocal_server.faults.fault_scenario import builtin_scenarios
from nemolocal_server.logging_config import LOG_LEVELS, LogOptions
from nemolocal_server.settings import Settings
from nemolocal_server.turns.silent_turns import SilentTurnPolicy
from tests.support.cli import CommandRunner


def test_defaults_are_those_of_the_settings_with_a_folder_for_the_data(
    run: CommandRunner, served: list[Settings]
) -> None:
    outcome = run("serve")
    assert outcome.out == (
        "Nemo Local serves http://127.0.0.1:1 (Ctrl-C ends it)\n"
        "Dashboard: http://127.0.0.1:1/__nemolocal__/ui\n"
    )
    assert (served[0].host, served[0].port) == ("127.0.0.1", 8787)
    assert served[0].data_dir == Path(".nemolocal")


@pytest.mark.parametrize("option", ["--no-ui", "--no-control"])
def test_dashboard_can_be_switched_off(
    run: CommandRunner, served: list[Settings], option: str
) -> None:
    assert run("serve", option).out == "Nemo Local serves http://127.0.0.1:1 (Ctrl-C ends it)\n"
    assert served


def test_arguments_become_settings(run: CommandRunner, served: list[Settings]) -> None:
    run("serve", "--host", "::1", "--port", 0, "--data", "", "--seed", 3, "--speed", 2,
        "--silent-rate", 0.5, "--heartbeat-seconds", 1, "--sse", "typed", "--render", "nested",
        "--errors", "http")  # fmt: skip
    chosen = served[0]
    assert (chosen.host, chosen.port, chosen.data_dir, chosen.seed) == ("::1", 0, None, 3)
    assert (chosen.speed, chosen.silence) == (2, SilentTurnPolicy(rate=0.5))
    dialect = chosen.dialect
    assert (dialect.sse, dialect.render, dialect.errors) == ("typed", "nested", "http")
    assert dialect.heartbeat_seconds == 1


def test_extra_types_of_uploads_are_a_list(
    run: CommandRunner, served: list[Settings], capsys: pytest.CaptureFixture[str]
) -> None:
    run("serve")
    run("serve", "--extra-uploads", "cube, srt,cube")
    assert [settings.extra_uploads for settings in served] == [(), ("cube", "srt")]
    with pytest.raises(SystemExit, match="2"):
        run("serve", "--extra-uploads", "srt,exe")
    assert "unknown file type 'exe'; choose from cube, srt, vtt" in capsys.readouterr().err
    assert len(served) == 2


def test_a_language_model_becomes_a_setting(
    run: CommandRunner, served: list[Settings], tmp_path: Path
) -> None:
    run("serve", "--model", "http://127.0.0.1:9/v1", "--model-name", "tiny-1",
        "--model-seconds", 5, "--model-record", tmp_path / "new.jsonl")  # fmt: skip
    run("serve", "--model-replay", "answers.jsonl")
    asked, replayed = (settings.model for settings in served)
    assert (asked.url, asked.name, asked.seconds) == ("http://127.0.0.1:9/v1", "tiny-1", 5)
    assert asked.record == tmp_path / "new.jsonl"
    assert (replayed.replay, replayed.url) == (Path("answers.jsonl"), "")
    outcome = run("serve", "--model", "http://127.0.0.1:9/v1")
    assert outcome.status == 2
    assert "model.url needs model.name" in outcome.err
    assert len(served) == 2


@pytest.mark.slow
def test_recorded_answers_that_are_not_there_are_said_in_one_line(
    run: CommandRunner, tmp_path: Path
) -> None:
    outcome = run("serve", "--port", 0, "--data", "", "--model-replay", tmp_path / "none")
    assert outcome.status == 2
    assert outcome.err.startswith("nemolocal: cannot read the recorded answers in")


def test_log_options_reach_the_server(
    run: CommandRunner, served: list[Settings], log_options: list[LogOptions]
) -> None:
    run("serve")
    run("serve", "--log-level", "debug", "--access-log")
    assert len(served) == 2
    assert log_options == [LogOptions(), LogOptions("debug", access_log=True)]


def test_control_api_can_be_left_out(run: CommandRunner, served: list[Settings]) -> None:
    run("serve")
    run("serve", "--no-control")
    assert [settings.control for settings in served] == [True, False]


def test_setting_that_makes_no_sense_is_said_in_one_line(
    run: CommandRunner, served: list[Settings]
) -> None:
    outcome = run("serve", "--speed", 0)
    assert (outcome.status, served) == (2, [])
    assert outcome.err == "nemolocal: speed must be greater than 0, not 0.0\n"


def test_port_that_is_taken_is_said_in_one_line(run: CommandRunner) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        outcome = run("serve", "--port", port, "--data", "")
    assert outcome.status == 1
    assert outcome.err.startswith(f"nemolocal: cannot listen on 127.0.0.1:{port}")
    assert outcome.err.count("\n") == 1


@pytest.mark.slow
@pytest.mark.parametrize("host", ["no.such.host.invalid", "192.0.2.1"])
def test_host_that_is_not_this_machine_is_answered_with_the_option_that_helps(
    run: CommandRunner, host: str
) -> None:
    outcome = run("serve", "--host", host, "--port", 0, "--data", "")
    assert outcome.status == 1
    assert outcome.err.endswith("use an address of this machine as --host\n")


def test_help_names_every_built_in_scenario(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        main(["serve", "--help"])
    # A name may be broken at its hyphen.
    shown = set(re.findall(r"[\w-]+", re.sub(r"-\n\s+", "-", capsys.readouterr().out)))
    assert set(builtin_scenarios()) <= shown


@pytest.mark.slow
def test_scenario_that_does_not_exist_is_said_without_the_systems_numbers(
    run: CommandRunner,
) -> None:
    outcome = run("serve", "--scenario", "nope")
    assert outcome.err.startswith(
        "nemolocal: cannot read scenario nope: No such file or directory; name a file, or one of "
    )


@pytest.mark.slow
@pytest.mark.usefixtures("interruptible")
def test_server_answers_once_it_has_said_so_and_ends_quietly_when_interrupted(
    tmp_path: Path,
) -> None:
    arguments = [sys.executable, "-m", "nemolocal", "serve", "--port", "0"]
    with subprocess.Popen(
        arguments, cwd=tmp_path, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as child:
        assert child.stdout is not None
        assert child.stderr is not None
        base_url = child.stdout.readline().split()[3]
        health = httpx.get(f"{base_url}/__nemolocal__/health", trust_env=False, timeout=60)
        httpx.get(f"{base_url}/api/nothing", trust_env=False, timeout=60)
        child.send_signal(signal.SIGINT)
        said = child.stderr.read()
    assert health.json()["name"] == "nemolocal"
    assert "Traceback" not in said
    assert (child.returncode, said) == (
        0,
        "1 request, 0 turns, which would have cost 0 credits in the cloud\nstopped\n",
    )
    assert (tmp_path / ".nemolocal").is_dir()


@pytest.mark.slow
@pytest.mark.usefixtures("interruptible")
@pytest.mark.parametrize(
    ("options", "wanted"),
    [
        (("--access-log",), ['127.0.0.1:PORT - "GET /api/nothing?t=[token] HTTP/1.1" 404']),
        (("--log-level", "error"), []),
        (("--log-level", "info"), ["Application startup complete.", "Finished server process"]),
    ],
)
def test_log_goes_to_stderr_as_asked(
    tmp_path: Path, options: tuple[str, ...], wanted: list[str]
) -> None:
    arguments = [sys.executable, "-m", "nemolocal", "serve", "--port", "0", "--data", "", *options]
    with subprocess.Popen(
        arguments, cwd=tmp_path, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as child:
        assert child.stdout is not None
        base_url = child.stdout.readline().split()[3]
        assert child.stdout.readline() == f"Dashboard: {base_url}{UI_PREFIX}\n"
        httpx.get(f"{base_url}/api/nothing?t=nmv_usr_12345678", trust_env=False, timeout=60)
        child.send_signal(signal.SIGINT)
        out, err = child.communicate()
    assert (child.returncode, out) == (0, "")
    log = re.sub(r"(?<=127\.0\.0\.1:)\d+", "PORT", err)
    assert [text for text in wanted if text not in log] == []
    assert "12345678" not in log
    if "--log-level" not in options or "error" in options:
        # The summary and the goodbye are no log.
        assert len(log.splitlines()) == 2 + len(wanted)


@pytest.mark.slow
@pytest.mark.usefixtures("interruptible")
def test_dashboard_imports_nothing_before_it_is_opened(tmp_path: Path) -> None:
    """So that the server is ready as soon as without it."""

    def imported(*options: str) -> set[str]:
        arguments = [sys.executable, "-X", "importtime", "-m", "nemolocal", "serve"]
        arguments += ["--port", "0", "--data", "", *options]
        log = tmp_path / "imports.txt"
        with (
            log.open("w") as errors,
            subprocess.Popen(
                arguments, cwd=tmp_path, stdout=subprocess.PIPE, stderr=errors, text=True
            ) as child,
        ):
            assert child.stdout is not None
            assert child.stdout.readline().startswith("Nemo Local serves ")
            # What comes later, such as for the summary, may be cut off by the signal.
            lines = log.read_text().splitlines()
            child.send_signal(signal.SIGINT)
        return {line.rpartition("|")[2].strip() for line in lines if "|" in line}

    without = imported("--no-ui")
    assert "nemolocal_server.app" in without
    assert imported() == without


def test_streams_that_end_with_the_server_are_no_errors_in_its_log(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    config = uvicorn.Config("app")
    log, said = logging.getLogger("uvicorn.error"), "ASGI callable returned without completing"
    monkeypatch.setattr(log, "filters", [])
    monkeypatch.setattr(log, "handlers", [caplog.handler])
    log.error("%s response.", said)
    serving._UvicornServer(config, lambda: None, lambda: None).handle_exit(signal.SIGTERM, None)
    log.error("%s response.", said)
    log.error("the disk is full")
    reported = [record.getMessage() for record in caplog.get_records("call")]
    assert reported == [f"{said} response.", "the disk is full"]


@pytest.mark.slow
def test_defaults_in_the_help_are_those_of_the_settings(
    capsys: pytest.CaptureFixture[str], subtests: pytest.Subtests
) -> None:
    with pytest.raises(SystemExit):
        main(["serve", "--help"])
    text = " ".join(capsys.readouterr().out.split())
    settings, dialect = Settings(), Dialect()
    for option, default in (
        ("--host HOST", settings.host),
        ("--port PORT", settings.port),
        ("--seed SEED", settings.seed),
        ("--speed SPEED", f"{settings.speed:g}"),
        ("--clock {real,scaled,manual}", settings.clock),
        (f"--log-level {{{','.join(LOG_LEVELS)}}}", LogOptions().level),
        ("--chaos P", f"{settings.chaos:g}"),
        ("--silent-rate R", f"{settings.silence.rate:g}"),
        ("--sse {adk,typed}", dialect.sse),
        ("--heartbeat {line,event}", dialect.heartbeat),
        ("--heartbeat-seconds S", f"{dialect.heartbeat_seconds:g}"),
        ("--render {flat,nested}", dialect.render),
        ("--errors {envelope,http,adk}", dialect.errors),
        ("--export-402 {strict,out_of_credits}", dialect.export_402),
    ):
        with subtests.test(option=option):
            _, _, reported = text.rpartition(f"{option} ")
            assert reported.partition("(default: ")[2].partition(")")[0] == str(default)
