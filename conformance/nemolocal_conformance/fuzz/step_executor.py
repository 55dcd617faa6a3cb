"""Sends the calls of a script, with the server's ids in place of names."""

from typing import Any

from nemolocal_contract import endpoints as wire
from nemolocal_contract.clock import WallClock
from nemolocal_contract.endpoints import Endpoint

from ..assertions import CheckFailed
from ..context import CheckContext
from ..endpoint_requests import UNKNOWN_TOKEN
from ..render_replies import flatten_render
from ..samples import read_sample
from ..target import TargetResponse, TurnStream
from .export_responses import FollowedRender, export_draft
from .script import (
    AccountStep,
    AuthKind,
    BalanceStep,
    CancelStep,
    ClaimStep,
    DownloadStep,
    ExportStep,
    FollowStep,
    MessageStep,
    SessionStep,
    StateStep,
    StatusStep,
    TokenStep,
    UploadStep,
    UrlUploadStep,
)
from .server_model import ServerModel
from .session_responses import FILE_TYPES, TASK_NAME

_BAD_IDS = {"missing": None, "empty": "", "too-long": "x" * 65}
_CLAIM = "clm_nobody_was_ever_given_this_one"
_NOT_MEDIA = b"some words"
_RENDER_TIMEOUT = 300.0
_LOCAL_POLL_INTERVAL, _CLOUD_POLL_INTERVAL = 0.02, 30.0


class StepExecutor:
    """Sends the calls of one script, with the ids of its model."""

    def __init__(self, context: CheckContext, model: ServerModel) -> None:
        self._context = context
        self._model = model
        self._clock = WallClock()

    def request_token(self, step: TokenStep) -> TargetResponse:
        """Make the token call."""
        client_id = self._model.client_id(step.client)
        return self._context.request_token(_BAD_IDS.get(step.how, client_id))

    def read_balance(self, step: BalanceStep) -> TargetResponse:
        """Read the credits."""
        return self._call(wire.BALANCE, step)

    def open_session(self, step: SessionStep) -> TargetResponse:
        """Open a session."""
        body = {"task_name": TASK_NAME} | ({"language": step.language} if step.language else {})
        sent: dict[str, Any] = {"content": b"{"} if step.broken else {"json": body}
        return self._call(
            wire.SESSION, step, user=self._model.user_in_path(step, step.user), **sent
        )

    def read_state(self, step: StateStep) -> TargetResponse:
        """Read the latest state."""
        return self._in_session(wire.STATE, step, user=self._model.user_in_path(step, step.user))

    def upload(self, step: UploadStep) -> TargetResponse:
        """Upload files; raises `NotApplicable` if a setting limits uploads to fewer bytes."""
        bodies = {
            name: read_sample(name) if name in FILE_TYPES else _NOT_MEDIA for name in step.files
        }
        largest = max(map(len, bodies.values()))
        self._context.require_upload_limit(self._context.target.skill, largest)
        files = [("files", (name, bodies[name])) for name in step.files]
        return self._in_session(wire.UPLOAD, step, files=files)

    def upload_url(self, step: UrlUploadStep) -> TargetResponse:
        """Upload by URL."""
        return self._in_session(wire.UPLOAD, step, json={"urls": [step.url], "source_type": "url"})

    def send_message(self, step: MessageStep) -> TurnStream:
        """Send a message and read the stream."""
        body = {
            "app_name": wire.APP_NAME,
            "user_id": wire.CURRENT_USER,
            "session_id": self._model.session_id(step.session),
            "new_message": {"parts": [{"text": step.message}]},
        }
        if step.auth == "good":
            return self._context.target.stream_turn(body, token=self._model.token(step.by))
        return TurnStream(self._call(wire.CHAT, step, json=body))

    def request_claim_token(self, step: ClaimStep) -> TargetResponse:
        """Request a claim token."""
        session = self._model.sessions.get(step.session)
        task = session.task_id if session is not None else "task"
        body = {"task_id": task, "session_id": self._model.session_id(step.session)}
        return self._call(wire.CLAIM_TOKEN, step, json=body)

    def submit_export(self, step: ExportStep) -> TargetResponse:
        """Submit an export."""
        body = {
            "id": self._model.render_id(step.render),
            "sessionId": self._model.session_id(step.session),
            "draft": export_draft(self._model, step),
        }
        return self._call(wire.RENDER, step, json=body, attributed=step.attributed)

    def read_status(self, step: StatusStep | FollowStep) -> TargetResponse:
        """Read the status of a render."""
        return self._of_render(wire.RENDER_STATUS, step)

    def follow_render(self, step: FollowStep) -> FollowedRender:
        """Poll until the render has ended, and download its file."""
        polls: list[TargetResponse] = []
        waited, pause = (
            0.0,
            _LOCAL_POLL_INTERVAL if self._context.has_control else _CLOUD_POLL_INTERVAL,
        )
        while waited <= _RENDER_TIMEOUT:
            polls.append(self.read_status(step))
            status, url = _status_and_url(polls[-1])
            if status not in ("pending", "processing"):
                file = self._context.fetch(url) if url else None
                return FollowedRender(tuple(polls), file)
            self._clock.wait(pause)
            waited += pause
        return FollowedRender(tuple(polls))

    def cancel_render(self, step: CancelStep) -> TargetResponse:
        """Cancel a render."""
        return self._of_render(wire.RENDER_CANCEL, step)

    def download_render(self, step: DownloadStep) -> TargetResponse:
        """Download the file of a render."""
        return self._of_render(wire.RENDER_DOWNLOAD, step)

    def _in_session(
        self, endpoint: Endpoint, step: StateStep | UploadStep | UrlUploadStep, **rest: Any
    ) -> TargetResponse:
        return self._call(endpoint, step, session=self._model.session_id(step.session), **rest)

    def _of_render(
        self, endpoint: Endpoint, step: StatusStep | FollowStep | CancelStep | DownloadStep
    ) -> TargetResponse:
        return self._call(endpoint, step, render=self._model.render_id(step.render))

    def _call(
        self, endpoint: Endpoint, step: AccountStep, *, user: str = wire.CURRENT_USER, **rest: Any
    ) -> TargetResponse:
        """Make one call.

        `session` and `render` fill its path; `rest` is passed to `TargetClient.request`.
        """
        names = {name: rest.pop(name) for name in ("session", "render") if name in rest}
        path = endpoint.path(user=user, **names)
        shown = _token_arguments(step.auth, self._model.token(step.by))
        rest["follow_redirects"] = endpoint is wire.RENDER_DOWNLOAD
        return self._context.target.request(endpoint.method, path, **shown, **rest)


def _token_arguments(auth: AuthKind, token: str) -> dict[str, Any]:
    """Return the request arguments that send the token (GEN-3, GEN-5)."""
    ways: dict[AuthKind, dict[str, Any]] = {
        "good": {"token": token},
        "none": {},
        "malformed": {"headers": {"Authorization": "Basic bmVtbzpuZW1v"}},
        "unknown": {"token": UNKNOWN_TOKEN},
        "claim": {"token": _CLAIM},
        "in-query": {"token": token, "params": {"token": token}},
    }
    return ways[auth]


def _status_and_url(response: TargetResponse) -> tuple[object, str]:
    """Return the status and the URL of a poll, as far as it has them."""
    try:
        body = flatten_render(response.json)
    except CheckFailed:
        return None, ""
    output = body.get("output")
    url = output.get("url") if isinstance(output, dict) else None
    return body.get("status"), str(url or "")
