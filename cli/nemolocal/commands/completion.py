"""`nemolocal completion`: a script that completes commands and options in a shell."""

import argparse
import sys
from collections.abc import Iterator
from typing import Any

from ..argument_parser import add_command

SHELLS = ("bash", "zsh", "tcsh")
_DESCRIPTION = """\
Print a script that completes commands, options and file names in a shell.

  bash   nemolocal completion bash > ~/.local/share/bash-completion/completions/nemolocal
  zsh    nemolocal completion zsh > DIR/_nemolocal    (DIR is a folder in $fpath)
  tcsh   nemolocal completion tcsh > ~/.nemolocal.tcsh    (and source it in ~/.tcshrc)
"""
# What an argument with one of these names takes.
_FILES = ("FILE", "INPUT", "JOURNAL", "RECORDING", "OLD.json")
_FOLDERS = ("FOLDER", "DIR")


def add_parser(commands: Any) -> None:
    """Add the command."""
    completion = add_command(
        commands, "completion", "print a completion script for a shell", _DESCRIPTION
    )
    completion.add_argument("shell", choices=SHELLS, help="the shell")


def run(arguments: argparse.Namespace) -> int:
    """Print the script."""
    # Imported late: only this command needs them.
    import shtab

    from ..main import command_parser

    parser = command_parser()
    for action in _arguments(parser):
        if action.metavar in _FILES:
            action.complete = shtab.FILE  # type: ignore[attr-defined]
        elif action.metavar in _FOLDERS:
            action.complete = shtab.DIRECTORY  # type: ignore[attr-defined]
    sys.stdout.write(shtab.complete(parser, arguments.shell))
    return 0


def _arguments(parser: argparse.ArgumentParser) -> Iterator[argparse.Action]:
    """Yield the arguments of a parser and of its commands."""
    for action in parser._actions:
        if isinstance(action, argparse._SubParsersAction):
            for inner in action.choices.values():
                yield from _arguments(inner)
        else:
            yield action
