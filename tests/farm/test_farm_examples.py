"""The files in `examples/farm`: they fit this project, and their commands are understood."""

import os
import re
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from nemolocal.main import command_parser
from nemolocal_render.planning.render_plan import RenderPlan
from tests.farm.conftest import RunningFarm, wait_until

pytestmark = pytest.mark.sources

ROOT = Path(__file__).parents[2]
EXAMPLES = ROOT / "examples" / "farm"
GUIDE = ROOT / "docs" / "how-to" / "render-on-many-machines.md"
SLURM = EXAMPLES / "slurm-workers.sh"
_LIST_ARGUMENTS = '#!/bin/sh\nprintf "%s\\n" "$@"\n'


@pytest.fixture(scope="module")
def compose() -> dict[str, Any]:
    text = (EXAMPLES / "compose.farm.yaml").read_text(encoding="utf-8")
    found: dict[str, Any] = yaml.safe_load(text)
    return found


def kubernetes() -> Iterator[dict[str, Any]]:
    for path in sorted(EXAMPLES.glob("kubernetes-*.yaml")):
        yield from yaml.safe_load_all(path.read_text(encoding="utf-8"))


def run_command(folder: Path, text: str) -> dict[str, str]:
    """The environment of a process for which `nemolocal` is a program with this text."""
    folder.mkdir()
    program = folder / "nemolocal"
    program.write_text(text)
    program.chmod(0o755)
    return {**os.environ, "PATH": f"{folder}{os.pathsep}{os.environ['PATH']}"}


def test_compose_runs_commands_that_exist(compose: dict[str, Any]) -> None:
    services = compose["services"]
    ours = {name: each for name, each in services.items() if each["image"] == "nemolocal-farm"}
    server, worker = (
        command_parser().parse_args(ours[name]["command"]) for name in ("server", "worker")
    )
    assert (server.farm, server.farm_key) == (worker.farm, worker.farm_key)
    assert server.farm.split(":")[0] in services
    host = worker.server.removeprefix("http://").split(":")[0]
    assert [host] == server.allowed_hosts
    assert host in services
    (script,) = ours["key"]["command"]
    (made,) = re.findall(r"nemolocal (.*)", script)
    assert command_parser().parse_args(made.split()).file == server.farm_key
    assert worker.farm_key.startswith(ours["worker"]["volumes"][0].split(":")[1])


def test_compose_names_only_what_is_there(compose: dict[str, Any]) -> None:
    services = compose["services"]
    needed = {name for each in services.values() for name in each.get("depends_on", ())}
    assert needed < set(services)
    mounts = [
        mount.split(":")[0] for each in services.values() for mount in each.get("volumes", ())
    ]
    folders = {name for name in mounts if not name.startswith(".")}
    assert folders == set(compose["volumes"])
    assert all((EXAMPLES / name).is_file() for name in mounts if name.startswith("."))
    build = services["worker"]["build"]
    context = (EXAMPLES / build["context"]).resolve()
    assert context == ROOT
    recipe = (context / build["dockerfile"]).read_text(encoding="utf-8")
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    for argument, value in build["args"].items():
        stages = re.findall(r"^FROM ", recipe, re.MULTILINE)
        assert len(re.findall(rf"^ARG {argument}=", recipe, re.MULTILINE)) == len(stages)
        assert value.strip("[]") in project["project"]["optional-dependencies"]


def test_compose_publishes_nothing_but_the_server_on_loopback(compose: dict[str, Any]) -> None:
    ports = {name: each["ports"] for name, each in compose["services"].items() if "ports" in each}
    assert ports == {"server": ["127.0.0.1:8787:8787"]}


def test_kubernetes_scales_the_workers_that_it_deploys() -> None:
    found = {each["kind"]: each for each in kubernetes()}
    workers, scaling = found["Deployment"], found["ScaledObject"]
    (container,) = workers["spec"]["template"]["spec"]["containers"]
    arguments = command_parser().parse_args(container["args"])
    mounts = {each["name"]: each["mountPath"] for each in container["volumeMounts"]}
    assert Path(arguments.farm_key).parent == Path(mounts["key"])
    assert set(mounts) == {each["name"] for each in workers["spec"]["template"]["spec"]["volumes"]}
    assert scaling["spec"]["scaleTargetRef"]["name"] == workers["metadata"]["name"]
    assert scaling["spec"]["minReplicaCount"] >= 1
    (trigger,) = scaling["spec"]["triggers"]
    assert trigger["metadata"]["endpoint"] == arguments.farm
    assert trigger["metadata"]["namespace"] == (arguments.farm_namespace or "default")
    assert all(isinstance(value, str) for value in trigger["metadata"].values())


@pytest.mark.parametrize(("cores", "places"), [("4", 2), ("1", 1), (None, 1)])
def test_slurm_starts_a_worker_of_the_size_of_its_job(
    tmp_path: Path, cores: str | None, places: int
) -> None:
    environment = run_command(tmp_path / "bin", _LIST_ARGUMENTS) | {
        "FARM": "engine:7233",
        "FARM_KEY": "/home/a user/farm.key",
        "FARM_SERVER": "http://server:8787",
    }
    if cores is not None:
        environment["SLURM_CPUS_PER_TASK"] = cores
    ran = subprocess.run([SLURM], env=environment, capture_output=True, text=True, check=True)
    arguments = command_parser().parse_args(ran.stdout.splitlines())
    assert (arguments.places, arguments.idle_exit) == (places, 120)
    assert (arguments.farm, arguments.server) == ("engine:7233", "http://server:8787")
    assert arguments.farm_key == "/home/a user/farm.key"
    lines = SLURM.read_text(encoding="utf-8").splitlines()
    first_command = next(n for n, line in enumerate(lines) if line and not line.startswith("#"))
    options = [n for n, line in enumerate(lines) if line.startswith("#SBATCH ")]
    assert options[-1] < first_command  # Slurm reads none after it.


@pytest.mark.parametrize("missing", ["FARM", "FARM_KEY", "FARM_SERVER"])
def test_slurm_names_the_variable_that_is_missing(tmp_path: Path, missing: str) -> None:
    environment = run_command(tmp_path / "bin", _LIST_ARGUMENTS)
    environment |= {"FARM": "a", "FARM_KEY": "b", "FARM_SERVER": "c"}
    del environment[missing]
    ran = subprocess.run([SLURM], env=environment, capture_output=True, text=True, check=False)
    assert ran.returncode != 0
    assert f"{missing}: set {missing} to " in ran.stderr
    assert ran.stdout == ""


def test_commands_of_the_guide_are_understood() -> None:
    text = GUIDE.read_text(encoding="utf-8")
    blocks = "".join(re.findall(r"```bash\n(.*?)```", text, re.DOTALL)).replace("\\\n", " ")
    commands = re.findall(r"^\s*nemolocal (.+)$", blocks, re.MULTILINE)
    assert {command.split()[0] for command in commands} >= {"serve", "work", "farm", "doctor"}
    for command in commands:
        command_parser().parse_args(command.split())
    named = set(re.findall(r"examples/farm/([\w.-]+\.(?:yaml|sh))", text))
    assert named == {path.name for path in EXAMPLES.iterdir()}


@pytest.mark.ffmpeg
@pytest.mark.slow
def test_the_slurm_script_renders_parts_and_ends_when_idle(
    farm: RunningFarm, plan: RenderPlan, tmp_path: Path
) -> None:
    """Without Slurm: its variables, and the script as a program."""
    interpreter = f'#!/bin/sh\nexec "{sys.executable}" -m nemolocal "$@"\n'
    environment = run_command(tmp_path / "bin", interpreter) | {
        "FARM": farm.engine.address,
        "FARM_KEY": str(farm.key_file),
        "FARM_SERVER": farm.server.base_url,
        "FARM_IDLE_SECONDS": "20",
        "SLURM_CPUS_PER_TASK": "2",
        "SLURM_ARRAY_TASK_ID": "1",
        "SLURM_JOB_ID": "17",
    }
    log = tmp_path / "slurm.log"
    with log.open("wb") as out:
        job = subprocess.Popen([SLURM], env=environment, stdout=out, stderr=out)
        try:
            wait_until(
                lambda: "works for the queue" in log.read_text() or job.poll(), "worker ready"
            )
            rendering = farm.render(plan, tmp_path / "x.mp4")
            assert rendering.result().frames == 1200
            assert len(rendering.mentions(f":{job.pid}, fetched")) == 5, rendering.lines
            wait_until(lambda: job.poll() is not None, "the worker has nothing to do")
            assert job.returncode == 0, log.read_text()
        finally:
            job.kill()
            job.wait()
