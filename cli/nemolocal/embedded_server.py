"""A server inside a command: a free local editor, or like the cloud on request."""

from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec

from nemolocal_client import IdentityStore, MemoryProfile
from nemolocal_contract.media import EXTRA_EXTENSIONS

from .data_folders import DATA_VARIABLE
from .errors import CommandError
from .saved_chats import ChatProfile, delete_chat_if_empty

if TYPE_CHECKING:
    from nemolocal_server.settings import Settings

# A saved chat can be continued at any time, so its token does not expire.
_TOKEN_LIFETIME = 100 * 365 * 86_400.0
# The user waits for the file, however large; the client would give up after 300 s.
_FETCH_SECONDS = 290.0


class EmbeddedServer(msgspec.Struct, frozen=True):
    """The settings of a command's embedded server.

    Edits are free and answers lack the cloud's additions, unless `like_cloud`. `chat` is the folder
    of a saved chat; without it, nothing is kept after the command. URLs are fetched from the hosts
    in `fetch_from`.
    """

    like_cloud: bool = False
    chat_folder: Path | None = None
    fetch_from: tuple[str, ...] = ()

    def settings(self) -> "Settings":
        """Return the server's settings, with a free port."""
        from nemolocal_server.settings import FREE_TARIFF, Settings
        from nemolocal_server.turns.silent_turns import SilentTurnPolicy
        from nemolocal_server.turns.turn_schedule import TurnTimes

        common = Settings(
            port=0,
            data_dir=self.chat_folder,
            token_lifetime=_TOKEN_LIFETIME,
            fetch_from=self.fetch_from,
            fetch_seconds=_FETCH_SECONDS,
        )
        if self.like_cloud:
            return common
        at_once = TurnTimes(talk=(0, 0), edit=(0, 0), generation=(0, 0))
        return msgspec.structs.replace(
            common,
            extra_uploads=tuple(EXTRA_EXTENSIONS),
            tariff=FREE_TARIFF,
            silence=SilentTurnPolicy(rate=0),
            gui=False,
            turn_times=at_once,
        )

    def start(self, stack: ExitStack) -> tuple[str, float, IdentityStore]:
        """Start the server until `stack` ends; return its base URL, speed and client identity."""
        from nemolocal_server.data.store import FolderInUse, StoreError
        from nemolocal_server.serving import LocalServer

        settings = self.settings()
        if self.chat_folder is not None:
            stack.callback(delete_chat_if_empty, self.chat_folder)
        try:
            server = LocalServer(settings)
        except FolderInUse as error:
            raise CommandError(
                "this session is open in another command: close that one first"
            ) from error
        except StoreError as error:
            way = f"set {DATA_VARIABLE} to another folder"
            raise CommandError(str(error).replace("choose another --data", way)) from error
        stack.enter_context(server)
        # NEMO_TOKEN is for the cloud, and a token of this server is useless elsewhere.
        profile = MemoryProfile() if self.chat_folder is None else ChatProfile(self.chat_folder)
        return server.base_url, settings.speed, profile
