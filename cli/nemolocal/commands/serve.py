"""`nemolocal serve`: runs the server in the foreground."""

import argparse
import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..argument_parser import add_command
from ..dashboard_pages import LazyDashboard
from ..data_folders import SERVE_FOLDER
from ..errors import CommandError, UsageError
from ..farm_options import add_farm_options, farm_engine
from ..option_variables import add_from_variables
from ..shared_options import add_fetch_from, resolve_control_token
from ..stdin_watch import interrupt_when_stdin_closes

if TYPE_CHECKING:
    from collections.abc import Callable

    from nemolocal_contract.journal import Summary
    from nemolocal_server.settings import Settings
    from nemolocal_server.settings_file import SettingsFile
    from nemolocal_server.turns.silent_turns import SilentTurnPolicy

_DESCRIPTION = """\
Run the mock server.

An option that is not given is read from its environment variable: that of
--silent-rate is NEMOLOCAL_SILENT_RATE. Repeated values are separated by commas;
1 sets an option that takes no value. Everything else comes from --config, or
else from nemolocal.toml in this folder, or else from [tool.nemolocal] in a
pyproject.toml of this folder or above.
"""
# Options of the dialect; the first value is the default.
_DIALECT_CHOICES = (
    ("--sse", ("adk", "typed"), "events as ADK content parts, or typed by a type field"),
    ("--heartbeat", ("line", "event"), "heartbeats as empty data lines or as events"),
    ("--render", ("flat", "nested"), "render status at the top level or nested in an object"),
    (
        "--errors",
        ("envelope", "http", "adk"),
        "errors as HTTP 200 with a code in the body, as HTTP status codes, or as ADK does",
    ),
    (
        "--export-402",
        ("strict", "out_of_credits"),
        "refuse an export with 402 for a missing attribution header (strict), or only to anonymous "
        "tokens without credits",
    ),
)


def add_parser(commands: Any) -> None:
    """Add the command."""
    serve = add_command(commands, "serve", "run the mock server", _DESCRIPTION)
    serve.set_defaults(parser=serve)
    serve.add_argument("--host", help="address to listen on (default: 127.0.0.1)")
    serve.add_argument(
        "--port", type=int, help="port to listen on; 0 picks a free port (default: 8787)"
    )
    serve.add_argument(
        "--data",
        metavar="FOLDER",
        help="data folder; '' keeps all data in memory (default: .nemolocal, where sessions unused "
        "for 30 days are removed, and the oldest ones above 10 GB)",
    )
    serve.add_argument(
        "--no-control",
        dest="control",
        action="store_false",
        default=None,
        help="disable the dashboard and the control API (/__nemolocal__/), except the health check",
    )
    serve.add_argument(
        "--no-ui", dest="ui", action="store_false", default=None, help="disable the dashboard"
    )
    serve.add_argument(
        "--stop-with-stdin",
        action="store_true",
        default=None,
        help="stop when standard input is closed, so that the server never outlives the program "
        "that started it",
    )
    _add_access(serve)
    serve.add_argument("--free", action="store_true", default=None, help="do not charge credits")
    add_fetch_from(serve, of_its_own=False)
    serve.add_argument("--seed", type=int, help="random seed (default: 0)")
    serve.add_argument(
        "--speed",
        type=float,
        help="speed up simulated delays (turns, heartbeats, queues) by this factor (default: 50)",
    )
    serve.add_argument(
        "--not-understood",
        choices=("try", "ask", "refuse"),
        help="what to do with a message that is not understood: try (make a stand-in edit, charged "
        "and marked as simulated), ask what is meant, or refuse (default: try)",
    )
    serve.add_argument(
        "--extra-uploads",
        type=_extra_uploads,
        metavar="TYPES",
        help="file types to accept in addition to those of the cloud, separated by commas: cube "
        "(LUT), srt, vtt (subtitles)",
    )
    serve.add_argument(
        "--config",
        metavar="FILE",
        help="TOML file of settings (default: nemolocal.toml or pyproject.toml, see above)",
    )
    serve.add_argument(
        "--json",
        action="store_true",
        default=None,
        help="print one line of JSON instead of text when the server is ready",
    )
    serve.add_argument(
        "--clock",
        choices=("real", "scaled", "manual"),
        help="real: only simulated delays are sped up; scaled: all time is, also the life of "
        "tokens; manual: time stands still until the control API advances it (default: real)",
    )
    _add_model(serve)
    add_farm_options(serve, required=False)
    _add_logging(serve)
    _add_dialect(serve)
    _add_faults(serve)


def _extra_uploads(text: str) -> tuple[str, ...]:
    """Read `cube,srt`; raises ArgumentTypeError for another type."""
    from nemolocal_contract.media import EXTRA_EXTENSIONS

    wanted = tuple(dict.fromkeys(name.strip() for name in text.split(",") if name.strip()))
    unknown = [name for name in wanted if name not in EXTRA_EXTENSIONS]
    if unknown:
        known = ", ".join(EXTRA_EXTENSIONS)
        raise argparse.ArgumentTypeError(f"unknown file type {unknown[0]!r}; choose from {known}")
    return wanted


def _add_model(serve: argparse.ArgumentParser) -> None:
    group = serve.add_argument_group("language model (docs/how-to/use-a-language-model.md)")
    group.add_argument(
        "--model",
        dest="model_url",
        metavar="URL",
        help="base URL of an OpenAI-compatible API: a language model to ask about messages that "
        "the rules do not understand; its key is read from NEMOLOCAL_MODEL_KEY",
    )
    group.add_argument("--model-name", metavar="NAME", help="name of the model at that URL")
    group.add_argument(
        "--model-seconds",
        type=float,
        metavar="S",
        help="time limit of an answer in seconds of real time (default: 60)",
    )
    group.add_argument(
        "--model-record", metavar="FILE", help="append the answers of the model to this file"
    )
    group.add_argument(
        "--model-replay",
        metavar="FILE",
        help="use the answers recorded in this file instead of a model",
    )


def _add_logging(serve: argparse.ArgumentParser) -> None:
    group = serve.add_argument_group("logging (to stderr)")
    group.add_argument(
        "--log-level",
        choices=("debug", "info", "warning", "error"),
        help="log messages of this level and above (default: warning)",
    )
    group.add_argument(
        "--access-log", action="store_true", default=None, help="log one line for each request"
    )


def _add_access(serve: argparse.ArgumentParser) -> None:
    group = serve.add_argument_group("network access (docs/how-to/access.md)")
    group.add_argument(
        "--allowed-host",
        dest="allowed_hosts",
        action="append",
        metavar="NAME",
        help="accept requests with this Host header (HOST or HOST:PORT); repeatable",
    )
    group.add_argument(
        "--public-url",
        metavar="URL",
        help="base of the URLs it returns (default: the address that the client used)",
    )
    group.add_argument(
        "--trusted-proxy",
        dest="trusted_proxies",
        action="append",
        metavar="ADDRESS",
        help="accept X-Forwarded-* headers from this IP address or network; repeatable",
    )
    group.add_argument(
        "--control-token",
        metavar="TOKEN",
        help="token required by the control API (default: NEMO_CONTROL_TOKEN; without it, a token "
        "is generated and printed if other machines can reach the server)",
    )


def _add_faults(serve: argparse.ArgumentParser) -> None:
    silence = serve.add_argument_group(
        "silent turns (edits whose stream ends without any text)"
    ).add_mutually_exclusive_group()
    silence.add_argument(
        "--silent-rate",
        type=float,
        metavar="R",
        help="probability that an edit is silent (default: 0.3)",
    )
    silence.add_argument(
        "--silent-quota", metavar="K/N", help="make exactly K of every N edits of a token silent"
    )
    silence.add_argument(
        "--silent-script",
        metavar="TEXT",
        help="one character per edit: . normal, s silent, or a, n, l: silent and applied, not "
        "applied, applied late; starts again after the last one",
    )
    group = serve.add_argument_group("faults")
    group.add_argument(
        "--scenario",
        metavar="FILE",
        help="scenario file (faults and scripted replies), or a built-in scenario: bad-account, "
        "hard-export, rate-limits, rough-network, silent-treatment or slow-backend",
    )
    group.add_argument(
        "--chaos",
        type=float,
        metavar="P",
        help="probability of a random fault in each request (default: 0)",
    )
    group.add_argument(
        "--self-check",
        action="store_true",
        help="verify every fault on a temporary server and exit",
    )


def _add_dialect(serve: argparse.ArgumentParser) -> None:
    group = serve.add_argument_group(
        "dialect (where public documents disagree; docs/reference/dialects.md)"
    )
    group.add_argument(
        "--preset",
        help="defaults for the options below: skills (the public skill documents), reference (the "
        "earlier API reference) or adk (the public ADK server) (default: skills)",
    )
    for option, choices, text in _DIALECT_CHOICES:
        group.add_argument(option, choices=choices, help=f"{text} (default: {choices[0]})")
    group.add_argument(
        "--heartbeat-seconds",
        type=float,
        metavar="S",
        help="seconds between heartbeats (default: 15)",
    )


def run(arguments: argparse.Namespace) -> int:
    """Serve until interrupted, with exit status 0; prints the base URL to stdout."""
    if arguments.self_check:
        from ..fault_self_check import check_faults

        return check_faults(print)
    from nemolocal_server.data.store import StoreError
    from nemolocal_server.faults.fault_scenario import ScenarioError
    from nemolocal_server.language_model.endpoint import ModelSetupError
    from nemolocal_server.logging_config import DEFAULT_LOG_LEVEL, LogOptions
    from nemolocal_server.serving import ListenError, serve, with_control_token
    from nemolocal_server.settings_file import choose_settings_file

    from ..serve_announcement import announce_server, ready_server

    add_from_variables(arguments.parser, arguments, os.environ)
    file = choose_settings_file(arguments.config)
    try:
        settings = _settings(arguments, file)
    except ValueError as error:
        raise UsageError(str(error)) from error
    closed = with_control_token(settings)
    pages = LazyDashboard() if arguments.ui is not False and settings.control else None

    extend = _farm(arguments)

    def announce(base_url: str) -> None:
        generated = closed.control_token != settings.control_token
        ready = ready_server(
            base_url,
            has_dashboard=pages is not None,
            generated_token=closed.control_token if generated else "",
            data_dir=closed.data_dir,
            file=file,
        )
        announce_server(ready, as_json=bool(arguments.json))
        if arguments.stop_with_stdin:
            interrupt_when_stdin_closes()

    try:
        log = LogOptions(arguments.log_level or DEFAULT_LOG_LEVEL, bool(arguments.access_log))
        serve(closed, announce, _print_summary, log, pages, extend)
    except (ScenarioError, ModelSetupError) as error:
        raise UsageError(str(error)) from error
    except (ListenError, StoreError) as error:
        raise CommandError(str(error)) from error
    except KeyboardInterrupt:
        print("stopped", file=sys.stderr)
    return 0


def _farm(arguments: argparse.Namespace) -> "Callable[[Any], None] | None":
    """Return what lets the app render on a farm; None without --farm."""
    options = farm_engine(arguments)
    if options is None:
        return None
    from nemolocal_farm.farm_executor import install_farm

    return lambda app: install_farm(app, options)


def _settings(arguments: argparse.Namespace, file: "SettingsFile | None") -> "Settings":
    """Return the settings of the file, overridden by the arguments; raises ValueError."""
    from nemolocal_server.dialect import Dialect
    from nemolocal_server.language_model.model_settings import ModelSettings
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
    model = {f"model_{name}": name for name in ModelSettings.__struct_fields__}
    if chosen := _given_options(arguments, tuple(model)):
        given["model"] = {model[option]: value for option, value in chosen.items()}
    dialect = _given_options(arguments, Dialect.__struct_fields__)
    settings = load_settings(file, given, dialect, arguments.preset, {"not_understood": "try"})
    return _with_default_folder(settings) if arguments.data is None else settings


def _with_default_folder(settings: "Settings") -> "Settings":
    """Return the settings with the default data folder and its retention, if none is named."""
    import msgspec

    if settings.data_dir is not None:
        return settings
    return msgspec.structs.replace(
        settings, data_dir=Path(SERVE_FOLDER), retention=settings.effective_retention
    )


def _given_options(arguments: argparse.Namespace, names: tuple[str, ...]) -> dict[str, Any]:
    """Return the given arguments among these names."""
    return {name: value for name in names if (value := getattr(arguments, name, None)) is not None}


def _silent_turn_policy(
    silent_rate: float | None = None, silent_quota: str = "", silent_script: str = ""
) -> "SilentTurnPolicy":
    """Return the policy of silent edits; raises ValueError for invalid options."""
    from nemolocal_server.turns.silent_turns import SilentTurnPolicy

    if silent_rate is not None:
        return SilentTurnPolicy(rate=silent_rate)
    if silent_script:
        return SilentTurnPolicy(script=silent_script)
    wanted, slash, size = silent_quota.partition("/")
    if not (slash and wanted.isdecimal() and size.isdecimal()):
        raise ValueError(f"silent quota must be K/N, for example 3/10, not {silent_quota!r}")
    return SilentTurnPolicy(quota=(int(wanted), int(size)))


def _folder(name: str) -> Path | None:
    return Path(name) if name else None


def _print_summary(summary: "Summary") -> None:
    """Print what the run would have cost in the cloud, and the unused replies."""
    if summary.entries:
        print(summary.line, file=sys.stderr)
    if summary.unused_replies:
        print(f"scripted replies never used: {', '.join(summary.unused_replies)}", file=sys.stderr)
