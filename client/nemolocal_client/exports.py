"""The export: state, submit, poll, download (CLI-8)."""

from pathlib import Path
from typing import Any

import msgspec

from nemolocal_contract.counts import counted
from nemolocal_contract.endpoints import RENDER, RENDER_CANCEL, RENDER_STATUS
from nemolocal_contract.envelope import encode_json
from nemolocal_contract.replies import RenderStatus
from nemolocal_contract.requests import OutputRequest, RenderRequest

from .downloads import fetch
from .effects import Call, CheckDestination, Flow, Notice, Now, Wait
from .errors import (
    BadReply,
    BadRequest,
    ConnectionCut,
    NothingToExport,
    RenderFailed,
    ServerLost,
    TransportFailed,
)
from .failures import render_of
from .files import local_path
from .identity import authorized
from .polling import PollPolicy
from .reconnecting import Trouble
from .sessions import Session, ask_in, draft_of, read_state

_PLACE_FIRST = 'say "put it on the timeline", or ask for an edit first'


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
    session: Session,
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
        yield _renamed(destination, chosen, is_input=replaceable != destination)
    state = yield from read_state(session)
    draft = draft_of(state)
    if not draft.ready:
        uploaded = bool(session.kept.files)
        raise NothingToExport(remedy=_PLACE_FIRST if uploaded else None)
    done = yield from _render(session, state.state.draft, policy, output)
    placed, size, url = yield from fetch(session.account, done, destination, overwrite=overwrite)
    if placed != chosen:
        yield _renamed(destination, placed)
    length = done.output.duration if done.output is not None else 0.0
    seconds = length or (draft.duration_ms or 0) / 1000
    return Export(placed, url, seconds, size, done.warnings)


def check_place(destination: str | Path) -> Flow[Path]:
    """The path of an export to come; `FileProblem` where it is an input's or cannot be written."""
    path = local_path(destination)
    yield CheckDestination(path, overwrite=True)
    return path


def _renamed(destination: Path, chosen: Path, *, is_input: bool = False) -> Notice:
    if chosen == destination:
        return Notice("saving", f"{destination} is free by now: saving there")
    if is_input:
        return Notice("saving", f"{destination} is an input: saving as {chosen.name}")
    return Notice("renamed", f"{destination} is there already: saving as {chosen.name}")


def cancel_export(session: Session) -> Flow[bool]:
    """Stop the export that is under way; False where none is (REN-8)."""
    render_id, session.rendering = session.rendering, ""
    if not render_id:
        return False
    path = RENDER_CANCEL.path(render=render_id)
    reply = yield from authorized(session.account, Call(method=RENDER_CANCEL.method, path=path))
    return render_of(reply).status == "failed"


def _render(
    session: Session, draft: dict[str, Any], policy: PollPolicy, output: OutputRequest
) -> Flow[RenderStatus]:
    """A completed render; a failed one is tried once more with a new id (REN-6)."""
    status = yield from _attempt(session, draft, policy, output)
    if status.status == "failed" and session.rendering:
        yield Notice("render", "The export failed, trying once more")
        status = yield from _attempt(session, draft, policy, output)
    if not session.rendering:
        raise RenderFailed("the export was cancelled", remedy="export again whenever you like")
    session.rendering = ""
    if status.status == "failed":
        raise RenderFailed(f"the export failed twice ({status.error or 'no reason given'})")
    return status


def _attempt(
    session: Session, draft: dict[str, Any], policy: PollPolicy, output: OutputRequest
) -> Flow[RenderStatus]:
    render_id = yield from _new_id(session)
    session.rendering = render_id
    request = RenderRequest(render_id, session.id, draft, output)
    call = Call(method=RENDER.method, path=RENDER.path(), json=encode_json(request))
    try:
        status = render_of((yield from ask_in(session, call)))
    except BadRequest as refused:
        # An id used before is the one refusal that a new id mends (REN-6).
        if "duplicate" not in refused.message.lower():
            raise
        return RenderStatus(render_id, "failed", error=refused.message)
    except ConnectionCut:
        # The job may have been taken in: its status tells, a second job would be a duplicate.
        status = RenderStatus(render_id, "pending")
    return (yield from _poll(session, status, policy))


def _new_id(session: Session) -> Flow[str]:
    """`render_<milliseconds>`, never the same one twice."""
    now: float = yield Now()
    session.last_render = max(int(now * 1000), session.last_render + 1)
    return f"render_{session.last_render}"


def _poll(session: Session, status: RenderStatus, policy: PollPolicy) -> Flow[RenderStatus]:
    """Ask until the render is completed or failed, as often as the policy says."""
    path = RENDER_STATUS.path(render=status.id)
    trouble = Trouble(session.account.link)
    for left in reversed(range(policy.times)):
        if status.status in ("completed", "failed"):
            return status
        yield Notice("render", "Rendering", status.progress / 100)
        yield Wait(policy.seconds)
        try:
            call = Call(method=RENDER_STATUS.method, path=path)
            status = render_of((yield from authorized(session.account, call)))
            trouble = Trouble(session.account.link)
        except ServerLost:
            raise
        except (TransportFailed, BadReply) as problem:
            # The job goes on whatever happens to one question about it.
            yield from trouble.meet(problem, left * policy.seconds)
    if status.status in ("completed", "failed"):
        return status
    if trouble.problem is not None:
        raise trouble.problem
    waited = f"{counted(policy.times, 'check')}, {policy.seconds:g} s apart"
    raise RenderFailed(f"the export did not finish within {waited}")
