"""The export: read the state, submit a render, poll it, download the file (CLI-8, REN-8).

The file is downloaded to a hidden file beside the destination, which is renamed when it is
complete. A download that breaks is resumed if the server can, else started over. It never takes
more disk than the export says, or 20 GB if the export does not say.
"""

from pathlib import Path
from typing import Any

import msgspec

from nemolocal_contract.endpoints import (
    RENDER,
    RENDER_CANCEL,
    RENDER_DOWNLOAD,
    RENDER_STATUS,
    OutputRequest,
    RenderRequest,
)
from nemolocal_contract.plurals import pluralize
from nemolocal_contract.responses import RenderOutput, RenderStatus, encode_json

from .auth import AuthState, send_authorized
from .errors import (
    BackendError,
    BadReply,
    BadRequest,
    ConnectionCut,
    DownloadFailed,
    NothingToExport,
    RenderFailed,
    ServerLost,
    TransportFailed,
)
from .local_files import local_path, part_path
from .operations import (
    CheckDestination,
    DownloadFile,
    DownloadResult,
    Flow,
    GetTime,
    HttpCall,
    MoveFile,
    Notice,
    Sleep,
)
from .response_errors import error_of, render_status_of
from .retry import PollFailures, PollPolicy
from .sessions import ClientSession, ask_in, draft_of, read_state

_INSERT_FIRST_REMEDY = 'say "put it on the timeline", or ask for an edit first'
_TRIES = 3
_MAX_BYTES = 20_000_000_000


class Export(msgspec.Struct, frozen=True):
    """A finished export: the file, its URL, its length in seconds and its size in bytes.

    `warnings` are sentences from the backend.
    """

    path: Path
    url: str
    seconds: float
    size: int
    warnings: tuple[str, ...] = ()


def export(
    session: ClientSession,
    destination: Path,
    policy: PollPolicy,
    output: OutputRequest,
    *,
    overwrite: bool = False,
    number_inputs: bool = False,
) -> Flow[Export]:
    """Render the saved timeline into a file; the name gets a number if it is taken.

    With `overwrite` an existing file is replaced when the download is complete; an input never is.
    """
    chosen: Path = yield CheckDestination(destination, overwrite, number_inputs)
    if chosen != destination:
        replaceable: Path = yield CheckDestination(destination, True, number_inputs)
        yield _renamed_notice(destination, chosen, is_input=replaceable != destination)
    state = yield from read_state(session)
    draft = draft_of(state)
    if not draft.ready:
        uploaded = bool(session.saved.files)
        raise NothingToExport(remedy=_INSERT_FIRST_REMEDY if uploaded else None)
    done = yield from _render(session, state.state.draft, policy, output)
    placed, size, url = yield from download_render(
        session.auth, done, destination, overwrite=overwrite
    )
    if placed != chosen:
        yield _renamed_notice(destination, placed)
    length = done.output.duration if done.output is not None else 0.0
    seconds = length or (draft.duration_ms or 0) / 1000
    return Export(placed, url, seconds, size, done.warnings)


def check_export_path(destination: str | Path) -> Flow[Path]:
    """Return the path for an export; raises `FileProblem` if it is an input or not writable."""
    path = local_path(destination)
    yield CheckDestination(path, overwrite=True)
    return path


def _renamed_notice(destination: Path, chosen: Path, *, is_input: bool = False) -> Notice:
    if chosen == destination:
        return Notice("saving", f"{destination} is available now: saving there")
    if is_input:
        return Notice("saving", f"{destination} is an input: saving as {chosen.name}")
    return Notice("renamed", f"{destination} already exists: saving as {chosen.name}")


def cancel_export(session: ClientSession) -> Flow[bool]:
    """Cancel the running export; False if there is none (REN-8)."""
    render_id, session.active_render_id = session.active_render_id, ""
    if not render_id:
        return False
    path = RENDER_CANCEL.path(render=render_id)
    response = yield from send_authorized(
        session.auth, HttpCall(method=RENDER_CANCEL.method, path=path)
    )
    return render_status_of(response).status == "failed"


def _render(
    session: ClientSession, draft: dict[str, Any], policy: PollPolicy, output: OutputRequest
) -> Flow[RenderStatus]:
    """Render, and once more with a new id if it fails (REN-6)."""
    status = yield from _attempt(session, draft, policy, output)
    if status.status == "failed" and session.active_render_id:
        yield Notice("render", "The export failed, trying once more")
        status = yield from _attempt(session, draft, policy, output)
    if not session.active_render_id:
        raise RenderFailed("the export was cancelled", remedy="export again whenever you like")
    session.active_render_id = ""
    if status.status == "failed":
        raise RenderFailed(f"the export failed twice ({status.error or 'no reason given'})")
    return status


def _attempt(
    session: ClientSession, draft: dict[str, Any], policy: PollPolicy, output: OutputRequest
) -> Flow[RenderStatus]:
    render_id = yield from _next_render_id(session)
    session.active_render_id = render_id
    request = RenderRequest(render_id, session.id, draft, output)
    call = HttpCall(method=RENDER.method, path=RENDER.path(), json=encode_json(request))
    try:
        status = render_status_of((yield from ask_in(session, call)))
    except BadRequest as refused:
        # A duplicate id is the only refusal for which a new id helps (REN-6).
        if "duplicate" not in refused.message.lower():
            raise
        return RenderStatus(render_id, "failed", error=refused.message)
    except ConnectionCut:
        # The job may have been accepted: poll its status, as a second job would be a duplicate.
        status = RenderStatus(render_id, "pending")
    return (yield from _poll(session, status, policy))


def _next_render_id(session: ClientSession) -> Flow[str]:
    """Return `render_<milliseconds>`, never the same one twice."""
    now: float = yield GetTime()
    session.last_render_number = max(int(now * 1000), session.last_render_number + 1)
    return f"render_{session.last_render_number}"


def _poll(session: ClientSession, status: RenderStatus, policy: PollPolicy) -> Flow[RenderStatus]:
    """Poll until the render is completed or failed, as often as the policy says."""
    path = RENDER_STATUS.path(render=status.id)
    failures = PollFailures(session.auth.connection)
    for left in reversed(range(policy.times)):
        if status.status in ("completed", "failed"):
            return status
        yield Notice("render", "Rendering", status.progress / 100)
        yield Sleep(policy.seconds)
        try:
            call = HttpCall(method=RENDER_STATUS.method, path=path)
            status = render_status_of((yield from send_authorized(session.auth, call)))
            failures = PollFailures(session.auth.connection)
        except ServerLost:
            raise
        except (TransportFailed, BadReply) as error:
            # The job continues even if a poll fails.
            yield from failures.record(error, left * policy.seconds)
    if status.status in ("completed", "failed"):
        return status
    if failures.last_error is not None:
        raise failures.last_error
    waited = f"{pluralize(policy.times, 'check')}, {policy.seconds:g} s apart"
    raise RenderFailed(f"the export did not finish within {waited}")


def download_render(
    auth: AuthState, done: RenderStatus, destination: Path, *, overwrite: bool
) -> Flow[tuple[Path, int, str]]:
    """Download the file of a completed render; return its path, size in bytes and URL."""
    output = done.output or RenderOutput()
    part = part_path(destination)
    fallback = RENDER_DOWNLOAD.path(render=done.id)
    yield Notice("download", "Downloading", 0.0)
    url = output.url
    try:
        if not url:
            raise DownloadFailed("the export has no URL")
        # The URL may belong to another host, so the token is not sent (REN-8, CLI-9).
        size = yield from _download_with_resume(None, DownloadFile(url=url, part=part), output.size)
    except (BackendError, BadReply, TransportFailed, DownloadFailed):
        url = fallback
        size = yield from _download_with_resume(auth, DownloadFile(url=url, part=part), output.size)
    placed: Path = yield MoveFile(part, destination, overwrite)
    return placed, size, url


def _download_with_resume(
    auth: AuthState | None, request: DownloadFile, expected: int
) -> Flow[int]:
    """Download the complete file to `request.part` and return its size.

    The size must be `expected` unless that is 0.
    """
    offset, version = 0, ""
    for _ in range(_TRIES):
        operation = DownloadFile(
            url=request.url,
            part=request.part,
            offset=offset,
            version=version,
            limit=expected or _MAX_BYTES,
        )
        try:
            result = yield from _request_file(auth, operation)
        except ConnectionCut:
            result = DownloadResult(offset, False, version)
        if result.complete and expected in (0, result.size):
            return result.size
        can_resume = result.version and (not expected or result.size < expected)
        offset, version = (result.size, result.version) if can_resume else (0, "")
    if result.size > operation.limit:
        raise DownloadFailed(f"the file is larger than the expected {operation.limit} bytes")
    total = f" of {expected}" if expected else ""
    raise DownloadFailed(f"the download stopped at {result.size}{total} bytes, {_TRIES} times")


def _request_file(auth: AuthState | None, request: DownloadFile) -> Flow[DownloadResult]:
    response: object
    if auth is None:
        response = yield request
        failure = error_of(response)
        if failure is not None:
            raise failure
    else:
        response = yield from send_authorized(auth, request)
    if not isinstance(response, DownloadResult):
        raise DownloadFailed("the backend answered the download with JSON, not with a file")
    return response
