"""`nemolocal edit`: edits files by text instructions and exports the result."""

import argparse
from typing import Any

from ..argument_parser import add_command
from ..errors import UsageError
from ..shared_options import add_fetch_from, add_like_cloud, add_overwrite, add_reconnect


def add_parser(commands: Any) -> None:
    """Add the command."""
    edit = add_command(commands, "edit", "edit video files by text instructions")
    edit.add_argument(
        "input",
        nargs="*",
        metavar="INPUT",
        help="a file, or an http(s) URL of a host named by --fetch-from; several are joined; "
        "may be omitted if a message generates clips",
    )
    edit.add_argument(
        "-m",
        "--message",
        action="append",
        default=[],
        metavar="TEXT",
        help="an edit instruction; repeatable, applied in order",
    )
    edit.add_argument(
        "-o", "--output", metavar="FILE", help="output file (default: <INPUT>-edited.mp4)"
    )
    edit.add_argument(
        "--out-dir", metavar="DIR", help="edit each INPUT separately and write the results to DIR"
    )
    add_overwrite(edit)
    edit.add_argument(
        "--base-url",
        metavar="URL",
        help="server to use (default: a temporary local one, free and never silent)",
    )
    add_fetch_from(edit)
    add_like_cloud(edit)
    edit.add_argument(
        "--session", metavar="ID", help="continue a saved session (see `nemolocal sessions`)"
    )
    edit.add_argument("--json", action="store_true", help="print the result as JSON")
    edit.add_argument(
        "--no-keep-token",
        action="store_true",
        help="do not save the token and the client id in the config folder",
    )
    add_reconnect(edit)


def run(arguments: argparse.Namespace) -> int:
    """Edit the files together or one by one, after checking the arguments."""
    from nemolocal_client.client_flows import validate_text

    from ..edit_batch import run_batch
    from ..input_text import decode_argument
    from ..single_edit import edit_and_export

    arguments.message = [
        validate_text(decode_argument(text), "the message") for text in arguments.message
    ]
    if arguments.out_dir is not None:
        _check_batch_usage(arguments)
    _check_usage(arguments)
    return edit_and_export(arguments) if arguments.out_dir is None else run_batch(arguments)


def _check_batch_usage(arguments: argparse.Namespace) -> None:
    if arguments.output is not None or arguments.session:
        raise UsageError(
            "--out-dir cannot be combined with --output or --session: remove one of them"
        )
    if not arguments.input:
        raise UsageError("nothing to edit: --out-dir needs INPUT files")


def _check_usage(arguments: argparse.Namespace) -> None:
    if not all(message.strip() for message in arguments.message):
        raise UsageError("a message is empty: give an instruction with -m")
    if not arguments.message and not arguments.session:
        nothing = "nothing to do" if arguments.input else "nothing to edit"
        named = "give " if arguments.input else "give an INPUT file or a saved --session, and "
        raise UsageError(f"{nothing}: {named}an instruction with -m")
