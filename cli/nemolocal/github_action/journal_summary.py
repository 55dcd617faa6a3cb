"""The journal of a server as Markdown, for the page of a workflow run."""

from collections.abc import Sequence
from urllib.parse import urlsplit

from nemolocal_conformance.reports.markdown import escape_markdown
from nemolocal_contract.journal import Entry
from nemolocal_contract.plurals import pluralize

# A page may be a megabyte long.
_MOST_ROWS = 200
_MOST_MESSAGE = 80
_HEAD = "| entry | request | status | code | seconds | turn |\n|---|---|---|---|---|---|\n"


def journal_table(line: str, entries: Sequence[Entry]) -> str:
    """Return the summary line of the server and a row for each of the last 200 entries."""
    if not entries:
        return "No request reached the server.\n"
    shown = entries[-_MOST_ROWS:]
    title = f"Journal: {pluralize(len(entries), 'request')}"
    if len(shown) < len(entries):
        title += f", the last {len(shown)} are shown"
    rows = "".join(map(_row, shown))
    head = f"{escape_markdown(line)}\n\n<details><summary>{title}</summary>\n\n{_HEAD}"
    return f"{head}{rows}\n</details>\n"


def _row(entry: Entry) -> str:
    cells = (
        str(entry.id),
        escape_markdown(f"{entry.method} {urlsplit(entry.url).path}"),
        str(entry.status or "none"),
        "" if entry.code is None else str(entry.code),
        f"{entry.ended - entry.started:.2f}",
        _turn(entry),
    )
    return f"| {' | '.join(cells)} |\n"


def _turn(entry: Entry) -> str:
    if entry.turn is None:
        return ""
    message = entry.turn.message
    shown = message if len(message) <= _MOST_MESSAGE else f"{message[:_MOST_MESSAGE]}…"
    silent = ", silent" if entry.turn.silent else ""
    return f"{escape_markdown(shown)} ({entry.turn.truth.replace('_', ' ')}{silent})"
