"""`nemolocal serve`: the server in the foreground."""

import argparse
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

from nemolocal_contract.headers import CONTROL_TOKEN

from ..argument_parser import add_command
from ..data_folders import SERVE_FOLDER
from ..errors import CommandError, UsageError
from ..shared_options import add_fetch_from, resolve_control_token

if TYPE_CHECKING:
    from nemolocal_contract.journal import Summary
    from nemolocal_server.settings import Settings
    from nemolocal_server.turns.silent_turns import SilentTurnPolicy


def add_parser(commands: Any) -> None:
    """Add the command."""
    serve = add_command(commands, "serve", "serve the contract on this machine")
    serve.add_argument("--host", help="default: 127.0.0.1")
    serve.add_argument("--port", type=int, help="default: 8787; 0 takes a free one")
    serve.add_argument(
        "--data",
        metavar="FOLDER",
        help="where everything is kept; '' keeps nothing; default: .nemolocal, from which sessions "
        "are removed that were unused for 30 days, and the longest unused above 10 GB",
    )
    serve.add_argument(
        "--no-control",
        dest="control",
        action="store_false",
        default=None,
        help="leave out /__nemolocal__/, all but health",
    )
    _add_access(serve)
    serve.add_argument("--free", action="store_true", help="charge no credits")
    add_fetch_from(serve, of_its_own=False)
    serve.add_argument("--seed", type=int, help="decides everything that is left to chance")
    serve.add_argument("--speed", type=float, help="divides the waits that the cloud would make")
    serve.add_argument("--config", default="", metavar="FILE", help="a TOML file of settings")
    serve.add_argument(
        "--clock", choices=("real", "scaled", "manual"), help="how time passes; default: real"
    )
    _add_dialect(serve)
    _add_faults(serve)


def _add_access(serve: argparse.ArgumentParser) -> None:
    group = serve.add_argument_group("network access (docs/access.md)")
    group.add_argument(
        "--allowed-host",
        dest="allowed_hosts",
        action="append",
        metavar="NAME",
        help="a host, or host:port, that clients may call it; may be given several times",
    )
    group.add_argument(
        "--public-url",
        metavar="URL",
        help="what its URLs begin with; default: the address that the client used",
    )
    group.add_argument(
        "--trusted-proxy",
        dest="trusted_proxies",
        action="append",
        metavar="ADDRESS",
        help="an IP address or network whose X-Forwarded-* is believed; may be given several times",
    )
    group.add_argument(
        "--control-token",
        metavar="TOKEN",
        help="what calls of /__nemolocal__/ must bring; default: NEMO_CONTROL_TOKEN, else one is "
        "made and printed unless only this machine can reach the server",
    )


def _add_faults(serve: argparse.ArgumentParser) -> None:
    silence = serve.add_argument_group(
        "edits that end without a word"
    ).add_mutually_exclusive_group()
    silence.add_argument("--silent-rate", type=float, metavar="R", help="this part of them")
    silence.add_argument("--silent-quota", metavar="K/N", help="exactly K of every N of a token")
    silence.add_argument(
        "--silent-script",
        metavar="TEXT",
        help="a mark for each, then anew: . told; silent: s by chance, a applied, n not applied, "
        "l applied late",
    )
    group = serve.add_argument_group("faults")
    group.add_argument("--scenario", metavar="FILE", help="faults to arm, or a scenario's name")
    group.add_argument("--chaos", type=float, metavar="P", help="chance of a fault in each request")
    group.add_argument(
        "--self-check",
        action="store_true",
        help="prove every fault on a server of its own and exit",
    )


def _add_dialect(serve: argparse.ArgumentParser) -> None:
    group = serve.add_argument_group("dialect, where public documents disagree")
    group.add_argument("--preset", help="skills (default), reference or adk")
    group.add_argument("--sse", choices=("adk", "typed"), help="shape of the events")
    group.add_argument("--heartbeat", choices=("line", "event"), help="form of heartbeats")
    group.add_argument("--heartbeat-seconds", type=float, metavar="S", help="between heartbeats")
    group.add_argument("--render", choices=("flat", "nested"), help="shape of render replies")
    group.add_argument("--errors", choices=("envelope", "http", "adk"), help="style of failures")
    group.add_argument(
        "--export-402", choices=("strict", "out_of_credits"), help="who is refused an export"
    )


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
        settings, data_dir=Path(SERVE_FOLDER), retention=settings.effective_retention
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
