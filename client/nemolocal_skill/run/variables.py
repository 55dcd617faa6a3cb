"""The values for placeholders of a document: from earlier responses, or fetched when missing.

A document whose commands have no order can run nevertheless: before a call that needs a token, a
session, an upload or a draft, `Prerequisites` fetches it as a client of the contract would, and
notes that.
"""

import re
import uuid
from pathlib import Path
from typing import Any

import httpx

from nemolocal_contract import endpoints as wire
from nemolocal_contract.clock import Clock
from nemolocal_contract.draft import draft_from_wire
from nemolocal_contract.endpoints import (
    CLIENT_ID,
    SKILL_PLATFORM,
    SKILL_SOURCE,
    SKILL_VERSION,
    Attribution,
    ChatRequest,
    Message,
    Part,
    SessionRequest,
    bearer_header,
)
from nemolocal_contract.responses import encode_json

from ..parse.document import Skill
from ..parse.templates import Placeholder, fill_template, template_from_word
from .calls import SkillCall
from .results import decode_json_or_none, find_field

SAMPLE_MESSAGE = "trim to the first 2 seconds"
_ALIASES = {
    "token": "token nemotoken authtoken accesstoken yourtoken apitoken bearertoken",
    "base": "api baseurl nemoapiurl apiurl base apibase nemoapi host",
    "session": "sid session sessionid yoursessionid nemosession savedsessionid",
    "client": "uuid clientid nemoclientid cid client clientuuid randomuuid",
    "task": "taskid task",
    "user": "userid bind user",
    "render": "render renderid jobid exportid rid",
    "ts": "ts timestamp now epoch unix time random rand",
    "message": "msg message text prompt usermessage usertext instruction query yourmessage",
    "draft": "json draft draftjson currentdraft draftobject",
    "language": "lang language detected detectedlanguage locale userlang",
    "url": "url fileurl videourl mediaurl",
    "output": "outputurl downloadurl videolink",
    "source": "skillname name",
    "version": "skillversion version ver",
    "platform": "skillplatform platform skillsource source",
    "file": "path file video clip input filepath videofile",
}
_VARIABLE_BY_ALIAS = {
    word: meaning for meaning, words in _ALIASES.items() for word in words.split()
}
# The header decides, whatever the variable's name: some documents send $SKILL_SOURCE as platform.
_VARIABLE_BY_HEADER = {
    SKILL_SOURCE.lower(): "source",
    SKILL_VERSION.lower(): "version",
    SKILL_PLATFORM.lower(): "platform",
}
_MAX_DEPTH, _MAX_VALUE_LENGTH = 16, 20_000
# Assignments in the document do not replace these values.
# "your-uuid", "saved session id" and "token from step 1" mean uuid, session id and token.
_BEFORE = re.compile(r"^(?:your|my|the|current|saved|returned|new|generated|user)+(?=\w)")
_BEHIND = re.compile(r"(?:value|here|above|returned|from(?:the)?(?:step\d*|response|above))$")
_NEVER_OVERRIDDEN = ("token", "base", "session", "draft", "output")
_JSON = {"Content-Type": "application/json"}
_USER = {"user": wire.CURRENT_USER}


class SkillVariables:
    """The known values; `lookup` fills the placeholders of templates.

    `unset` are the names without a value, which a shell would replace by nothing.
    """

    def __init__(
        self, skill: Skill, attribution: Attribution, base_url: str, clip_url: str, clock: Clock
    ) -> None:
        self._skill = skill
        self._clock = clock
        self._assigned: dict[str, str] = {}
        self._depth = 0
        self.render_count = 0
        self.unset: list[str] = []
        self.values: dict[str, object] = {
            "base": base_url,
            "user": wire.CURRENT_USER,
            # Requests of their own do not use up the token that the document asks for.
            "prerequisite-client": str(
                uuid.uuid5(uuid.NAMESPACE_URL, f"nemolocal:{skill.name}:prerequisite")
            ),
            "client": str(uuid.uuid5(uuid.NAMESPACE_URL, f"nemolocal:{skill.name}")),
            "message": SAMPLE_MESSAGE,
            "language": "en",
            "url": clip_url,
            "file": "clip.mp4",
            "source": attribution.source,
            "version": attribution.version,
            "platform": attribution.platform,
        }

    def variable_for(self, name: str, place: str = "") -> str:
        """Return the variable that a name means, "" if unknown; `<id>` depends on its place."""
        plain = "".join(character for character in name.lower() if character.isalnum())
        if plain == "id":
            return "render" if place == "path" else "ts"
        for word in (plain, _BEHIND.sub("", _BEFORE.sub("", plain))):
            if word in _VARIABLE_BY_ALIAS:
                return _VARIABLE_BY_ALIAS[word]
        # A substitution: $(uuidgen), $(date +%s), $(cat ~/.config/nemovideo/client_id)
        marks = {"uuid": "client", "clientid": "client", "date": "ts", "token": "token"}
        found = (variable for mark, variable in marks.items() if mark in plain)
        return next(found, "") if " " in name or plain.startswith(("uuid", "date")) else ""

    def is_known(self, name: str, place: str) -> bool:
        """Whether a name has a meaning, or a value in the document."""
        return bool(
            place.lower() in _VARIABLE_BY_HEADER
            or self.variable_for(name, place)
            or name in self._skill.assignments
        )

    def lookup(self, name: str, place: str = "") -> object:
        """Return the value of a placeholder."""
        variable = _VARIABLE_BY_HEADER.get(place.lower(), self.variable_for(name, place))
        assigned = self._skill.assignments.get(name)
        if variable not in _NEVER_OVERRIDDEN and assigned is not None:
            return self._assignment(name)
        if variable == "ts":
            return str(int(self._clock.time()) + self.render_count)
        if variable not in self.values:
            self.unset.append(name)
        return self.values.get(variable, "")

    def _assignment(self, name: str) -> str:
        """Return the value of `NAME=value`, evaluated once; a reference to itself is empty.

        Nesting and length are bounded.
        """
        if name not in self._assigned:
            self._assigned[name] = ""
            template = template_from_word(self._skill.assignments[name])
            self._depth += 1
            if self._depth <= _MAX_DEPTH:
                self._assigned[name] = fill_template(template, self.lookup)[:_MAX_VALUE_LENGTH]
            self._depth -= 1
        return self._assigned[name]


class Prerequisites:
    """Fetches missing values; `notes` says what was fetched for a call."""

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
        """Fetch the missing values for the placeholders of a call."""
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
        if wanted & {"session", "task"}:
            self._ensure_session()
        if call.name == "chat" and "session" in wanted:
            self.ensure_upload()
        if "draft" in wanted:
            self._ensure_draft()

    def record_response(self, call: SkillCall, body: object) -> None:
        """Store the values of a successful response for later calls."""
        known = self._variables.values
        if call.name in ("token", "session"):
            for name, field in (("token", "token"), ("session", "session_id"), ("task", "task_id")):
                # A token that was fetched first is kept, and with it the session.
                if (found := find_field(body, field)) and (name != "token" or name not in known):
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
            headers = {CLIENT_ID: str(known["prerequisite-client"])}
            reply = self._http.request(wire.TOKEN.method, wire.TOKEN.path(), headers=headers)
            known["token"] = find_field(decode_json_or_none(reply.text), "token")

    def _ensure_session(self) -> None:
        known = self._variables.values
        if "session" not in known:
            self.notes.append("a session was opened first")
            body = self._call(wire.SESSION, content=encode_json(SessionRequest()))
            known["session"] = find_field(body, "session_id")
            known["task"] = find_field(body, "task_id")

    def ensure_upload(self) -> None:
        """Upload the clip, once."""
        if self._uploaded:
            return
        self._ensure_session()
        self.notes.append("a clip was uploaded first")
        with self._clip.open("rb") as clip:
            self._call(wire.UPLOAD, files=[("files", (self._clip.name, clip))])
        self._uploaded = True

    def _ensure_draft(self) -> None:
        """Fetch the newest draft; the clip is put on an empty timeline first."""
        known = self._variables.values
        if "draft" in known:
            return
        self.ensure_upload()
        if not self._edited:
            self.notes.append("the clip was put on the timeline first")
            message = Message((Part(SAMPLE_MESSAGE),))
            content = encode_json(ChatRequest(str(known["session"]), message))
            self._call(wire.CHAT, content=content)
            self._edited = True
        self._keep_draft(self._call(wire.STATE))

    def _keep_draft(self, state: object) -> None:
        """Store the draft of a state unless its timeline is empty (STA-3)."""
        draft = find_field(state, "draft")
        if isinstance(draft, dict) and draft_from_wire(draft).ready:
            self._variables.values["draft"] = draft

    def _call(self, endpoint: wire.Endpoint, **body: Any) -> object:
        """Make a call of the contract; return None if the response is not JSON."""
        return decode_json_or_none(self.send(endpoint, **body).text)

    def send(self, endpoint: wire.Endpoint, **body: Any) -> httpx.Response:
        """Make a call of the contract with the known token and session."""
        self._ensure_token()
        known = self._variables.values
        named = self._attribution.headers() | bearer_header(str(known["token"]))
        named |= _JSON if "content" in body else {}
        headers = {name.encode(): value.encode() for name, value in named.items()}
        path = endpoint.path(**_USER, session=str(known.get("session", "")))
        return self._http.request(endpoint.method, path, headers=headers, **body)
