"""`nemolocal clean`: what takes room and nobody uses, removed."""

import argparse
import contextlib
import os
import shutil
import tempfile
from collections.abc import Iterable, Iterator
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

from nemolocal_contract.counts import counted, sized

from .problem import Problem
from .serve import USUAL_FOLDER

if TYPE_CHECKING:
    from nemolocal_server.cleaning import Findings, UnusedSession

_MOST_LINES = 20


def run(arguments: argparse.Namespace) -> int:
    """Print what goes, and remove it unless it is a dry run.

    Every folder is looked over before anything is removed: one that is in use, or not ours, ends
    the command.
    """
    from nemolocal_server.machine_limits import STORAGE_ERRORS
    from nemolocal_server.store import StoreError

    try:
        found = _look_over(arguments)
        left = _left_by_killed_commands()
        chats = {} if arguments.data else _unused_chats(arguments.older_than)
        _tell(found, left)
        _tell_chats(chats)
        if arguments.dry_run:
            sizes = [*left.values(), *(size for _, size in chats.values())]
            freed = sum(one.freed for one in found) + sum(sizes)
            print(f"Would remove {sized(freed)}" if freed or found else "Nothing to remove")
            return 0
        freed = _remove(found, left) + sum(map(_remove_chat, chats))
    except StoreError as error:
        raise Problem(str(error)) from error
    except STORAGE_ERRORS as error:
        raise Problem(f"not all was removed ({error}): free some space and run it again") from error
    print(f"Removed {sized(freed)}" if found or left or chats else "Nothing to remove")
    return 0


def _look_over(arguments: argparse.Namespace) -> "list[Findings]":
    """What may go from the folders; those without anything are left out."""
    from nemolocal_server.cleaning import look_over
    from nemolocal_server.retention import TEMPORARY

    age: float | None = arguments.older_than
    if arguments.data:
        folders = [Path(name) for name in dict.fromkeys(arguments.data)]
    else:
        folders = [Path(USUAL_FOLDER)] if os.path.lexists(USUAL_FOLDER) else []
        age = TEMPORARY.max_age if age is None else age
    found = [look_over(folder, age) for folder in folders]
    if age is None:
        print("Sessions stay: say which may go with --older-than, for instance 30d")
    return [one for one in found if not one.nothing]


def _left_by_killed_commands() -> dict[Path, int]:
    """Folders in the temporary folder, and their bytes."""
    from nemolocal_render.temporary_folder import killed
    from nemolocal_server.cleaning import size_of_tree

    return {folder: size_of_tree(folder) for folder in killed(Path(tempfile.gettempdir()))}


def _unused_chats(age: float | None) -> dict[Path, tuple[float, int]]:
    """Kept chats that may go, each with when it was used last and its bytes."""
    from nemolocal_server.cleaning import size_of_tree
    from nemolocal_server.store import StoreError

    from .kept_chats import unused_chats

    found = {}
    for chat, used in ({} if age is None else unused_chats(age)).items():
        # One that is open in another command stays, and so does a folder that is not ours.
        with contextlib.suppress(StoreError), _holding(chat):
            found[chat] = (used, size_of_tree(chat))
    return found


@contextlib.contextmanager
def _holding(chat: Path) -> Iterator[None]:
    """Have the folder of a chat for oneself; raises `StoreError` where it is in use or not ours."""
    from nemolocal_server.data_folder import DATABASE_FILES, PARTS
    from nemolocal_server.store import Store, StoreError

    from .kept_chats import CLIENT

    with contextlib.closing(Store(chat, preview=True)):
        foreign = {path.name for path in chat.iterdir()} - {*DATABASE_FILES, *PARTS, CLIENT}
        if foreign:
            raise StoreError(f"{chat / min(foreign)} is not ours: move it first")
        yield


def _remove_chat(chat: Path) -> int:
    from nemolocal_server.cleaning import size_of_tree

    size = size_of_tree(chat)
    with _holding(chat):
        shutil.rmtree(chat, ignore_errors=True)
    return 0 if chat.exists() else size


def _remove(found: "Iterable[Findings]", left: dict[Path, int]) -> int:
    from nemolocal_render.temporary_folder import remove_tree
    from nemolocal_server.cleaning import remove

    freed = 0
    for folder, size in left.items():
        remove_tree(folder)
        freed += 0 if folder.exists() else size
    return freed + sum(remove(one) for one in found)


def _tell(found: "Iterable[Findings]", left: dict[Path, int]) -> None:
    for folder, size in left.items():
        print(f"{folder}: left by a killed command, {sized(size)}")
    for one in found:
        print(f"{one.folder}:")
        for session in one.sessions[:_MOST_LINES]:
            print(f"  {_described(session)}")
        if len(one.sessions) > _MOST_LINES:
            more = one.sessions[_MOST_LINES:]
            rest = sized(sum(session.size for session in more))
            print(f"  {len(more):,} more sessions, unused since then or later, {rest}")
        _tell_files(one)


def _tell_chats(chats: dict[Path, tuple[float, int]]) -> None:
    for chat, (used, size) in chats.items():
        since = datetime.fromtimestamp(used).isoformat(" ", "minutes")
        print(f"{chat}: a chat unused since {since}, {sized(size)}")


def _tell_files(found: "Findings") -> None:
    if found.unowned:
        print(f"  {counted(len(found.unowned), 'file')} without a session")
    if found.unfinished:
        what = ("unfinished upload or render", "unfinished uploads or renders")
        print(f"  {counted(len(found.unfinished), *what)}")


def _described(session: "UnusedSession") -> str:
    used = datetime.fromtimestamp(session.used).isoformat(" ", "minutes")
    name = " ".join(session.task_name.split())[:40]
    return f"session {session.id} ({name}), unused since {used}, {sized(session.size)}"
