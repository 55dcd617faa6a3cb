"""A server of the command's own: the editor of this machine, or the cloud's double on request."""

from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec

from nemolocal_client import IdentityStore, MemoryProfile

from .data_folders import DATA_VARIABLE
from .errors import CommandError
from .saved_chats import ChatProfile, delete_chat_if_empty

if TYPE_CHECKING:
    from nemolocal_server.settings import Settings

# A kept chat is come back to whenever its user likes: its token never ends.
_TOKEN_LIFETIME = 100 * 365 * 86_400.0
# The user waits for the file, however large it is; the client waits for 300 s.
_FETCH_SECONDS = 290.0


class EmbeddedServer(msgspec.Struct, frozen=True):
    """How a command wants the server that it runs itself.

    Free, and without what the cloud adds to its answers, unless `like_cloud`. `chat` is the folder
    of a kept chat; without one nothing outlives the command. It fetches URLs from the hosts in
    `fetch_from`.
    """

    like_cloud: bool = False
    chat_folder: Path | None = None
    fetch_from: tuple[str, ...] = ()

    def settings(self) -> "Settings":
        """The settings of the server, on a free port."""
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
            tariff=FREE_TARIFF,
            silence=SilentTurnPolicy(rate=0),
            gui=False,
            turn_times=at_once,
        )

    def start(self, stack: ExitStack) -> tuple[str, float, IdentityStore]:
        """Its base URL, its speed and who its client is; it ends with the stack."""
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
        # NEMO_TOKEN is for the cloud, and a token of this server is worth nothing elsewhere.
        profile = MemoryProfile() if self.chat_folder is None else ChatProfile(self.chat_folder)
        return server.base_url, settings.speed, profile
