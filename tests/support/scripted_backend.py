"""A scripted backend on a real socket: it answers what a test has armed, else as the contract says.

Streams and cuts go over real connections. Time is a manual clock, which the client shares.
"""

import contextlib
import json
import socket
import socketserver
import struct
import threading
from collections import defaultdict
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, cast

import msgspec

from nemolocal_contract.clock import ManualClock

VIDEO = b"\x00\x00\x00\x18ftypmp42" + bytes(range(256)) * 40


class ReceivedRequest(msgspec.Struct):
    """A request as the backend saw it; `at` is the client's clock."""

    method: str
    path: str
    headers: dict[str, str]
    body: bytes
    at: float

    @property
    def json(self) -> Any:
        return json.loads(self.body)

    @property
    def token(self) -> str:
        return self.headers.get("authorization", "").removeprefix("Bearer ")


class Cut(msgspec.Struct):
    """The connection ends here: by FIN, or by reset."""

    reset: bool = False


# Nothing more is sent before an event has come.
Piece = bytes | Cut | threading.Event
Answer = list[Piece] | Callable[[ReceivedRequest], list[Piece]]


class Replies:
    """Replies as bytes; a file of less than the length that was promised is a cut."""

    def raw(self, status: int, headers: dict[str, str], body: bytes) -> list[Piece]:
        lines = [f"HTTP/1.1 {status} X", *(f"{k}: {v}" for k, v in headers.items())]
        return ["\r\n".join([*lines, "Connection: close", "", ""]).encode() + body]

    def json(self, body: Any, status: int = 200, **headers: str) -> list[Piece]:
        content = json.dumps(body).encode()
        fields = {"Content-Type": "application/json", "Content-Length": str(len(content))}
        return self.raw(status, {**fields, **headers}, content)

    def ok(self, data: Any) -> list[Piece]:
        return self.json({"code": 0, "data": data})

    def fail(self, code: int, message: str = "no", status: int = 200) -> list[Piece]:
        return self.json({"code": code, "message": message, "data": None}, status)

    def html(self, status: int, **headers: str) -> list[Piece]:
        return self.raw(status, {"Content-Type": "text/html", **headers}, b"<html>Oops</html>")

    def file(
        self, body: bytes, status: int = 200, cut_at: int | None = None, **headers: str
    ) -> list[Piece]:
        fields = {"Content-Type": "video/mp4", "Content-Length": str(len(body))}
        fields |= {name.replace("_", "-"): value for name, value in headers.items()}
        return self.raw(status, fields, body[:cut_at])

    def stream(self, *pieces: Piece) -> list[Piece]:
        """Chunked; ends cleanly unless a `Cut` comes first."""
        head = {"Content-Type": "text/event-stream", "Transfer-Encoding": "chunked"}
        answer = self.raw(200, head, b"")
        for piece in pieces:
            if not isinstance(piece, bytes):
                return [*answer, piece]
            answer.append(b"%x\r\n%b\r\n" % (len(piece), piece))
        return [*answer, b"0\r\n\r\n"]

    def event(self, **part: Any) -> bytes:
        return f"data: {json.dumps({'content': {'role': 'model', 'parts': [part]}})}\n\n".encode()

    def text(self, text: str) -> bytes:
        return self.event(text=text)

    def tool(self, name: str = "edit_timeline") -> bytes:
        return self.event(functionCall={"id": "1", "name": name, "args": {"secret_arg": 1}})


DraftFactory = Callable[..., dict[str, Any]]


def make_draft(*names: str, length: int = 10_000) -> dict[str, Any]:
    """A draft with one video track; each name is a segment."""
    step = length // max(len(names), 1)
    segments = [
        {"id": name, "s": i * step, "d": step, "src": name, "m": {"title": name}}
        for i, name in enumerate(names)
    ]
    tracks = [{"tt": 0, "id": "v", "sg": segments}] if names else []
    return {"t": tracks, "d": length if names else 0}


class ScriptedBackend:
    """Answers what was armed for a path, in order, then the default of that path."""

    def __init__(self) -> None:
        self.clock = ManualClock(autojump=True)
        self.received: list[ReceivedRequest] = []
        self.base_url = ""
        self.draft: dict[str, Any] = make_draft("beach")
        self.wire = Replies()
        self.hasty: tuple[str, ...] = ()  # answered before the body is read
        self.stop: Callable[[], None] = lambda: None
        self.die: Callable[[], None] = lambda: None  # may be called while it answers
        self.rise: Callable[[], object] = lambda: None  # at the same address
        self._armed: dict[str, list[Answer]] = defaultdict(list)
        self._standing: dict[str, Answer] = {}
        self._tokens = 0

    def arm(self, path: str, *answers: Answer) -> None:
        """The next requests whose path begins so get these answers."""
        self._armed[path] += answers

    def always(self, path: str, answer: Answer) -> None:
        """Requests whose path begins so get this answer from now on."""
        self._standing[path] = answer

    def paths(self) -> list[str]:
        return [f"{r.method} {r.path}" for r in self.received]

    def of(self, path: str) -> list[ReceivedRequest]:
        return [r for r in self.received if r.path.startswith(path)]

    def answer(self, request: ReceivedRequest) -> list[Piece]:
        self.received.append(request)
        for path, answers in self._armed.items():
            if answers and request.path.startswith(path):
                answer = answers.pop(0)
                return answer(request) if callable(answer) else answer
        for path, answer in self._standing.items():
            if request.path.startswith(path):
                return answer(request) if callable(answer) else answer
        return self._default(request)

    def _default(self, request: ReceivedRequest) -> list[Piece]:
        match request.path.split("/")[1:]:
            case ["api", "auth", *_]:
                return self.wire.ok(self.token_reply())
            case ["api", "tasks", *_]:
                return self.wire.ok({"session_id": "1" * 19, "task_id": "t1", "user_id": "anon_7"})
            case ["api", "state", *_]:
                return self.state(self.draft)
            case ["api", "credits", *_]:
                return self.wire.ok({"available": 50, "frozen": 50, "total": 100})
            case ["api", "upload-video", *_]:
                video = {"filename": "a.mp4", "file_type": "video", "cdn_url": "/a", "duration": 9}
                return self.wire.ok({"files": [video], "session_state_applied": True})
            case ["run_sse"]:
                return self.wire.stream(self.wire.text("Done."))
            case ["api", "render", "proxy", "lambda"]:
                return self.wire.json({"id": request.json["id"], "status": "pending"})
            case ["api", "render", "proxy", "lambda", render]:
                return self.completed(render)
        return self.wire.file(VIDEO)

    def token_reply(self, **changed: Any) -> dict[str, Any]:
        self._tokens += 1
        fields = {"token": f"nmv_usr_secret{self._tokens}", "credits": 100, "user_id": "anon_7"}
        return {**fields, "expires_at": "2099-01-01T00:00:00.000Z", **changed}

    def state(self, wire: dict[str, Any], **more: Any) -> list[Piece]:
        state = {"draft": wire, "video_infos": [], "canvas_config": {}, **more}
        return self.wire.ok({"session_id": "1" * 19, "task_id": "t1", "state": state})

    def completed(self, render: str, **output: Any) -> list[Piece]:
        created = {"url": "/cdn/x.mp4", "duration": 10.0, "size": len(VIDEO), **output}
        body = {"id": render, "status": "completed", "progress": 100, "output": created}
        return self.wire.json(body)


class _Handler(socketserver.StreamRequestHandler):
    def handle(self) -> None:
        backend = cast("_Server", self.server).backend
        first = self.rfile.readline().decode()
        if not first:
            return
        method, path, _ = first.split()
        headers = {}
        while line := self.rfile.readline().strip().decode():
            name, _, value = line.partition(":")
            headers[name.lower()] = value.strip()
        length = 0 if path.startswith(backend.hasty) else int(headers.get("content-length", 0))
        body = self.rfile.read(length)
        at = backend.clock.time()
        self._send(backend.answer(ReceivedRequest(method, path, headers, body, at)))

    def _send(self, pieces: list[Piece]) -> None:
        for piece in pieces:
            if isinstance(piece, bytes):
                # Who has enough hangs up.
                with contextlib.suppress(ConnectionError):
                    self.wfile.write(piece)
            elif isinstance(piece, threading.Event):
                piece.wait(60)
            elif piece.reset:
                linger = struct.pack("ii", 1, 0)
                self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)
                self.connection.close()


class _Server(socketserver.ThreadingTCPServer):
    allow_reuse_address = True
    request_queue_size = 128
    backend: ScriptedBackend


@contextmanager
def listening() -> Iterator[ScriptedBackend]:
    """A backend that listens on a free port."""
    backend = ScriptedBackend()
    running: list[tuple[_Server, threading.Thread]] = []

    def start(port: int = 0) -> int:
        server = _Server(("127.0.0.1", port), _Handler)
        server.backend = backend
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        running.append((server, thread))
        return int(server.server_address[1])

    def die() -> None:
        running[-1][0].shutdown()
        running[-1][0].socket.close()

    def stop() -> None:
        for server, thread in running:
            server.shutdown()
            server.server_close()
            thread.join()

    port = start()
    backend.base_url = f"http://127.0.0.1:{port}"
    backend.stop, backend.die, backend.rise = stop, die, lambda: start(port)
    try:
        yield backend
    finally:
        stop()
