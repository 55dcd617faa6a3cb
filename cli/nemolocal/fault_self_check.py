"""`nemolocal serve --self-check`: what a client sees of every fault, armed and disarmed.

Each trial has its own token but the same client id, so that only the fault can make a difference.
Renders are replaced by a stub; everything else is the real server on a socket.
"""

import asyncio
import contextlib
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import httpx
import msgspec

from nemolocal_contract import endpoints as wire
from nemolocal_contract.clock import ManualClock
from nemolocal_contract.endpoints import Attribution, bearer_header
from nemolocal_contract.plurals import pluralize
from nemolocal_contract.responses import Envelope
from nemolocal_contract.turn_events import (
    ReceivedEvent,
    SseParser,
    UnreadableEvent,
    decode_turn_events,
)
from nemolocal_render.job import RenderResult
from nemolocal_render.planning.planner import RenderPlan
from nemolocal_render.synthetic.sample_media import make_sample
from nemolocal_render.temporary_folder import TemporaryFolder

_ATTRIBUTION = Attribution("nemolocal-self-check", "1.0.0")
_CLIENT_ID = "self-check"
_TIMEOUT = 60.0
_MESSAGE = "add a title 'Hi' for 1 second"
_USER = {"user": wire.CURRENT_USER}
_POLLS = 50
_RENDERED = b"a stub instead of a render"


class FaultCheck(msgspec.Struct, frozen=True):
    """What a client saw with a fault armed, and after it was disarmed."""

    name: str
    armed: str
    disarmed: str

    @property
    def is_effective(self) -> bool:
        """Whether the fault has an effect, and only while it is armed."""
        return self.armed != self.disarmed

    def __str__(self) -> str:
        mark = "" if self.is_effective else "  NO DIFFERENCE"
        return f"{self.name}: armed {self.armed} / disarmed {self.disarmed}{mark}"


def check_faults(say: Callable[[str], None]) -> int:
    """Print a line for each fault and a summary; return 1 if one has no effect."""
    checks = unproven = 0
    with _open_session() as http_and_sample:
        http, sample = http_and_sample
        for fault in http.get(wire.FAULTS.template).json()["catalogue"]:
            check = FaultCheck(
                fault["name"],
                _observe(http, sample, fault, armed=True),
                _observe(http, sample, fault, armed=False),
            )
            say(str(check))
            checks += 1
            unproven += not check.is_effective
    say(f"{pluralize(checks, 'fault')}: {checks - unproven} effective, {unproven} without effect")
    return 1 if unproven else 0


@contextlib.contextmanager
def _open_session() -> Iterator[tuple[httpx.Client, bytes]]:
    """An in-memory server on a clock that jumps, a client, and a clip."""
    from nemolocal_server.serving import LocalServer
    from nemolocal_server.settings import Settings
    from nemolocal_server.turns.silent_turns import SilentTurnPolicy

    settings = Settings(port=0, silence=SilentTurnPolicy(rate=0.0))
    clock = ManualClock(autojump=True)
    with (
        LocalServer(settings, clock, _fake_render) as server,
        httpx.Client(base_url=server.base_url, timeout=_TIMEOUT, trust_env=False) as http,
        TemporaryFolder("self-check") as folder,
    ):
        sample = folder / "clip.mp4"
        asyncio.run(make_sample(sample, seconds=1))
        http.headers.update(_ATTRIBUTION.headers())
        yield http, sample.read_bytes()


async def _fake_render(
    plan: RenderPlan, destination: Path, on_progress: Callable[[int], None]
) -> RenderResult:
    del plan
    on_progress(50)
    destination.write_bytes(_RENDERED)
    return RenderResult(
        duration=1.0, size=len(_RENDERED), frames=30, width=1280, height=720,
        encoder="none", encoder_reason="stood in for",
    )  # fmt: skip


def _observe(http: httpx.Client, sample: bytes, fault: dict[str, Any], *, armed: bool) -> str:
    """Return what a new client sees while the fault is armed, or after it was disarmed."""
    made = http.post(wire.TOKENS_MAKE.template, json={"client_id": _CLIENT_ID}).json()
    http.headers.update(bearer_header(made["token"]))
    stage = SelfCheckSession(http, sample)
    where = "chat" if "chat" in fault["endpoints"] else "render"
    stage.set_up(where)
    match = {"user_id": made["user_id"], "endpoint": where}
    order = {"name": fault["name"], "match": match}
    fault_id = http.post(wire.FAULTS_ARM.template, json=order).json()["id"]
    if not armed:
        http.delete(wire.FAULTS_DISARM.path(fault=fault_id)).raise_for_status()
    return run_and_describe(stage, where)


class SelfCheckSession:
    """Create a token and a session with an upload."""

    def __init__(self, http: httpx.Client, sample: bytes) -> None:
        self.http = http
        self._sample = sample
        self.session = ""

    def set_up(self, where: str) -> None:
        """Create a session with footage; for a render, also edit the timeline."""
        opened = self.http.post(wire.SESSION.path(**_USER), json={"task_name": "self-check"})
        self.session = opened.json()["data"]["session_id"]
        path = wire.UPLOAD.path(**_USER, session=self.session)
        self.http.post(path, files={"files": ("clip.mp4", self._sample)}).raise_for_status()
        if where == "render":
            self.http.post(wire.CHAT.template, json=self.chat_request()).raise_for_status()

    def chat_request(self) -> dict[str, object]:
        """Return the body of an editing turn."""
        return {"session_id": self.session, "new_message": {"parts": [{"text": _MESSAGE}]}}

    def fetch_draft(self) -> object:
        """Return the current draft."""
        reply = self.http.get(wire.STATE.path(**_USER, session=self.session)).json()
        return reply["data"]["state"]["draft"]

    def wait_for_applied_state(self) -> str:
        """Wait for the result of the session's last turn in the journal."""
        query = {"session": self.session, "endpoint": "chat"}
        truth = "pending"
        while truth == "pending":
            entries = self.http.get(wire.JOURNAL.template, params=query).json()["entries"]
            truth = entries[-1]["turn"]["truth"]
        return truth

    def wait_for_credits(self) -> int:
        """Wait until no credits are frozen; return the available ones."""
        while (balance := self.http.get(wire.BALANCE.template).json()["data"])["frozen"]:
            pass
        available: int = balance["available"]
        return available


def run_and_describe(stage: SelfCheckSession, where: str) -> str:
    """Make the call and describe what was seen."""
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
        f"{pluralize(stage.wait_for_credits(), 'credit')} left]"
    )


def _code(body: bytes) -> str:
    """Describe the code of an envelope, if the content is one."""
    try:
        return f"code {msgspec.json.decode(body, type=Envelope).code}"
    except msgspec.DecodeError:
        return "without a code"


def _describe_stream(chunks: list[bytes]) -> str:
    """Describe a stream: its events by kind, and the number of chunks."""
    frames = SseParser().feed(b"".join(chunks))
    events = [event for frame in frames for event in decode_turn_events(frame)]
    kinds = Counter(_kind(event) for event in events)
    counts = ", ".join(f"{number} {kind}" for kind, number in kinds.items()) or "nothing"
    return f"{counts} in {pluralize(len(chunks), 'chunk')}"


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
    """Poll a render until its status is final, or no longer changes."""
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
    return f"{_status(reply)}, {pluralize(len(reply.content), 'byte')}"


def _status(reply: httpx.Response) -> str:
    kind = reply.headers.get("content-type", "").partition(";")[0]
    return f"{reply.status_code} {kind}"
