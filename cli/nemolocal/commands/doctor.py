"""`nemolocal doctor`: checks of this installation: FFmpeg, encoders, fonts, sandbox."""

import argparse
import os
import platform
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

from nemolocal_contract.plurals import pluralize

from ..argument_parser import add_command
from ..attribution import installed_version
from ..farm_options import add_farm_options, farm_engine

if TYPE_CHECKING:
    from nemolocal_farm.engine import EngineOptions

_PACKAGES = ("httpx", "imageio-ffmpeg", "msgspec", "starlette", "uvicorn")
# Nothing can be rendered without these; the others are optional.
_NEEDED = ("ffmpeg", "libx264")
_OTHER_SYSTEMS = () if sys.platform == "darwin" else ("h264_videotoolbox",)


def add_parser(commands: Any) -> None:
    """Add the command."""
    doctor = add_command(commands, "doctor", "check FFmpeg, encoders, fonts and the sandbox")
    add_farm_options(doctor, required=False)


def run(arguments: argparse.Namespace) -> int:
    """Print the findings; return 1 if there is no FFmpeg that encodes H.264."""
    # Imported late: it takes a fifth of the time of `--help`.
    import asyncio

    from nemolocal_client import config_folder
    from nemolocal_client.profile import CONFIG_VARIABLE
    from nemolocal_render.diagnostics import diagnose

    from ..data_folders import DATA_VARIABLE, data_folder

    engine = farm_engine(arguments)
    _line(True, "Nemo Local", installed_version())
    _line(True, "Python", f"{platform.python_version()} on {platform.platform()}")
    for name in _PACKAGES:
        _line(*_package(name))
    _line(*_folder("config folder", config_folder(), CONFIG_VARIABLE))
    _line(*_folder("data folder", data_folder(), DATA_VARIABLE))
    _line(*_sealing())
    findings = asyncio.run(diagnose())
    for finding in findings:
        if finding.ok or finding.name not in _OTHER_SYSTEMS:
            _line(finding.ok, finding.name, finding.detail)
    if engine is not None:
        for one in asyncio.run(_farm_lines(engine)):
            _line(*one)
    missing = [f.name for f in findings if not f.ok and f.name in _NEEDED]
    if missing:
        print(f"Nothing can be rendered without {' and '.join(missing)}.")
        return 1
    print("Everything required works; hardware encoders and sealing are optional.")
    return 0


async def _farm_lines(options: "EngineOptions") -> list[tuple[bool, str, str]]:
    """Check the engine of a render farm, and which workers fit this installation."""
    from nemolocal_farm.build_difference import why_unfit
    from nemolocal_farm.engine import Engine, EngineUnreachable
    from nemolocal_farm.farm_build import queue_name
    from nemolocal_farm.farm_key import FarmSetupError
    from nemolocal_render.encoders import SOFTWARE_ENCODER

    try:
        queue = queue_name(options.key, SOFTWARE_ENCODER)
        workers = await Engine(options).workers()
    except (EngineUnreachable, FarmSetupError) as error:
        return [(False, "farm", str(error))]
    count = pluralize(len(workers), "worker")
    lines = [
        (True, "farm", f"the engine answers, {count} with this key"),
        (True, "farm queue", queue),
    ]
    for worker in workers:
        reason = why_unfit(worker.queue, queue)
        detail = f"gets no parts from here: {reason}" if reason else "fits"
        lines.append((not reason, "worker", f"{worker.name}: {detail}"))
    return lines


def _package(name: str) -> tuple[bool, str, str]:
    from importlib.metadata import PackageNotFoundError, version

    try:
        return True, name, version(name)
    except PackageNotFoundError:
        return False, name, "not installed"


def _folder(name: str, folder: Path, variable: str) -> tuple[bool, str, str]:
    """Check that a user's folder is writable, without creating it."""
    there = next(part for part in (folder, *folder.parents) if os.path.lexists(part))
    try:
        with tempfile.TemporaryFile(dir=there):
            return True, name, str(folder)
    except OSError as error:
        reason = (error.strerror or type(error).__name__).lower()
        way_out = f"set {variable} to a writable folder"
        return False, name, f"{folder} is not writable ({reason}): {way_out}"


def _sealing() -> tuple[bool, str, str]:
    """Check whether `nemolocal exec` can seal programs."""
    from ..exec.sealed_network import sealing_unavailable_reason

    reason = sealing_unavailable_reason()
    if reason:
        return (
            False,
            "exec",
            f"cannot seal programs, uses a proxy and hooks instead: {reason}",
        )
    return True, "exec", "seals programs in their own network namespace"


def _line(ok: bool, name: str, detail: str) -> None:
    print(f"{'ok ' if ok else 'no '} {name}: {detail}")
