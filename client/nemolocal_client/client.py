"""The clients, sync and async: one object for one base URL, one account, one session at a time."""

import os
from collections.abc import AsyncGenerator, Iterator, Mapping
from pathlib import Path
from typing import Self, TypeVar

from nemolocal_contract.clock import Clock, WallClock
from nemolocal_contract.endpoints import CLOUD_BASE_URL, Attribution
from nemolocal_contract.responses import Balance, FileReply, StateReply

from .client_flows import ClientFlows, Resolution
from .driver import AsyncFlowDriver, FlowDriver, LocalIO
from .exports import Export
from .httpx_adapter import plain_base_url
from .operations import AsyncNotify, Flow, KeptSession, Notice, Notify
from .profile import IdentityStore, Profile
from .retry import CONTRACT_POLLING, CONTRACT_RECONNECTING, PollPolicy, ReconnectPolicy
from .transport import AsyncTransport, Transport
from .turns import Turn

TOKEN_VARIABLE = "NEMO_TOKEN"

T = TypeVar("T")


def ignore_notice(notice: Notice) -> None:
    """Do nothing: the default of `notify`."""
    del notice


class _BaseClient:
    """The state that both clients share."""

    def __init__(
        self,
        base_url: str,
        attribution: Attribution,
        token: str | None,
        polling: PollPolicy,
        reconnecting: ReconnectPolicy,
        language: str,
        environment: Mapping[str, str] | None,
    ) -> None:
        variables = os.environ if environment is None else environment
        self.base_url = plain_base_url(base_url)
        self.workspace = ClientFlows(
            self.base_url,
            attribution,
            token or variables.get(TOKEN_VARIABLE),
            polling,
            language,
            reconnecting,
        )

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self.base_url!r}, session={self.session_id!r})"

    @property
    def session_id(self) -> str | None:
        """The id of the open session, for a later `resume` (SES-2)."""
        session = self.workspace.session
        return session.id if session is not None else None


class Client(_BaseClient):
    """A client of the NemoVideo contract; `AsyncClient` has the same methods as coroutines.

    `attribution` names the skill that makes the calls (CLI-1). `token`, or NEMO_TOKEN in
    `environment` (by default that of the process), is used unchanged; without one, an anonymous
    token is requested and saved in `profile` (AUTH-8, CLI-9). All waits use `clock`. `reconnecting`
    says how long to wait for a server that is gone. `notify` is called with progress notices.
    `workspace` has the methods as flows, for custom flows. Every method raises only `NemoError`.
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
        notify: Notify = ignore_notice,
        language: str = "en",
        environment: Mapping[str, str] | None = None,
    ) -> None:
        super().__init__(base_url, attribution, token, polling, reconnecting, language, environment)
        self._transport = Transport(self.base_url, attribution.headers(), notify)
        local_io = LocalIO(self.base_url, clock or WallClock(), profile or Profile())
        self._driver = FlowDriver(self._transport, local_io, notify)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exc_info: object) -> None:
        self.close()

    def close(self) -> None:
        """Close all connections."""
        self._transport.close()

    def run(self, flow: Flow[T]) -> T:
        """Run a flow of `workspace` and return its result."""
        return self._driver.run(flow)

    def lines(self, flow: Flow[object]) -> Iterator[str]:
        """Run a flow of `workspace` and yield each line of text as soon as it is known."""
        return self._driver.lines(flow)

    def connect(self) -> None:
        """Report "Connecting…" and get a token unless there is one (CLI-10, AUTH-1)."""
        return self.run(self.workspace.connect())

    def open_session(self, task_name: str = "project") -> str:
        """Open a new session, use it from now on, and return its id (SES-1)."""
        return self.run(self.workspace.open_session(task_name))

    def resume(self, session_id: str) -> StateReply:
        """Resume a session and return its state; raises `SessionNotFound` (SES-2)."""
        return self.run(self.workspace.resume(session_id))

    def sessions(self) -> tuple[KeptSession, ...]:
        """Return the saved sessions of this base URL, the newest first."""
        return self.run(self.workspace.sessions())

    def upload(self, *files: str | Path) -> tuple[FileReply, ...]:
        """Upload files and http(s) URLs to the session; return what the backend found (UPL-2).

        All paths are sent in one request, all or nothing (UPL-5), URLs in another. Opens a session
        if there is none. Raises `UnsupportedFile`, `FileTooLarge`, `FileProblem`.
        """
        return self.run(self.workspace.upload(*files))

    def say(self, message: str) -> Turn:
        """Send one message, once, and return the result of the turn (CLI-3 to CLI-6).

        Opens a session if there is none. Raises `TurnFailed` if nothing changed and the backend
        sent no text, `StreamTimeout`, `OutOfCredits`.
        """
        return self.run(self.workspace.say(message))

    def stream(self, message: str) -> Iterator[str]:
        """Yield the lines that `say` returns, each as soon as it is known; raises the same errors.

        Closing the iterator closes the stream; the turn continues in the backend (SSE-7).
        """
        return self.lines(self.workspace.say(message))

    def balance(self) -> Balance:
        """Return the credits (CRD-1)."""
        return self.run(self.workspace.balance())

    def state(self) -> StateReply:
        """Return the newest state of the session (STA-1)."""
        return self.run(self.workspace.state())

    def timeline(self) -> str:
        """Return the track summary of the session (STA-5)."""
        return self.run(self.workspace.timeline())

    def export(
        self,
        destination: str | Path,
        *,
        resolution: Resolution | None = None,
        overwrite: bool = False,
    ) -> Export:
        """Render the timeline into the file `destination`, free of charge (CLI-8, REN-3).

        If the file exists, the export gets the next free name ("out-2.mp4"), which is in a notice
        and in the `path` of the result; with `overwrite` the file is replaced when the export is
        complete. An uploaded file is never replaced. Raises `NothingToExport`, `ExportBlocked`,
        `RenderFailed`, `DownloadFailed`, `FileProblem`.
        """
        return self.run(self.workspace.export(destination, resolution, overwrite))

    def cancel_export(self) -> bool:
        """Cancel the running export, also if its wait was cancelled (REN-8).

        Returns False if there is none, or if it has ended. An `export` that waits for it raises
        `RenderFailed`.
        """
        return self.run(self.workspace.cancel_export())

    def claim_link(self) -> str:
        """Return a link that opens the project in a browser for a week (AUTH-7, CLI-10).

        Anyone with the link can see this project; it does not contain the client's token.
        """
        return self.run(self.workspace.claim_link())


class AsyncClient(_BaseClient):
    """The async client of the NemoVideo contract; `Client` describes arguments and methods.

    Its methods are coroutines that never block the event loop, and `notify` may be a coroutine
    function. A call that is cancelled leaves no part file and no open stream; what was already sent
    continues in the backend.
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
        super().__init__(base_url, attribution, token, polling, reconnecting, language, environment)
        self._transport = AsyncTransport(self.base_url, attribution.headers())
        local_io = LocalIO(self.base_url, clock or WallClock(), profile or Profile())
        self._driver = AsyncFlowDriver(self._transport, local_io, notify)

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *exc_info: object) -> None:
        await self.close()

    async def close(self) -> None:
        """Close all connections."""
        await self._transport.close()

    async def run(self, flow: Flow[T]) -> T:
        """Run a flow of `workspace` and return its result."""
        return await self._driver.run(flow)

    def lines(self, flow: Flow[object]) -> AsyncGenerator[str, None]:
        """Run a flow of `workspace` and yield each line of text as soon as it is known."""
        return self._driver.lines(flow)

    async def connect(self) -> None:
        """Report "Connecting…" and get a token unless there is one (CLI-10, AUTH-1)."""
        return await self.run(self.workspace.connect())

    async def open_session(self, task_name: str = "project") -> str:
        """Open a new session, use it from now on, and return its id (SES-1)."""
        return await self.run(self.workspace.open_session(task_name))

    async def resume(self, session_id: str) -> StateReply:
        """Resume a session and return its state; raises `SessionNotFound` (SES-2)."""
        return await self.run(self.workspace.resume(session_id))

    async def sessions(self) -> tuple[KeptSession, ...]:
        """Return the saved sessions of this base URL, the newest first."""
        return await self.run(self.workspace.sessions())

    async def upload(self, *files: str | Path) -> tuple[FileReply, ...]:
        """Upload files and http(s) URLs to the session; return what the backend found (UPL-2)."""
        return await self.run(self.workspace.upload(*files))

    async def say(self, message: str) -> Turn:
        """Send one message, once, and return the result of the turn (CLI-3 to CLI-6)."""
        return await self.run(self.workspace.say(message))

    def stream(self, message: str) -> AsyncGenerator[str, None]:
        """Yield the lines that `say` returns, each as soon as it is known."""
        return self.lines(self.workspace.say(message))

    async def balance(self) -> Balance:
        """Return the credits (CRD-1)."""
        return await self.run(self.workspace.balance())

    async def state(self) -> StateReply:
        """Return the newest state of the session (STA-1)."""
        return await self.run(self.workspace.state())

    async def timeline(self) -> str:
        """Return the track summary of the session (STA-5)."""
        return await self.run(self.workspace.timeline())

    async def export(
        self,
        destination: str | Path,
        *,
        resolution: Resolution | None = None,
        overwrite: bool = False,
    ) -> Export:
        """Render the timeline into the file `destination`, free of charge (CLI-8, REN-3)."""
        return await self.run(self.workspace.export(destination, resolution, overwrite))

    async def cancel_export(self) -> bool:
        """Cancel the running export, also if its wait was cancelled (REN-8)."""
        return await self.run(self.workspace.cancel_export())

    async def claim_link(self) -> str:
        """Return a link that opens the project in a browser for a week (AUTH-7, CLI-10)."""
        return await self.run(self.workspace.claim_link())
