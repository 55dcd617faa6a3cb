"""A scripted OpenAI-compatible endpoint on a real socket: it answers what a test has armed."""

import asyncio
import contextlib
import json
import threading
from collections import deque
from collections.abc import AsyncIterator, Callable, Iterator
from typing import Any

import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response, StreamingResponse
from starlette.routing import Route

Answer = Response | Callable[[], Response]


def tool_call(name: str, arguments: Any) -> dict[str, Any]:
    """A call as most endpoints write it: the arguments are a string of JSON."""
    text = arguments if isinstance(arguments, str) else json.dumps(arguments)
    return {"id": "call_1", "type": "function", "function": {"name": name, "arguments": text}}


def completion(*calls: dict[str, Any], content: str | None = None) -> Response:
    """A chat completion that calls tools, or that is a text alone."""
    message: dict[str, Any] = {"role": "assistant", "content": content}
    if calls:
        message["tool_calls"] = list(calls)
    choices = [{"index": 0, "finish_reason": "tool_calls" if calls else "stop", "message": message}]
    return as_json({"id": "c-1", "object": "chat.completion", "choices": choices, "usage": {}})


def as_json(body: Any, status: int = 200, **headers: str) -> Response:
    return Response(json.dumps(body), status, headers, "application/json")


def cut_off() -> Response:
    """Half an answer, and the connection is closed."""

    async def half() -> AsyncIterator[bytes]:
        yield b'{"choices": ['
        raise ConnectionError

    return StreamingResponse(half(), media_type="application/json")


class ScriptedModel:
    """Answers in the order of `answers`; `requests` are the bodies, `keys` what was sent as key."""

    def __init__(self) -> None:
        self.answers: deque[Answer] = deque()
        self.requests: list[dict[str, Any]] = []
        self.keys: list[str] = []
        self.paths: list[str] = []
        self.url = ""
        # An armed `wait` is answered when the test, or its end, says so.
        self.asked, self.released = threading.Event(), threading.Event()
        self.waiting = self.most_waiting = 0

    def arm(self, *answers: Answer) -> None:
        self.answers.extend(answers)

    def edits(self, *edits: tuple[str, dict[str, Any]]) -> None:
        """Answer the next request with these edits."""
        self.arm(completion(*(tool_call(name, arguments) for name, arguments in edits)))

    def wait(self, then: Response) -> None:
        """Answer the next request only once `released` is set."""

        async def late() -> AsyncIterator[bytes]:
            self.waiting += 1
            self.most_waiting = max(self.waiting, self.most_waiting)
            self.asked.set()
            while not self.released.is_set():
                await asyncio.sleep(0.005)
            self.waiting -= 1
            yield bytes(then.body)

        self.arm(lambda: StreamingResponse(late(), media_type="application/json"))

    async def answer(self, request: Request) -> Response:
        self.requests.append(json.loads(await request.body()))
        self.keys.append(request.headers.get("Authorization", ""))
        self.paths.append(request.url.path)
        armed = self.answers.popleft()
        return armed if isinstance(armed, Response) else armed()

    @property
    def told(self) -> dict[str, Any]:
        """What the latest request tells the model of the project."""
        told: dict[str, Any] = json.loads(self.requests[-1]["messages"][1]["content"])
        return told


@contextlib.contextmanager
def scripted_model() -> Iterator[ScriptedModel]:
    """An endpoint on a free port."""
    model = ScriptedModel()
    app = Starlette(routes=[Route("/{path:path}", model.answer, methods=["GET", "POST"])])
    config = uvicorn.Config(app, port=0, lifespan="off", ws="none", log_config=None)
    config.load()
    server = uvicorn.Server(config)
    listener = config.bind_socket()
    model.url = f"http://127.0.0.1:{listener.getsockname()[1]}/v1"
    started = threading.Event()

    async def serve() -> None:
        server.lifespan = config.lifespan_class(config)
        await server.startup([listener])
        started.set()
        while not server.should_exit:
            await asyncio.sleep(0.005)
        model.released.set()
        await server.shutdown([listener])

    thread = threading.Thread(target=lambda: asyncio.run(serve()), daemon=True)
    thread.start()
    assert started.wait(60)
    try:
        yield model
    finally:
        model.released.set()
        server.should_exit = True
        thread.join()
