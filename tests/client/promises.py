"""What the rules for clients promise, as functions that fail where the library breaks a promise.

`test_client_rules.py` calls them with the library as it is, and with one line of it broken. Waits
of minutes pass on the manual clock.
"""

import stat
from collections.abc import Callable
from contextlib import suppress
from functools import partial
from itertools import pairwise
from pathlib import Path
from typing import Any

import msgspec
import pytest

from nemolocal_contract.clock import ManualClock
from nemolocal_contract.headers import ATTRIBUTION, Attribution

CHAT, STATE, RENDER, TOKEN = "/run_sse", "/api/state", "/api/render/proxy/lambda", "/api/auth/anon"
BEAT = b"data:\n\n"
SKILL = Attribution("a-skill", "1.2.3", "cursor")


class Scene(msgspec.Struct):
    """The library, whole or broken, a scripted backend, and what the user was told."""

    nemo: Any
    backend: Any
    cut: Any
    folder: Path
    notices: list[Any] = []

    def client(self, **options: Any) -> Any:
        kept = {"profile": self.nemo.MemoryProfile(), "environment": {}, "attribution": SKILL}
        common = {"clock": self.backend.clock, "notify": self.notices.append}
        return self.nemo.Client(self.backend.base_url, **{**kept, **common, **options})

    def gaps(self, path: str) -> list[float]:
        return [b.at - a.at for a, b in pairwise(self.backend.of(path))]

    def said(self) -> list[str]:
        return [notice.text for notice in self.notices]

    def changing(self, answer: list[Any]) -> Callable[[Any], list[Any]]:
        """An answer after which the timeline is another one."""

        def respond(_: Any) -> list[Any]:
            self.backend.draft = {"t": [], "d": 0}
            return answer

        return respond

    def fails(self, name: str, call: Callable[[], object]) -> str:
        with pytest.raises(getattr(self.nemo, name)) as caught:
            call()
        return str(caught.value)

    def hear(self, reads: list[tuple[float, Any]]) -> list[str]:
        """Listen to what is read after so many seconds each; what the user is told."""
        effects, clock = self.nemo.effects, ManualClock()
        told: list[str] = []
        account = self.nemo.identity.Account(effects.Secret("t"))
        flow = self.nemo.listening.listen(self.nemo.sessions.Session(account, "1"), "hi")
        replies: dict[str, Callable[[Any], Any]] = {
            "OpenStream": lambda _: effects.Opened(),
            "Now": lambda _: clock.time(),
            "Notice": lambda notice: told.append(notice.text),
        }
        with suppress(StopIteration):
            effect = next(flow)
            while True:
                if isinstance(effect, effects.ReadStream):
                    seconds, data = reads.pop(0) if reads else (0.0, None)
                    clock.wait(seconds)
                    reply = effects.StreamEnd() if data is None else effects.Chunk(data)
                else:
                    answer = replies.get(type(effect).__name__)
                    reply = None if answer is None else answer(effect)
                effect = flow.send(reply)
        return told


def names_itself(scene: Scene) -> None:
    with scene.client() as client:
        client.say("hi")
    for request in scene.backend.received:
        assert all(request.headers.get(name.lower()) for name in ATTRIBUTION)


def keeps_talk_of_files_in_the_chat(scene: Scene) -> None:
    assert scene.nemo.route("downloaded clips look dark") == "chat"
    assert scene.nemo.route("don't export yet") == "chat"
    assert scene.nemo.route("roll the credits at the end") == "chat"
    assert scene.nemo.route("export it") == "export"


def tells_what_a_silent_turn_changed(scene: Scene) -> None:
    wire = scene.backend.wire
    scene.backend.arm(CHAT, scene.changing(wire.stream(wire.tool(), BEAT)))
    with scene.client() as client:
        changes = client.say("clear it").changes
    assert any("emoved" in change for change in changes)
    assert len(scene.backend.of(CHAT)) == 1


def looks_five_times_after_a_silence(scene: Scene) -> None:
    scene.backend.arm(CHAT, scene.backend.wire.stream(BEAT))
    with scene.client() as client:
        scene.fails("TurnFailed", lambda: client.say("trim"))
    assert scene.gaps(STATE) == [0, 30, 60, 60, 60]


def looks_five_times_after_a_cut(scene: Scene) -> None:
    scene.backend.arm(CHAT, scene.backend.wire.stream(BEAT, scene.cut))
    with scene.client() as client:
        scene.fails("TurnFailed", lambda: client.say("trim"))
    assert scene.gaps(STATE) == [30, 60, 60, 60, 60]
    assert len(scene.backend.of(CHAT)) == 1


def never_sends_again(scene: Scene) -> None:
    scene.backend.arm(CHAT, scene.changing([scene.cut]))
    with scene.client() as client:
        assert client.say("clear it").changes
    assert len(scene.backend.of(CHAT)) == 1


def says_that_it_works_every_two_minutes(scene: Scene) -> None:
    assert scene.hear([(15, BEAT)] * 33) == ["⏳ Still working..."] * 4


def gives_up_after_ten_minutes_of_heartbeats(scene: Scene) -> None:
    scene.hear([(15, BEAT)] * 39)
    for beat in (BEAT, b'data: {"type":"heartbeat"}\n\n'):
        scene.fails("StreamTimeout", partial(scene.hear, [(15, beat)] * 40))


def gives_up_after_fifteen_minutes(scene: Scene) -> None:
    tool = b'data: {"type":"tool_call","name":"x","args":{}}\n\n'
    scene.hear([(60, tool)] * 14)
    scene.fails("StreamTimeout", lambda: scene.hear([(60, tool)] * 15))


def shows_no_tools_and_no_gui(scene: Scene) -> None:
    wire = scene.backend.wire
    words = wire.text("Title added. Click [Export] to download it.")
    issue = wire.text("I encountered a temporary issue.")
    scene.backend.arm(CHAT, wire.stream(wire.tool("hidden"), words, issue))
    with scene.client() as client:
        lines = client.say("title").lines
    assert lines == ("Title added.", 'Say "export" to get the file.')


def renews_its_token_once(scene: Scene) -> None:
    refused = scene.backend.wire.fail(1001)
    scene.backend.arm("/api/credits", refused)
    with scene.client() as client:
        assert client.balance().total == 100
        scene.backend.arm("/api/credits", refused, refused)
        scene.fails("BadToken", client.balance)
    first, second, third = scene.backend.of(TOKEN)
    assert first.headers["x-client-id"] == second.headers["x-client-id"]
    assert third


def waits_thirty_seconds_when_told_that_it_asks_too_often(scene: Scene) -> None:
    often = scene.backend.wire.fail(429, status=429)
    scene.backend.arm("/api/credits", often, often)
    with scene.client() as client:
        scene.fails("RateLimited", client.balance)
    assert scene.gaps("/api/credits") == [30]


def makes_a_client_id_when_it_is_refused(scene: Scene) -> None:
    scene.backend.arm(TOKEN, scene.backend.wire.fail(400, status=400))
    with scene.client() as client:
        client.connect()
    first, second = scene.backend.of(TOKEN)
    assert first.headers["x-client-id"] != second.headers["x-client-id"]


def says_what_to_do_about_a_refusal(scene: Scene) -> None:
    fail = scene.backend.wire.fail
    with scene.client() as client:
        client.open_session()
        for code, error, way in (
            (1002, "SessionNotFound", "new session"),
            (2001, "OutOfCredits", "?bind=anon_7"),
            (4001, "UnsupportedFile", "mp4, mov"),
            (4002, "FileTooLarge", "compress or trim"),
        ):
            scene.backend.arm(CHAT, fail(code))
            assert way in scene.fails(error, lambda: client.say("trim"))
        scene.backend.arm(RENDER, fail(402, "you have no credits", 402))
        said = scene.fails("ExportBlocked", lambda: client.export(scene.folder / "out.mp4"))
    assert "upgrade" in said
    assert "credits" not in said


def exports_nothing_that_is_empty(scene: Scene) -> None:
    scene.backend.draft = {"t": [{"tt": 0, "sg": []}]}
    with scene.client() as client:
        scene.fails("NothingToExport", lambda: client.export(scene.folder / "out.mp4"))
    assert not scene.backend.of(RENDER)


def polls_ten_times_thirty_seconds_apart(scene: Scene) -> None:
    working = scene.backend.wire.json({"id": "render_1", "status": "processing"})
    scene.backend.arm(f"{RENDER}/", *[working] * 30)
    with scene.client() as client:
        scene.fails("RenderFailed", lambda: client.export(scene.folder / "out.mp4"))
    assert scene.gaps(f"{RENDER}/") == [30] * 9
    assert "Rendering" in scene.said()


def renders_once_more_with_a_new_id(scene: Scene) -> None:
    failed = scene.backend.wire.json({"id": "render_1", "status": "failed"})
    scene.backend.arm(RENDER, failed)
    with scene.client() as client:
        client.export(scene.folder / "out.mp4")
    first, second = [r.json["id"] for r in scene.backend.of(RENDER) if r.method == "POST"]
    assert first != second


def downloads_from_elsewhere_where_the_url_is_gone(scene: Scene) -> None:
    scene.backend.arm("/cdn/", scene.backend.wire.html(404))
    with scene.client() as client:
        assert client.export(scene.folder / "out.mp4").url.endswith("/download")


def shows_its_token_to_nobody_else(scene: Scene) -> None:
    scene.backend.arm("/api/credits", scene.backend.wire.fail(7777, "nmv_usr_secret1 clm_2"))
    with scene.client() as client:
        client.export(scene.folder / "out.mp4")
        said = scene.fails("BadReply", client.balance)
    assert "authorization" not in scene.backend.of("/cdn/")[0].headers
    assert not [request.path for request in scene.backend.received if "nmv_usr" in request.path]
    assert "nmv_usr" not in said
    assert "clm_" not in said


def comes_back_as_the_same_client(scene: Scene) -> None:
    for _ in range(2):
        with scene.client(profile=scene.nemo.Profile(scene.folder)) as client:
            client.open_session()
    assert len(scene.backend.of(TOKEN)) == 1
    profile = scene.nemo.Profile(scene.folder)
    assert profile.client_id() == profile.client_id()
    for path in scene.folder.iterdir():
        assert stat.S_IMODE(path.stat().st_mode) == 0o600, path


def begins_and_ends_politely(scene: Scene) -> None:
    scene.backend.arm(
        "/api/auth/claim", scene.backend.wire.ok({"claim_token": "clm_1", "expires_in": 1})
    )
    with scene.client() as client:
        client.connect()
        link = client.claim_link()
    assert scene.said()[:1] == ["Connecting…"]
    assert link == f"{scene.backend.base_url}/workspace/claim?ct=clm_1"
