"""Sessions: open, resume and save them; read state and balance; upload files."""

import contextlib
from collections.abc import Iterable, Sequence
from pathlib import Path
from urllib.parse import quote

import msgspec

from nemolocal_contract.draft import Draft, draft_from_wire
from nemolocal_contract.endpoints import (
    BALANCE,
    CLAIM_PAGE,
    CLAIM_TOKEN,
    CURRENT_USER,
    SESSION,
    STATE,
    UPLOAD,
    ClaimRequest,
    SessionRequest,
    UrlUploadRequest,
)
from nemolocal_contract.media import skill_profile
from nemolocal_contract.responses import (
    Balance,
    ClaimReply,
    FileReply,
    SessionReply,
    StateReply,
    UploadReply,
    encode_json,
)

from .auth import AuthState, send_authorized
from .errors import (
    CannotFetch,
    ConnectionCut,
    FileProblem,
    FileTooLarge,
    SessionNotFound,
    UnsupportedFile,
    sanitize_line,
)
from .operations import (
    Flow,
    GetTime,
    HttpCall,
    HttpOperation,
    KeptSession,
    LoadInputs,
    LoadSessions,
    SaveSession,
    StatFiles,
)
from .response_errors import data_of

# The backend probes uploaded files before it responds.
_UPLOAD_TIMEOUT = 300.0
_MAX_SAVED_FILES = 20


class ClientSession(msgspec.Struct):
    """An open session.

    `last_render_number` is that of the newest render id, `active_render_id` the running render.
    `is_turn_running` is true while a turn is read, and stays true if reading was cancelled, since
    the turn may continue. `saved` is what the profile stores.
    """

    auth: AuthState
    id: str
    task_id: str = ""
    last_render_number: int = 0
    active_render_id: str = ""
    is_turn_running: bool = False
    saved: KeptSession = KeptSession("")


def open_session(auth: AuthState, language: str, task_name: str = "project") -> Flow[ClientSession]:
    """Open a session and save it (SES-1)."""
    body = encode_json(SessionRequest(task_name, language))
    call = HttpCall(method=SESSION.method, path=SESSION.path(user=CURRENT_USER), json=body)
    response = data_of((yield from send_authorized(auth, call)), SessionReply)
    auth.user_id = response.user_id or auth.user_id
    session = ClientSession(auth, response.session_id, response.task_id)
    yield from save_session(session, session_id=response.session_id, task_name=task_name)
    return session


def resume_session(auth: AuthState, session_id: str) -> Flow[ClientSession]:
    """Resume a session; raises `SessionNotFound` (SES-2, SES-3)."""
    session = ClientSession(auth, session_id)
    known: tuple[KeptSession, ...] = yield LoadSessions()
    saved = next((each for each in known if each.session_id == session_id), None)
    # An id that was never seen here may be a typo.
    response = yield from read_state(session, seen=saved is not None)
    auth.user_id = response.user_id or auth.user_id
    session.task_id = response.task_id
    session.saved = saved or session.saved
    yield from save_session(session, session_id=session_id, task_name=response.task_name)
    yield LoadInputs(session_id)
    return session


def save_session(session: ClientSession, **changes: object) -> Flow[None]:
    """Save changed fields of the session's `KeptSession`, and the time of use."""
    now: float = yield GetTime()
    session.saved = msgspec.structs.replace(
        session.saved, task_id=session.task_id, used_at=now, **changes
    )
    yield SaveSession(session.saved)


def save_uploaded_names(session: ClientSession, names: Iterable[str]) -> Flow[None]:
    """Save the names of uploaded files, only the newest."""
    files = (*session.saved.files, *map(sanitize_line, names))[-_MAX_SAVED_FILES:]
    yield from _save_session_if_possible(session, files=files)


def save_last_message(session: ClientSession, message: str) -> Flow[None]:
    """Save the last message, without tokens (CLI-9)."""
    yield from _save_session_if_possible(session, last_message=sanitize_line(message))


def _save_session_if_possible(session: ClientSession, **changes: object) -> Flow[None]:
    """An edit must not fail because the profile cannot be written."""
    with contextlib.suppress(FileProblem):
        yield from save_session(session, **changes)


def ask_in(session: ClientSession, request: HttpOperation) -> Flow[object]:
    """Send a request about a session that existed before."""
    try:
        return (yield from send_authorized(session.auth, request))
    except SessionNotFound:
        raise SessionNotFound.gone(session.id) from None


def read_state(session: ClientSession, *, seen: bool = True) -> Flow[StateReply]:
    """Read the newest state (STA-1); `seen`: the session existed before."""
    call = HttpCall(method=STATE.method, path=STATE.path(user=CURRENT_USER, session=session.id))
    asked = ask_in(session, call) if seen else send_authorized(session.auth, call)
    return data_of((yield from asked), StateReply)


def claim_link(session: ClientSession, web_url: str) -> Flow[str]:
    """Create a link that opens the session's project in a browser for a week (AUTH-7, CLI-10).

    It contains a claim token, which is valid for this project only, and never the bearer token.
    """
    body = encode_json(ClaimRequest(session.task_id, session.id))
    call = HttpCall(method=CLAIM_TOKEN.method, path=CLAIM_TOKEN.path(), json=body)
    response = data_of((yield from ask_in(session, call)), ClaimReply)
    return f"{web_url}{CLAIM_PAGE.template}?ct={quote(response.claim_token, safe='')}"


def read_balance(auth: AuthState) -> Flow[Balance]:
    """Read the credits: available, frozen, total (CRD-1)."""
    response = yield from send_authorized(
        auth, HttpCall(method=BALANCE.method, path=BALANCE.path())
    )
    return data_of(response, Balance)


def upload_files(
    session: ClientSession, paths: Sequence[Path], *, source: str
) -> Flow[tuple[FileReply, ...]]:
    """Upload files from disk to the session, all or nothing (UPL-1, UPL-5).

    `source` is the skill: its size limit explains a connection that the backend closed (UPL-4).
    """
    sizes: tuple[int, ...] = yield StatFiles(tuple(paths), session.id)
    call = HttpCall(
        method=UPLOAD.method,
        path=UPLOAD.path(user=CURRENT_USER, session=session.id),
        files=tuple(paths),
        timeout=_UPLOAD_TIMEOUT,
    )
    try:
        response = yield from ask_in(session, call)
    except ConnectionCut as cut:
        limit = skill_profile(source).upload_limit
        if not cut.gone and sum(sizes) > limit:
            raise FileTooLarge(
                "the backend closed the connection during an upload of more than "
                f"{limit // 1_000_000} MB"
            ) from None
        raise
    return data_of(response, UploadReply).files


def upload_urls(session: ClientSession, urls: Sequence[str]) -> Flow[tuple[FileReply, ...]]:
    """Let the backend fetch files from URLs (UPL-1)."""
    call = HttpCall(
        method=UPLOAD.method,
        path=UPLOAD.path(user=CURRENT_USER, session=session.id),
        json=encode_json(UrlUploadRequest(tuple(urls), "url")),
        timeout=_UPLOAD_TIMEOUT,
    )
    try:
        response = yield from ask_in(session, call)
    except UnsupportedFile as refused:
        raise CannotFetch(refused.message) from None
    return data_of(response, UploadReply).files


def draft_of(reply: StateReply) -> Draft:
    """Return the timeline of a state."""
    return draft_from_wire(reply.state.draft)
