"""`nemolocal clean`: removes old sessions and leftovers of killed commands."""

import argparse
import contextlib
import os
import re
import shutil
import tempfile
from collections.abc import Iterable, Iterator
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from nemolocal_contract.plurals import pluralize, sized

from ..argument_parser import add_command
from ..data_folders import SERVE_FOLDER
from ..errors import CommandError

if TYPE_CHECKING:
    from nemolocal_server.retention.cleanup import CleanupPlan, UnusedSession

_DESCRIPTION = """\
Free disk space: remove the temporary files of killed commands and, from a
data folder, partial uploads, files without a session, and sessions that have
not been used for a long time.

Without --data, the data folder of `nemolocal serve` in the current folder
(.nemolocal) is cleaned, and sessions unused for 30 days are removed. From
folders given by --data, and from the chats saved by `nemolocal chat`, sessions
are removed only if --older-than is given. Snapshots are kept, and a folder in
use is not touched.
"""
_UNITS = {"s": 1, "m": 60, "h": 3600, "d": 86_400, "w": 7 * 86_400}
_MAX_AGE = 36_500 * 86_400
_MAX_LINES = 20


def add_parser(commands: Any) -> None:
    """Add the command."""
    clean = add_command(
        commands, "clean", "remove old sessions and leftovers of killed commands", _DESCRIPTION
    )
    clean.add_argument(
        "--data",
        action="append",
        metavar="FOLDER",
        help="data folder to clean; repeatable (default: .nemolocal)",
    )
    clean.add_argument(
        "--older-than",
        type=_age,
        metavar="AGE",
        help="remove sessions and saved chats unused for this long: 90m, 12h, 7d, 2w",
    )
    clean.add_argument(
        "--dry-run", action="store_true", help="print what would be removed, without removing it"
    )


def run(arguments: argparse.Namespace) -> int:
    """Print what can be removed, and remove it unless this is a dry run.

    All folders are checked before anything is removed: one that is in use, or was not created by
    nemolocal, ends the command.
    """
    from nemolocal_server.data.storage_errors import STORAGE_ERRORS
    from nemolocal_server.data.store import StoreError

    try:
        found = _plan_cleanups(arguments)
        left = _left_by_killed_commands()
        chats = {} if arguments.data else _unused_chats(arguments.older_than)
        _print_plans(found, left)
        _print_chats(chats)
        if arguments.dry_run:
            sizes = [*left.values(), *(size for _, size in chats.values())]
            freed = sum(one.freed for one in found) + sum(sizes)
            print(f"Would remove {sized(freed)}" if freed or found else "Nothing to remove")
            return 0
        freed = _remove(found, left) + sum(map(_remove_chat, chats))
    except StoreError as error:
        raise CommandError(str(error)) from error
    except STORAGE_ERRORS as error:
        raise CommandError(
            f"some data could not be removed ({error}): free some space and try again"
        ) from error
    print(f"Removed {sized(freed)}" if found or left or chats else "Nothing to remove")
    return 0


def _plan_cleanups(arguments: argparse.Namespace) -> "list[CleanupPlan]":
    """Return what can be removed from the folders; folders without leftovers are left out."""
    from nemolocal_server.retention.cleanup import plan_cleanup
    from nemolocal_server.retention.retention_policy import TEMPORARY_RETENTION

    age: float | None = arguments.older_than
    if arguments.data:
        folders = [Path(name) for name in dict.fromkeys(arguments.data)]
    else:
        folders = [Path(SERVE_FOLDER)] if os.path.lexists(SERVE_FOLDER) else []
        age = TEMPORARY_RETENTION.max_age if age is None else age
    found = [plan_cleanup(folder, age) for folder in folders]
    if age is None:
        print("Sessions are kept: to remove old ones, add --older-than, for example 30d")
    return [one for one in found if not one.is_empty]


def _left_by_killed_commands() -> dict[Path, int]:
    """Return the leftover temporary folders with their sizes in bytes."""
    from nemolocal_render.temporary_folder import find_abandoned
    from nemolocal_server.retention.cleanup import folder_size

    return {folder: folder_size(folder) for folder in find_abandoned(Path(tempfile.gettempdir()))}


def _unused_chats(age: float | None) -> dict[Path, tuple[float, int]]:
    """Return the saved chats that can be removed, with their last use and size in bytes."""
    from nemolocal_server.data.store import StoreError
    from nemolocal_server.retention.cleanup import folder_size

    from ..saved_chats import unused_chat_folders

    found = {}
    for chat, used in ({} if age is None else unused_chat_folders(age)).items():
        # A chat that is open in another command stays, and so does a folder of others.
        with contextlib.suppress(StoreError), _locked_chat(chat):
            found[chat] = (used, folder_size(chat))
    return found


@contextlib.contextmanager
def _locked_chat(chat: Path) -> Iterator[None]:
    """Lock the folder of a chat; raises `StoreError` if it is in use or was not created by us."""
    from nemolocal_server.data.data_folder import DATABASE_FILES, SUBFOLDERS
    from nemolocal_server.data.store import Store, StoreError

    from ..saved_chats import CLIENT_FOLDER

    with contextlib.closing(Store(chat, preview=True)):
        foreign = {path.name for path in chat.iterdir()} - {
            *DATABASE_FILES,
            *SUBFOLDERS,
            CLIENT_FOLDER,
        }
        if foreign:
            raise StoreError(f"{chat / min(foreign)} was not created by nemolocal: move it first")
        yield


def _remove_chat(chat: Path) -> int:
    from nemolocal_server.retention.cleanup import folder_size

    size = folder_size(chat)
    with _locked_chat(chat):
        shutil.rmtree(chat, ignore_errors=True)
    return 0 if chat.exists() else size


def _remove(found: "Iterable[CleanupPlan]", left: dict[Path, int]) -> int:
    from nemolocal_render.temporary_folder import remove_tree
    from nemolocal_server.retention.cleanup import run_cleanup

    freed = 0
    for folder, size in left.items():
        remove_tree(folder)
        freed += 0 if folder.exists() else size
    return freed + sum(run_cleanup(one) for one in found)


def _print_plans(found: "Iterable[CleanupPlan]", left: dict[Path, int]) -> None:
    for folder, size in left.items():
        print(f"{folder}: left by a killed command, {sized(size)}")
    for one in found:
        print(f"{one.folder}:")
        for session in one.sessions[:_MAX_LINES]:
            print(f"  {_described(session)}")
        if len(one.sessions) > _MAX_LINES:
            more = one.sessions[_MAX_LINES:]
            rest = sized(sum(session.size for session in more))
            print(f"  {len(more):,} more sessions, used more recently, {rest}")
        _print_files(one)


def _print_chats(chats: dict[Path, tuple[float, int]]) -> None:
    for chat, (used, size) in chats.items():
        since = datetime.fromtimestamp(used).isoformat(" ", "minutes")
        print(f"{chat}: chat unused since {since}, {sized(size)}")


def _print_files(found: "CleanupPlan") -> None:
    if found.orphans:
        print(f"  {pluralize(len(found.orphans), 'file')} without a session")
    if found.unfinished:
        what = ("unfinished upload or render", "unfinished uploads or renders")
        print(f"  {pluralize(len(found.unfinished), *what)}")


def _described(session: "UnusedSession") -> str:
    used = datetime.fromtimestamp(session.used).isoformat(" ", "minutes")
    name = " ".join(session.task_name.split())[:40]
    return f"session {session.id} ({name}), unused since {used}, {sized(session.size)}"


def _age(text: str) -> float:
    """An age in seconds."""
    found = re.fullmatch(r"([0-9]{1,12}(?:\.[0-9]{1,6})?) ?([smhdw])", text.strip().lower())
    seconds = float(found[1]) * _UNITS[found[2]] if found else _MAX_AGE + 1
    if seconds > _MAX_AGE:
        raise argparse.ArgumentTypeError(
            f"must be a number with s, m, h, d or w, for example 7d, not {text!r}"
        )
    return seconds
