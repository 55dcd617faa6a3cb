"""What the self-check plays: a turn and an export by bare requests, each told in one line."""

from collections import Counter

import httpx
import msgspec

from nemolocal_contract import endpoints as wire
from nemolocal_contract.envelope import Envelope
from nemolocal_contract.sse import SseParser
from nemolocal_contract.turn_events import ReceivedEvent, UnreadableEvent, decode_turn_events

_MESSAGE = "add a title 'Hi' for 1 second"
_USER = {"user": wire.CURRENT_USER}
_POLLS = 50


class SelfCheckSession:
    """A token's session with an upload."""

    def __init__(self, http: httpx.Client, sample: bytes) -> None:
        self.http = http
        self._sample = sample
        self.session = ""

    def set_up(self, where: str) -> None:
        """A session with footage; for a render with an edited timeline, too."""
        opened = self.http.post(wire.SESSION.path(**_USER), json={"task_name": "self-check"})
        self.session = opened.json()["data"]["session_id"]
        path = wire.UPLOAD.path(**_USER, session=self.session)
        self.http.post(path, files={"files": ("clip.mp4", self._sample)}).raise_for_status()
        if where == "render":
            self.http.post(wire.CHAT.template, json=self.chat_request()).raise_for_status()

    def chat_request(self) -> dict[str, object]:
        """The body of a turn that edits."""
        return {"session_id": self.session, "new_message": {"parts": [{"text": _MESSAGE}]}}

    def fetch_draft(self) -> object:
        """The draft as it is."""
        reply = self.http.get(wire.STATE.path(**_USER, session=self.session)).json()
        return reply["data"]["state"]["draft"]

    def wait_for_applied_state(self) -> str:
        """What the journal knows of the last turn of the session, once it is known."""
        query = {"session": self.session, "endpoint": "chat"}
        truth = "pending"
        while truth == "pending":
            entries = self.http.get(wire.JOURNAL.template, params=query).json()["entries"]
            truth = entries[-1]["turn"]["truth"]
        return truth

    def wait_for_credits(self) -> int:
        """What is available once nothing is frozen any more."""
        while (balance := self.http.get(wire.BALANCE.template).json()["data"])["frozen"]:
            pass
        available: int = balance["available"]
        return available


def run_and_describe(stage: SelfCheckSession, where: str) -> str:
    """Do it and tell what was seen."""
    return _run_turn(stage) if where == "chat" else _run_export(stage)


def _run_turn(stage: SelfCheckSession) -> str:
    chunks: list[bytes] = []
    status, ending = "", "clean end"
    try:
        with stage.http.stream("POST", wire.CHAT.template, json=stage.chat_request()) as reply:
            status = _status(reply)
            chunks.extend(reply.iter_raw())
    except httpx.TransportError as error:
        ending = type(error).__name__
    if status and not status.startswith("200 text"):
        return f"[{status} {_code(b''.join(chunks))}, {ending}]"
    return (
        f"[{_describe_stream(chunks)}, {ending}; {stage.wait_for_applied_state()}, "
        f"{stage.wait_for_credits()} credits left]"
    )


def _code(body: bytes) -> str:
    """The code of an envelope, if it is one."""
    try:
        return f"code {msgspec.json.decode(body, type=Envelope).code}"
    except msgspec.DecodeError:
        return "without a code"


def _describe_stream(chunks: list[bytes]) -> str:
    """The events of a stream by number and kind, and the pieces in which they came."""
    frames = SseParser().feed(b"".join(chunks))
    events = [event for frame in frames for event in decode_turn_events(frame)]
    kinds = Counter(_kind(event) for event in events)
    told = ", ".join(f"{number} {kind}" for kind, number in kinds.items()) or "nothing"
    return f"{told} in {len(chunks)} pieces"


def _kind(event: ReceivedEvent) -> str:
    text = getattr(event, "text", "")
    if isinstance(event, UnreadableEvent):
        return "no JSON"
    odd = any(len(line) for line in text.splitlines()[1:])
    return "Text with line separators" if odd else type(event).__name__


def _run_export(stage: SelfCheckSession) -> str:
    body = {"id": "render_1", "sessionId": stage.session, "draft": stage.fetch_draft()}
    submitted = stage.http.post(wire.RENDER.template, json=body)
    if submitted.status_code != httpx.codes.OK:
        return f"[{_status(submitted)}: {submitted.json()['message']}]"
    outcome = _poll_render(stage, "render_1")
    if outcome["status"] == "failed":
        stage.http.post(wire.RENDER.template, json={**body, "id": "render_2"})
        return f"[failed, then {_poll_render(stage, 'render_2')['status']}]"
    if outcome["status"] != "completed":
        return f"[{outcome['status']} at {outcome['progress']} % for ever]"
    return f"[completed; file {_fetch(stage, str(outcome['url']))}]"


def _poll_render(stage: SelfCheckSession, render_id: str) -> dict[str, object]:
    """The last status that is seen of a render."""
    for _ in range(_POLLS):
        reply = stage.http.get(wire.RENDER_STATUS.path(render=render_id)).json()
        if reply["status"] in ("completed", "failed"):
            break
    url = (reply.get("output") or {}).get("url", "")
    return {"status": reply["status"], "progress": reply["progress"], "url": url}


def _fetch(stage: SelfCheckSession, url: str) -> str:
    try:
        reply = stage.http.get(url)
    except httpx.TransportError as error:
        return type(error).__name__
    return f"{_status(reply)}, {len(reply.content)} bytes"


def _status(reply: httpx.Response) -> str:
    kind = reply.headers.get("content-type", "").partition(";")[0]
    return f"{reply.status_code} {kind}"
