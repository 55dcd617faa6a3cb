"""`nemolocal recording`: shows what is in a recording."""

import argparse
from pathlib import Path
from typing import Any

from ..argument_parser import add_command
from ..errors import UsageError

_SHOW = """\
Print everything that is in a recording: all that would leave this machine if
you gave the file to somebody.

Exit status: 0, or 2 if the file cannot be read.
"""


def add_parser(commands: Any) -> None:
    """Add the command."""
    recording = add_command(commands, "recording", "show a recording of `nemolocal record`")
    actions = recording.add_subparsers(dest="action", metavar="ACTION", required=True)
    show = add_command(actions, "show", "print everything that is in a recording", _SHOW)
    show.add_argument("file", metavar="FILE", help="a recording")


def run(arguments: argparse.Namespace) -> int:
    """Print the recording; return 0."""
    from nemolocal_recording.recording import assemble
    from nemolocal_recording.recording_file import RecordingUnreadable, read_lines
    from nemolocal_recording.recording_text import recording_lines

    try:
        found = assemble(read_lines(Path(arguments.file)))
    except RecordingUnreadable as problem:
        raise UsageError(str(problem)) from None
    for line in recording_lines(found):
        print(line)
    return 0
