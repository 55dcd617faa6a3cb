"""An ordinary session of a client: what somebody does with one account in a few minutes."""

import time
from typing import Any

import httpx

from nemolocal_conformance.samples import CLIP, PICTURE, SOUND, read_sample
from nemolocal_contract.endpoints import (
    BALANCE,
    CHAT,
    CLAIM_TOKEN,
    FAULT,
    RENDER,
    RENDER_DOWNLOAD,
    RENDER_STATUS,
    SESSION,
    STATE,
    TOKEN,
    UPLOAD,
    Attribution,
    bearer_header,
)

# The least share of the rules with claims of which such a session shows something.
DECIDED = 0.8
# A broken server may never end a render; a correct one ends it within these seconds.
_MOST_POLLS, _POLL_SECONDS = 500, 0.01


class OrdinarySession:
    """Calls a server and copes with whatever it answers; `copes_with_cuts` also if it does not."""

    def __init__(self, base_url: str, *, copes_with_cuts: bool = False) -> None:
        self._http = httpx.Client(
            base_url=base_url,
            timeout=120,
            trust_env=False,
            transport=_CopingTransport() if copes_with_cuts else None,
            headers=Attribution("s", "1.0").headers(),
        )
        self._user = ""

    def play(self) -> None:
        """Everything, from the token to the downloaded file."""
        with self._http:
            self._refused_calls()
            token = self._token("first")
            self._token("first")
            self._http.headers.update(bearer_header(token))
            session = self._open_session(language="en")
            self._read(session)
            self._upload(session)
            self._edits(session)
            self._export(session)
            self._post(CLAIM_TOKEN, json=self._claim)
            self._other_account(session)

    def _refused_calls(self) -> None:
        self._http.post(TOKEN.path())
        self._http.post(TOKEN.path(), headers={"X-Client-Id": ""})
        self._http.get(BALANCE.path())
        self._http.get(BALANCE.path(), headers=bearer_header("nmv_usr_nobody"))
        self._http.get("/api/nothing")
        self._http.get(CHAT.path())

    def _token(self, client: str) -> str:
        return str(
            _data(self._http.post(TOKEN.path(), headers={"X-Client-Id": client})).get("token")
        )

    def _open_session(self, **more: str) -> str:
        body = {"task_name": "project", **more}
        data = _data(self._http.post(SESSION.path(user="me"), json=body))
        self._claim = {name: str(data.get(name)) for name in ("task_id", "session_id")}
        self._user = str(data.get("user_id"))
        return str(data.get("session_id"))

    def _read(self, session: str, user: str = "me") -> dict[str, Any]:
        state = _data(self._http.get(STATE.path(user=user, session=session))).get("state")
        draft = state.get("draft") if isinstance(state, dict) else None
        return draft if isinstance(draft, dict) else {}

    def _upload(self, session: str) -> None:
        path = UPLOAD.path(user="me", session=session)
        files = [("files", (name, read_sample(name))) for name in (CLIP, PICTURE, SOUND)]
        self._http.post(path, files=files)
        self._read(session)
        self._http.post(path, files=[("files", ("notes.txt", b"text"))])
        self._http.post(path, json={"urls": ["ftp://a.example/x.mp4"], "source_type": "url"})
        self._read(session, self._user)

    def _edits(self, session: str) -> None:
        self._say(session, "hello")
        self._say(session, "put my clip on the timeline")
        self._say(session, "add a title 'Hello' for 1 second")
        self._say(session, "add a title 'World' for 1 second", fault="silent")
        self._say(session, "add a title 'Again' for 1 second", fault="temporary-issue")
        self._http.post(CHAT.path(), json={"session_id": session})

    def _say(self, session: str, message: str, fault: str = "") -> None:
        body = {"session_id": session, "new_message": {"parts": [{"text": message}]}}
        self._balance()
        self._http.post(CHAT.path(), json=body, headers={FAULT: fault} if fault else {})
        self._balance()
        self._read(session)

    def _balance(self) -> None:
        self._http.get(BALANCE.path())

    def _export(self, session: str) -> None:
        draft = self._read(session)
        asked = {"id": "render_1", "sessionId": session, "draft": draft}
        output = {"output": {"format": "mp4", "quality": "high"}}
        self._post(RENDER, json={**asked, "id": "render_0", "draft": {"t": [], "d": 0}})
        self._balance()
        self._post(RENDER, json={**asked, **output})
        for _ in range(_MOST_POLLS):
            reply = _json(self._http.get(RENDER_STATUS.path(render="render_1")))
            if reply.get("status") not in ("pending", "processing"):
                break
            time.sleep(_POLL_SECONDS)
        self._balance()
        self._http.get(RENDER_DOWNLOAD.path(render="render_1"))
        self._post(RENDER, json=asked)
        self._http.get(RENDER_STATUS.path(render="render_unknown"))

    def _post(self, endpoint: Any, json: object) -> None:
        self._http.post(endpoint.path(), json=json)

    def _other_account(self, session: str) -> None:
        """Somebody else, who generates a clip and tries to read the first one's session."""
        self._http.headers.update(bearer_header(self._token("second")))
        self._read(session)
        own = self._open_session()
        self._say(own, "generate a 2-second sunset clip")
        self._read("1234567890123456789")
        # Nothing is left of the credits.
        third = self._open_session(language="zh")
        self._say(third, "生成一个2秒的日落片段")


class _CopingTransport(httpx.HTTPTransport):
    """Takes a response that breaks off for an empty one."""

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        try:
            response = super().handle_request(request)
            return httpx.Response(response.status_code, content=response.read())
        except httpx.TransportError:
            return httpx.Response(504)


def _json(response: httpx.Response) -> dict[str, Any]:
    try:
        body = response.json()
    except ValueError:
        return {}
    return body if isinstance(body, dict) else {}


def _data(response: httpx.Response) -> dict[str, Any]:
    data = _json(response).get("data")
    return data if isinstance(data, dict) else {}
