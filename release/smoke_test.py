"""Tries a wheel in a new environment: what a user does first must work."""

import os
import subprocess
import sys
from pathlib import Path

from .release_text import ReleaseError, project_version, read_project

_DEMO = "demo.mp4"


def install(wheel: Path, python: str, folder: Path) -> Path:
    """Install a wheel, without extras, in a new environment in `folder`; return its Python."""
    environment = folder / "environment"
    subprocess.run(["uv", "venv", "--quiet", "--python", python, str(environment)], check=True)
    installed = environment / ("Scripts" if sys.platform == "win32" else "bin") / "python"
    _uv_pip("install", "--quiet", "--python", str(installed), str(wheel))
    _uv_pip("check", "--quiet", "--python", str(installed))
    return installed


def try_wheel(root: Path, python: Path, folder: Path) -> None:
    """Import every package, make the demo's film and check the server.

    Raises `ReleaseError` for a wrong version or a film that is missing, `CalledProcessError` for
    anything else that fails.
    """
    work = folder / "work"
    work.mkdir()
    own = {"NEMOLOCAL_CONFIG_DIR": str(work / "config"), "NEMOLOCAL_DATA_DIR": str(work / "data")}
    outside = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}

    def run(program: str, *words: str) -> str:
        command = [str(python.with_name(program)), *words]
        environment = {**outside, **own}
        ended = subprocess.run(
            command, cwd=work, env=environment, stdout=subprocess.PIPE, text=True, check=False
        )
        if ended.returncode:
            print(ended.stdout, file=sys.stderr)
            ended.check_returncode()
        return ended.stdout

    run("python", "-W", "error", "-c", f"import {', '.join(_packages(root))}")
    version = project_version(root)
    if (said := run("nemolocal", "--version").strip()) != f"nemolocal {version}":
        raise ReleaseError(f"nemolocal --version says {said!r}, not 'nemolocal {version}'")
    run("nemolocal", "doctor")
    run("nemolocal", "demo", "-o", _DEMO)
    if not (work / _DEMO).stat().st_size:
        raise ReleaseError(f"nemolocal demo wrote an empty {_DEMO}")
    run("nemolocal", "conform", "--smoke")


def resolve_extras(root: Path, wheel: Path, python: Path) -> None:
    """Require that every extra can be installed on this Python, without installing it."""
    extras = ",".join(read_project(root)["project"]["optional-dependencies"])
    target = f"nemolocal[{extras}] @ {wheel.as_uri()}"
    _uv_pip("install", "--quiet", "--dry-run", "--python", str(python), target)


def _packages(root: Path) -> list[str]:
    """Return the names of all packages in the wheel."""
    paths = read_project(root)["tool"]["hatch"]["build"]["targets"]["wheel"]["packages"]
    return [str(path).rpartition("/")[2] for path in paths]


def _uv_pip(*words: str) -> None:
    subprocess.run(["uv", "pip", *words], check=True)
