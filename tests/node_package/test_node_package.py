"""The npm package in `clients/node`: its own tests, its examples, and what belongs to it."""

import json
import os
import shutil
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from pathlib import Path
from uuid import uuid4

import psutil
import pytest

ROOT = Path(__file__).parents[2]
PACKAGE = ROOT / "clients" / "node"
NODE, NPM = shutil.which("node"), shutil.which("npm")
# Set for a run, and so for every process that it starts.
MARKER = "NEMOLOCAL_TEST_RUN"
# Longer than any machine is busy.
PATIENCE = 240.0

pytestmark = pytest.mark.sources
needs_node = pytest.mark.skipif(NODE is None, reason="there is no node on the PATH")


@pytest.fixture
def environment() -> dict[str, str]:
    """Variables with which the package runs the server of this environment, and a marker."""
    others = {k: v for k, v in os.environ.items() if not k.startswith(("NEMO_", "NEMOLOCAL_CO"))}
    command = json.dumps([sys.executable, "-m", "nemolocal"])
    return {**others, "NEMOLOCAL_COMMAND": command, MARKER: uuid4().hex}


@pytest.fixture
def registry() -> None:
    """Skip where the npm registry is not reached."""
    if NPM is None:
        pytest.skip("there is no npm on the PATH")
    asked = subprocess.run(
        [NPM, "view", "vitest", "name", *"--fetch-retries=0 --fetch-timeout=60000".split()],
        capture_output=True,
        check=False,
    )
    if asked.returncode:
        pytest.skip("the npm registry is not reached")


def run(words: list[str | None], folder: Path, environment: dict[str, str]) -> str:
    """Run a program that must succeed and leave no process; return its output."""
    command = [str(word) for word in words]
    ran = subprocess.run(
        command,
        cwd=folder,
        env=environment,
        text=True,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        check=False,
    )
    assert ran.returncode == 0, ran.stdout
    _, alive = psutil.wait_procs(list(processes_of(environment[MARKER])), timeout=PATIENCE)
    assert alive == []
    return ran.stdout


def processes_of(run_id: str) -> Iterator[psutil.Process]:
    """The processes of a run."""
    for process in psutil.process_iter():
        try:
            if process.environ().get(MARKER) == run_id:
                yield process
        except psutil.Error:  # of another user, or just ended
            continue


@needs_node
def test_package_drives_a_server(environment: dict[str, str]) -> None:
    run([NODE, "--test", "test/local_server.test.mjs"], PACKAGE, environment)


def test_package_has_the_version_of_the_project_and_no_dependency() -> None:
    described = json.loads((PACKAGE / "package.json").read_text(encoding="utf-8"))
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    assert described["version"] == project["version"]
    assert not {"dependencies", "peerDependencies", "optionalDependencies"} & set(described)


@needs_node
@pytest.mark.slow
def test_server_ends_with_the_program_that_started_it(environment: dict[str, str]) -> None:
    run([NODE, "--test", "test/server_process.test.mjs"], PACKAGE, environment)


@needs_node
@pytest.mark.slow
@pytest.mark.usefixtures("registry")
@pytest.mark.parametrize("runner", ["vitest", "jest"])
def test_example_project_passes(runner: str, environment: dict[str, str], tmp_path: Path) -> None:
    copied = tmp_path / "node"
    shutil.copytree(PACKAGE, copied, ignore=shutil.ignore_patterns("node_modules"))
    example = copied / "examples" / runner
    run([NPM, "install", "--no-audit", "--no-fund"], example, environment)
    output = run([NPM, "test"], example, environment)
    assert "3 passed" in output


@needs_node
@pytest.mark.slow
@pytest.mark.skipif(NPM is None, reason="there is no npm on the PATH")
def test_packed_package_has_its_modules_and_types_and_no_tests(tmp_path: Path) -> None:
    command = [str(NPM), "pack", "--dry-run", "--json", str(PACKAGE)]
    packed = subprocess.run(command, cwd=tmp_path, capture_output=True, check=True)
    names = {file["path"] for file in json.loads(packed.stdout)[0]["files"]}
    modules = {path.relative_to(PACKAGE).as_posix() for path in PACKAGE.glob("lib/*.js")}
    assert names >= modules | {"index.js", "index.mjs", "index.d.ts", "index.d.mts", "README.md"}
    assert not [name for name in names if name.startswith(("test/", "examples/"))]
