"""`nemolocal replies`: make scripted replies from recorded traffic."""

import argparse
from pathlib import Path
from typing import Any

from ..argument_parser import add_command
from ..errors import CommandError

_DESCRIPTION = """\
Write a scenario file that makes a local server repeat the answers of a
journal: a scripted reply for each chat request, with its text, tool calls,
length, price and fault. To record a journal and use the replies:

  curl -s 'http://127.0.0.1:8787/__nemolocal__/journal?format=jsonl' \\
      -o journal.jsonl
  nemolocal replies from journal.jsonl > replies.toml
  nemolocal serve --scenario replies.toml

A journal does not contain the edits: the agent makes them again from the
message. A HAR file contains neither prices nor the truth of silent edits.
"""


def add_parser(commands: Any) -> None:
    """Add the command and its action."""
    replies = add_command(commands, "replies", "make scripted replies from a journal")
    actions = replies.add_subparsers(dest="action", metavar="ACTION", required=True)
    made = add_command(
        actions, "from", "convert a journal to a scenario of scripted replies", _DESCRIPTION
    )
    made.add_argument(
        "journal", metavar="JOURNAL", help="a journal (JSON Lines or JSON) or a HAR file"
    )
    made.add_argument("--session", metavar="ID", help="only the chat requests of this session")


def run(arguments: argparse.Namespace) -> int:
    """Print the scenario; 1 if the file cannot be read or has no answered chat request."""
    from nemolocal_conformance.traffic.journal import JournalUnreadable
    from nemolocal_conformance.traffic.journal_reader import read_journal

    from ..journal_replies import write_scenario

    try:
        entries = read_journal(Path(arguments.journal)).entries
    except JournalUnreadable as problem:
        raise CommandError(str(problem)) from problem
    if arguments.session is not None:
        entries = tuple(entry for entry in entries if entry.session_id == arguments.session)
    scenario = write_scenario(entries, f"The replies of {arguments.journal}.")
    if not scenario:
        raise CommandError(f"{arguments.journal}: no chat request was answered")
    print(scenario, end="")
    return 0
