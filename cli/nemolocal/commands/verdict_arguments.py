"""The arguments of `nemolocal verdict`."""

from typing import Any

_DESCRIPTION = """\
Judge a client by what it did: by the journal of a local server, or by an HTTP archive (HAR) of a
browser or a proxy. A journal is fetched with
curl -s 'http://127.0.0.1:8787/__nemolocal__/journal?format=jsonl' -o journal.jsonl
Exits with 0 (nothing failed), 1 (something did), or 2 (wrong usage, unreadable, or nothing to
judge).
"""


def add_verdict(commands: Any) -> None:
    """Add the command."""
    verdict = commands.add_parser(
        "verdict",
        help="judge a client by the journal of a local server",
        description=_DESCRIPTION,
    )
    verdict.add_argument("journal", nargs="?", metavar="JOURNAL", help="JSON lines, JSON or HAR")
    whose = verdict.add_mutually_exclusive_group()
    whose.add_argument("--token", type=int, metavar="N", help="only the client with this token id")
    whose.add_argument("--user", metavar="ID", help="only the client with this user id")
    verdict.add_argument(
        "--only",
        action="append",
        default=[],
        metavar="PREFIX",
        help="checks whose id begins so; may be given several times",
    )
    verdict.add_argument(
        "--speed",
        type=float,
        metavar="S",
        help="how fast waits passed, where the journal does not say",
    )
    verdict.add_argument("--list", action="store_true", help="list the checks and exit")
    verdict.add_argument("--explain", metavar="ID", help="explain one check and exit")
    verdict.add_argument("--json", action="store_true", help="print the report as JSON")
