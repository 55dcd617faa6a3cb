"""`nemolocal serve`: the server in the foreground."""

import argparse
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

from nemolocal_contract.headers import CONTROL_TOKEN

from ..control_token_option import resolve_control_token
from ..errors import CommandError, UsageError

if TYPE_CHECKING:
    from nemolocal_contract.journal import Summary
    from nemolocal_server.settings import Settings
    from nemolocal_server.turns.silent_turns import SilentTurnPolicy


DEFAULT_DATA_FOLDER = ".nemolocal"


def run(arguments: argparse.Namespace) -> int:
    """Serve until interrupted, which is how it ends well; the base URL goes to stdout."""
    if arguments.self_check:
        from ..fault_self_check import check_faults

        return check_faults(print)
    from nemolocal_server.data.store import StoreError
    from nemolocal_server.faults.fault_scenario import ScenarioError
    from nemolocal_server.serving import ListenError, serve, with_control_token

    try:
        settings = _settings(arguments)
    except ValueError as error:
        raise UsageError(str(error)) from error
    closed = with_control_token(settings)

    def announce(base_url: str) -> None:
        _print_base_url(base_url)
        if closed.control_token != settings.control_token:
            _print_control_token(closed.control_token)

    try:
        serve(closed, announce, _print_summary)
    except ScenarioError as error:
        raise UsageError(str(error)) from error
    except (ListenError, StoreError) as error:
        raise CommandError(str(error)) from error
    except KeyboardInterrupt:
        print("stopped", file=sys.stderr)
    return 0


def _settings(arguments: argparse.Namespace) -> "Settings":
    """The file's settings with the arguments over them; raises ValueError."""
    from nemolocal_server.dialect import Dialect
    from nemolocal_server.settings import FREE_TARIFF, Settings
    from nemolocal_server.settings_loader import load_settings

    given = _given_options(arguments, Settings.__struct_fields__)
    if arguments.free:
        given["tariff"] = FREE_TARIFF
    if token := resolve_control_token(arguments):
        given["control_token"] = token
    if arguments.data is not None:
        given["data_dir"] = _folder(arguments.data)
    silence = _given_options(arguments, ("silent_rate", "silent_quota", "silent_script"))
    if silence:
        given["silence"] = _silent_turn_policy(**silence)
    dialect = _given_options(arguments, Dialect.__struct_fields__)
    settings = load_settings(_folder(arguments.config), given, dialect, arguments.preset)
    return _with_default_folder(settings) if arguments.data is None else settings


def _with_default_folder(settings: "Settings") -> "Settings":
    """Where nobody named a folder work is kept in the usual one, and not for ever."""
    import msgspec

    if settings.data_dir is not None:
        return settings
    return msgspec.structs.replace(
        settings, data_dir=Path(DEFAULT_DATA_FOLDER), retention=settings.effective_retention
    )


def _given_options(arguments: argparse.Namespace, names: tuple[str, ...]) -> dict[str, Any]:
    """The arguments of these names that were given."""
    return {name: value for name in names if (value := getattr(arguments, name, None)) is not None}


def _silent_turn_policy(
    silent_rate: float | None = None, silent_quota: str = "", silent_script: str = ""
) -> "SilentTurnPolicy":
    """Which edits are silent; raises ValueError for what makes no sense."""
    from nemolocal_server.turns.silent_turns import SilentTurnPolicy

    if silent_rate is not None:
        return SilentTurnPolicy(rate=silent_rate)
    if silent_script:
        return SilentTurnPolicy(script=silent_script)
    wanted, slash, size = silent_quota.partition("/")
    if not (slash and wanted.isdecimal() and size.isdecimal()):
        raise ValueError(f"silent quota must be K/N, for instance 3/10, not {silent_quota!r}")
    return SilentTurnPolicy(quota=(int(wanted), int(size)))


def _folder(name: str) -> Path | None:
    return Path(name) if name else None


def _print_base_url(base_url: str) -> None:
    print(f"Nemo Local serves {base_url} (Ctrl-C ends it)", flush=True)


def _print_control_token(token: str) -> None:
    print(
        "Others can reach it, so the control interface needs this header: "
        f"{CONTROL_TOKEN}: {token}",
        flush=True,
    )


def _print_summary(summary: "Summary") -> None:
    """What the run would have cost; nothing where nothing was asked."""
    if summary.entries:
        print(summary.line, file=sys.stderr)
