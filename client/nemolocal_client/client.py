"""The face of the library: one object for one base URL, one account and one session at a time."""

import os
from collections.abc import Mapping
from pathlib import Path
from types import TracebackType
from typing import Literal, Self

from msgspec import UNSET

from nemolocal_contract.clock import Clock, WallClock
from nemolocal_contract.endpoints import CLOUD_BASE_URL
from nemolocal_contract.headers import Attribution
from nemolocal_contract.replies import Balance, FileReply, StateReply
from nemolocal_contract.requests import OutputRequest
from nemolocal_contract.summary import timeline

from .drive import Driver
from .effects import Flow, Notice, Notify, Secret
from .errors import BadToken
from .exports import Export, export
from .identity import Account, sign_in
from .polling import CONTRACT_POLLING, PollPolicy
from .profile import IdentityStore, Profile
from .sessions import (
    Session,
    draft_of,
    open_session,
    read_balance,
    read_state,
    resume_session,
    upload_files,
    upload_urls,
)
from .transport import Transport
from .turns import Turn, take_turn

TOKEN_VARIABLE = "NEMO_TOKEN"

Resolution = Literal["720p", "1080p", "4k"]


def _silence(notice: Notice) -> None:
    """Who gives no `notify` wants to hear nothing."""
    del notice


class Client:
    """A client of the NemoVideo contract.

    `attribution` names the skill on whose behalf it calls (CLI-1). `token`, or NEMO_TOKEN in
    `environment` (that of the process if None), is used as it is; else an anonymous token is taken
    and kept in `profile` (AUTH-8, CLI-9). All waits go by `clock`. `notify` hears what goes on.
    Every method raises `NemoError` and nothing else; a client belongs to one thread.
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
        notify: Notify = _silence,
        language: str = "en",
        environment: Mapping[str, str] | None = None,
    ) -> None:
        self.base_url = base_url.rstrip("/")
        self._attribution = attribution
        self._polling = polling
        self._language = language
        known = os.environ if environment is None else environment
        self._account = Account(_fixed(token or known.get(TOKEN_VARIABLE)))
        self._session: Session | None = None
        self._transport = Transport(self.base_url, attribution.headers(), notify)
        self._driver = Driver(
            self.base_url,
            self._transport,
            clock=clock or WallClock(),
            store=profile or Profile(),
            notify=notify,
        )

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
        return self._session.id if self._session is not None else None

    def connect(self) -> None:
        """Say "Connecting…" and see that there is a token (CLI-10, AUTH-1)."""
        self._driver.run(_connect(self._account))

    def open_session(self) -> str:
        """Open a new session and use it from now on; its id (SES-1)."""
        self._session = None
        return self._opened().id

    def resume(self, session_id: str) -> StateReply:
        """Come back to a saved session; its state, `SessionNotFound` if there is none (SES-2)."""
        self._session = self._driver.run(resume_session(self._account, session_id))
        return self.state()

    def upload(self, *files: str | Path) -> tuple[FileReply, ...]:
        """Add files and http(s) URLs to the session; what the backend made of them (UPL-2).

        Paths go in one request, all or nothing (UPL-5), URLs in another. Opens a session if there
        is none. Raises `UnsupportedFile`, `FileTooLarge`, `FileProblem`.
        """
        urls = [str(file) for file in files if _is_url(file)]
        paths = [Path(file) for file in files if not _is_url(file)]
        source = self._attribution.source
        done: tuple[FileReply, ...] = ()
        if paths:
            done += self._driver.run(upload_files(self._opened(), paths, source=source))
        if urls:
            done += self._driver.run(upload_urls(self._opened(), urls))
        return done

    def say(self, message: str) -> Turn:
        """Send one message, once, and tell what came of it (CLI-3 to CLI-6).

        Opens a session if there is none. Raises `TurnFailed` where nothing changed and nothing
        was said, `StreamTimeout`, `OutOfCredits`.
        """
        return self._driver.run(take_turn(self._opened(), message))

    def balance(self) -> Balance:
        """Credits (CRD-1)."""
        return self._driver.run(read_balance(self._account))

    def state(self) -> StateReply:
        """The newest state of the session (STA-1)."""
        return self._driver.run(read_state(self._opened()))

    def timeline(self) -> str:
        """The track summary of the session (STA-5)."""
        return timeline(draft_of(self.state()))

    def export(self, destination: str | Path, *, resolution: Resolution | None = None) -> Export:
        """Render the timeline into `destination`, free of charge (CLI-8, REN-3).

        A file that is there is replaced when the new one is complete. Raises `NothingToExport`,
        `ExportBlocked`, `RenderFailed`, `DownloadFailed`, `FileProblem`.
        """
        output = OutputRequest(resolution=resolution or UNSET)
        flow = export(self._opened(), Path(destination), self._polling, output)
        return self._driver.run(flow)

    def _opened(self) -> Session:
        if self._session is None:
            self._session = self._driver.run(open_session(self._account, self._language))
        return self._session


def _connect(account: Account) -> Flow[None]:
    yield Notice("connecting", "Connecting…")
    yield from sign_in(account)


def _is_url(file: str | Path) -> bool:
    return isinstance(file, str) and file.lower().startswith(("http://", "https://"))


def _fixed(token: str | None) -> Secret | None:
    token = (token or "").strip()
    if not token:
        return None
    # What cannot stand in a header would make the HTTP library quote it in an error.
    if not token.isascii() or not token.isprintable() or " " in token:
        raise BadToken("the token holds characters that no token has")
    return Secret(token)
