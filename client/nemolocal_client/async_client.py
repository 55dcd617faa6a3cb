"""The async face of the library: what `client` is, with coroutines that never block the loop."""

import os
from collections.abc import AsyncGenerator, Mapping
from pathlib import Path
from types import TracebackType
from typing import Self, TypeVar

from nemolocal_contract.clock import Clock, WallClock
from nemolocal_contract.endpoints import CLOUD_BASE_URL, Attribution
from nemolocal_contract.responses import Balance, FileReply, StateReply

from .async_driver import AsyncFlowDriver
from .async_transport import AsyncTransport
from .client import TOKEN_VARIABLE, ignore_notice
from .client_flows import ClientFlows, Resolution
from .exports import Export
from .httpx_adapter import plain_base_url
from .local_io import LocalIO
from .operations import AsyncNotify, Flow, KeptSession
from .polling import CONTRACT_POLLING, CONTRACT_RECONNECTING, PollPolicy, ReconnectPolicy
from .profile import IdentityStore, Profile
from .turns import Turn

T = TypeVar("T")


class AsyncClient:
    """A client of the NemoVideo contract; `Client` is the same without coroutines.

    `attribution` names the skill on whose behalf it calls (CLI-1). `token`, or NEMO_TOKEN in
    `environment` (that of the process if None), is used as it is; else an anonymous token is taken
    and kept in `profile` (AUTH-8, CLI-9). All waits go by `clock`. A server that answered
    and is gone is looked for as `reconnecting` says. `workspace` has the same
    calls as flows, for who writes flows of their own. `notify` hears what goes on
    and may be a coroutine function. Every method raises `NemoError` and nothing else. A call that
    is cancelled leaves no part of a file and no open stream; the work goes on in the backend.
    """

    def __init__(
        self,
        base_url: str = CLOUD_BASE_URL,
        *,
        attribution: Attribution,
        token: str | None = None,
        profile: IdentityStore | None = None,
        clock: Clock | None = None,
        polling: PollPolicy = CONTRACT_POLLING,
        reconnecting: ReconnectPolicy = CONTRACT_RECONNECTING,
        notify: AsyncNotify = ignore_notice,
        language: str = "en",
        environment: Mapping[str, str] | None = None,
    ) -> None:
        known = os.environ if environment is None else environment
        self.base_url = plain_base_url(base_url)
        self.workspace = ClientFlows(
            self.base_url,
            attribution,
            token or known.get(TOKEN_VARIABLE),
            polling,
            language,
            reconnecting,
        )
        self._transport = AsyncTransport(self.base_url, attribution.headers())
        desk = LocalIO(self.base_url, clock or WallClock(), profile or Profile())
        self._driver = AsyncFlowDriver(self._transport, desk, notify)

    def __repr__(self) -> str:
        return f"AsyncClient({self.base_url!r}, session={self.session_id!r})"

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        await self.close()

    async def close(self) -> None:
        """Close all connections."""
        await self._transport.close()

    @property
    def session_id(self) -> str | None:
        """The id of the open session, to `resume` it later (SES-2)."""
        session = self.workspace.session
        return session.id if session is not None else None

    async def run(self, flow: Flow[T]) -> T:
        """The outcome of a flow over `workspace`: how the other methods do what they do."""
        return await self._driver.run(flow)

    def lines(self, flow: Flow[object]) -> AsyncGenerator[str, None]:
        """What a flow over `workspace` has to show, each line as soon as it is known."""
        return self._driver.lines(flow)

    async def connect(self) -> None:
        """Say "Connecting…" and see that there is a token (CLI-10, AUTH-1)."""
        return await self.run(self.workspace.connect())

    async def open_session(self, task_name: str = "project") -> str:
        """Open a new session and use it from now on; its id (SES-1)."""
        return await self.run(self.workspace.open_session(task_name))

    async def resume(self, session_id: str) -> StateReply:
        """Come back to a saved session; its state, `SessionNotFound` if there is none (SES-2)."""
        return await self.run(self.workspace.resume(session_id))

    async def sessions(self) -> tuple[KeptSession, ...]:
        """The sessions that the profile remembers of this base URL, the newest first."""
        return await self.run(self.workspace.sessions())

    async def upload(self, *files: str | Path) -> tuple[FileReply, ...]:
        """Add files and http(s) URLs to the session; what the backend made of them (UPL-2).

        Paths go in one request, all or nothing (UPL-5), URLs in another. Opens a session if there
        is none. Raises `UnsupportedFile`, `FileTooLarge`, `FileProblem`.
        """
        return await self.run(self.workspace.upload(*files))

    async def say(self, message: str) -> Turn:
        """Send one message, once, and tell what came of it (CLI-3 to CLI-6).

        Opens a session if there is none. Raises `TurnFailed` where nothing changed and nothing
        was said, `StreamTimeout`, `OutOfCredits`.
        """
        return await self.run(self.workspace.say(message))

    def stream(self, message: str) -> AsyncGenerator[str, None]:
        """The lines that `say` would return, each as soon as it is known, and the same errors.

        Whoever stops before the end hangs up; the work goes on in the backend (SSE-7).
        """
        return self.lines(self.workspace.say(message))

    async def balance(self) -> Balance:
        """Credits (CRD-1)."""
        return await self.run(self.workspace.balance())

    async def state(self) -> StateReply:
        """The newest state of the session (STA-1)."""
        return await self.run(self.workspace.state())

    async def timeline(self) -> str:
        """The track summary of the session (STA-5)."""
        return await self.run(self.workspace.timeline())

    async def export(
        self,
        destination: str | Path,
        *,
        resolution: Resolution | None = None,
        overwrite: bool = False,
    ) -> Export:
        """Render the timeline into `destination`, free of charge (CLI-8, REN-3).

        Where that is there already, the film gets the next free name ("out-2.mp4"), which `notify`
        and the `path` of the outcome tell; `overwrite` replaces it when the new one is complete. A
        file that this client uploads is never replaced. Raises `NothingToExport`, `ExportBlocked`,
        `RenderFailed`, `DownloadFailed`, `FileProblem`.
        """
        return await self.run(self.workspace.export(destination, resolution, overwrite))

    async def cancel_export(self) -> bool:
        """Stop the export that is under way, or was when its wait was given up (REN-8).

        False where there is none, or where it had ended already. An `export` that still waits for
        it raises `RenderFailed`.
        """
        return await self.run(self.workspace.cancel_export())

    async def claim_link(self) -> str:
        """A link that opens the session's project on the web, good for a week (AUTH-7, CLI-10).

        Whoever has the link sees this one project; the token of the client is not in it.
        """
        return await self.run(self.workspace.claim_link())
