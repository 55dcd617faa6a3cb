"""`nemolocal mcp`: offers a local server and the skill checks to a coding agent."""

import argparse
import os
import sys
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..argument_parser import add_command
from ..errors import CommandError, UsageError
from ..shared_options import CONTROL_TOKEN_VARIABLE, resolve_control_token

if TYPE_CHECKING:
    from ..mcp_server.server_control import ServerInUse

_DESCRIPTION = """\
Serve tools for a coding agent over the Model Context Protocol (MCP) on standard
input and output: start a local server, read its journal, arm faults, script
replies, advance the clock, check and run skill documents. A coding tool runs
this command by itself (docs/how-to/use-a-coding-agent.md).
"""


def add_parser(commands: Any) -> None:
    """Add the command."""
    mcp = add_command(commands, "mcp", "serve tools for a coding agent (MCP)", _DESCRIPTION)
    mcp.add_argument(
        "--folder",
        action="append",
        default=[],
        metavar="FOLDER",
        help="folder in which the tools may read skill documents; repeatable (default: the roots "
        "that the coding tool shares)",
    )
    mcp.add_argument(
        "--base-url",
        metavar="URL",
        help="use the local server that runs at this URL; the tools that start and stop one are "
        "not offered",
    )
    mcp.add_argument(
        "--control-token",
        metavar="TOKEN",
        help=f"token of its control API (default: {CONTROL_TOKEN_VARIABLE})",
    )


def run(arguments: argparse.Namespace) -> int:
    """Serve until standard input ends, with exit status 0; stdout has the protocol alone."""
    server = _server_in_use(arguments)
    folders = [_folder(name) for name in arguments.folder]
    _require_extra()
    if sys.stdin is None or sys.stdout is None:
        raise CommandError("standard input or output is closed: let a coding tool run the command")
    if sys.stdin.isatty():
        print("waiting for an MCP client on standard input (Ctrl-C ends it)", file=sys.stderr)
    import asyncio

    from ..mcp_server.protocol_server import serve_tools

    asyncio.run(serve_tools(server, folders))
    return 0


def _server_in_use(arguments: argparse.Namespace) -> "ServerInUse | None":
    """Return the server of --base-url; raises `UsageError`."""
    url = arguments.base_url
    if url is None:
        if arguments.control_token:
            raise UsageError("--control-token needs --base-url: the tools know that of their own")
        return None
    if not url.startswith(("http://", "https://")):
        raise UsageError(f"--base-url must be a URL such as http://127.0.0.1:8787, not {url!r}")
    from ..mcp_server.server_control import ServerInUse

    return ServerInUse(url.rstrip("/"), resolve_control_token(arguments))


def _folder(name: str) -> Path:
    if not os.path.isdir(name):
        raise UsageError(f"--folder: not a folder: {name!r}: check the name")
    return Path(os.path.realpath(name))


def _require_extra() -> None:
    """Raise `CommandError` if the SDK is not installed."""
    try:
        is_missing = find_spec("mcp") is None
    except ValueError:  # one that this process may not import
        is_missing = True
    if is_missing:
        raise CommandError("this needs the MCP SDK: pip install 'nemolocal[mcp]'")
