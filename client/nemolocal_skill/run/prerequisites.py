"""What a call needs and no answer has given yet: a token, a session, a clip, a draft to render.

It is fetched as a client of the contract would, with all headers, and told to whoever reads the
answers: a document whose commands stand in no order can be played all the same.
"""

from pathlib import Path
from typing import Any

import httpx

from nemolocal_contract import endpoints as wire
from nemolocal_contract.draft import draft_from_wire
from nemolocal_contract.endpoints import (
    CLIENT_ID,
    Attribution,
    ChatRequest,
    Message,
    Part,
    SessionRequest,
    bearer_header,
)
from nemolocal_contract.responses import encode_json

from ..parse.templates import Placeholder
from .calls import SkillCall
from .results import decode_json_or_none, find_field
from .variables import SAMPLE_MESSAGE, SkillVariables

_JSON = {"Content-Type": "application/json"}
_USER = {"user": wire.CURRENT_USER}


class Prerequisites:
    """Fetches what is missing into the values; `notes` says what was fetched for a call."""

    def __init__(
        self, http: httpx.Client, values: SkillVariables, attribution: Attribution, clip: Path
    ) -> None:
        self._http = http
        self._variables = values
        self._attribution = attribution
        self._clip = clip
        self._uploaded = self._edited = False
        self.notes: list[str] = []

    def ensure_for(self, call: SkillCall) -> None:
        """Make the values known that this call has holes for."""
        self.notes.clear()
        holes = [(part.name, "path") for part in call.url if isinstance(part, Placeholder)]
        inner = [value for _, value in call.headers] + [
            call.body,
            *(f.value for f in call.form_fields),
        ]
        holes += [
            (part.name, "") for value in inner for part in value if isinstance(part, Placeholder)
        ]
        wanted = {self._variables.variable_for(name, place) for name, place in holes}
        if "token" in wanted:
            self._ensure_token()
        if "session" in wanted:
            self._ensure_session()
        if call.name == "chat" and "session" in wanted:
            self._ensure_upload()
        if "draft" in wanted:
            self._ensure_draft()

    def record_response(self, call: SkillCall, body: object) -> None:
        """Keep what a good answer gives for later calls."""
        known = self._variables.values
        if call.name in ("token", "session"):
            for name, field in (("token", "token"), ("session", "session_id"), ("task", "task_id")):
                if found := find_field(body, field):
                    known[name] = found
        elif call.name in ("chat", "upload"):
            known.pop("draft", None)
            self._uploaded = self._uploaded or call.name == "upload"
            self._edited = self._edited or call.name == "chat"
        elif call.name == "state":
            self._keep_draft(body)
        elif call.name == "render":
            known["render"] = find_field(body, "id")
        elif call.name == "render_status":
            known["output"] = find_field(body, "url") or ""

    def _ensure_token(self) -> None:
        known = self._variables.values
        if "token" not in known:
            self.notes.append("a token was fetched first")
            headers = {CLIENT_ID: str(known["client"])}
            reply = self._http.request(wire.TOKEN.method, wire.TOKEN.path(), headers=headers)
            known["token"] = find_field(decode_json_or_none(reply.text), "token")

    def _ensure_session(self) -> None:
        known = self._variables.values
        if "session" not in known:
            self.notes.append("a session was opened first")
            body = self._call(wire.SESSION, content=encode_json(SessionRequest()))
            known["session"] = find_field(body, "session_id")

    def _ensure_upload(self) -> None:
        if self._uploaded:
            return
        self._ensure_session()
        self.notes.append("a clip was uploaded first")
        with self._clip.open("rb") as clip:
            self._call(wire.UPLOAD, files=[("files", (self._clip.name, clip))])
        self._uploaded = True

    def _ensure_draft(self) -> None:
        """The newest draft; a timeline without anything on it gets the clip first."""
        known = self._variables.values
        if "draft" in known:
            return
        self._ensure_upload()
        if not self._edited:
            self.notes.append("the clip was put on the timeline first")
            message = Message((Part(SAMPLE_MESSAGE),))
            content = encode_json(ChatRequest(str(known["session"]), message))
            self._call(wire.CHAT, content=content)
            self._edited = True
        self._keep_draft(self._call(wire.STATE))

    def _keep_draft(self, state: object) -> None:
        """The draft of a state, if there is something on its timeline (STA-3)."""
        draft = find_field(state, "draft")
        if isinstance(draft, dict) and draft_from_wire(draft).ready:
            self._variables.values["draft"] = draft

    def _call(self, endpoint: wire.Endpoint, **body: Any) -> object:
        """A call as the contract wants it; None where the reply is no JSON."""
        self._ensure_token()
        known = self._variables.values
        named = self._attribution.headers() | bearer_header(str(known["token"]))
        named |= _JSON if "content" in body else {}
        headers = {name.encode(): value.encode() for name, value in named.items()}
        path = endpoint.path(**_USER, session=str(known.get("session", "")))
        reply = self._http.request(endpoint.method, path, headers=headers, **body)
        return decode_json_or_none(reply.text)
