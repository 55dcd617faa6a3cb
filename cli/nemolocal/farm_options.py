"""The options of commands that take part in a render farm."""

import argparse
import os
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING

from .errors import CommandError, UsageError

if TYPE_CHECKING:
    from nemolocal_farm.engine import EngineOptions

API_KEY_VARIABLE = "NEMOLOCAL_FARM_API_KEY"
_NAMESPACE = "default"
_PACKAGES = ("temporalio",)


def add_farm_options(parser: argparse.ArgumentParser, *, required: bool) -> None:
    """Add the options that say where the engine of the farm is."""
    group = parser.add_argument_group("render farm (docs/how-to/render-on-many-machines.md)")
    group.add_argument(
        "--farm",
        metavar="HOST:PORT",
        required=required,
        help="address of the Temporal server that hands out the parts of renders",
    )
    group.add_argument(
        "--farm-key",
        metavar="FILE",
        required=required,
        help="key that `nemolocal farm key` made, the same for the server and all workers",
    )
    group.add_argument(
        "--farm-namespace",
        metavar="NAME",
        help="namespace of the Temporal server (default: default)",
    )
    group.add_argument(
        "--farm-tls",
        nargs=3,
        metavar=("CERT", "KEY", "CA"),
        help="connect with TLS: PEM files of the client certificate, its key, and the authority "
        f"(an API key is read from {API_KEY_VARIABLE})",
    )


def require_farm_extra() -> None:
    """Raise CommandError if the packages of the extra `farm` are not installed."""
    try:
        is_missing = any(find_spec(name) is None for name in _PACKAGES)
    except ValueError:  # one that this process may not import
        is_missing = True
    if is_missing:
        raise CommandError("a farm needs more packages: pip install 'nemolocal[farm]'")


def farm_engine(arguments: argparse.Namespace) -> "EngineOptions | None":
    """Return where the engine is, or None without --farm; raises UsageError and CommandError."""
    if not arguments.farm:
        if arguments.farm_key:
            raise UsageError("--farm-key needs --farm HOST:PORT, the address of the farm")
        return None
    require_farm_extra()
    return engine_options(arguments)


def engine_options(arguments: argparse.Namespace) -> "EngineOptions":
    """Return where the engine is; raises UsageError and CommandError."""
    from nemolocal_farm.engine import EngineOptions
    from nemolocal_farm.farm_key import FarmSetupError, read_farm_key

    host, _, port = arguments.farm.rpartition(":")
    if not host or not port.isdecimal() or not 0 < int(port) < 65536:
        raise UsageError(f"--farm must be HOST:PORT, not {arguments.farm!r}")
    if not arguments.farm_key:
        raise UsageError("--farm needs --farm-key FILE; `nemolocal farm key FILE` makes one")
    files = [Path(name) for name in arguments.farm_tls or ()]
    for path in files:
        if not path.is_file():
            raise UsageError(f"--farm-tls: file not found: {path}")
    try:
        key = read_farm_key(Path(arguments.farm_key))
    except FarmSetupError as error:
        raise CommandError(str(error)) from error
    return EngineOptions(
        address=arguments.farm,
        key=key,
        namespace=arguments.farm_namespace or _NAMESPACE,
        tls=(files[0], files[1], files[2]) if files else None,
        api_key=os.environ.get(API_KEY_VARIABLE, ""),
    )
