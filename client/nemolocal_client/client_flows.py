"""The methods of the client as flows, for one account and one session at a time."""

from pathlib import Path
from typing import Literal, TypeVar

from msgspec import UNSET

from nemolocal_contract.describe import describe_timeline
from nemolocal_contract.endpoints import CLOUD_BASE_URL, Attribution, OutputRequest
from nemolocal_contract.responses import Balance, FileReply, StateReply

from . import client_flows
from .auth import AuthState, ensure_token
from .errors import BadText, BadToken, OutOfCredits, SessionNotFound
from .exports import Export, cancel_export, export
from .httpx_adapter import host_of, is_loopback
from .local_files import local_path
from .operations import Flow, KeptSession, LoadSessions, Notice, Secret
from .retry import CONTRACT_RECONNECTING, ConnectionState, PollPolicy, ReconnectPolicy
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
from .turns import Turn, run_turn

T = TypeVar("T")
Resolution = Literal["720p", "1080p", "4k"]

# The cloud's web site; other servers are assumed to have it at the URL of the API.
_CLOUD_WEB_URL = "https://nemovideo.com"
_SERVE_FREE = "a local server charges nothing after a restart with `nemolocal serve --free`"
# Much longer than any id of the backend, but short enough for a URL.
_MAX_ID_LENGTH = 200


class ClientFlows:
    """The flows of the methods of `Client` and `AsyncClient`."""

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
        # The remedy for missing credits, from callers that know the server; "" for the default.
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
        known = client_flows.validate_session_id(session_id)
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
        """Export; with `number_inputs` the name of an uploaded file gets a number."""
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
        """Run a flow of the session; if that is unknown, the next call opens another (CLI-7).

        `resume` can return to it.
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
        """On a local server the user can also switch credits off."""
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
    # With an invalid character the HTTP library would quote the token in its error.
    if not token.isascii() or not token.isprintable() or " " in token:
        raise BadToken("the token contains characters that are not allowed in a token")
    return Secret(token)


def validate_text(text: str, what: str) -> str:
    """Return the text; raises `BadText` if it is not valid Unicode."""
    try:
        text.encode()
    except UnicodeEncodeError as error:
        raise BadText(f"{what} is not valid Unicode at character {error.start + 1}") from None
    return text


def validate_session_id(given: str) -> str:
    """Return the id; raises `SessionNotFound` if it cannot be part of a URL path."""
    try:
        validate_text(given, "the id")
    except BadText:
        fits = False
    else:
        # "." and ".." would be resolved as path segments.
        fits = 0 < len(given) <= _MAX_ID_LENGTH and given not in (".", "..")
    if not fits:
        raise SessionNotFound(f"{given[:50]!r} is not a session id")
    return given
