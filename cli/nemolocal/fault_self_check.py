"""`nemolocal serve --self-check`: every fault armed and disarmed, as a client on a socket sees it.

Each play has a token of its own but the same client id, so that nothing but the fault can make a
difference. Renders are stood in for; everything else is the server as it is.
"""

import asyncio
import contextlib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import httpx
import msgspec

from nemolocal_contract import endpoints as wire
from nemolocal_contract.clock import ManualClock
from nemolocal_contract.headers import Attribution, bearer_header
from nemolocal_render.job import RenderResult
from nemolocal_render.planning.planner import RenderPlan
from nemolocal_render.synthetic.sample_media import make_sample
from nemolocal_render.temporary_folder import TemporaryFolder

from .self_check_session import SelfCheckSession, run_and_describe

_ATTRIBUTION = Attribution("nemolocal-self-check", "1.0.0")
_CLIENT_ID = "self-check"
_TIMEOUT = 60.0
_RENDERED = b"a render that is stood in for"


class FaultCheck(msgspec.Struct, frozen=True):
    """What a client saw with a fault armed, and with the same fault armed and disarmed again."""

    name: str
    armed: str
    disarmed: str

    @property
    def is_effective(self) -> bool:
        """Whether the fault does something, and only while it is armed."""
        return self.armed != self.disarmed

    def __str__(self) -> str:
        mark = "" if self.is_effective else "  NO DIFFERENCE"
        return f"{self.name}: armed {self.armed} / disarmed {self.disarmed}{mark}"


def check_faults(say: Callable[[str], None]) -> int:
    """Say a line for each fault; 1 if one of them makes no difference."""
    unproven = 0
    with _open_session() as http_and_sample:
        http, sample = http_and_sample
        for fault in http.get(wire.FAULTS.template).json()["catalogue"]:
            check = FaultCheck(
                fault["name"],
                _observe(http, sample, fault, armed=True),
                _observe(http, sample, fault, armed=False),
            )
            say(str(check))
            unproven += not check.is_effective
    return 1 if unproven else 0


@contextlib.contextmanager
def _open_session() -> Iterator[tuple[httpx.Client, bytes]]:
    """A server in memory whose time jumps, a client of it, and a clip."""
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
    """What a fresh client sees while the fault is armed for it, or no longer is."""
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
