"""`nemolocal serve`: options, then variables, then a file, then defaults."""

import json
from pathlib import Path

import pytest

from nemolocal.argument_parser import SuggestingParser
from nemolocal.main import command_parser
from nemolocal.option_variables import add_from_variables, option_variables
from nemolocal_server.logging_config import LogOptions
from nemolocal_server.settings import FREE_TARIFF, Settings
from nemolocal_server.turns.silent_turns import SilentTurnPolicy
from tests.support.cli import CommandRunner

# A value of each option that takes one and has no list of choices.
VALUES = {
    "host": "::1", "port": "9", "data": "mine", "seed": "3", "speed": "2.5", "config": "a.toml",
    "public_url": "https://nemo.example", "control_token": "ctl_a", "fetch_from": "a.example",
    "extra_uploads": "cube,srt", "allowed_hosts": "nemo", "trusted_proxies": "127.0.0.1",
    "model_url": "http://127.0.0.1:9/v1", "model_name": "tiny", "model_seconds": "5",
    "model_record": "a.jsonl", "model_replay": "b.jsonl", "farm": "127.0.0.1:7233",
    "farm_key": "farm.key", "farm_namespace": "nemo", "farm_tls": "a,b,c", "silent_rate": "0.5",
    "silent_quota": "3/10", "silent_script": ".s", "scenario": "bad-account", "chaos": "0.1",
    "preset": "adk", "heartbeat_seconds": "2",
}  # fmt: skip
FILE = "port = 9001\nseed = 4\n\n[tariff]\nediting = 7\n"


@pytest.fixture
def parser() -> SuggestingParser:
    """The parser of `serve`."""
    parser = command_parser().parse_args(["serve"]).parser
    assert isinstance(parser, SuggestingParser)
    return parser


def test_each_option_means_the_same_as_a_variable(
    parser: SuggestingParser, subtests: pytest.Subtests
) -> None:
    options = list(option_variables(parser))
    assert len(options) > 40
    for option, variable in options:
        with subtests.test(variable=variable):
            name = option.option_strings[-1]
            assert variable == "NEMOLOCAL_" + name[2:].upper().replace("-", "_")
            text = "1" if option.nargs == 0 else VALUES.get(option.dest, "")
            text = text or str(list(option.choices or ())[-1])
            values = text.split(",") if option.nargs == 3 else [text]
            given = parser.parse_args([name, *([] if option.nargs == 0 else values)])
            found = parser.parse_args([])
            assert getattr(found, option.dest) is None
            add_from_variables(parser, found, {variable: text})
            assert getattr(found, option.dest) == getattr(given, option.dest) is not None


def test_options_win_over_variables_and_those_over_the_file(
    run: CommandRunner, served: list[Settings], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    (tmp_path / "nemolocal.toml").write_text(FILE)
    monkeypatch.setenv("NEMOLOCAL_SEED", "5")
    monkeypatch.setenv("NEMOLOCAL_SPEED", "6")
    run("serve", "--speed", 7)
    found = served[0]
    assert (found.port, found.seed, found.speed, found.chaos) == (9001, 5, 7, 0)
    assert found.tariff.editing == 7


def test_switches_lists_and_logging_come_from_variables_too(
    run: CommandRunner,
    served: list[Settings],
    log_options: list[LogOptions],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    for name, text in {
        "FREE": "yes", "NO_UI": "1", "NO_CONTROL": "0", "ALLOWED_HOST": "a, b:1", "DATA": "",
        "LOG_LEVEL": "error", "ACCESS_LOG": "1", "SEED": "",
    }.items():  # fmt: skip
        monkeypatch.setenv(f"NEMOLOCAL_{name}", text)
    outcome = run("serve")
    assert "Dashboard" not in outcome.out
    found = served[0]
    assert (found.tariff, found.control, found.data_dir) == (FREE_TARIFF, True, None)
    assert (found.allowed_hosts, found.seed) == (("a", "b:1"), 0)
    assert log_options == [LogOptions("error", access_log=True)]


def test_option_replaces_a_variable_that_it_cannot_be_combined_with(
    run: CommandRunner, served: list[Settings], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("NEMOLOCAL_SILENT_RATE", "1")
    run("serve", "--silent-script", ".s")
    assert served[0].silence == SilentTurnPolicy(script=".s")
    monkeypatch.setenv("NEMOLOCAL_SILENT_QUOTA", "1/2")
    outcome = run("serve")
    assert (outcome.status, len(served)) == (2, 1)
    assert outcome.err == (
        "nemolocal: NEMOLOCAL_SILENT_RATE and NEMOLOCAL_SILENT_QUOTA cannot be combined: "
        "unset one\n"
    )


@pytest.mark.parametrize(
    ("name", "text", "said"),
    [
        ("PORT", "x", "must be a whole number, not 'x'"),
        ("SPEED", "fast", "must be a number, not 'fast'"),
        ("CLOCK", "rael", "unknown value 'rael'; did you mean real?"),
        ("FREE", "maybe", "must be 1 or 0, not 'maybe'"),
        ("FARM_TLS", "a,b", "must be CERT,KEY,CA, not 'a,b'"),
        ("EXTRA_UPLOADS", "exe", "unknown file type 'exe'; choose from cube, srt, vtt"),
    ],
)
def test_invalid_variable_is_named_with_what_is_allowed(
    run: CommandRunner,
    served: list[Settings],
    monkeypatch: pytest.MonkeyPatch,
    name: str,
    text: str,
    said: str,
) -> None:
    monkeypatch.setenv(f"NEMOLOCAL_{name}", text)
    outcome = run("serve")
    assert (outcome.status, served) == (2, [])
    assert outcome.err == f"nemolocal: NEMOLOCAL_{name}: {said}\n"


def test_file_of_the_folder_above_is_used_and_named(
    run: CommandRunner, served: list[Settings], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    project = tmp_path / "pyproject.toml"
    project.write_text("[tool.nemolocal]\nport = 9002\nsilence = { rate = 0.0 }\n")
    inner = tmp_path / "src" / "deep"
    inner.mkdir(parents=True)
    monkeypatch.chdir(inner)
    outcome = run("serve")
    assert outcome.lines[-1] == f"Settings: {project} [tool.nemolocal]"
    assert (served[0].port, served[0].silence.rate) == (9002, 0)
    (inner / "nemolocal.toml").write_text("seed = 9")
    outcome = run("serve")
    assert outcome.lines[-1] == f"Settings: {inner / 'nemolocal.toml'}"
    assert (served[1].port, served[1].seed, served[1].silence.rate) == (8787, 9, 0.3)


def test_named_file_wins_over_the_found_one(
    run: CommandRunner, served: list[Settings], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    (tmp_path / "nemolocal.toml").write_text("not even TOML")
    (tmp_path / "mine.toml").write_text("port = 9003")
    assert run("serve", "--config", "mine.toml").lines[-1] == "Settings: mine.toml"
    monkeypatch.setenv("NEMOLOCAL_CONFIG", "mine.toml")
    run("serve")
    assert [found.port for found in served] == [9003, 9003]


def test_wrong_key_of_the_found_file_names_file_key_and_allowed_keys(
    run: CommandRunner, served: list[Settings], tmp_path: Path
) -> None:
    file = tmp_path / "nemolocal.toml"
    file.write_text("[silence]\nrat = 1")
    outcome = run("serve")
    assert (outcome.status, served) == (2, [])
    assert outcome.err == (
        f"nemolocal: {file}: unknown key silence.rat; did you mean rate? "
        "(allowed: late_seconds, quota, rate, script, truths)\n"
    )


def test_wrong_option_is_not_blamed_on_the_file(
    run: CommandRunner, served: list[Settings], tmp_path: Path
) -> None:
    (tmp_path / "nemolocal.toml").write_text("port = 9001")
    outcome = run("serve", "--chaos", 5)
    assert (outcome.status, served) == (2, [])
    assert outcome.err == "nemolocal: chaos must be from 0 to 1, not 5.0\n"


def test_ready_server_is_one_line_of_json(
    run: CommandRunner, served: list[Settings], tmp_path: Path
) -> None:
    outcome = run("serve", "--json", "--host", "0.0.0.0")
    assert outcome.out.count("\n") == 1
    ready = json.loads(outcome.out)
    assert set(ready) == {
        "base_url", "dashboard", "control_token", "data_dir", "settings_file", "version",
    }  # fmt: skip
    assert ready["dashboard"] == "http://127.0.0.1:1/__nemolocal__/ui"
    assert ready["control_token"] == served[0].control_token != ""
    assert (ready["data_dir"], ready["settings_file"]) == (".nemolocal", None)
    (tmp_path / "nemolocal.toml").write_text("control = false")
    bare = json.loads(run("serve", "--json", "--data", "").out)
    assert bare["settings_file"] == str(tmp_path / "nemolocal.toml")
    assert (bare["dashboard"], bare["control_token"], bare["data_dir"]) == (None, None, None)
