"""The arguments of `nemolocal chat` and `nemolocal sessions`."""

import argparse
from typing import Any

from .fetching import add_fetch_from
from .output import add_overwrite


def add(commands: Any) -> None:
    """Add the commands."""
    about = "edit in a conversation"
    chat = commands.add_parser("chat", help=about, description=about.capitalize() + ".")
    chat.add_argument("input", nargs="*", metavar="INPUT", help="a file to upload, or a URL")
    chat.add_argument("--session", metavar="ID", help="come back to a saved session")
    add_fetch_from(chat)
    _add_server(chat)
    about = "list the sessions that were saved, or come back to one"
    sessions = commands.add_parser("sessions", help=about, description=about.capitalize() + ".")
    sessions.add_argument("session", nargs="?", metavar="ID", help="chat on in this one")
    _add_server(sessions)


def _add_server(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("-o", "--output", metavar="FILE", help="where exports go")
    add_overwrite(parser)
    parser.add_argument("--base-url", metavar="URL", help="a server; default: one of its own")
    parser.add_argument("--json", action="store_true", help="print answers as JSON, a line each")
