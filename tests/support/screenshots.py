"""Takes the pictures of the dashboard in the docs: `python -m tests.support.screenshots`.

It needs a Chromium; the journal in them is that of a client that does what the demo does, with a
silent turn that the client sends again, a cut stream and an unknown path.
"""

import asyncio
import contextlib
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import httpx
import msgspec

from nemolocal_contract.clock import WallClock
from nemolocal_contract.endpoints import CONTROL_PREFIX
from nemolocal_render.synthetic.sample_media import make_sample
from nemolocal_server.settings import Tariff
from nemolocal_server.turns.silent_turns import SilentTurnPolicy
from tests.support.chromium import start_browser
from tests.support.dashboard import dashboard_server, open_page
from tests.support.http_caller import HttpCaller
from tests.support.servers import server_settings

if TYPE_CHECKING:
    from playwright.sync_api import Page

FOLDER = Path(__file__).parents[2] / "docs" / "images"
_SIZE = {"width": 1280, "height": 800}
_SPEED = 20.0
_PLAYABLE = """video => new Promise(done => video.readyState > 3 ? done() :
    video.addEventListener('canplaythrough', done, {once: true}))"""


def main() -> None:
    """Write one file for each picture."""
    settings = server_settings(speed=_SPEED, silence=SilentTurnPolicy(script=".sa."))
    settings = msgspec.structs.replace(settings, tariff=Tariff(grant=1000))
    FOLDER.mkdir(exist_ok=True)
    with (
        tempfile.TemporaryDirectory() as folder,
        dashboard_server(settings, WallClock(_SPEED)) as server,
    ):
        _run_client(server.base_url, Path(folder))
        _take_all(server.base_url)


def _take_all(base_url: str) -> None:
    with start_browser() as browser:
        options: dict[str, Any] = {"viewport": _SIZE, "device_scale_factor": 1}
        with open_page(browser, base_url, color_scheme="light", **options) as watched:
            _take(watched.visit("/journal"), "dashboard-journal")
            _take(watched.visit("/faults"), "dashboard-faults")
            _take(watched.visit("/verdict"), "dashboard-verdict")
            for name in ("renders", "clock", "snapshots", "about"):
                _take(watched.visit(f"/{name}"), f"dashboard-{name}")
            page = watched.visit("/sessions")
            page.locator("main a").first.click()
            page.locator("video").wait_for()
            page.wait_for_load_state("networkidle")
            page.locator("video").evaluate(_PLAYABLE)
            _take(page, "dashboard-session")
        with open_page(browser, base_url, color_scheme="dark", **options) as watched:
            page = watched.visit("/journal?open=7")
            _take(page, "dashboard-entry")


def _run_client(base_url: str, folder: Path) -> None:
    """Do what a client does that has some defects."""
    clip = folder / "holiday.mp4"
    asyncio.run(make_sample(clip, seconds=2))
    caller = HttpCaller(base_url)
    caller.http.headers.update({"User-Agent": "demo/1.0", "X-Skill-Source": "video-helper"})
    caller.connect()
    caller.balance()
    caller.upload(clip)
    caller.say("add a title 'Paradise Found' for 1 second")
    caller.chat("make it black and white")
    caller.chat("make it black and white")
    caller.say("add calm music")
    with contextlib.suppress(httpx.TransportError):
        caller.chat("trim to the first 1 second", fault="cut-reset;after=2")
    caller.state()
    caller.http.get("/api/projects")
    caller.submit("export-1")
    while caller.status("export-1")["status"] in ("pending", "processing"):
        time.sleep(1)
    httpx.post(f"{base_url}{CONTROL_PREFIX}/faults", json={"name": "silent", "times": 3})
    httpx.get(f"{base_url}{CONTROL_PREFIX}/journal")
    caller.http.close()


def _take(page: "Page", name: str) -> None:
    page.locator("#feed-state[data-state=live]").wait_for()
    page.screenshot(path=FOLDER / f"{name}.png")
    print(f"{FOLDER / name}.png")


if __name__ == "__main__":
    main()
