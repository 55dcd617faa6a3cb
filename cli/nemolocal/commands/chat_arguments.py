"""The arguments of `nemolocal chat` and `nemolocal sessions`."""

import argparse
from typing import Any

from ..argument_parser import add_command, add_like_cloud
from ..fetch_option import add_fetch_from
from ..overwrite_option import add_overwrite
from ..shared_options import add_reconnect


def add_chat(commands: Any) -> None:
    """Add the commands."""
    chat = add_command(commands, "chat", "edit in a conversation")
    chat.add_argument("input", nargs="*", metavar="INPUT", help="a file to upload, or a URL")
    chat.add_argument("--session", metavar="ID", help="come back to a saved session")
    add_fetch_from(chat)
    _add_server(chat, "a server; default: one of its own")
    sessions = add_command(
        commands, "sessions", "list the sessions that were saved, or come back to one"
    )
    sessions.add_argument("session", nargs="?", metavar="ID", help="chat on in this one")
    _add_server(sessions, "only the sessions of this server")


def _add_server(parser: argparse.ArgumentParser, server: str) -> None:
    parser.add_argument(
        "-o", "--output", metavar="FILE", help="where exports go; default: nemolocal-chat.mp4"
    )
    add_overwrite(parser)
    parser.add_argument("--base-url", metavar="URL", help=server)
    add_like_cloud(parser)
    parser.add_argument("--json", action="store_true", help="print answers as JSON, a line each")
    add_reconnect(parser)
