"""The sync face of the library: one object for one base URL, one account, one session at a time."""

import os
from collections.abc import Iterator, Mapping
from pathlib import Path
from types import TracebackType
from typing import Self, TypeVar

from nemolocal_contract.clock import Clock, WallClock
from nemolocal_contract.endpoints import CLOUD_BASE_URL, Attribution
from nemolocal_contract.responses import Balance, FileReply, StateReply

from .client_flows import ClientFlows, Resolution
from .driver import FlowDriver
from .exports import Export
from .httpx_adapter import plain_base_url
from .local_io import LocalIO
from .operations import Flow, KeptSession, Notice, Notify
from .polling import CONTRACT_POLLING, CONTRACT_RECONNECTING, PollPolicy, ReconnectPolicy
from .profile import IdentityStore, Profile
from .transport import Transport
from .turns import Turn

TOKEN_VARIABLE = "NEMO_TOKEN"

T = TypeVar("T")


def ignore_notice(notice: Notice) -> None:
    """Who gives no `notify` wants to hear nothing."""
    del notice


class Client:
    """A client of the NemoVideo contract; `AsyncClient` is the same with coroutines.

    `attribution` names the skill on whose behalf it calls (CLI-1). `token`, or NEMO_TOKEN in
    `environment` (that of the process if None), is used as it is; else an anonymous token is taken
    and kept in `profile` (AUTH-8, CLI-9). All waits go by `clock`. A server that answered
    and is gone is looked for as `reconnecting` says. `workspace` has the same
    calls as flows, for who writes flows of their own. `notify` hears what goes on.
    Every method raises `NemoError` and nothing else.
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
        self._transport = Transport(self.base_url, attribution.headers(), notify)
        desk = LocalIO(self.base_url, clock or WallClock(), profile or Profile())
        self._driver = FlowDriver(self._transport, desk, notify)

    def __repr__(self) -> str:
        return f"Client({self.base_url!r}, session={self.session_id!r})"

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.close()

    def close(self) -> None:
        """Close all connections."""
        self._transport.close()

    @property
    def session_id(self) -> str | None:
        """The id of the open session, to `resume` it later (SES-2)."""
        session = self.workspace.session
        return session.id if session is not None else None

    def run(self, flow: Flow[T]) -> T:
        """The outcome of a flow over `workspace`: how the other methods do what they do."""
        return self._driver.run(flow)

    def lines(self, flow: Flow[object]) -> Iterator[str]:
        """What a flow over `workspace` has to show, each line as soon as it is known."""
        return self._driver.lines(flow)

    def connect(self) -> None:
        """Say "Connecting…" and see that there is a token (CLI-10, AUTH-1)."""
        return self.run(self.workspace.connect())

    def open_session(self, task_name: str = "project") -> str:
        """Open a new session and use it from now on; its id (SES-1)."""
        return self.run(self.workspace.open_session(task_name))

    def resume(self, session_id: str) -> StateReply:
        """Come back to a saved session; its state, `SessionNotFound` if there is none (SES-2)."""
        return self.run(self.workspace.resume(session_id))

    def sessions(self) -> tuple[KeptSession, ...]:
        """The sessions that the profile remembers of this base URL, the newest first."""
        return self.run(self.workspace.sessions())

    def upload(self, *files: str | Path) -> tuple[FileReply, ...]:
        """Add files and http(s) URLs to the session; what the backend made of them (UPL-2).

        Paths go in one request, all or nothing (UPL-5), URLs in another. Opens a session if there
        is none. Raises `UnsupportedFile`, `FileTooLarge`, `FileProblem`.
        """
        return self.run(self.workspace.upload(*files))

    def say(self, message: str) -> Turn:
        """Send one message, once, and tell what came of it (CLI-3 to CLI-6).

        Opens a session if there is none. Raises `TurnFailed` where nothing changed and nothing
        was said, `StreamTimeout`, `OutOfCredits`.
        """
        return self.run(self.workspace.say(message))

    def stream(self, message: str) -> Iterator[str]:
        """The lines that `say` would return, each as soon as it is known, and the same errors.

        Whoever stops before the end hangs up; the work goes on in the backend (SSE-7).
        """
        return self.lines(self.workspace.say(message))

    def balance(self) -> Balance:
        """Credits (CRD-1)."""
        return self.run(self.workspace.balance())

    def state(self) -> StateReply:
        """The newest state of the session (STA-1)."""
        return self.run(self.workspace.state())

    def timeline(self) -> str:
        """The track summary of the session (STA-5)."""
        return self.run(self.workspace.timeline())

    def export(
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
        return self.run(self.workspace.export(destination, resolution, overwrite))

    def cancel_export(self) -> bool:
        """Stop the export that is under way, or was when its wait was given up (REN-8).

        False where there is none, or where it had ended already. An `export` that still waits for
        it raises `RenderFailed`.
        """
        return self.run(self.workspace.cancel_export())

    def claim_link(self) -> str:
        """A link that opens the session's project on the web, good for a week (AUTH-7, CLI-10).

        Whoever has the link sees this one project; the token of the client is not in it.
        """
        return self.run(self.workspace.claim_link())
