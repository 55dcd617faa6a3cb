"""A session and what is asked about it: its state, its uploads, the balance."""

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

# The backend probes what it received before it answers.
_UPLOAD_TIMEOUT = 300.0
_MAX_SAVED_FILES = 20


class ClientSession(msgspec.Struct):
    """An open session of an account.

    `last_render` is the number of its newest render id, `rendering` the id that is under way.
    `talking` is true from the moment a message is sent until its turn has been heard out: where
    that was given up, the turn may go on. `kept` is what the profile remembers.
    """

    auth: AuthState
    id: str
    task_id: str = ""
    last_render_number: int = 0
    active_render_id: str = ""
    is_turn_running: bool = False
    saved: KeptSession = KeptSession("")


def open_session(
    account: AuthState, language: str, task_name: str = "project"
) -> Flow[ClientSession]:
    """Open a session and remember it (SES-1)."""
    body = encode_json(SessionRequest(task_name, language))
    call = HttpCall(method=SESSION.method, path=SESSION.path(user=CURRENT_USER), json=body)
    reply = data_of((yield from send_authorized(account, call)), SessionReply)
    account.user_id = reply.user_id or account.user_id
    session = ClientSession(account, reply.session_id, reply.task_id)
    yield from save_session(session, session_id=reply.session_id, task_name=task_name)
    return session


def resume_session(account: AuthState, session_id: str) -> Flow[ClientSession]:
    """Come back to a saved session; `SessionNotFound` where there is none (SES-2, SES-3)."""
    session = ClientSession(account, session_id)
    known: tuple[KeptSession, ...] = yield LoadSessions()
    kept = next((kept for kept in known if kept.session_id == session_id), None)
    # What was never seen may be a slip of whoever gives the id.
    reply = yield from read_state(session, seen=kept is not None)
    account.user_id = reply.user_id or account.user_id
    session.task_id = reply.task_id
    session.saved = kept or session.saved
    yield from save_session(session, session_id=session_id, task_name=reply.task_name)
    yield LoadInputs(session_id)
    return session


def save_session(session: ClientSession, **news: object) -> Flow[None]:
    """Keep what is new of a session, by the fields of `KeptSession`, and that it is in use."""
    now: float = yield GetTime()
    kept = msgspec.structs.replace(session.saved, task_id=session.task_id, used_at=now, **news)
    session.saved = kept
    yield SaveSession(kept)


def save_uploaded_names(session: ClientSession, names: Iterable[str]) -> Flow[None]:
    """Keep the names of what was uploaded, the newest of them."""
    files = (*session.saved.files, *map(sanitize_line, names))[-_MAX_SAVED_FILES:]
    yield from _save_session_if_possible(session, files=files)


def save_last_message(session: ClientSession, message: str) -> Flow[None]:
    """Keep what is said, without any token in it (CLI-9)."""
    yield from _save_session_if_possible(session, last_message=sanitize_line(message))


def _save_session_if_possible(session: ClientSession, **news: object) -> Flow[None]:
    """No edit fails because its words could not be kept."""
    with contextlib.suppress(FileProblem):
        yield from save_session(session, **news)


def ask_in(session: ClientSession, request: HttpOperation) -> Flow[object]:
    """`send_authorized`, for what names a session that was there before."""
    try:
        return (yield from send_authorized(session.auth, request))
    except SessionNotFound:
        raise SessionNotFound.gone(session.id) from None


def read_state(session: ClientSession, *, seen: bool = True) -> Flow[StateReply]:
    """The newest state (STA-1); `seen`: there was one before."""
    call = HttpCall(method=STATE.method, path=STATE.path(user=CURRENT_USER, session=session.id))
    asked = ask_in(session, call) if seen else send_authorized(session.auth, call)
    return data_of((yield from asked), StateReply)


def claim_link(session: ClientSession, web_url: str) -> Flow[str]:
    """A link that opens the session's project on the web side, for a week (AUTH-7, CLI-10).

    It carries a claim token, which opens this one project; the bearer token is never in it.
    """
    body = encode_json(ClaimRequest(session.task_id, session.id))
    call = HttpCall(method=CLAIM_TOKEN.method, path=CLAIM_TOKEN.path(), json=body)
    reply = data_of((yield from ask_in(session, call)), ClaimReply)
    return f"{web_url}{CLAIM_PAGE.template}?ct={quote(reply.claim_token, safe='')}"


def read_balance(account: AuthState) -> Flow[Balance]:
    """Credits: available, frozen, total (CRD-1)."""
    reply = yield from send_authorized(
        account, HttpCall(method=BALANCE.method, path=BALANCE.path())
    )
    return data_of(reply, Balance)


def upload_files(
    session: ClientSession, paths: Sequence[Path], *, source: str
) -> Flow[tuple[FileReply, ...]]:
    """Stream files from disk into the session, all or nothing (UPL-1, UPL-5).

    `source` is the skill, whose limit explains a connection that the backend cut (UPL-4).
    """
    sizes: tuple[int, ...] = yield StatFiles(tuple(paths), session.id)
    call = HttpCall(
        method=UPLOAD.method,
        path=UPLOAD.path(user=CURRENT_USER, session=session.id),
        files=tuple(paths),
        timeout=_UPLOAD_TIMEOUT,
    )
    try:
        reply = yield from ask_in(session, call)
    except ConnectionCut as cut:
        limit = skill_profile(source).upload_limit
        if not cut.gone and sum(sizes) > limit:
            raise FileTooLarge(
                f"the backend cut off an upload of more than {limit // 1_000_000} MB"
            ) from None
        raise
    return data_of(reply, UploadReply).files


def upload_urls(session: ClientSession, urls: Sequence[str]) -> Flow[tuple[FileReply, ...]]:
    """Let the backend fetch files (UPL-1)."""
    call = HttpCall(
        method=UPLOAD.method,
        path=UPLOAD.path(user=CURRENT_USER, session=session.id),
        json=encode_json(UrlUploadRequest(tuple(urls), "url")),
        timeout=_UPLOAD_TIMEOUT,
    )
    try:
        reply = yield from ask_in(session, call)
    except UnsupportedFile as refused:
        raise CannotFetch(refused.message) from None
    return data_of(reply, UploadReply).files


def draft_of(reply: StateReply) -> Draft:
    """The timeline in a state."""
    return draft_from_wire(reply.state.draft)
