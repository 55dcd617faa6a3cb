"""How far one request runs through the code: `python -m benchmarks.call_path turn` (or `export`).

Counts the functions, the modules and the calls from one module to another that a chat turn or an
export takes, from the request's first line to its last, background work included. The server runs
in this process on a manual clock; a render stops before FFmpeg.
"""

import argparse
import asyncio
import sys
import threading
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from types import CodeType, FrameType

import httpx

from nemolocal_contract import endpoints
from nemolocal_contract.clock import ManualClock
from nemolocal_contract.endpoints import CLIENT_ID, Attribution, bearer_header
from nemolocal_render.job import RenderResult
from nemolocal_render.planning.planner import RenderPlan
from nemolocal_server.app import build_app
from nemolocal_server.settings import Settings
from nemolocal_server.turns.silent_turns import SilentTurnPolicy

_MESSAGE = "trim to the first half second"
_ATTRIBUTION = Attribution("call-path", "1.0.0", "clawhub").headers()


class CallPath:
    """Records every call of the product's functions while it is active."""

    def __init__(self) -> None:
        self.functions: set[CodeType] = set()
        self.calls: Counter[tuple[str, str]] = Counter()
        self.order: dict[str, None] = {}

    def __enter__(self) -> "CallPath":
        threading.setprofile(self._record)
        sys.setprofile(self._record)
        return self

    def __exit__(self, *_error: object) -> None:
        sys.setprofile(None)
        threading.setprofile(None)

    @property
    def modules(self) -> list[str]:
        """In the order in which they were reached."""
        return list(self.order)

    @property
    def between_modules(self) -> int:
        return self.calls.total()

    def _record(self, frame: FrameType, event: str, _argument: object) -> None:
        # A coroutine that resumes is not called again.
        if event != "call" or frame.f_lasti > _FIRST_INSTRUCTIONS:
            return
        module = _module(frame)
        if module is None:
            return
        self.functions.add(frame.f_code)
        self.order.setdefault(module)
        caller = _module(frame.f_back)
        if caller is not None and caller != module:
            self.calls[caller, module] += 1


# The instruction of a coroutine or generator before its first line.
_FIRST_INSTRUCTIONS = 8


def _module(frame: FrameType | None) -> str | None:
    name = None if frame is None else frame.f_globals.get("__name__")
    return name if isinstance(name, str) and name.startswith("nemolocal_") else None


def main(argv: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.call_path", description=__doc__)
    parser.add_argument("request", choices=("turn", "export"))
    parser.add_argument("--message", default=_MESSAGE, help="of the turn (default: %(default)s)")
    parser.add_argument("--list", action="store_true", help="print the modules in their order")
    arguments = parser.parse_args(argv)
    path = asyncio.run(_measure(arguments.request, arguments.message))
    print(
        f"{arguments.request}: {len(path.functions)} functions in {len(path.modules)} modules, "
        f"{path.between_modules} calls between modules over {len(path.calls)} pairs"
    )
    if arguments.list:
        print("\n".join(path.modules))
    return 0


async def _measure(request: str, message: str) -> CallPath:
    clock = ManualClock(autojump=True)
    settings = Settings(silence=SilentTurnPolicy(rate=0.0))
    app = build_app(settings, clock, _no_render)
    transport = httpx.ASGITransport(app=app)
    async with (
        app.router.lifespan_context(app),
        httpx.AsyncClient(transport=transport, base_url="http://127.0.0.1:8787") as client,
    ):
        session = await ChatSession.open(client)
        if request == "export":
            await session.turn(message)
        journal = app.state.services.journal
        # Else it would depend on the wall clock which entries are written meanwhile.
        journal.flush()
        with CallPath() as path:
            await (session.turn(message) if request == "turn" else session.export())
            journal.flush()
        return path


class ChatSession:
    """A token with a session that holds one clip."""

    def __init__(self, client: httpx.AsyncClient, token: str, identifier: str) -> None:
        self._client = client
        self._token = token
        self._identifier = identifier

    @classmethod
    async def open(cls, client: httpx.AsyncClient, client_id: str = "call-path") -> "ChatSession":
        reply = await _post(client, endpoints.TOKEN.path(), {}, {CLIENT_ID: client_id})
        token = reply["data"]["token"]
        headers = {**bearer_header(token), **_ATTRIBUTION}
        body = {"task_name": "project", "language": "en"}
        reply = await _post(client, endpoints.SESSION.path(user="me"), body, headers)
        session = cls(client, token, reply["data"]["session_id"])
        await session._upload()
        return session

    async def _upload(self) -> None:
        path = endpoints.UPLOAD.path(user="me", session=self._identifier)
        body = {"urls": ["http://127.0.0.1:8787/cdn/fixtures/sample.mp4"], "source_type": "url"}
        await _post(self._client, path, body, self._headers())

    def _headers(self) -> dict[str, str]:
        return {**bearer_header(self._token), **_ATTRIBUTION}

    async def turn(self, message: str) -> None:
        body = {
            "app_name": endpoints.APP_NAME,
            "user_id": endpoints.CURRENT_USER,
            "session_id": self._identifier,
            "new_message": {"parts": [{"text": message}]},
        }
        reply = await self._client.post(
            endpoints.CHAT.path(), json=body, headers=self._headers(), timeout=60
        )
        reply.raise_for_status()
        assert "data:" in reply.text

    async def export(self) -> None:
        state = await self._client.get(
            endpoints.STATE.path(user="me", session=self._identifier), headers=self._headers()
        )
        draft = state.json()["data"]["state"]["draft"]
        body = {"id": "r-1", "sessionId": self._identifier, "draft": draft, "output": {}}
        await _post(self._client, endpoints.RENDER.path(), body, self._headers())
        path = endpoints.RENDER_STATUS.path(render="r-1")
        while True:
            reply = (await self._client.get(path, headers=self._headers())).json()
            if reply.get("status") in ("completed", "failed"):
                return


async def _post(
    client: httpx.AsyncClient, path: str, body: Mapping[str, object], headers: dict[str, str]
) -> dict[str, dict[str, str]]:
    reply = await client.post(path, json=body, headers=headers)
    reply.raise_for_status()
    assert reply.json().get("code", 0) == 0, reply.text
    answer: dict[str, dict[str, str]] = reply.json()
    return answer


async def _no_render(
    plan: RenderPlan, destination: Path, on_progress: Callable[[int], None]
) -> RenderResult:
    on_progress(100)
    destination.write_bytes(b"nothing\n")
    return RenderResult(
        duration=0.5, size=8, frames=15, width=plan.width, height=plan.height,
        encoder="none", encoder_reason="not rendered", warnings=(),
    )  # fmt: skip


if __name__ == "__main__":
    raise SystemExit(main())
