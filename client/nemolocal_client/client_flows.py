"""Everything a client can be asked for, as flows: one account, and one session at a time."""

from pathlib import Path
from typing import Literal, TypeVar

from msgspec import UNSET

from nemolocal_contract.describe import describe_timeline
from nemolocal_contract.endpoints import CLOUD_BASE_URL, Attribution, OutputRequest
from nemolocal_contract.responses import Balance, FileReply, StateReply

from . import text_validation
from .auth import AuthState, ensure_token
from .errors import BadToken, OutOfCredits, SessionNotFound
from .exports import Export, cancel_export, export
from .httpx_adapter import host_of, is_loopback
from .local_files import local_path
from .operations import Flow, KeptSession, LoadSessions, Notice, Secret
from .polling import CONTRACT_RECONNECTING, PollPolicy, ReconnectPolicy
from .reconnect import ConnectionState
from .sessions import (
    ClientSession,
    claim_link,
    draft_of,
    open_session,
    read_balance,
    read_state,
    resume_session,
    save_last_message,
    save_uploaded_names,
    upload_files,
    upload_urls,
)
from .text_validation import validate_text
from .turns import Turn, run_turn

T = TypeVar("T")
Resolution = Literal["720p", "1080p", "4k"]

# Where the cloud's projects are opened; everybody else's web side is where its API is (assumed).
_CLOUD_WEB_URL = "https://nemovideo.com"
_SERVE_FREE = "a server of `nemolocal serve` charges nothing once it is started again with --free"


class ClientFlows:
    """What both faces of the client share: each method is the flow of the client's of that name."""

    def __init__(
        self,
        base_url: str,
        attribution: Attribution,
        token: str | None,
        polling: PollPolicy,
        language: str,
        reconnecting: ReconnectPolicy = CONTRACT_RECONNECTING,
    ) -> None:
        self.base_url = base_url
        self.session: ClientSession | None = None
        self._source = attribution.source
        self.polling = polling
        self.language = validate_text(language, "the language")
        # What helps where credits lack on this very server, for who knows it ("" for nobody).
        self.credits_remedy = ""
        self.charges = True
        self.auth = AuthState(_manual_token(token), ConnectionState(reconnecting))

    def connect(self) -> Flow[None]:
        yield Notice("connecting", "Connecting…")
        yield from ensure_token(self.auth)

    def ensure_session(self) -> Flow[ClientSession]:
        """The open session, or a new one."""
        if self.session is None:
            self.session = yield from open_session(self.auth, self.language)
        return self.session

    def open_session(self, task_name: str) -> Flow[str]:
        name = validate_text(task_name, "the name of the session")
        self.session = None
        self.session = yield from open_session(self.auth, self.language, name)
        return self.session.id

    def resume(self, session_id: str) -> Flow[StateReply]:
        known = text_validation.validate_session_id(session_id)
        self.session = yield from resume_session(self.auth, known)
        return (yield from read_state(self.session))

    def sessions(self) -> Flow[tuple[KeptSession, ...]]:
        kept: tuple[KeptSession, ...] = yield LoadSessions()
        return kept

    def upload(self, *files: str | Path) -> Flow[tuple[FileReply, ...]]:
        urls = [validate_text(str(file), "the URL") for file in files if _is_url(file)]
        paths = [local_path(file) for file in files if not _is_url(file)]
        session = yield from self.ensure_session()
        done: tuple[FileReply, ...] = ()
        if paths:
            flow = upload_files(session, paths, source=self._source)
            done += yield from self._in_session(flow)
        if urls:
            done += yield from self._in_session(upload_urls(session, urls))
        yield from save_uploaded_names(session, (file.filename for file in done))
        return done

    def say(self, message: str) -> Flow[Turn]:
        text = validate_text(message, "the message")
        session = yield from self.ensure_session()
        yield from save_last_message(session, text)
        return (yield from self._in_session(run_turn(session, text, self.language)))

    def balance(self) -> Flow[Balance]:
        return (yield from read_balance(self.auth))

    def state(self) -> Flow[StateReply]:
        return (yield from self._in_session(read_state((yield from self.ensure_session()))))

    def timeline(self) -> Flow[str]:
        return describe_timeline(draft_of((yield from self.state())), self.language)

    def export(
        self,
        destination: str | Path,
        resolution: Resolution | None,
        overwrite: bool = False,
        *,
        number_inputs: bool = False,
    ) -> Flow[Export]:
        """With `number_inputs` a file that was uploaded is passed by, where `Client` refuses."""
        path = local_path(destination)
        output = OutputRequest(resolution=resolution or UNSET)
        session = yield from self.ensure_session()
        flow = export(
            session, path, self.polling, output, overwrite=overwrite, number_inputs=number_inputs
        )
        return (yield from self._in_session(flow))

    def cancel_export(self) -> Flow[bool]:
        if self.session is None:
            return False
        return (yield from cancel_export(self.session))

    def claim_link(self) -> Flow[str]:
        web_url = _CLOUD_WEB_URL if self.base_url == CLOUD_BASE_URL else self.base_url
        return (yield from claim_link((yield from self.ensure_session()), web_url))

    def _in_session(self, flow: Flow[T]) -> Flow[T]:
        """A flow of the session; one that is unknown is left, so that the next call opens another.

        Whoever knows better `resume`s it (CLI-7).
        """
        try:
            return (yield from flow)
        except SessionNotFound:
            self.session = None
            raise
        except OutOfCredits as error:
            self._add_credits_remedy(error)
            raise

    def _add_credits_remedy(self, error: OutOfCredits) -> None:
        """Who runs the server need not register anywhere; on this machine that may be so."""
        if self.credits_remedy:
            error.replace_remedy(self.credits_remedy)
        elif is_loopback(host_of(self.base_url)):
            error.replace_remedy(f"{error.remedy}; {_SERVE_FREE}")


def _is_url(file: str | Path) -> bool:
    return isinstance(file, str) and file.lower().startswith(("http://", "https://"))


def _manual_token(token: str | None) -> Secret | None:
    token = (token or "").strip()
    if not token:
        return None
    # What cannot stand in a header would make the HTTP library quote it in an error.
    if not token.isascii() or not token.isprintable() or " " in token:
        raise BadToken("the token holds characters that no token has")
    return Secret(token)
