"""The export: state, submit, poll, download (CLI-8)."""

from pathlib import Path
from typing import Any

import msgspec

from nemolocal_contract.endpoints import (
    RENDER,
    RENDER_CANCEL,
    RENDER_STATUS,
    OutputRequest,
    RenderRequest,
)
from nemolocal_contract.plurals import pluralize
from nemolocal_contract.responses import RenderStatus, encode_json

from .auth import send_authorized
from .downloads import download_render
from .errors import (
    BadReply,
    BadRequest,
    ConnectionCut,
    NothingToExport,
    RenderFailed,
    ServerLost,
    TransportFailed,
)
from .local_files import local_path
from .operations import CheckDestination, Flow, GetTime, HttpCall, Notice, Sleep
from .polling import PollPolicy
from .reconnect import PollFailures
from .response_errors import render_status_of
from .sessions import ClientSession, ask_in, draft_of, read_state

_INSERT_FIRST_REMEDY = 'say "put it on the timeline", or ask for an edit first'


class Export(msgspec.Struct, frozen=True):
    """A finished export: the file, where it came from, its length in seconds, its size in bytes.

    `warnings` are the backend's, a sentence each.
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
    """Render the saved timeline into a file, or into the next free name where there is one.

    An older file is replaced with `overwrite` only, when all has arrived; an input never is.
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
    """The path of an export to come; `FileProblem` where it is an input's or cannot be written."""
    path = local_path(destination)
    yield CheckDestination(path, overwrite=True)
    return path


def _renamed_notice(destination: Path, chosen: Path, *, is_input: bool = False) -> Notice:
    if chosen == destination:
        return Notice("saving", f"{destination} is free by now: saving there")
    if is_input:
        return Notice("saving", f"{destination} is an input: saving as {chosen.name}")
    return Notice("renamed", f"{destination} is there already: saving as {chosen.name}")


def cancel_export(session: ClientSession) -> Flow[bool]:
    """Stop the export that is under way; False where none is (REN-8)."""
    render_id, session.active_render_id = session.active_render_id, ""
    if not render_id:
        return False
    path = RENDER_CANCEL.path(render=render_id)
    reply = yield from send_authorized(
        session.auth, HttpCall(method=RENDER_CANCEL.method, path=path)
    )
    return render_status_of(reply).status == "failed"


def _render(
    session: ClientSession, draft: dict[str, Any], policy: PollPolicy, output: OutputRequest
) -> Flow[RenderStatus]:
    """A completed render; a failed one is tried once more with a new id (REN-6)."""
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
        # An id used before is the one refusal that a new id mends (REN-6).
        if "duplicate" not in refused.message.lower():
            raise
        return RenderStatus(render_id, "failed", error=refused.message)
    except ConnectionCut:
        # The job may have been taken in: its status tells, a second job would be a duplicate.
        status = RenderStatus(render_id, "pending")
    return (yield from _poll(session, status, policy))


def _next_render_id(session: ClientSession) -> Flow[str]:
    """`render_<milliseconds>`, never the same one twice."""
    now: float = yield GetTime()
    session.last_render_number = max(int(now * 1000), session.last_render_number + 1)
    return f"render_{session.last_render_number}"


def _poll(session: ClientSession, status: RenderStatus, policy: PollPolicy) -> Flow[RenderStatus]:
    """Ask until the render is completed or failed, as often as the policy says."""
    path = RENDER_STATUS.path(render=status.id)
    trouble = PollFailures(session.auth.connection)
    for left in reversed(range(policy.times)):
        if status.status in ("completed", "failed"):
            return status
        yield Notice("render", "Rendering", status.progress / 100)
        yield Sleep(policy.seconds)
        try:
            call = HttpCall(method=RENDER_STATUS.method, path=path)
            status = render_status_of((yield from send_authorized(session.auth, call)))
            trouble = PollFailures(session.auth.connection)
        except ServerLost:
            raise
        except (TransportFailed, BadReply) as problem:
            # The job goes on whatever happens to one question about it.
            yield from trouble.record(problem, left * policy.seconds)
    if status.status in ("completed", "failed"):
        return status
    if trouble.last_error is not None:
        raise trouble.last_error
    waited = f"{pluralize(policy.times, 'check')}, {policy.seconds:g} s apart"
    raise RenderFailed(f"the export did not finish within {waited}")
