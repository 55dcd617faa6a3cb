"""The command `nemolocal`: reads the arguments and calls the one sub-command that is meant.

Sub-commands are imported when they are called, so that `--help` answers at once.
"""

import argparse
import functools
import importlib
import os
import sys
from collections.abc import Sequence
from typing import Any

from .argument_parser import SuggestingParser, add_command, add_like_cloud
from .attribution import installed_version
from .commands import (
    bench_arguments,
    chat_arguments,
    clean_arguments,
    conform_arguments,
    conform_client_arguments,
    exec_arguments,
    skill_arguments,
    verdict_arguments,
)
from .fetch_option import add_fetch_from
from .overwrite_option import add_overwrite
from .safe_output import sanitized_output
from .shared_options import add_reconnect

# Of a text that is complained of, in characters.
_MAX_SHOWN = 60
_EXAMPLES = """\
examples:
  nemolocal demo
  nemolocal edit clip.mp4 -m "trim to the first 10 seconds" -o short.mp4
  nemolocal edit *.mov -m "make it vertical" --out-dir vertical
  nemolocal chat clip.mp4
  nemolocal serve --port 8787
  nemolocal edit clip.mp4 -m "add a title 'Hi'" --base-url http://127.0.0.1:8787
"""


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command; 0, 1 for a failure, 2 for wrong usage, 130 when interrupted.

    What a signal that ends the process makes of it is for `terminating_in_order` to say.
    """
    with sanitized_output():
        return _run(argv)


def _run(argv: Sequence[str] | None) -> int:
    arguments = _parser().parse_args(argv)
    # Imported late: `--help` and `--version` need none of it.
    from nemolocal_client.errors import NemoError

    from .errors import CommandError

    try:
        run = importlib.import_module(f".commands.{arguments.command}", __package__).run
        status: int = run(arguments)
        sys.stdout.flush()
    except (NemoError, CommandError) as error:
        print(f"nemolocal: {error}", file=sys.stderr)
        return error.exit_status if isinstance(error, CommandError) else 1
    except UnicodeEncodeError as error:
        # Of the command line or the environment: nothing else has what stands for bad bytes.
        text = str(error.object)[:_MAX_SHOWN]
        print(f"nemolocal: {text!r} is no valid text: write it as UTF-8", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("nemolocal: interrupted", file=sys.stderr)
        return 130
    except BrokenPipeError:
        # Whoever read us has gone; the interpreter must not try to flush to them again.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 1
    return status


@functools.cache
def _parser() -> argparse.ArgumentParser:
    parser = SuggestingParser(
        prog="nemolocal",
        description="NemoVideo on your own machine: a server that really renders, and its client.",
        epilog=_EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--version", action="version", version=f"nemolocal {installed_version()}")
    commands = parser.add_subparsers(dest="command", metavar="COMMAND", required=True)
    _add_demo(commands)
    _add_edit(commands)
    chat_arguments.add_chat(commands)
    _add_serve(commands)
    skill_arguments.add_skill(commands)
    exec_arguments.add_exec(commands)
    conform_arguments.add_conform(commands)
    conform_client_arguments.add_conform_client(commands)
    verdict_arguments.add_verdict(commands)
    bench_arguments.add_bench(commands)
    clean_arguments.add_clean(commands)
    add_command(commands, "doctor", "say what was found on this machine")
    return parser


def _add_demo(commands: Any) -> None:
    demo = add_command(commands, "demo", "go the whole way once, from a sample to an MP4")
    demo.add_argument("input", nargs="?", metavar="INPUT", help="a file of yours instead")
    demo.add_argument(
        "-o", "--output", metavar="FILE", help="the film; default: nemolocal-demo.mp4"
    )
    add_overwrite(demo)
    add_like_cloud(demo)


def _add_edit(commands: Any) -> None:
    edit = add_command(commands, "edit", "edit files by instructions")
    edit.add_argument(
        "input", nargs="*", metavar="INPUT", help="a file, or an http(s) URL; none to generate"
    )
    edit.add_argument(
        "-m",
        "--message",
        action="append",
        default=[],
        metavar="TEXT",
        help="an instruction; may be given several times",
    )
    edit.add_argument(
        "-o", "--output", metavar="FILE", help="the film; default: <INPUT>-edited.mp4"
    )
    edit.add_argument("--out-dir", metavar="DIR", help="edit each INPUT by itself, into DIR")
    add_overwrite(edit)
    edit.add_argument("--base-url", metavar="URL", help="a server; default: one of its own")
    add_fetch_from(edit)
    add_like_cloud(edit)
    edit.add_argument("--session", metavar="ID", help="come back to a saved session")
    edit.add_argument("--json", action="store_true", help="print the outcome as JSON")
    edit.add_argument(
        "--no-keep-token",
        action="store_true",
        help="do not keep the token and the client id in the config folder",
    )
    add_reconnect(edit)


def _add_serve(commands: Any) -> None:
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
    group = serve.add_argument_group("network access (docs/how-to/access.md)")
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
