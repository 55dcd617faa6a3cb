"""`nemolocal serve`: the server in the foreground."""

import argparse
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

from nemolocal_contract.headers import CONTROL_TOKEN

from .control_token import given_control_token
from .problem import Problem, Usage

if TYPE_CHECKING:
    from nemolocal_contract.journal import Summary
    from nemolocal_server.settings import Settings
    from nemolocal_server.silence import Silence


USUAL_FOLDER = ".nemolocal"


def run(arguments: argparse.Namespace) -> int:
    """Serve until interrupted, which is how it ends well; the base URL goes to stdout."""
    if arguments.self_check:
        from .self_check import check_faults

        return check_faults(print)
    from nemolocal_server.faults.scenario import ScenarioError
    from nemolocal_server.serving import PortTaken, serve, with_control_token
    from nemolocal_server.store import StoreError

    try:
        settings = _settings(arguments)
    except ValueError as error:
        raise Usage(str(error)) from error
    closed = with_control_token(settings)

    def announce(base_url: str) -> None:
        _announce(base_url)
        if closed.control_token != settings.control_token:
            _tell_control_token(closed.control_token)

    try:
        serve(closed, announce, _sum_up)
    except ScenarioError as error:
        raise Usage(str(error)) from error
    except (PortTaken, StoreError) as error:
        raise Problem(str(error)) from error
    except KeyboardInterrupt:
        print("stopped", file=sys.stderr)
    return 0


def _settings(arguments: argparse.Namespace) -> "Settings":
    """The file's settings with the arguments over them; raises ValueError."""
    from nemolocal_server.configuration import read_settings
    from nemolocal_server.dialect import Dialect
    from nemolocal_server.settings import FREE, Settings

    given = _given(arguments, Settings.__struct_fields__)
    if arguments.free:
        given["tariff"] = FREE
    if token := given_control_token(arguments):
        given["control_token"] = token
    if arguments.data is not None:
        given["data_dir"] = _folder(arguments.data)
    silence = _given(arguments, ("silent_rate", "silent_quota", "silent_script"))
    if silence:
        given["silence"] = _silence(**silence)
    dialect = _given(arguments, Dialect.__struct_fields__)
    settings = read_settings(_folder(arguments.config), given, dialect, arguments.preset)
    return _in_usual_folder(settings) if arguments.data is None else settings


def _in_usual_folder(settings: "Settings") -> "Settings":
    """Where nobody named a folder work is kept in the usual one, and not for ever."""
    import msgspec

    if settings.data_dir is not None:
        return settings
    return msgspec.structs.replace(settings, data_dir=Path(USUAL_FOLDER), retention=settings.keeps)


def _given(arguments: argparse.Namespace, names: tuple[str, ...]) -> dict[str, Any]:
    """The arguments of these names that were given."""
    return {name: value for name in names if (value := getattr(arguments, name, None)) is not None}


def _silence(
    silent_rate: float | None = None, silent_quota: str = "", silent_script: str = ""
) -> "Silence":
    """Which edits are silent; raises ValueError for what makes no sense."""
    from nemolocal_server.silence import Silence

    if silent_rate is not None:
        return Silence(rate=silent_rate)
    if silent_script:
        return Silence(script=silent_script)
    wanted, slash, size = silent_quota.partition("/")
    if not (slash and wanted.isdecimal() and size.isdecimal()):
        raise ValueError(f"silent quota must be K/N, for instance 3/10, not {silent_quota!r}")
    return Silence(quota=(int(wanted), int(size)))


def _folder(name: str) -> Path | None:
    return Path(name) if name else None


def _announce(base_url: str) -> None:
    print(f"Nemo Local serves {base_url} (Ctrl-C ends it)", flush=True)


def _tell_control_token(token: str) -> None:
    print(
        "Others can reach it, so the control interface needs this header: "
        f"{CONTROL_TOKEN}: {token}",
        flush=True,
    )


def _sum_up(summary: "Summary") -> None:
    """What the run would have cost; nothing where nothing was asked."""
    if summary.entries:
        print(summary.line, file=sys.stderr)
