"""Settings: a TOML file, the command line over it, and one clear error for what makes no sense."""

from pathlib import Path

import pytest

from nemolocal_server.dialect import PRESETS, Dialect
from nemolocal_server.settings_loader import load_settings
from tests.support.http_caller import NewCaller
from tests.support.servers import ServerFactory

FILE = """
port = 9000
data_dir = "somewhere"
seed = 7
preset = "reference"

[dialect]
errors = "envelope"

[tariff]
grant = 500

[[skills]]
source = "tiny"
upload_limit = 1000
resolution = "720p"

[[tokens]]
token = "nmv_usr_fixed-for-tests"
plan = "paid"
credits = 1000
scopes = ["read", "render"]
"""


def test_a_file_sets_everything_and_arguments_win_over_it(tmp_path: Path) -> None:
    file = tmp_path / "nemolocal.toml"
    file.write_text(FILE)
    settings = load_settings(file, {"port": 1, "seed": 8}, {"sse": "adk"})
    assert (settings.port, settings.seed, settings.data_dir) == (1, 8, Path("somewhere"))
    assert settings.tariff.grant == 500
    assert (settings.skills[0].source, settings.skills[0].upload_limit) == ("tiny", 1000)
    assert (settings.tokens[0].plan, settings.tokens[0].credits) == ("paid", 1000)
    dialect = settings.dialect
    assert (dialect.render, dialect.errors, dialect.sse) == ("nested", "envelope", "adk")


def test_nothing_set_is_the_dialect_of_the_skills() -> None:
    assert load_settings().dialect == Dialect() == PRESETS["skills"]
    assert load_settings(preset="adk").dialect.errors == "adk"


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("port = 'x'", r'nemolocal.toml: port must be a whole number, not "x"$'),
        ("prot = 1", r"nemolocal.toml: unknown key prot; did you mean port\? \(allowed: .*seed"),
        ("port = ", "is not valid TOML"),
        ("preset = 'nobody'", "unknown preset 'nobody': choose from skills"),
        ("[dialect]\nsse = 'morse'", 'dialect.sse must be one of adk, typed, not "morse"'),
        ("[dialect]\nheartbeat_seconds = 0", "heartbeat_seconds must be greater than 0"),
        ("[[tokens]]\ntoken = 'short'", "token must have 8 to 200 characters"),
        ("[[tokens]]\ncredits = -1", "credits must be 0 or more"),
        (
            "[[skills]]\nsource = 'x'\nsize = 1",
            r"unknown key skills\[0\].size \(allowed: resolution, source, upload_limit\)",
        ),
        ("data_dir = 5", "data_dir must be a path, not 5"),
        ("speed = 0", "speed must be greater than 0"),
    ],
)
def test_what_makes_no_sense_is_refused_by_name(tmp_path: Path, text: str, said: str) -> None:
    file = tmp_path / "nemolocal.toml"
    file.write_text(text)
    with pytest.raises(ValueError, match=said):
        load_settings(file)


def test_a_file_that_is_not_there_is_said(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=r"cannot read .*: No such file"):
        load_settings(tmp_path / "none.toml")


def test_a_skill_of_the_settings_has_its_own_limit(
    servers: ServerFactory, new_caller: NewCaller, sample: Path
) -> None:
    settings = load_settings(given={"skills": [{"source": "tiny", "upload_limit": 1000}]})
    caller = new_caller(servers.start(skills=settings.skills)).connect()
    assert caller.upload(sample)["code"] == 0
    caller.http.headers["X-Skill-Source"] = "Tiny"
    assert caller.upload(sample)["code"] == 4002
