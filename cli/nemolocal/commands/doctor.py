"""`nemolocal doctor`: checks of this installation: FFmpeg, encoders, fonts, sandbox, settings."""

import argparse
import os
import platform
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from nemolocal_contract.plurals import pluralize

from ..argument_parser import add_command
from ..attribution import installed_version
from ..farm_options import add_farm_options, farm_engine

if TYPE_CHECKING:
    from collections.abc import Iterator

    from nemolocal_farm.engine import EngineOptions

_PACKAGES = ("httpx", "imageio-ffmpeg", "msgspec", "starlette", "uvicorn")
# Nothing can be rendered without these; the others are optional.
_NEEDED = ("ffmpeg", "libx264")
_SETTINGS = "settings file"
# Of --config of `nemolocal serve`.
_CONFIG_VARIABLE = "NEMOLOCAL_CONFIG"
_REQUIRED = (*_NEEDED, _SETTINGS)
_OTHER_SYSTEMS = () if sys.platform == "darwin" else ("h264_videotoolbox",)


class Check(NamedTuple):
    """What was found: an object of `checks` in the JSON of `--json`."""

    ok: bool
    name: str
    detail: str


def add_parser(commands: Any) -> None:
    """Add the command."""
    doctor = add_command(commands, "doctor", "check FFmpeg, encoders, fonts and the sandbox")
    doctor.add_argument("--json", action="store_true", help="print the findings as JSON")
    add_farm_options(doctor, required=False)


def run(arguments: argparse.Namespace) -> int:
    """Print the findings; return 1 if nothing can be rendered or the settings are invalid."""
    checks: list[Check] = []
    for check in _checks(arguments):
        checks.append(check)
        if not arguments.json:
            print(f"{'ok ' if check.ok else 'no '} {check.name}: {check.detail}")
    failed = {one.name for one in checks if not one.ok}.intersection(_REQUIRED)
    if arguments.json:
        _print_json(checks, is_ok=not failed)
    elif missing := [name for name in _NEEDED if name in failed]:
        print(f"Nothing can be rendered without {' and '.join(missing)}.")
    elif failed:
        print("`nemolocal serve` does not start with these settings: correct the file.")
    else:
        print("Everything required works; hardware encoders and sealing are optional.")
    return int(bool(failed))


def _print_json(checks: list[Check], *, is_ok: bool) -> None:
    from ..safe_output import print_json

    found = [{**one._asdict(), "required": one.name in _REQUIRED} for one in checks]
    print_json({"ok": is_ok, "version": installed_version(), "checks": found}, indent=2)


def _checks(arguments: argparse.Namespace) -> "Iterator[Check]":
    # Imported late: it takes a fifth of the time of `--help`.
    import asyncio

    from nemolocal_client import config_folder
    from nemolocal_client.profile import CONFIG_VARIABLE
    from nemolocal_render.diagnostics import diagnose

    from ..data_folders import DATA_VARIABLE, data_folder

    engine = farm_engine(arguments)
    yield Check(True, "Nemo Local", installed_version())
    yield Check(True, "Python", f"{platform.python_version()} on {platform.platform()}")
    yield from map(_package, _PACKAGES)
    yield _folder("config folder", config_folder(), CONFIG_VARIABLE)
    yield _folder("data folder", data_folder(), DATA_VARIABLE)
    yield _settings_file()
    yield _sealing()
    for finding in asyncio.run(diagnose()):
        if finding.ok or finding.name not in _OTHER_SYSTEMS:
            yield Check(finding.ok, finding.name, finding.detail)
    if engine is not None:
        yield from asyncio.run(_farm_checks(engine))


async def _farm_checks(options: "EngineOptions") -> list[Check]:
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
        return [Check(False, "farm", str(error))]
    count = pluralize(len(workers), "worker")
    found = [
        Check(True, "farm", f"the engine answers, {count} with this key"),
        Check(True, "farm queue", queue),
    ]
    for worker in workers:
        reason = why_unfit(worker.queue, queue)
        detail = f"gets no parts from here: {reason}" if reason else "fits"
        found.append(Check(not reason, "worker", f"{worker.name}: {detail}"))
    return found


def _package(name: str) -> Check:
    from importlib.metadata import PackageNotFoundError, version

    try:
        return Check(True, name, version(name))
    except PackageNotFoundError:
        return Check(False, name, "not installed")


def _folder(name: str, folder: Path, variable: str) -> Check:
    """Check that a user's folder is writable, without creating it."""
    there = next(part for part in (folder, *folder.parents) if os.path.lexists(part))
    try:
        with tempfile.TemporaryFile(dir=there):
            return Check(True, name, str(folder))
    except OSError as error:
        reason = (error.strerror or type(error).__name__).lower()
        way_out = f"set {variable} to a writable folder"
        return Check(False, name, f"{folder} is not writable ({reason}): {way_out}")


def _settings_file() -> Check:
    """Check the file that `nemolocal serve` reads in this folder."""
    from nemolocal_server.settings_file import FILE_NAME, choose_settings_file
    from nemolocal_server.settings_loader import load_settings

    try:
        file = choose_settings_file(os.environ.get(_CONFIG_VARIABLE))
        load_settings(file)
    except ValueError as error:
        return Check(False, _SETTINGS, str(error))
    return Check(True, _SETTINGS, str(file or f"none: no {FILE_NAME} and no [tool.nemolocal] here"))


def _sealing() -> Check:
    """Check whether `nemolocal exec` can seal programs."""
    from ..exec.sealed_network import sealing_unavailable_reason

    reason = sealing_unavailable_reason()
    if reason:
        detail = f"cannot seal programs, uses a proxy and hooks instead: {reason}"
        return Check(False, "exec", detail)
    return Check(True, "exec", "seals programs in their own network namespace")
