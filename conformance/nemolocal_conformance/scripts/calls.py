"""The calls of a script on the wire: names become what they stand for, and bytes are sent."""

from typing import Any

from nemolocal_contract import endpoints as wire
from nemolocal_contract.clock import WallClock
from nemolocal_contract.endpoints import Endpoint

from ..expectations import Broken
from ..peer import Answer, Told
from ..samples import sample
from ..stage import Stage, flat
from .model import NOBODY, Model
from .renders import Watched, draft_of
from .script import (
    AskToken,
    Auth,
    Balance,
    Call,
    Cancel,
    Claim,
    Download,
    Export,
    Follow,
    Link,
    Look,
    OpenSession,
    ReadState,
    Say,
    Upload,
)
from .sessions import KINDS, TASK

_BAD_IDS = {"missing": None, "empty": "", "too-long": "x" * 65}
_CLAIM = "clm_nobody_was_ever_given_this_one"
_NO_FILM = b"some words"
_PATIENCE = 300.0
_LOCAL_RHYTHM, _CLOUD_RHYTHM = 0.02, 30.0


class Caller:
    """Makes the calls of one script, with what its model knows."""

    def __init__(self, stage: Stage, model: Model) -> None:
        self._stage = stage
        self._model = model
        self._clock = WallClock()

    def ask_for_token(self, step: AskToken) -> Answer:
        """The token call."""
        client_id = self._model.client_id(step.client)
        return self._stage.ask_for_token(_BAD_IDS.get(step.how, client_id))

    def balance(self, step: Balance) -> Answer:
        """Read the credits."""
        return self._call(wire.BALANCE, step)

    def open_session(self, step: OpenSession) -> Answer:
        """Open a session."""
        body = {"task_name": TASK} | ({"language": step.language} if step.language else {})
        sent: dict[str, Any] = {"content": b"{"} if step.broken else {"json": body}
        return self._call(wire.SESSION, step, user=self._model.user(step, step.user), **sent)

    def read_state(self, step: ReadState) -> Answer:
        """Read the newest state."""
        return self._in_session(wire.STATE, step, user=self._model.user(step, step.user))

    def upload(self, step: Upload) -> Answer:
        """Send files."""
        bodies = {name: sample(name) if name in KINDS else _NO_FILM for name in step.files}
        files = [("files", (name, bodies[name])) for name in step.files]
        return self._in_session(wire.UPLOAD, step, files=files)

    def link(self, step: Link) -> Answer:
        """Send a URL."""
        return self._in_session(wire.UPLOAD, step, json={"urls": [step.url], "source_type": "url"})

    def say(self, step: Say) -> Told:
        """Send a message, and listen."""
        body = {
            "app_name": wire.APP,
            "user_id": wire.ME,
            "session_id": self._model.session_id(step.session),
            "new_message": {"parts": [{"text": step.message}]},
        }
        if step.auth == "good":
            return self._stage.peer.chat(body, token=self._model.token(step.by))
        return Told(self._call(wire.CHAT, step, json=body))

    def claim(self, step: Claim) -> Answer:
        """Ask for a claim token."""
        session = self._model.sessions.get(step.session)
        task = session.task_id if session is not None else "task"
        body = {"task_id": task, "session_id": self._model.session_id(step.session)}
        return self._call(wire.CLAIM_TOKEN, step, json=body)

    def submit(self, step: Export) -> Answer:
        """Submit an export."""
        body = {
            "id": self._model.render_id(step.render),
            "sessionId": self._model.session_id(step.session),
            "draft": draft_of(self._model, step),
        }
        return self._call(wire.RENDER, step, json=body, attributed=step.attributed)

    def look(self, step: Look | Follow) -> Answer:
        """Ask for the status of a render."""
        return self._of_render(wire.RENDER_STATUS, step)

    def follow(self, step: Follow) -> Watched:
        """Ask for it until the render has ended, and fetch its file."""
        looks: list[Answer] = []
        waited, pause = 0.0, _LOCAL_RHYTHM if self._stage.ours else _CLOUD_RHYTHM
        while waited <= _PATIENCE:
            looks.append(self.look(step))
            status, url = _seen(looks[-1])
            if status not in ("pending", "processing"):
                file = self._stage.peer.call("GET", url, attributed=False) if url else None
                return Watched(tuple(looks), file)
            self._clock.wait(pause)
            waited += pause
        return Watched(tuple(looks))

    def cancel(self, step: Cancel) -> Answer:
        """Cancel a render."""
        return self._of_render(wire.RENDER_CANCEL, step)

    def download(self, step: Download) -> Answer:
        """Fetch the file of a render."""
        return self._of_render(wire.RENDER_DOWNLOAD, step)

    def _in_session(
        self, endpoint: Endpoint, step: ReadState | Upload | Link, **rest: Any
    ) -> Answer:
        return self._call(endpoint, step, session=self._model.session_id(step.session), **rest)

    def _of_render(self, endpoint: Endpoint, step: Look | Follow | Cancel | Download) -> Answer:
        return self._call(endpoint, step, render=self._model.render_id(step.render))

    def _call(self, endpoint: Endpoint, step: Call, *, user: str = wire.ME, **rest: Any) -> Answer:
        """One call; `session` and `render` fill its path, `rest` is the peer's."""
        names = {name: rest.pop(name) for name in ("session", "render") if name in rest}
        path = endpoint.path(user=user, **names)
        shown = _shown(step.auth, self._model.token(step.by))
        return self._stage.peer.call(endpoint.method, path, **shown, **rest)


def _shown(auth: Auth, token: str) -> dict[str, Any]:
    """How a call shows its token (GEN-3, GEN-5)."""
    ways: dict[Auth, dict[str, Any]] = {
        "good": {"token": token},
        "none": {},
        "malformed": {"headers": {"Authorization": "Basic bmVtbzpuZW1v"}},
        "unknown": {"token": NOBODY},
        "claim": {"token": _CLAIM},
        "in-query": {"token": token, "params": {"token": token}},
    }
    return ways[auth]


def _seen(answer: Answer) -> tuple[object, str]:
    """The status and the URL of a look, as far as there are any."""
    try:
        body = flat(answer.json)
    except Broken:
        return None, ""
    output = body.get("output")
    url = output.get("url") if isinstance(output, dict) else None
    return body.get("status"), str(url or "")
