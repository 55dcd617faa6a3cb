"""The page *Journal* in a real browser."""

import os
import re
import subprocess
from pathlib import Path
from typing import TYPE_CHECKING, Any

import httpx
import pytest

from nemolocal_contract.endpoints import CONTROL_PREFIX, UI_PREFIX
from nemolocal_server.serving import LocalServer
from tests.support.chromium import serious_violations
from tests.support.dashboard import (
    WatchedPage,
    fill_journal,
    follow,
    open_page,
    shown_ids,
    wait_until,
)
from tests.support.http_caller import HttpCaller

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page, Route

pytestmark = pytest.mark.browser
PHONE = {"viewport": {"width": 390, "height": 844}}
HOSTILE = "<img src=//evil.example/x onerror=alert(1)>\"'</script><script>alert(2)</script>"


def wait_for_rows(page: "Page", count: int) -> None:
    page.locator(".rows-page .row").nth(count - 1).wait_for(state="attached")


def test_run_is_followed_live_and_its_silent_turn_is_found_by_keyboard(
    browser: "Browser", server: LocalServer, caller: HttpCaller, sample: Path
) -> None:
    caller.upload(sample)
    with open_page(browser, server.base_url) as watched:
        page = watched.visit()
        follow(page)
        caller.chat("make it black and white", fault="silent")
        wait_for_rows(page, 4)
        assert shown_ids(page) == [4, 3, 2, 1]
        page.keyboard.press("/")
        page.keyboard.type("black and white")
        wait_until(lambda: shown_ids(page) == [4] or None)
        page.keyboard.press("Escape")
        page.keyboard.press("j")
        page.keyboard.press("Enter")
        truth = page.locator(".truth")
        truth.wait_for()
        assert "The edit was applied. The client received no text." in truth.inner_text()
        assert page.url.endswith("?text=black+and+white&open=4")
        assert page.inner_text("#count") == "1 entry"
        # The link shows the same, and Escape leads back to the list.
        page.reload()
        truth.wait_for()
        assert shown_ids(page) == [4]
        page.keyboard.press("Escape")
        truth.wait_for(state="detached")
        page.keyboard.press("?")
        assert page.locator("#keys").is_visible()
        page.keyboard.press("Escape")
        assert not page.locator("#keys").is_visible()


def test_texts_of_strangers_do_nothing_in_a_browser(
    browser: "Browser", server: LocalServer, caller: HttpCaller
) -> None:
    caller.open_session(task_name=HOSTILE)
    caller.http.headers["User-Agent"] = caller.http.headers["X-Skill-Source"] = HOSTILE
    caller.http.post("/run_sse", json=caller.turn(HOSTILE), headers={"X-Odd": HOSTILE})
    files = {"files": (HOSTILE, b"x", "text/html")}
    caller.http.post(f"/api/upload-video/nemo_agent/me/{caller.session}", files=files)
    caller.http.get("/" + HOSTILE)
    with open_page(browser, server.base_url) as watched:
        page = watched.visit()
        wait_for_rows(page, 6)
        for entry in shown_ids(page):
            page.locator(f".row[data-id='{entry}'] a").click()
            page.locator(f"#truth-{entry}").wait_for()
        page.evaluate("document.querySelectorAll('details').forEach(item => { item.open = true })")
        assert "alert(2)" in page.inner_text("body")
        assert page.evaluate("document.querySelectorAll('#main img, #main script').length") == 0


def scroll_to(page: "Page", share: float) -> float:
    """Scroll the list to this share of its height; the distance in pixels."""
    script = """(item, share) => { item.scrollTop = share * (item.scrollHeight - item.clientHeight);
        return item.scrollTop; }"""
    found: float = page.locator("#viewport").evaluate(script, share)
    return found


@pytest.mark.slow
def test_ten_thousand_entries_take_the_rows_of_the_view_only(
    browser: "Browser", server: LocalServer, caller: HttpCaller
) -> None:
    caller.balance()
    fill_journal(server, 10_000)
    with open_page(browser, server.base_url) as watched:
        page = watched.visit()
        follow(page)
        assert shown_ids(page)[0] == 10_000
        for share in (0.5, 0.25, 1.0, 0.0, 0.75):
            top = round(scroll_to(page, share) / 34)
            row = page.locator(f".row[aria-rowindex='{top + 2}']")
            assert row.get_attribute("data-id") == str(10_000 - top)
            assert len(shown_ids(page)) <= 200
        # Who reads older entries is told of new ones, and not moved.
        before = scroll_to(page, 0.5)
        caller.balance()
        page.locator("#new-entries:not([hidden])").wait_for()
        assert page.inner_text("#new-entries") == "1 new"
        assert page.locator("#viewport").evaluate("item => item.scrollTop") == before
        page.click("#new-entries")
        page.locator(".row[data-id='10001']").wait_for()
        assert page.locator("#viewport").evaluate("item => item.scrollTop") == 0


@pytest.mark.slow
def test_paused_list_stays_and_goes_on_without_gap_or_double(
    browser: "Browser", server: LocalServer, caller: HttpCaller
) -> None:
    with open_page(browser, server.base_url) as watched:
        page = watched.visit()
        follow(page)
        wait_for_rows(page, 2)
        page.click("#pause")
        for _ in range(5):
            caller.balance()
        page.get_by_text("5 new").wait_for()
        assert shown_ids(page) == [2, 1]
        page.click("#pause")
        wait_for_rows(page, 7)
        assert shown_ids(page) == list(range(7, 0, -1))


def break_connections(server: LocalServer, caller: HttpCaller) -> None:
    """End all connections of the server without a word; the caller makes a new one."""
    caller.http._transport.close()

    async def abort() -> None:
        connections: Any = server._server.server_state.connections
        for connection in list(connections):
            connection.transport.abort()

    server.call(abort())


@pytest.mark.slow
def test_page_survives_a_lost_feed_a_reset_and_a_restore(
    browser: "Browser", server: LocalServer, caller: HttpCaller
) -> None:
    control = f"{server.base_url}{CONTROL_PREFIX}"
    snapshot = httpx.post(f"{control}/snapshot", json={}).json()
    with open_page(browser, server.base_url) as watched:
        page = watched.visit()
        follow(page)
        wait_for_rows(page, 2)
        # New connections fail, and then the open ones end.
        watched.context.set_offline(True)
        break_connections(server, caller)
        page.locator("#feed-state[data-state=lost]").wait_for()
        for _ in range(3):
            caller.balance()
        watched.context.set_offline(False)
        wait_for_rows(page, 5)
        assert shown_ids(page) == [5, 4, 3, 2, 1]
        httpx.post(f"{control}/reset", json={})
        page.locator("#no-entries").wait_for()
        httpx.post(f"{control}/restore", json={"id": snapshot["id"]}).raise_for_status()
        wait_for_rows(page, 2)
        # The browser itself reports each request that did not reach the server.
        watched.problems = [text for text in watched.problems if "net::ERR_" not in text]


@pytest.mark.slow
def test_copied_curl_line_makes_the_same_entry_in_bash(
    browser: "Browser", server: LocalServer, caller: HttpCaller, sample: Path
) -> None:
    caller.upload(sample)
    caller.say("add a title 'It\\'s $HOME'")
    permissions = ["clipboard-read", "clipboard-write"]
    with open_page(browser, server.base_url, permissions=permissions) as watched:
        page = watched.visit("/journal?endpoint=chat&open=4")
        page.get_by_role("button", name="Copy as curl").click()
        page.wait_for_selector("#notice.shown")
        line = page.evaluate("navigator.clipboard.readText()")
        token = caller.http.headers["Authorization"].removeprefix("Bearer ")
        environment = {**os.environ, "NEMO_TOKEN": token}
        subprocess.run(["bash", "-c", line], check=True, env=environment, capture_output=True)
        entries = httpx.get(f"{server.base_url}{CONTROL_PREFIX}/journal").json()["entries"]
        first, again = (entry for entry in entries if entry["endpoint"] == "chat")
        for field in ("method", "url", "request_body", "user_id", "session_id"):
            assert again[field] == first[field]
        # Those of the connection are the program's own.
        assert again["request_headers"].items() <= first["request_headers"].items()
        assert again["request_headers"]["x-skill-source"] == "ai-rtk-compressor"
        # The page has it by itself.
        wait_for_rows(page, 2)


@pytest.mark.slow
def test_replay_button_makes_a_marked_entry(
    browser: "Browser", server: LocalServer, caller: HttpCaller
) -> None:
    caller.balance()
    with open_page(browser, server.base_url) as watched:
        page = watched.visit("/journal?open=3")
        follow(page)
        page.get_by_role("button", name="Replay now").click()
        page.get_by_text("replay of #3").wait_for()
        assert shown_ids(page) == [4, 3, 2, 1]


@pytest.mark.slow
def test_export_opens_from_disk_without_network(
    browser: "Browser", server: LocalServer, caller: HttpCaller, tmp_path: Path
) -> None:
    caller.http.get("/nothing/" + HOSTILE)
    with open_page(browser, server.base_url) as watched:
        page = watched.visit("/journal?status=failed")
        page.click("#export-menu summary")
        with page.expect_download() as download:
            page.get_by_role("link", name="HTML with all texts").click()
        file = tmp_path / "journal.html"
        download.value.save_as(file)
    with open_page(browser, "file://") as watched:
        watched.context.set_offline(True)
        page = watched.page
        page.goto(file.as_uri())
        assert page.locator(".exported-entry").count() == 1
        page.locator(".exported-entry summary").first.click()
        assert "What really happened" in page.inner_text("body")
        assert serious_violations(page) == []


def test_page_whose_scripts_load_slowly_misses_no_entry(
    browser: "Browser", server: LocalServer, caller: HttpCaller
) -> None:
    held: list[Route] = []
    with open_page(browser, server.base_url) as watched:
        page = watched.page
        requests: list[str] = []
        page.on("request", lambda request: requests.append(request.url))
        page.route("**/journal.js", lambda route: held.append(route))
        page.goto(f"{server.base_url}{UI_PREFIX}/journal", wait_until="commit")

        def press_the_key() -> bool | None:
            page.keyboard.press("?")
            return (page.locator("dialog[open]").count() > 0 and len(held) > 0) or None

        # Only the script of every page has run.
        wait_until(press_the_key)
        assert not [url for url in requests if "/events" in url]
        caller.balance()
        held[0].continue_()
        wait_for_rows(page, 3)


def check_layout(watched: WatchedPage) -> None:
    assert serious_violations(watched.page) == []
    width = watched.page.evaluate("[document.documentElement.scrollWidth, innerWidth]")
    assert width[0] <= width[1]


@pytest.mark.slow
@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("size", [{}, PHONE, {"viewport": {"width": 3840, "height": 2160}}])
def test_everybody_can_use_the_page(
    browser: "Browser",
    server: LocalServer,
    caller: HttpCaller,
    sample: Path,
    scheme: str,
    size: dict[str, Any],
) -> None:
    with open_page(browser, server.base_url, color_scheme=scheme, **size) as watched:
        page = watched.visit("/journal?text=nothing-like-this")
        check_layout(watched)
        caller.upload(sample)
        caller.chat("make it black and white", fault="silent")
        caller.chat("trim to the first 1 second", fault="out-of-credits")
        page = watched.visit()
        wait_for_rows(page, 5)
        check_layout(watched)
        page.locator(".row[data-id='4'] a").click()
        page.locator(".truth").wait_for()
        page.evaluate(
            "document.querySelectorAll('#detail details').forEach(d => { d.open = true })"
        )
        check_layout(watched)


@pytest.mark.slow
def test_page_speaks_chinese(browser: "Browser", server: LocalServer, caller: HttpCaller) -> None:
    caller.balance()
    with open_page(browser, server.base_url, locale="zh-CN") as watched:
        page = watched.visit("/journal?open=1")
        assert page.locator("h1").inner_text() == "请求日志"
        page.click("text=English")
        page.wait_for_url(re.compile("open=1"))
        assert page.locator("h1").inner_text() == "Journal"


@pytest.mark.slow
def test_control_token_is_asked_for_once(browser: "Browser") -> None:
    from tests.support.dashboard import dashboard_server
    from tests.support.servers import server_settings

    with (
        dashboard_server(server_settings(control_token="sesame")) as server,
        open_page(browser, server.base_url) as watched,
    ):
        page = watched.visit("/journal?status=failed")
        page.fill("#token", "open")
        page.keyboard.press("Enter")
        page.get_by_text("not the control token").wait_for()
        # The browser itself reports the refusal.
        watched.problems = [text for text in watched.problems if "status of 403" not in text]
        page.fill("#token", "sesame")
        page.keyboard.press("Enter")
        page.wait_for_url(f"{server.base_url}{UI_PREFIX}/journal?status=failed")
        follow(page)


def test_browser_of_the_tests_reports_what_a_page_must_not_do(
    browser: "Browser", server: LocalServer
) -> None:
    """Or none of the tests above could fail."""
    watched = WatchedPage(browser.new_context(), server.base_url)
    page = watched.visit()
    page.evaluate("""() => { document.body.insertAdjacentHTML('beforeend',
        '<img src="https://evil.example/x" onerror="alert(1)">') }""")
    while not watched.problems:
        page.wait_for_timeout(10)
    assert any("CSP" in text or "Content Security Policy" in text for text in watched.problems)
    watched.context.close()
