"""A busy machine, chance and earlier runs change no verdict; a timeout is not a failure."""

import asyncio
import contextlib
import threading
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import httpx
import pytest

from nemolocal_conformance.context import CheckContext
from nemolocal_conformance.control_client import find_control_client
from nemolocal_conformance.runner import run_check, run_checks
from nemolocal_conformance.server_check import server_check
from nemolocal_conformance.server_checks import server_catalogue
from nemolocal_conformance.target import TargetClient, TargetTimeout
from nemolocal_contract.clock import Clock, ManualClock, WallClock
from nemolocal_contract.endpoints import Attribution
from nemolocal_render.media import MediaInfo
from nemolocal_server.serving import LocalServer
from nemolocal_server.settings import Settings
from nemolocal_server.turns.silent_turns import SilentTurnPolicy
from tests.mutation.server_runner import report_contract_settings, run_server_mutant
from tests.mutation.servers import server_mutants

ATTRIBUTION = Attribution("nemolocal-conformance", "1.0.0")
TOKEN = "nmv_usr_secret_of_the_user"

pytestmark = pytest.mark.usefixtures("memoized_servers")


def context_of(response: Callable[[httpx.Request], httpx.Response]) -> CheckContext:
    target = TargetClient("http://peer.test", ATTRIBUTION, httpx.MockTransport(response))
    return CheckContext(target, None, token=TOKEN)


def hang(_request: httpx.Request) -> httpx.Response:
    raise httpx.ReadTimeout("nothing came")


def outcomes(names: str, clock: Clock | None = None, **settings: object) -> dict[str, str]:
    """Return the outcomes of these checks on the reference with these settings, not reported."""
    chosen = Settings(port=0, **settings)  # type: ignore[arg-type]
    server = LocalServer(chosen, clock or ManualClock(autojump=True))
    with (
        report_contract_settings(),
        server,
        contextlib.closing(TargetClient(server.base_url, ATTRIBUTION)) as target,
    ):
        report = run_checks(
            CheckContext(target, find_control_client(target)),
            [server_catalogue()[name] for name in names.split()],
        )
    return {verdict.check: verdict.outcome for verdict in report.verdicts}


@contextlib.contextmanager
def counting_server() -> Iterator[tuple[str, set[int]]]:
    """A server that keeps connections, and the ports of its clients."""
    ports: set[int] = set()

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            ports.add(self.client_address[1])
            self.send_response(200)
            self.send_header("Content-Length", "2")
            self.end_headers()
            self.wfile.write(b"{}")

        def log_message(self, format: str, *args: object) -> None:
            """Say nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
    try:
        yield f"http://127.0.0.1:{server.server_address[1]}", ports
    finally:
        server.shutdown()
        server.server_close()


def test_each_exchange_uses_its_own_connection() -> None:
    with (
        counting_server() as (url, ports),
        contextlib.closing(TargetClient(url, ATTRIBUTION)) as target,
    ):
        assert [target.request("GET", "/").status for _ in range(3)] == [200] * 3
    assert len(ports) == 3


def test_unanswered_request_is_an_error_not_a_failure() -> None:
    for name in ("credits.balance.fields", "chat.end.clean", "session.new.fields"):
        verdict = run_check(context_of(hang), server_catalogue()[name])
        assert (verdict.outcome, verdict.unmet) == ("error", False)
        assert "was not answered in" in verdict.reason
        assert TOKEN not in verdict.reason


def test_unanswered_stream_is_an_error_not_a_failure() -> None:
    target = context_of(hang).target
    with pytest.raises(TargetTimeout):
        target.send_and_disconnect("POST", "/run_sse", token=TOKEN, json={})
    with pytest.raises(TargetTimeout):
        target.run_during_post(lambda: None, "/run_sse", token=TOKEN, json={})


def test_unanswered_prerequisite_is_tried_again() -> None:
    requests = 0

    def answer(request: httpx.Request) -> httpx.Response:
        nonlocal requests
        requests += 1
        if requests == 1:
            hang(request)
        return httpx.Response(200, json={"code": 0, "data": {"session_id": "1" * 19}})

    report = run_checks(context_of(answer), [server_catalogue()["session.new.digits"]] * 2)
    assert [verdict.outcome for verdict in report.verdicts] == ["error", "passed"]


def test_run_stops_waiting_for_a_server_that_never_answers() -> None:
    requests = 0

    def answer(request: httpx.Request) -> httpx.Response:
        nonlocal requests
        requests += 1
        return hang(request)

    report = run_checks(context_of(answer), [server_catalogue()["credits.balance.fields"]] * 9)
    assert {verdict.outcome for verdict in report.verdicts} == {"error"}
    assert (requests, report.exit_code) == (5, 2)
    assert report.verdicts[-1].reason.startswith("not run: 5 checks")


def test_check_without_requests_runs_after_timeouts() -> None:
    def ask_nothing(_context: CheckContext) -> None:
        """It MUST be so."""

    unasked = server_check("a.check", "GEN-1")(ask_nothing)
    asking = server_catalogue()["credits.balance.fields"]
    report = run_checks(context_of(hang), [*[asking] * 4, unasked, asking])
    assert [verdict.outcome for verdict in report.verdicts] == [*["error"] * 4, "passed", "error"]
    assert "was not answered" in report.verdicts[-1].reason


SAID = "chat.gui.english chat.gui.hidden-tools"


@pytest.mark.slow
def test_many_silent_turns_in_a_row_do_not_fail() -> None:
    # The first edit puts the clip on the timeline.
    silence = SilentTurnPolicy(script="." + "s" * 9 + ".")
    assert set(outcomes(SAID, silence=silence).values()) == {"passed"}


@pytest.mark.slow
def test_always_silent_server_is_noticed() -> None:
    assert set(outcomes("chat.gui.english", silence=SilentTurnPolicy(rate=1)).values()) == {
        "failed"
    }


@pytest.mark.slow
@pytest.mark.parametrize(
    ("script", "outcome"), [("s" * 30 + "." * 70, "passed"), ("s" * 6 + "." * 4, "warning")]
)
def test_odd_rate_of_silent_turns_is_measured_longer(script: str, outcome: str) -> None:
    rate = "chat.silent.rate"
    assert outcomes(rate, silence=SilentTurnPolicy(script=script)) == {rate: outcome}


# Seconds after which something hangs.
_HANGS = 60.0


class HeldClips:
    """Makes clips, each of them once it was looked at what its making has frozen."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, late: list[bool]) -> None:
        self._late = late
        self._looked = threading.Event()
        self._meanwhile = TargetClient.run_during_post
        monkeypatch.setattr(
            TargetClient, "run_during_post", lambda *call, **rest: self._look(*call, **rest)
        )
        monkeypatch.setattr("nemolocal_server.turns.media_generator.make_scene", self._make_scene)
        monkeypatch.setattr("nemolocal_server.turns.media_generator.make_music", make_music)

    async def _make_scene(self, _scene: str, seconds: float, _seed: int, path: Path) -> MediaInfo:
        await asyncio.to_thread(self._looked.wait, _HANGS)
        path.write_bytes(b"a clip")
        return MediaInfo("video", "mp4", seconds, 1280, 720, 30.0, "h264", "yuv420p", "")

    def _look(
        self, target: TargetClient, act: Callable[[], object], path: str, **rest: Any
    ) -> object:
        """Act while the clip is made, or when it is too late."""
        self._looked.clear()
        if self._late.pop(0):
            self._looked.set()
            self._meanwhile(target, lambda: None, path, **rest)
            return act()
        return self._meanwhile(target, lambda: self._acted(act), path, **rest)

    def _acted(self, act: Callable[[], object]) -> object:
        try:
            return act()
        finally:
            self._looked.set()


async def make_music(_mood: str, seconds: float, path: Path) -> MediaInfo:
    path.write_bytes(b"music")
    return MediaInfo("audio", "m4a", seconds, 0, 0, 0.0, "", "", "aac")


@pytest.mark.slow
def test_balance_read_too_late_is_read_again(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    late = [True, True, False]
    HeldClips(monkeypatch, late)
    frozen = server_catalogue()["credits.frozen"]
    assert run_server_mutant(server_mutants()["credits.never-frozen"], [frozen]).missed_checks == ()
    assert late == []


def test_credits_are_frozen_while_a_clip_is_made(monkeypatch: pytest.MonkeyPatch) -> None:
    late = [True, True, False]
    HeldClips(monkeypatch, late)
    with (
        LocalServer(Settings(port=0), ManualClock(autojump=True)) as server,
        contextlib.closing(TargetClient(server.base_url, ATTRIBUTION)) as target,
    ):
        verdict = run_check(
            CheckContext(target, find_control_client(target)), server_catalogue()["credits.frozen"]
        )
    assert verdict.outcome == "passed"
    assert late == []


def test_durations_are_not_checked_on_a_real_time_clock() -> None:
    timed = "general.date token.again.next-week token.life.alive token.life.over chat.time.talk"
    assert set(outcomes(timed, WallClock(speed=1_000)).values()) == {"not applicable"}
