"""`nemolocal sessions`: lists saved sessions and continues one."""

import argparse
import shutil
import sys
from datetime import datetime
from typing import TYPE_CHECKING, Any, NamedTuple

from ..argument_parser import add_command
from ..shared_options import add_session_options

if TYPE_CHECKING:
    from nemolocal_client import KeptSession

_SHOWN_FILES = 2
_NARROW = 64


class ListedSession(NamedTuple):
    """A session and its server; `base_url` is None for a local chat."""

    base_url: str | None
    session: "KeptSession"


def add_parser(commands: Any) -> None:
    """Add the command."""
    sessions = add_command(commands, "sessions", "list saved sessions, or continue one")
    sessions.add_argument(
        "session", nargs="?", metavar="ID", help="continue this session in a chat"
    )
    add_session_options(sessions, "list only the sessions of this server")


def run(arguments: argparse.Namespace) -> int:
    """List the sessions, or continue one in a chat."""
    if arguments.session:
        from ..conversation import run_conversation

        arguments.input, arguments.fetch_from = [], None
        return run_conversation(arguments)
    known = _saved_sessions(arguments.base_url)
    for each in known:
        print(_as_json(each) if arguments.json else _as_line(each))
    if not known and not arguments.json:
        print("No saved sessions: start one with `nemolocal chat`")
    return 0


def _saved_sessions(base_url: str | None) -> list[ListedSession]:
    """Return the sessions of one server, or of all, the newest first."""
    from nemolocal_client import Profile
    from nemolocal_client.httpx_adapter import plain_base_url

    from ..saved_chats import saved_chat_sessions

    found = [ListedSession(url, saved) for url, saved in Profile().all_sessions()]
    if base_url:
        found = [each for each in found if each.base_url == plain_base_url(base_url)]
    else:
        found += [ListedSession(None, saved) for _, saved in saved_chat_sessions()]
    return sorted(found, key=lambda each: (-each.session.used_at, each.session.session_id))


def _as_json(known: ListedSession) -> str:
    import msgspec

    from ..safe_output import format_json

    return format_json({"base_url": known.base_url, **msgspec.structs.asdict(known.session)})


def _as_line(known: ListedSession) -> str:
    """Return a line with the id, the last use, a description and the server."""
    saved = known.session
    used = datetime.fromtimestamp(saved.used_at).isoformat(" ", "minutes")
    line = f"{saved.session_id}  {used}  {_description(saved)}"
    if known.base_url:
        line += f"  {known.base_url}"
    if not sys.stdout.isatty():
        return line
    return _fitted(saved.session_id, line)


def _fitted(session: str, line: str) -> str:
    """Fit a line to the terminal; use two lines if it is narrow, since the id must be complete."""
    from ..timeline_view import fit_to_width

    width = shutil.get_terminal_size().columns
    if width >= _NARROW:
        return fit_to_width(line, width).rstrip()
    rest = line.removeprefix(session).strip()
    return f"{session}\n  {fit_to_width(rest, max(width - 2, 1)).rstrip()}"


def _description(saved: "KeptSession") -> str:
    """Return the files, the newest first, and the last message, or else the task name."""
    names = list(dict.fromkeys(reversed(saved.files)))
    files = ", ".join(names[:_SHOWN_FILES])
    if len(names) > _SHOWN_FILES:
        files += f" and {len(names) - _SHOWN_FILES} more"
    said = f'"{saved.last_message}"' if saved.last_message else ""
    return ": ".join(filter(None, (files, said))) or " ".join(saved.task_name.split())
