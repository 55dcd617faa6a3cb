"""The chats saved on this machine, each in a folder with its server's data and its token.

A data folder has one server at a time, so several chats can run at once, and each can be continued
by itself. They are in the user's data folder, or in NEMOLOCAL_DATA_DIR, readable by the owner only.
"""

import re
import secrets
import shutil
from collections.abc import Iterable
from datetime import datetime
from pathlib import Path

import msgspec

from nemolocal_client import KeptSession, Profile
from nemolocal_client.local_files import FileIdentity
from nemolocal_client.operations import SavedToken
from nemolocal_contract.clock import WallClock

from .data_folders import data_folder
from .errors import CommandError

_CHATS = "chats"
CLIENT_FOLDER = "client"
"""What a chat saves beside its server's data."""
_NAME = re.compile(r"\d{8}-\d{6}-[0-9a-f]{8}")
# The port of a chat's server changes each time: its client knows it by this name.
_PROFILE_KEY = "own"


class SessionLocation(msgspec.Struct, frozen=True):
    """The place of a session: the server at `base_url`, or the folder of a saved chat."""

    base_url: str | None = None
    chat_folder: Path | None = None


class ChatProfile:
    """Stores the client identity of a saved chat in its folder."""

    def __init__(self, chat: Path) -> None:
        self._profile = Profile(chat / CLIENT_FOLDER)

    def client_id(self, base_url: str = "") -> str:
        del base_url
        return self._profile.client_id(_PROFILE_KEY)

    def renew_client_id(self, base_url: str = "") -> str:
        del base_url
        return self._profile.renew_client_id(_PROFILE_KEY)

    def token(self, base_url: str) -> SavedToken | None:
        del base_url
        return self._profile.token(_PROFILE_KEY)

    def earlier_tokens(self, base_url: str) -> tuple[SavedToken, ...]:
        del base_url
        return self._profile.earlier_tokens(_PROFILE_KEY)

    def keep(self, base_url: str, kept: SavedToken) -> None:
        del base_url
        self._profile.keep(_PROFILE_KEY, kept)

    def sessions(self, base_url: str = "") -> tuple[KeptSession, ...]:
        del base_url
        return self._profile.sessions(_PROFILE_KEY)

    def keep_session(self, base_url: str, kept: KeptSession) -> None:
        del base_url
        self._profile.keep_session(_PROFILE_KEY, kept)

    def inputs(self, base_url: str, session_id: str) -> tuple[FileIdentity, ...]:
        del base_url
        return self._profile.inputs(_PROFILE_KEY, session_id)

    def keep_inputs(self, base_url: str, session_id: str, files: Iterable[FileIdentity]) -> None:
        del base_url
        self._profile.keep_inputs(_PROFILE_KEY, session_id, files)


def create_chat_folder() -> Path:
    """Create the folder of a new chat."""
    folder = data_folder()
    chat = folder / _CHATS / f"{datetime.now():%Y%m%d-%H%M%S}-{secrets.token_hex(4)}"
    try:
        folder.parent.mkdir(parents=True, exist_ok=True)
        for part in (folder, chat.parent):
            part.mkdir(mode=0o700, exist_ok=True)
        chat.mkdir(mode=0o700)
    except OSError as error:
        raise CommandError(
            f"cannot save chats in {folder} ({error.strerror}): set NEMOLOCAL_DATA_DIR to a "
            "writable folder"
        ) from error
    return chat


def saved_chat_sessions() -> tuple[tuple[Path, KeptSession], ...]:
    """Return the sessions with activity, with the folders of their chats."""
    folders = sorted(path for path in (data_folder() / _CHATS).glob("*") if path.is_dir())
    return tuple(
        (folder, kept)
        for folder in folders
        for kept in ChatProfile(folder).sessions()
        if has_activity(kept)
    )


def unused_chat_folders(max_age: float) -> dict[Path, float]:
    """Return the folders of chats unused for so many seconds, and when each was last used.

    For a chat without activity, that is when its folder last changed.
    """
    folders = [path for path in (data_folder() / _CHATS).glob("*") if path.is_dir()]
    before = WallClock().time() - max_age
    used = {
        folder: max((kept.used_at for kept in ChatProfile(folder).sessions()), default=0.0)
        or folder.stat().st_mtime
        for folder in folders
        if _NAME.fullmatch(folder.name) and not folder.is_symlink()
    }
    return {folder: at for folder, at in sorted(used.items()) if at < before}


def delete_chat_if_empty(chat: Path) -> None:
    """Delete the folder of a chat in which nothing was uploaded or said."""
    if not any(map(has_activity, ChatProfile(chat).sessions())):
        shutil.rmtree(chat, ignore_errors=True)


def locate_session(session: str, base_url: str | None) -> SessionLocation:
    """Return the place of a session; raises `CommandError` if it is unknown."""
    if base_url is not None:
        return SessionLocation(base_url)
    for chat, kept in saved_chat_sessions():
        if kept.session_id == session:
            return SessionLocation(chat_folder=chat)
    for known, kept in Profile().all_sessions():
        if kept.session_id == session:
            return SessionLocation(known)
    raise CommandError(f"no saved session {session}: if it is on a server, give --base-url")


def has_activity(kept: KeptSession) -> bool:
    """Whether anything was uploaded or said in a session."""
    return bool(kept.files or kept.last_message)
