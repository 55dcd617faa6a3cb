"""A server of the command's own: the editor of this machine, or the cloud's double on request."""

from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec

from nemolocal_client import IdentityStore, MemoryProfile

from .kept_chats import DATA_VARIABLE, ChatProfile, discard_if_empty
from .problem import Problem

if TYPE_CHECKING:
    from nemolocal_server.settings import Settings

# A kept chat is come back to whenever its user likes: its token never ends.
_CENTURY = 100 * 365 * 86_400.0
# The user waits for the file, however large it is; the client waits for 300 s.
_FETCH_SECONDS = 290.0


class OwnServer(msgspec.Struct, frozen=True):
    """How a command wants the server that it runs itself.

    Free, and without what the cloud adds to its answers, unless `like_cloud`. `chat` is the folder
    of a kept chat; without one nothing outlives the command. It fetches URLs from the hosts in
    `fetch_from`.
    """

    like_cloud: bool = False
    chat: Path | None = None
    fetch_from: tuple[str, ...] = ()

    def settings(self) -> "Settings":
        """The settings of the server, on a free port."""
        from nemolocal_server.agent.turn_plan import TurnTimes
        from nemolocal_server.settings import FREE, Settings
        from nemolocal_server.silence import Silence

        common = Settings(
            port=0,
            data_dir=self.chat,
            token_lifetime=_CENTURY,
            fetch_from=self.fetch_from,
            fetch_seconds=_FETCH_SECONDS,
        )
        if self.like_cloud:
            return common
        at_once = TurnTimes(talk=(0, 0), edit=(0, 0), generation=(0, 0))
        return msgspec.structs.replace(
            common, tariff=FREE, silence=Silence(rate=0), gui=False, turn_times=at_once
        )

    def start(self, stack: ExitStack) -> tuple[str, float, IdentityStore]:
        """Its base URL, its speed and who its client is; it ends with the stack."""
        from nemolocal_server.serving import LocalServer
        from nemolocal_server.store import FolderInUse, StoreError

        settings = self.settings()
        if self.chat is not None:
            stack.callback(discard_if_empty, self.chat)
        try:
            server = LocalServer(settings)
        except FolderInUse as error:
            raise Problem("this session is open in another command: end that one first") from error
        except StoreError as error:
            way = f"set {DATA_VARIABLE} to another folder"
            raise Problem(str(error).replace("choose another --data", way)) from error
        stack.enter_context(server)
        # NEMO_TOKEN is for the cloud, and a token of this server is worth nothing elsewhere.
        profile = MemoryProfile() if self.chat is None else ChatProfile(self.chat)
        return server.base_url, settings.speed, profile
