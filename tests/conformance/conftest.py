"""Journals made by hand: what a client did, an entry at a time, on a clock of their own."""

import json
from collections.abc import Callable, Iterable, Iterator
from typing import Any

import msgspec
import pytest

from nemolocal_conformance.client_rules import client_catalogue
from nemolocal_conformance.client_rules.judging import judge_journal
from nemolocal_conformance.mutants.memoized_media import MemoizedMedia
from nemolocal_conformance.records.journal import Journal
from nemolocal_conformance.verdicts import Verdict
from nemolocal_contract import endpoints as wire
from nemolocal_contract.headers import Attribution
from nemolocal_contract.journal import Ending, Entry, TurnEntry
from tests.support.media import MediaCache

SESSION = "1" * 19
HOST = "127.0.0.1:8787"
FILE = "/cdn/renders/abc.mp4"
DRAFT = {"t": [{"tt": 0, "sg": [{"id": "a"}]}]}
HEARTBEAT = b"data:\n\n"


class Tale:
    """A journal in the making. Times are seconds; all that is not said is as it should be."""

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

    def pause(self, seconds: float) -> "Tale":
        """Let time pass."""
        self.now += seconds
        return self

    def ask(
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
    ) -> "Tale":
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

    def token(self, client_id: str = "me", *, gives: int = 1, **rest: Any) -> "Tale":
        """A token call; the token it gives is in use from now on."""
        headers = {"Authorization": "", "X-Client-Id": client_id, **rest.pop("headers", {})}
        granted = not rest.get("code")
        fields = {"token_id": gives if granted else None, "user_id": f"anon_{gives}"}
        self.ask("token", headers=headers, **{**fields, **rest})
        if granted:
            self.token_id, self.user_id = gives, f"anon_{gives}"
        return self

    def session(self, session: str = SESSION) -> "Tale":
        """Open a session."""
        return self.ask("session", reply={"data": {"session_id": session}})

    def upload(self, name: str = "a.mp4", session: str = SESSION, **rest: Any) -> "Tale":
        """Send a file."""
        path = wire.UPLOAD.path(user="me", session=session)
        body = f"<multipart/form-data: 300 bytes, files '{name}'>"
        return self.ask("upload", path, body=body, headers={"Content-Length": "300"}, **rest)

    def state(self, draft: str = "before", session: str = SESSION, **rest: Any) -> "Tale":
        """Look at the state, which shows this draft."""
        path = wire.STATE.path(user="me", session=session)
        reply = {"data": {"state": {"draft": draft}}}
        hashes = {"draft_before": draft, "draft_after": draft}
        return self.ask("state", path, **{"reply": reply, **hashes, **rest})

    def say(
        self,
        message: str = "trim",
        text: str = "Done.",
        *,
        took: float = 10.0,
        ending: Ending = "complete",
        beats: Iterable[float] = (),
        cost: int = 50,
        **rest: Any,
    ) -> "Tale":
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
        return self.ask("chat", body=body, took=took, ending=ending, **{**fields, **rest})

    def refuse(self, code: int, message: str = "trim") -> "Tale":
        """A message that is refused before it is worked on."""
        return self.say(message, "", took=0.1, code=code, turn=None, response_headers={})

    def submit(self, render: str = "render_1", draft: Any = DRAFT, **rest: Any) -> "Tale":
        """Begin an export."""
        body = {"id": render, "sessionId": SESSION, "draft": draft}
        reply = {"id": render, "status": "pending"}
        return self.ask("render", **{"body": body, "reply": reply, **rest})

    def poll(
        self, status: str = "completed", render: str = "render_1", url: str = FILE, **rest: Any
    ) -> "Tale":
        """Ask about an export."""
        path = wire.RENDER_STATUS.path(render=render)
        reply = {"id": render, "status": status}
        if status == "completed":
            reply |= {"output": {"url": url}}  # type: ignore[dict-item]
        return self.ask("render_status", path, **{"reply": reply, **rest})

    def cancel(self, render: str = "render_1") -> "Tale":
        """Stop an export."""
        return self.ask("render_cancel", wire.RENDER_CANCEL.path(render=render))

    def file(self, path: str = FILE, **rest: Any) -> "Tale":
        """Fetch what `output.url` names."""
        headers = {"Authorization": "", **rest.pop("headers", {})}
        fields = {"token_id": None, "user_id": None, **rest}
        return self.ask("", path, headers=headers, **fields)

    def fallback(self, render: str = "render_1") -> "Tale":
        """Fetch the file in the other way."""
        return self.ask("render_download", wire.RENDER_DOWNLOAD.path(render=render))

    def exported(self, render: str = "render_1") -> "Tale":
        """An export from the look at the state to its end."""
        return self.state().submit(render).pause(30).poll(render=render)

    def begun(self) -> "Tale":
        """A token, a session, a clip in it, and a look at it."""
        return self.token().session().upload().state()

    def changed(self, **fields: Any) -> "Tale":
        """The last entry with other fields."""
        self.entries[-1] = msgspec.structs.replace(self.entries[-1], **fields)
        return self

    def journal(self, **fields: Any) -> Journal:
        """The journal."""
        return Journal(tuple(self.entries), **fields)


Story = Callable[[Tale], Tale]


@pytest.fixture
def tale() -> Tale:
    """A journal in the making."""
    return Tale()


@pytest.fixture(scope="session")
def verdict() -> Callable[..., Verdict]:
    """The verdict of one check, by its id, on a tale or a journal."""

    def judge(check: str, told: Tale | Journal, **options: Any) -> Verdict:
        journal = told.journal() if isinstance(told, Tale) else told
        report = judge_journal(journal, [client_catalogue()[check]], **options)
        return report.verdicts[0]

    return judge


@pytest.fixture(scope="session")
def memoized_media(media_cache: MediaCache) -> MemoizedMedia:
    """What FFmpeg made for servers, of this run or of an earlier one."""
    return MemoizedMedia(media_cache.folder("memoized", lambda _: None))


@pytest.fixture
def memoized_servers(memoized_media: MemoizedMedia) -> Iterator[None]:
    """Servers of this process take what FFmpeg makes from there."""
    with memoized_media.used_by_servers():
        yield
