"""The container and Compose: the files that they name exist, and their commands run."""

import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

from nemolocal.main import command_parser
from nemolocal_contract.clock import ManualClock
from nemolocal_server.serving import LocalServer
from nemolocal_server.settings import Settings
from tests.support.builtin_schemas import require_schema

ROOT = Path(__file__).parents[2]
CONTAINER_PORT = "8787"


def service() -> dict[str, Any]:
    """The server in compose.yaml."""
    compose = yaml.safe_load((ROOT / "compose.yaml").read_text(encoding="utf-8"))
    (server,) = compose["services"].values()
    for volume in server["volumes"]:
        assert volume.partition(":")[0] in compose["volumes"]
    return dict(server)


def test_container_copies_existing_files() -> None:
    text = (ROOT / "Containerfile").read_text(encoding="utf-8")
    copied = re.findall(r"^COPY (?!--)(.+) \S+$", text, re.MULTILINE)
    assert all((ROOT / name).exists() for line in copied for name in line.split())
    project = (ROOT / "pyproject.toml").read_text(encoding="utf-8")
    folders = set(re.findall(r'^    "(\w+)/nemolocal\w*",$', project, re.MULTILINE))
    assert folders <= set(copied)


def test_compose_builds_the_container_and_keeps_its_volume() -> None:
    server = service()
    containerfile = ROOT / server["build"]["context"] / server["build"]["dockerfile"]
    folder = server["volumes"][0].partition(":")[2]
    assert f"VOLUME {folder}\n" in containerfile.read_text(encoding="utf-8")
    options = command_parser().parse_args(server["command"])
    assert Path(options.data).is_relative_to(folder)


def test_compose_publishes_the_port_of_the_server_on_loopback_only() -> None:
    server = service()
    (port,) = server["ports"]
    assert re.fullmatch(r"127\.0\.0\.1:\$\{NEMO_PORT:-8787\}:" + CONTAINER_PORT, port)
    options = command_parser().parse_args(server["command"])
    assert (options.host, options.port) == ("0.0.0.0", None)
    assert str(Settings().port) == CONTAINER_PORT
    assert options.allowed_hosts == ["nemo"]


@pytest.mark.slow
def test_compose_file_follows_the_specification() -> None:
    require_schema("vendor.compose-spec", ROOT / "compose.yaml")


@pytest.mark.slow
def test_health_check_of_compose_passes_while_the_server_runs() -> None:
    kind, program, *words = service()["healthcheck"]["test"]
    assert (kind, program) == ("CMD", "python")
    settings = Settings(port=0, control_token="mine", allowed_hosts=("nemo",))
    with LocalServer(settings, ManualClock(autojump=True)) as server:
        port = server.base_url.rpartition(":")[2]
        command = [sys.executable, *(word.replace(CONTAINER_PORT, port) for word in words)]
        assert str(port) in command[-1]
        subprocess.run(command, check=True, timeout=60)
    ended = subprocess.run(command, check=False, capture_output=True, timeout=60)
    assert ended.returncode == 1
