"""`nemolocal chat`: a chat in the terminal, or from a script's standard input."""

import argparse
from typing import Any

from ..argument_parser import add_command
from ..shared_options import add_fetch_from, add_session_options


def add_parser(commands: Any) -> None:
    """Add the command."""
    chat = add_command(commands, "chat", "edit in an interactive chat")
    chat.add_argument(
        "input", nargs="*", metavar="INPUT", help="a file or an http(s) URL to upload"
    )
    chat.add_argument("--session", metavar="ID", help="continue a saved session")
    add_fetch_from(chat)
    add_session_options(chat, "server to use (default: a temporary local one)")


def run(arguments: argparse.Namespace) -> int:
    """Chat until the end of the input; return 1 if a message from a script failed."""
    from ..conversation import run_conversation

    return run_conversation(arguments)
