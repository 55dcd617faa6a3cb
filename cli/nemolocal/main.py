"""The command `nemolocal`: parses the arguments and runs the sub-command.

Commands import what they need when they run, so that `--help` is fast.
"""

import argparse
import functools
import os
import sys
from collections.abc import Sequence
from types import ModuleType

from .argument_parser import SuggestingParser
from .attribution import installed_version
from .commands import (
    bench,
    chat,
    clean,
    completion,
    conform,
    conform_client,
    demo,
    doctor,
    drift,
    edit,
    exec as exec_command,
    farm,
    learn,
    mcp,
    record,
    recording,
    replies,
    serve,
    sessions,
    skill,
    verdict,
    work,
)
from .errors import CommandError
from .safe_output import sanitized_output

# In the order of the help.
_COMMANDS: dict[str, ModuleType] = {
    "demo": demo,
    "edit": edit,
    "chat": chat,
    "sessions": sessions,
    "serve": serve,
    "work": work,
    "farm": farm,
    "skill": skill,
    "exec": exec_command,
    "mcp": mcp,
    "record": record,
    "recording": recording,
    "learn": learn,
    "drift": drift,
    "conform": conform,
    "conform-client": conform_client,
    "verdict": verdict,
    "replies": replies,
    "bench": bench,
    "clean": clean,
    "doctor": doctor,
    "completion": completion,
}
# Characters of an invalid text in an error.
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
    """Run the command; return 0, 1 for a failure, 2 for wrong usage, 130 when interrupted.

    `graceful_termination` handles the signals that end the process.
    """
    with sanitized_output():
        return _run(argv)


def _run(argv: Sequence[str] | None) -> int:
    words = sys.argv[1:] if argv is None else list(argv)
    if words[:1] == ["help"]:  # As in git: `nemolocal help edit`.
        words = [*words[1:], "--help"]
    arguments = command_parser().parse_args(words)
    try:
        status: int = _COMMANDS[arguments.command].run(arguments)
        sys.stdout.flush()
    except _reported_errors() as error:
        print(f"nemolocal: {error}", file=sys.stderr)
        return error.exit_status if isinstance(error, CommandError) else 1
    except UnicodeEncodeError as error:
        # From the command line or the environment: nothing else contains surrogates.
        text = str(error.object)[:_MAX_SHOWN]
        print(f"nemolocal: invalid text {text!r}: use UTF-8", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("nemolocal: interrupted", file=sys.stderr)
        return 130
    except BrokenPipeError:
        # The reader of the pipe is gone; the interpreter must not flush to it again.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 1
    return status


class _Version(argparse.Action):
    """Prints the version, which is looked up only now: that takes as long as all of `--help`."""

    def __call__(self, parser: argparse.ArgumentParser, *_: object) -> None:
        print(f"nemolocal {installed_version()}")
        parser.exit()


def _reported_errors() -> tuple[type[Exception], ...]:
    """Return the errors that are reported in a line.

    Called when a command has failed: the others need no HTTP client.
    """
    from nemolocal_client.errors import NemoError

    return (NemoError, CommandError)


@functools.cache
def command_parser() -> argparse.ArgumentParser:
    """Return the parser of the whole command."""
    parser = SuggestingParser(
        prog="nemolocal",
        description="A local mock of the NemoVideo cloud that performs real edits and renders.",
        epilog=_EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument(
        "--version", action=_Version, nargs=0, help="show program's version number and exit"
    )
    commands = parser.add_subparsers(dest="command", metavar="COMMAND", required=True)
    for command in _COMMANDS.values():
        command.add_parser(commands)
    return parser
