"""A valid request for each endpoint that needs a token, for checks of every endpoint."""

import uuid
from collections.abc import Iterator
from typing import Any

import msgspec

from nemolocal_contract import endpoints as wire
from nemolocal_contract.endpoints import Endpoint

from .context import CheckContext
from .samples import PICTURE, read_sample
from .target import TargetResponse, turn_body

UNKNOWN_SESSION = "1000000000000000000"
UNKNOWN_RENDER = "render_never_was"
UNKNOWN_TOKEN = "nmv_usr_nobody_was_ever_given_this_one"
# A title alone, which needs no upload.
TITLE_DRAFT: dict[str, Any] = {
    "t": [{"tt": 7, "sg": [{"id": "x", "s": 0, "d": 400, "txt": "x"}]}],
    "d": 400,
}
OUTPUT = {"format": "mp4", "quality": "high"}
_TASK = {"task_name": "project", "language": "en"}
GUARDED_ENDPOINTS = (
    wire.SESSION, wire.UPLOAD, wire.CHAT, wire.BALANCE, wire.STATE, wire.CLAIM_TOKEN,
    wire.RENDER, wire.RENDER_STATUS, wire.RENDER_CANCEL, wire.RENDER_DOWNLOAD,
)  # fmt: skip
"""Every endpoint of the contract but the token call and the page of a claim token."""


class EndpointRequest(msgspec.Struct, frozen=True, kw_only=True):
    """What a request is about: a session with its task, and a render."""

    session: str = UNKNOWN_SESSION
    task: str = "1"
    render: str = UNKNOWN_RENDER
    user: str = wire.CURRENT_USER

    def send(
        self, context: CheckContext, endpoint: Endpoint, token: str | None, **rest: Any
    ) -> TargetResponse:
        """Send the request of an endpoint; `query` is added to its path, `rest` to the call."""
        path = endpoint.path(user=self.user, session=self.session, render=self.render)
        path += rest.pop("query", "")
        is_file = endpoint == wire.RENDER_DOWNLOAD
        sent = {"follow_redirects": is_file, **self._body(endpoint), **rest}
        if endpoint == wire.CHAT:
            sent["headers"] = {"Accept": "text/event-stream", **sent.get("headers", {})}
        return context.target.request(endpoint.method, path, token=token, **sent)

    def send_all(
        self, context: CheckContext, token: str | None, **rest: Any
    ) -> Iterator[tuple[str, TargetResponse]]:
        """Yield what each endpoint answers, with its method and template."""
        for endpoint in GUARDED_ENDPOINTS:
            yield label(endpoint), self.send(context, endpoint, token, **rest)

    def _body(self, endpoint: Endpoint) -> dict[str, Any]:
        if endpoint == wire.SESSION:
            return {"json": _TASK}
        if endpoint == wire.UPLOAD:
            return {"files": [("files", (PICTURE, read_sample(PICTURE)))]}
        if endpoint == wire.CHAT:
            return {"json": turn_body(self.session, "hello")}
        if endpoint == wire.CLAIM_TOKEN:
            return {"json": {"task_id": self.task, "session_id": self.session}}
        if endpoint == wire.RENDER:
            body = {"id": f"render_{uuid.uuid4().hex}", "sessionId": self.session}
            return {"json": {**body, "draft": TITLE_DRAFT, "output": OUTPUT}}
        return {}


def require_uploads(context: CheckContext) -> None:
    """Raise `NotApplicable` if the upload of an `EndpointRequest` is too large for the server."""
    context.require_upload_limit(context.target.skill, len(read_sample(PICTURE)))


def label(endpoint: Endpoint) -> str:
    """Return how a report names an endpoint."""
    return f"{endpoint.method} {endpoint.template}"
