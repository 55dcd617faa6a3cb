"""Many clients at once on one server, and what must be true of it whatever they do.

A seed decides what each does and how their requests are interleaved. Nothing is rendered, probed or
composed by FFmpeg: what stands for it takes a while of the manual clock, and may fail.
"""

import asyncio
import json
import random
from pathlib import Path
from typing import Any

import msgspec

from nemolocal_contract.clock import ManualClock
from nemolocal_contract.endpoints import Attribution, bearer_header
from nemolocal_contract.responses import ResponseCode
from nemolocal_server.app import build_app
from nemolocal_server.services import Services
from nemolocal_server.settings import Settings
from nemolocal_server.turns.silent_turns import AppliedWeights, SilentTurnPolicy
from tests.support.asgi_caller import ADDRESS, AsgiCaller, AsgiReply
from tests.support.pretended_work import REFUSED, RENDERED, PretendedWork
from tests.support.server_invariants import assert_consistent, assert_no_negative_balance

ATTRIBUTION = Attribution("ai-rtk-compressor", "1.0.0").headers()
CONTROL = "/__nemolocal__"
MESSAGES = (
    "add epic background music",
    "add calm background music",
    "compress this video",
    "remove the first 1 second",
    "add a title 'X'",
    "generate a clip of the sea",
    "undo",
    "hello",
)
# Longer than any turn lasts, one that comes late too.
LONGEST = 2000.0
# Nobody waits so long, in seconds of the wall, unless a request hangs.
_HANGS = 60.0
# Since when nothing may be lost of what a client has whose token was revoked.
_NEVER = -1
_LOST = (ResponseCode.BAD_TOKEN, ResponseCode.SESSION_NOT_FOUND)
_ENDED = ("completed", "failed")


class Client(msgspec.Struct):
    """One caller: its token, its session, and what it has been promised of that session."""

    headers: dict[str, str]
    token_id: int
    since: int
    session: str = ""
    files: list[str] = []
    urls: list[str] = []
    renders: dict[str, str] = {}


class ConcurrentClients:
    """Clients that do what a seed says, at the same time, and check what they are told."""

    def __init__(self, seed: int, data_dir: Path | None) -> None:
        self._draw = random.Random(seed)
        self.clock = ManualClock()
        self._work = PretendedWork(self.clock, random.Random(seed + 1))
        self._settings = Settings(
            data_dir=data_dir,
            seed=seed,
            render_queue=(0.0, 10.0),
            silence=SilentTurnPolicy(
                rate=0.4, truths=AppliedWeights(applied=1, not_applied=1, late=1)
            ),
        )
        self.counts: dict[str, int] = {}
        self.snapshots: list[str] = []
        self._number = 0
        # Raised whenever a reset or a restore begins and ends: what was before may be lost then.
        self._epoch = 0
        self._forgetting = 0

    async def run(self, clients: int, steps: int) -> None:
        """Let so many clients take so many steps each; then check what is left of it all."""
        app = build_app(self._settings, self.clock, self._work.render)
        self.server: Services = app.state.services
        self._caller = AsgiCaller(app, lambda: self._draw.randrange(3))
        with self._work.in_place():
            async with app.router.lifespan_context(app):
                async with asyncio.timeout(_HANGS), asyncio.TaskGroup() as group:
                    time = group.create_task(self._pass_time())
                    async with asyncio.TaskGroup() as others:
                        for _ in range(clients):
                            others.create_task(self._live(steps))
                    time.cancel()
                await self._check_the_end()

    # What clients do.

    async def _live(self, steps: int) -> None:
        client = await self._connect()
        acts = [
            (self._say, 6), (self._upload, 4), (self._submit, 6), (self._status, 4),
            (self._cancel, 3), (self._download, 2), (self._state, 3), (self._balance, 3),
            (self._open_session, 1), (self._hang_up, 2), (self._keep, 2), (self._restore, 1),
            (self._throw_away, 1), (self._reset, 0.2), (self._reset_own, 1.5),
            (self._journal, 0.5), (self._upload_again, 1), (self._fetch, 2),
            (self._change_token, 0.5),
        ]  # fmt: skip
        for _ in range(steps):
            (act,) = self._draw.choices([act for act, _ in acts], [weight for _, weight in acts])
            self.counts[act.__name__] = self.counts.get(act.__name__, 0) + 1
            for _ in range(self._draw.randrange(6)):
                await asyncio.sleep(0)
            if await act(client) in _LOST:
                self._require_may_be_lost(client)
                client = await self._connect()
            assert_no_negative_balance(self.server)

    async def _connect(self) -> Client:
        self._number += 1
        since = self._epoch
        if self._draw.random() < 0.5:
            body = {"client_id": f"c{self._number}", "credits": 500, "plan": "paid"}
            created = (await self._control("POST", "/tokens", body)).json
            client = Client(
                {**bearer_header(created["token"]), **ATTRIBUTION}, created["id"], since
            )
        else:
            named = {"X-Client-Id": f"c{self._number}"}
            fresh = (await self._call("POST", "/api/auth/anonymous-token", named)).json["data"]
            tokens = {token.user_id: token.id for token in self.server.context.tokens.list_all()}
            # Where it has been forgotten already, no token has this id.
            token_id = tokens.get(fresh["user_id"], 0)
            client = Client({**bearer_header(fresh["token"]), **ATTRIBUTION}, token_id, since)
        if await self._open_session(client) in _LOST:
            self._require_may_be_lost(client)
            return await self._connect()
        return client

    async def _open_session(self, client: Client) -> int:
        since = self._epoch
        reply = await self._call(
            "POST", "/api/tasks/me/with-session/nemo_agent", client.headers, {"task_name": "p"}
        )
        if not reply.code:
            client.session = reply.json["data"]["session_id"]
            client.since = client.since if client.since == _NEVER else since
            client.files, client.urls, client.renders = [], [], {}
        return reply.code

    async def _say(self, client: Client) -> int:
        return (await self._call("POST", "/run_sse", client.headers, self._turn(client))).code

    def _turn(self, client: Client) -> dict[str, Any]:
        message = self._draw.choice(MESSAGES)
        return {"session_id": client.session, "new_message": {"parts": [{"text": message}]}}

    async def _upload(self, client: Client) -> int:
        names, pieces = self._form()
        reply = await self._send_form(client, pieces)
        if not reply.code:
            client.files += names
            client.urls += [file["cdn_url"] for file in reply.json["data"]["files"]]
        return reply.code

    async def _upload_again(self, client: Client) -> int:
        """By the address that the server gave out, of a file that may be gone by now."""
        if not client.urls:
            return 0
        body = {"urls": [self._draw.choice(client.urls)]}
        path = f"/api/upload-video/nemo_agent/me/{client.session}"
        return (await self._call("POST", path, client.headers, body)).code

    async def _fetch(self, client: Client) -> int:
        if client.urls:
            url = self._draw.choice(client.urls)
            reply = await self._call("GET", url.removeprefix(ADDRESS), {})
            assert reply.code in (0, ResponseCode.NOT_FOUND), reply
            assert not reply.code or self._may_be_lost(client)
        return 0

    async def _change_token(self, client: Client) -> int:
        revoked = self._draw.random() < 0.2
        if revoked:
            client.since = _NEVER
        changes = {"credits": self._draw.randrange(300), "revoked": revoked}
        await self._control("POST", f"/tokens/{client.token_id}", changes)
        return 0

    def _form(self) -> tuple[list[str], list[bytes]]:
        """Names of files and the pieces of a form with them; some are no clips."""
        names, pieces = [], []
        for _ in range(self._draw.randint(1, 3)):
            self._number += 1
            names.append(f"clip-{self._number}.mp4")
            head = f'--b\r\nContent-Disposition: form-data; name="files"; filename="{names[-1]}"'
            start = REFUSED if self._draw.random() < 0.1 else b"good"
            pieces += [f"{head}\r\n\r\n".encode(), start, f" {self._number}\r\n".encode()]
        return names, [*pieces, b"--b--\r\n"]

    async def _send_form(
        self, client: Client, pieces: list[bytes], hang_up: bool = False
    ) -> AsgiReply:
        kind = {"Content-Type": "multipart/form-data; boundary=b"}
        path = f"/api/upload-video/nemo_agent/me/{client.session}"
        return await self._call("POST", path, {**client.headers, **kind}, pieces, hang_up)

    async def _submit(self, client: Client) -> int:
        self._number += 1
        name = f"render_{self._number}"
        # Many are planned in a thread.
        places = range(self._draw.choice((1, 1, 60)))
        segments = [{"s": 1000 * place, "d": 1000, "txt": "hi"} for place in places]
        draft = {"t": [{"tt": 7, "sg": segments}]}
        body = {"id": name, "sessionId": client.session, "draft": draft}
        reply = await self._call("POST", "/api/render/proxy/lambda", client.headers, body)
        if not reply.code:
            assert reply.json["status"] == "pending", reply
            client.renders[name] = "pending"
        return reply.code

    async def _status(self, client: Client) -> int:
        return await self._ask(client, "GET", "")

    async def _cancel(self, client: Client) -> int:
        return await self._ask(client, "POST", "/cancel")

    async def _ask(self, client: Client, method: str, what: str) -> int:
        if not client.renders:
            return 0
        name = self._draw.choice(sorted(client.renders))
        path = f"/api/render/proxy/lambda/{name}{what}"
        renders = client.renders
        reply = await self._call(method, path, client.headers)
        if not reply.code:
            before, now = renders[name], reply.json["status"]
            assert now == before or before not in _ENDED or self._may_be_lost(client), (before, now)
            assert now in _ENDED or not what, reply
            renders[name] = now
        return reply.code

    async def _download(self, client: Client) -> int:
        done = [name for name, status in client.renders.items() if status == "completed"]
        if not done:
            return 0
        path = f"/api/render/proxy/{self._draw.choice(done)}/download"
        reply = await self._call("GET", path, client.headers)
        assert reply.code or reply.body == RENDERED
        return (
            0 if reply.code == ResponseCode.NOT_FOUND and self._may_be_lost(client) else reply.code
        )

    async def _state(self, client: Client) -> int:
        promised, since = list(client.files), client.since
        path = f"/api/state/nemo_agent/me/{client.session}/latest"
        reply = await self._call("GET", path, client.headers)
        if not reply.code and since == self._epoch:
            infos = reply.json["data"]["state"]["video_infos"]
            assert set(promised) <= {info["filename"] for info in infos}
        return reply.code

    async def _balance(self, client: Client) -> int:
        reply = await self._call("GET", "/api/credits/balance/simple", client.headers)
        if not reply.code:
            reported = reply.json["data"]
            assert min(reported.values()) >= 0, reported
            assert reported["available"] + reported["frozen"] == reported["total"], reported
        return reply.code

    async def _hang_up(self, client: Client) -> int:
        if self._draw.random() < 0.5:
            await self._send_form(client, self._form()[1], hang_up=True)
        else:
            await self._call("POST", "/run_sse", client.headers, self._turn(client), hang_up=True)
        return 0

    # What whoever controls the server does.

    async def _keep(self, _client: Client) -> int:
        # Where something always runs, there would never be one.
        if self._draw.random() < 0.5:
            await self.clock.advance(LONGEST)
        reply = await self._control("POST", "/snapshot", {})
        if not reply.code:
            self.snapshots.append(reply.json["id"])
        return 0

    async def _restore(self, _client: Client) -> int:
        if self.snapshots:
            await self._forget("/restore", {"id": self._draw.choice(self.snapshots)})
        return 0

    async def _throw_away(self, _client: Client) -> int:
        if self.snapshots:
            await self._control("DELETE", f"/snapshot/{self._draw.choice(self.snapshots)}")
        return 0

    async def _reset(self, _client: Client) -> int:
        await self._forget("/reset", {})
        return 0

    async def _reset_own(self, client: Client) -> int:
        await self._forget("/reset", {"token_id": client.token_id})
        return 0

    async def _forget(self, what: str, body: dict[str, Any]) -> None:
        self._epoch += 1
        self._forgetting += 1
        try:
            await self._control("POST", what, body)
        finally:
            self._forgetting -= 1
            self._epoch += 1

    async def _journal(self, _client: Client) -> int:
        await self._control(self._draw.choice(["GET", "DELETE"]), "/journal")
        return 0

    async def _pass_time(self) -> None:
        while True:
            await self._control("POST", "/clock/advance", {"seconds": self._draw.uniform(0, 5)})
            await asyncio.sleep(0)

    async def _control(self, method: str, what: str, body: Any = None) -> AsgiReply:
        return await self._call(method, f"{CONTROL}{what}", {}, body)

    async def _call(
        self,
        method: str,
        path: str,
        headers: dict[str, str],
        body: Any = None,
        hang_up: bool = False,
    ) -> AsgiReply:
        if not isinstance(body, list):
            headers = {"Content-Type": "application/json", **headers}
            body = [b"" if body is None else json.dumps(body).encode()]
        reply = await self._caller.call(method, path, headers, body, hang_up)
        assert reply.status < 500, (method, path, reply)
        assert reply.code != ResponseCode.INTERNAL, (method, path, reply)
        assert reply.complete or hang_up, (method, path, reply)
        return reply

    def _may_be_lost(self, client: Client) -> bool:
        return self._forgetting > 0 or self._epoch != client.since

    def _require_may_be_lost(self, client: Client) -> None:
        assert self._may_be_lost(client), "lost although nobody reset or restored anything"

    async def _check_the_end(self) -> None:
        while self.server.turns.tasks.running_count or self.server.exports.tasks.running_count:
            await self.clock.advance(LONGEST)
        assert_consistent(self.server)
        kept = (await self._control("GET", "/snapshot")).json["snapshots"]
        for snapshot in kept[-3:]:
            assert not (await self._control("POST", "/restore", {"id": snapshot["id"]})).code
            assert_consistent(self.server)
