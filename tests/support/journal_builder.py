"""Journals made by hand: what a client did, an entry at a time, on a clock of their own."""

import json
from collections.abc import Callable, Iterable
from types import ModuleType
from typing import Any, Protocol

import msgspec

from nemolocal_conformance.client_checks.client_check import ClientCheck
from nemolocal_conformance.traffic.journal import LoadedJournal
from nemolocal_conformance.verdicts import Verdict
from nemolocal_contract import endpoints as wire
from nemolocal_contract.endpoints import Attribution
from nemolocal_contract.journal import Ending, Entry, TurnEntry

SESSION = "1" * 19
HOST = "127.0.0.1:8787"
FILE = "/cdn/renders/abc.mp4"
DRAFT = {"t": [{"tt": 0, "sg": [{"id": "a"}]}]}
HEARTBEAT = b"data:\n\n"


class JournalBuilder:
    """A journal in the making. Times are seconds; what is not named is as it should be."""

    def __init__(self) -> None:
        self.entries: list[Entry] = []
        self.now = 1_700_000_000.0
        self.speed: float | None = 1.0
        self.headers = {
            **Attribution("skill", "1.0").headers(),
            "Authorization": "Bearer [token]",
            "Host": HOST,
            "User-Agent": "agent",
        }
        self.token_id = 1
        self.user_id = "anon_1"

    def wait(self, seconds: float) -> "JournalBuilder":
        """Let time pass."""
        self.now += seconds
        return self

    def request(
        self,
        endpoint: str,
        path: str = "",
        *,
        code: int = 0,
        took: float = 0.1,
        body: Any = None,
        reply: Any = None,
        headers: dict[str, str] | None = None,
        **fields: Any,
    ) -> "JournalBuilder":
        """A request to an endpoint; `headers` are changed ones, "" for those left out."""
        known = wire.endpoints().get(endpoint)
        sent = {**self.headers, **(headers or {})}
        started, self.now = self.now, self.now + took
        plain: dict[str, Any] = {
            "id": len(self.entries) + 1, "started": started, "ended": self.now,
            "ending": "complete", "method": known.method if known else "GET",
            "url": path or (known.template if known else ""),
            "endpoint": endpoint or None, "status": 200, "code": code, "rules": (), "faults": (),
            "token_id": self.token_id, "user_id": self.user_id, "session_id": None,
            "render_id": None, "turn": None, "credits_before": None, "credits_after": None,
            "draft_before": None, "draft_after": None,
            "request_headers": {n.lower(): v for n, v in sent.items() if v},
            "request_body": body if isinstance(body, str) else json.dumps(body) if body else "",
            "request_size": 0, "response_headers": {},
            "response_body": reply if isinstance(reply, str) else json.dumps(reply or {}),
            "response_size": 0, "chunks": (), "speed": self.speed,
        }  # fmt: skip
        self.entries.append(Entry(**{**plain, **fields}))
        return self

    def request_token(
        self, client_id: str = "me", *, gives: int = 1, **rest: Any
    ) -> "JournalBuilder":
        """A token call; the token it gives is in use from now on."""
        headers = {"Authorization": "", "X-Client-Id": client_id, **rest.pop("headers", {})}
        granted = not rest.get("code")
        fields = {"token_id": gives if granted else None, "user_id": f"anon_{gives}"}
        self.request("token", headers=headers, **{**fields, **rest})
        if granted:
            self.token_id, self.user_id = gives, f"anon_{gives}"
        return self

    def open_session(self, session: str = SESSION) -> "JournalBuilder":
        """Open a session."""
        body = {"task_name": "project"}
        return self.request("session", body=body, reply={"data": {"session_id": session}})

    def upload(self, name: str = "a.mp4", session: str = SESSION, **rest: Any) -> "JournalBuilder":
        """Send a file."""
        path = wire.UPLOAD.path(user="me", session=session)
        body = f"<multipart/form-data: 300 bytes, files '{name}'>"
        return self.request("upload", path, body=body, headers={"Content-Length": "300"}, **rest)

    def read_state(
        self, draft: str = "before", session: str = SESSION, **rest: Any
    ) -> "JournalBuilder":
        """Look at the state, which shows this draft."""
        path = wire.STATE.path(user="me", session=session)
        reply = {"data": {"state": {"draft": draft}}}
        hashes = {"draft_before": draft, "draft_after": draft}
        return self.request("state", path, **{"reply": reply, **hashes, **rest})

    def chat(
        self,
        message: str = "trim",
        text: str = "Done.",
        *,
        took: float = 10.0,
        ending: Ending = "complete",
        beats: Iterable[float] = (),
        cost: int = 50,
        **rest: Any,
    ) -> "JournalBuilder":
        """A turn: heartbeats at these seconds, at the end a text, "" for none."""
        said = {"content": {"role": "model", "parts": [{"text": text}]}}
        last = f"data: {json.dumps(said)}\n\n".encode() if text else b""
        chunks = [(at, len(HEARTBEAT)) for at in beats]
        stream = HEARTBEAT * len(chunks) + last
        chunks += [(took, len(last))] if text else []
        body = {"session_id": SESSION, "new_message": {"parts": [{"text": message}]}}
        fields: dict[str, Any] = {
            "reply": stream.decode(), "response_size": len(stream), "chunks": tuple(chunks),
            "response_headers": {"content-type": "text/event-stream"}, "draft_before": "before",
            "turn": TurnEntry(1, 1, message, not text, "applied", cost),
            "headers": {"Accept": "text/event-stream"},
        }  # fmt: skip
        return self.request("chat", body=body, took=took, ending=ending, **{**fields, **rest})

    def refuse_chat(self, code: int, message: str = "trim") -> "JournalBuilder":
        """A message that is refused before it is worked on."""
        return self.chat(message, "", took=0.1, code=code, turn=None, response_headers={})

    def submit_render(
        self, render: str = "render_1", draft: Any = DRAFT, **rest: Any
    ) -> "JournalBuilder":
        """Begin an export."""
        body = {"id": render, "sessionId": SESSION, "draft": draft}
        reply = {"id": render, "status": "pending"}
        return self.request("render", **{"body": body, "reply": reply, **rest})

    def poll_render(
        self, status: str = "completed", render: str = "render_1", url: str = FILE, **rest: Any
    ) -> "JournalBuilder":
        """Ask about an export."""
        path = wire.RENDER_STATUS.path(render=render)
        reply = {"id": render, "status": status}
        if status == "completed":
            reply |= {"output": {"url": url}}  # type: ignore[dict-item]
        return self.request("render_status", path, **{"reply": reply, **rest})

    def cancel_render(self, render: str = "render_1") -> "JournalBuilder":
        """Stop an export."""
        return self.request("render_cancel", wire.RENDER_CANCEL.path(render=render))

    def download(self, path: str = FILE, **rest: Any) -> "JournalBuilder":
        """Fetch what `output.url` names."""
        headers = {"Authorization": "", **rest.pop("headers", {})}
        fields = {"token_id": None, "user_id": None, **rest}
        return self.request("", path, headers=headers, **fields)

    def download_fallback(self, render: str = "render_1") -> "JournalBuilder":
        """Fetch the file in the other way."""
        return self.request("render_download", wire.RENDER_DOWNLOAD.path(render=render))

    def export(self, render: str = "render_1") -> "JournalBuilder":
        """An export from the look at the state to its end."""
        return self.read_state().submit_render(render).wait(30).poll_render(render=render)

    def start(self) -> "JournalBuilder":
        """A token, a session, a clip in it, and a look at it."""
        return self.request_token().open_session().upload().read_state()

    def replace_last(self, **fields: Any) -> "JournalBuilder":
        """The last entry with other fields."""
        self.entries[-1] = msgspec.structs.replace(self.entries[-1], **fields)
        return self

    def journal(self, **fields: Any) -> LoadedJournal:
        """The journal."""
        return LoadedJournal(tuple(self.entries), **fields)


Build = Callable[[JournalBuilder], JournalBuilder]


class VerdictOf(Protocol):
    """The verdict of one check, by its id, on a journal; `options` are those of `judge_journal`."""

    def __call__(
        self, check: str, journal: JournalBuilder | LoadedJournal, **options: Any
    ) -> Verdict: ...


def check_ids(*modules: ModuleType) -> set[str]:
    """The ids of the checks of a client that these modules hold."""
    found = (value for module in modules for value in vars(module).values())
    return {value.id for value in found if isinstance(value, ClientCheck)}
