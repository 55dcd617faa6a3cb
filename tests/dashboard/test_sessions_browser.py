"""The pages of sessions and renders in a browser: found, stepped through, followed, kept safe."""

import asyncio
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from nemolocal_contract.describe import describe_timeline
from nemolocal_contract.draft import draft_from_wire
from nemolocal_dashboard.timeline_layout import ZOOMS
from nemolocal_server.turns.silent_turns import SilentTurnPolicy
from tests.support.chromium import serious_violations, start_browser
from tests.support.dashboard import dashboard_server, open_page
from tests.support.executor import FakeRenderExecutor
from tests.support.http_caller import HttpCaller
from tests.support.servers import server_settings

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

pytestmark = [pytest.mark.browser, pytest.mark.slow]

CONTROL = "/__nemolocal__"
HOSTILE = "<img src=x onerror=alert(1)><script>alert(2)</script>\"'&{{7*7}}"
MESSAGES = (
    "edit my raw video footage",
    "trim to the first 1.5 seconds",
    "add a title 'Hi' for 1 second",
    "make it black and white",
)


@pytest.fixture(scope="module")
def browser() -> Iterator["Browser"]:
    with start_browser() as browser:
        yield browser


@pytest.fixture
def executor() -> FakeRenderExecutor:
    return FakeRenderExecutor()


@pytest.fixture
def caller(sample: Path, executor: FakeRenderExecutor) -> Iterator[HttpCaller]:
    """A session with five versions, whose third turn was silent and changed nothing."""
    settings = server_settings(silence=SilentTurnPolicy(script="..n........"))
    with dashboard_server(settings, execute=executor) as server:
        caller = HttpCaller(server.base_url).connect()
        caller.upload(sample)
        for message in (*MESSAGES, "add a title 'Bye' for 1 second"):
            caller.say(message)
        yield caller
        caller.http.close()


def base_url(caller: HttpCaller) -> str:
    return str(caller.http.base_url).rstrip("/")


def shown_version(page: "Page", number: int) -> None:
    """Wait until a version is drawn."""
    page.wait_for_selector(f"#timeline-box[data-version='{number}']")


def test_the_silent_turn_is_found_with_its_truth(browser: "Browser", caller: HttpCaller) -> None:
    with open_page(browser, base_url(caller)) as watched:
        page = watched.visit("/sessions")
        page.keyboard.press("j")
        page.keyboard.press("Enter")
        silent = page.locator(".turn", has=page.locator(".bubble.silent"))
        silent.wait_for()
        assert silent.count() == 1
        assert silent.locator(".bubble.user").inner_text() == MESSAGES[2]
        assert silent.locator("[data-truth]").inner_text() == "not applied"
        silent.get_by_text("Tool calls").click()
        assert "add_title" in silent.locator("pre").first.inner_text()


def test_stepping_back_shows_the_same_as_the_control_api(
    browser: "Browser", caller: HttpCaller
) -> None:
    newest = caller.get(f"{CONTROL}/sessions/{caller.session}")["session"]["version"]
    with open_page(browser, base_url(caller)) as watched:
        page = watched.visit(f"/sessions/{caller.session}")
        shown_version(page, newest)
        for number in (newest - 1, newest - 2, newest - 3):
            page.keyboard.press("k")
            shown_version(page, number)
            api = caller.get(f"{CONTROL}/sessions/{caller.session}/drafts/{number}")
            draft = draft_from_wire(api["draft"])
            drawn = page.locator("#timeline")
            if drawn.count():
                assert drawn.get_attribute("aria-label") == describe_timeline(draft)
            ids = [clip.get_attribute("data-segment") for clip in page.locator("svg.clip").all()]
            segments = [s.id for track in draft.tracks or () for s in track.segments or ()]
            assert sorted(map(str, ids)) == sorted(map(str, segments))
            assert f"version={number}&" in page.url
        page.reload()
        shown_version(page, newest - 3)
        page.locator("#version").focus()
        page.keyboard.press("End")
        shown_version(page, newest)
        page.locator(".turn a[data-version='2']").click()
        shown_version(page, 2)


def test_playhead_and_drawing_agree_within_a_pixel_at_every_zoom(
    browser: "Browser", sample: Path
) -> None:
    with dashboard_server() as server:
        caller = HttpCaller(server.base_url).connect()
        caller.upload(sample)
        caller.say("edit my raw video footage")
        caller.say("add a title 'Hi' from 0.5 seconds to 1.5 seconds")
        caller.submit("render_1")
        assert caller.finished("render_1")["status"] == "completed"
        (title,) = next(t for t in caller.draft()["t"] if t["tt"] == 7)["sg"]
        with open_page(
            browser, server.base_url, viewport={"width": 1300, "height": 900}
        ) as watched:
            page = watched.visit(f"/sessions/{caller.session}")
            wait_until(page, "document.getElementById('video').readyState > 0")
            seen = set()
            for zoom in ZOOMS:
                page.locator(f"button[data-zoom='{zoom}']").click()
                page.wait_for_selector(f"#timeline-box[data-zoom='{zoom}']")
                for moment in (title["s"], title["s"] + title["d"], 1234):
                    seek(page, moment / 1000)
                    at, start, end = page.evaluate(_PLACES, title["id"])
                    drawn = start + (end - start) * (moment - title["s"]) / title["d"]
                    assert abs(at - drawn) <= 1, (zoom, moment)
                seen.add(round(end - start))
            assert len(seen) == len(ZOOMS)
            # A click on the drawing seeks the player to that place.
            page.locator(f"[data-segment='{title['id']}']").click(position={"x": 2, "y": 5})
            wait_until(page, "Math.abs(document.getElementById('video').currentTime - 0.5) < 0.05")
        caller.http.close()


# The playhead's place, and those of the edges of a clip.
_PLACES = """id => {
  const line = document.querySelector("#playhead line").getBoundingClientRect();
  const clip = document.querySelector(`[data-segment="${id}"] .clip-ground`);
  const { left, right } = clip.getBoundingClientRect();
  return [(line.left + line.right) / 2, left, right];
}"""


def wait_until(page: "Page", condition: str) -> None:
    """Wait for a condition; Playwright's own function for it breaks the CSP of the pages."""
    page.evaluate(
        f"""() => new Promise(done => {{
          const look = () => ({condition}) ? done() : setTimeout(look, 20);
          look();
        }})"""
    )


def seek(page: "Page", seconds: float) -> None:
    page.evaluate(
        """seconds => new Promise(done => {
          const video = document.getElementById("video");
          video.addEventListener("seeked", () => requestAnimationFrame(done), { once: true });
          video.currentTime = seconds;
        })""",
        seconds,
    )


def test_a_new_turn_shows_at_once_and_who_looks_back_stays_there(
    browser: "Browser", caller: HttpCaller
) -> None:
    with open_page(browser, base_url(caller)) as watched:
        page = watched.visit(f"/sessions/{caller.session}")
        newest = int(page.locator("#version").get_attribute("max") or 0)
        shown_version(page, newest)
        caller.say("make it twice as fast")
        shown_version(page, newest + 1)
        page.get_by_text("make it twice as fast").first.wait_for()
        page.keyboard.press("k")
        shown_version(page, newest)
        caller.say("undo")
        page.wait_for_selector(f"#version[max='{newest + 2}']")
        shown_version(page, newest)


def test_a_reset_while_the_page_is_open_leads_to_a_page_that_says_so(
    browser: "Browser", caller: HttpCaller
) -> None:
    snapshot = caller.post(f"{CONTROL}/snapshot", json={})["id"]
    with open_page(browser, base_url(caller)) as watched:
        page = watched.visit(f"/sessions/{caller.session}")
        page.wait_for_selector("#feed-state[data-state='live']")
        caller.post(f"{CONTROL}/reset", json={})
        page.get_by_role("heading", name="Page not found").wait_for()
        listed = watched.visit("/sessions")
        listed.get_by_role("heading", name="No sessions yet").wait_for()
        caller.post(f"{CONTROL}/restore", json={"id": snapshot})
        listed.get_by_role("link", name="project").wait_for()
        # A page that is gone is a 404, which browsers report.
        watched.problems = [p for p in watched.problems if "404" not in p]


def test_a_render_is_followed_and_stopped(
    browser: "Browser", caller: HttpCaller, executor: FakeRenderExecutor
) -> None:
    executor.gate = asyncio.Event()
    with open_page(browser, base_url(caller)) as watched:
        page = watched.visit("/renders")
        page.get_by_text("No renders yet").wait_for()
        page.wait_for_selector("#feed-state[data-state='live']")
        caller.submit("render_1")
        page.get_by_role("link", name="render_1").click()
        page.wait_for_selector("[data-status='processing']")
        page.get_by_role("button", name="Cancel").click()
        page.wait_for_selector("[data-status='failed']")
        assert caller.status("render_1")["error"] == "cancelled"
        assert page.get_by_text("cancelled").count()


def test_what_strangers_sent_stays_text(browser: "Browser", sample: Path) -> None:
    with dashboard_server(execute=FakeRenderExecutor()) as server:
        caller = HttpCaller(server.base_url).connect()
        caller.open_session(task_name=HOSTILE)
        files = [("files", (f"{HOSTILE[:40]}.mp4".replace("/", ""), sample.read_bytes()))]
        caller.post(f"/api/upload-video/nemo_agent/me/{caller.session}", files=files)
        for message in ("edit my raw video footage", f"add a title '{HOSTILE}'", HOSTILE):
            caller.say(message)
        caller.submit(HOSTILE.replace("/", ""))
        with open_page(browser, server.base_url) as watched:
            page = watched.visit("/sessions")
            page.get_by_text(HOSTILE).first.wait_for()
            page = watched.visit(f"/sessions/{caller.session}")
            page.locator(".bubble.user", has_text=HOSTILE).first.wait_for()
            page.locator(".clip-label", has_text="<img src=x").first.wait_for()
            page = watched.visit("/renders")
            page.locator("a.name", has_text="<img src=x").click()
            page.get_by_role("heading", name="<img src=x").wait_for()
            # The fake render is no video, which the player says.
            watched.problems = [p for p in watched.problems if "MEDIA" not in p]
        caller.http.close()


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_pages_can_be_used_by_all_and_on_a_phone(
    browser: "Browser", caller: HttpCaller, scheme: str
) -> None:
    caller.submit("render_1")
    caller.finished("render_1")
    file_id = caller.get(f"{CONTROL}/renders")["renders"][0]["file_id"]
    paths = ["/sessions", f"/sessions/{caller.session}", "/renders", f"/renders/{file_id}"]
    for width in (390, 1440):
        options = {"viewport": {"width": width, "height": 844}, "color_scheme": scheme}
        with open_page(browser, base_url(caller), **options) as watched:
            for path in paths:
                page = watched.visit(path)
                assert serious_violations(page) == [], path
                assert page.evaluate("document.querySelector('main').scrollWidth") <= width, path
