"""The pages with buttons that call the control API."""

import html
import re
import subprocess
from pathlib import Path

import httpx
import pytest

from nemolocal_contract.clock import ManualClock
from nemolocal_contract.endpoints import CONTROL_PREFIX, UI_PREFIX
from nemolocal_contract.rules import rules
from nemolocal_server.faults.catalogue import CATALOGUE
from nemolocal_server.serving import LocalServer
from tests.support.dashboard import dashboard_server
from tests.support.http_caller import HttpCaller


def curl_lines(page: str) -> list[str]:
    found = re.findall(r"<pre tabindex=\"0\">(curl.*?)</pre>", page, re.DOTALL)
    return [html.unescape(line) for line in found]


def test_every_fault_has_a_card_that_arms_it_as_chosen(
    server: LocalServer, caller: HttpCaller, pages: httpx.Client
) -> None:
    query = {"times": "3", "user": caller.user_id}
    page = pages.get("/faults", params=query).text
    assert all(f'id="fault-{name}"' in page for name in CATALOGUE)
    line = next(line for line in curl_lines(page) if '"cut-reset"' in line)
    subprocess.run(["bash", "-c", f"{line} -sS"], check=True, capture_output=True)
    armed = httpx.get(f"{server.base_url}{CONTROL_PREFIX}/faults").json()["armed"][0]
    assert (armed["name"], armed["times"]) == ("cut-reset", 3)
    assert armed["match"] == {"user_id": caller.user_id}
    assert "Requests affected: 0 of 3" in pages.get("/faults/armed").text
    assert pages.get("/faults", params={"times": "x"}).status_code == 400


def test_scripted_replies_show_their_use(server: LocalServer, pages: httpx.Client) -> None:
    reply = {"name": "<b>bold</b>", "match": {"message": "trim"}, "say": "Done."}
    httpx.post(f"{server.base_url}{CONTROL_PREFIX}/replies", json=reply).raise_for_status()
    page = pages.get("/faults/replies").text
    assert "&lt;b&gt;bold&lt;/b&gt;" in page
    assert "Never used" in page


def test_verdict_names_the_rules_that_a_client_broke_and_shows_where(
    caller: HttpCaller, pages: httpx.Client, sample: Path
) -> None:
    caller.upload(sample)
    for _ in range(2):
        caller.chat("make it black and white", fault="silent")
    page = html.unescape(pages.get("/verdict").text)
    assert caller.user_id in page
    assert "After a stream that ends without text, the client MUST read the state" in page
    assert re.search(r'href="[^"]*/journal\?open=\d+"', page)
    # A client without a user: there is nobody to judge.
    with dashboard_server() as another:
        empty = httpx.get(f"{another.base_url}{UI_PREFIX}/verdict").text
        assert "No clients yet" in empty


def test_clock_page_advances_a_manual_clock_only(server: LocalServer, pages: httpx.Client) -> None:
    """The clock of this server is one that jumps by itself, which is manual too."""
    before = server.app.state.services.context.clock.time()
    page = pages.get("/clock").text
    line = next(line for line in curl_lines(page) if '"seconds": 900' in line)
    subprocess.run(["bash", "-c", f"{line} -sS"], check=True, capture_output=True)
    assert server.app.state.services.context.clock.time() >= before + 900


def test_snapshots_and_tokens_are_listed_without_secrets(
    server: LocalServer, caller: HttpCaller, pages: httpx.Client
) -> None:
    taken = httpx.post(f"{server.base_url}{CONTROL_PREFIX}/snapshot", json={}).json()["id"]
    page = pages.get("/snapshots").text
    assert taken in page
    assert caller.user_id in page
    assert caller.http.headers["Authorization"].removeprefix("Bearer ") not in page


def test_about_has_the_rules_by_grade(pages: httpx.Client) -> None:
    page = pages.get("/about").text
    assert "SSE-5" in page
    assert page.index("Documented") < page.index("Contradicted") < page.index("Assumed")


@pytest.mark.parametrize("path", ["faults", "clock", "verdict", "snapshots", "about"])
def test_pages_are_in_the_navigation(pages: httpx.Client, path: str) -> None:
    assert f'href="{UI_PREFIX}/{path}" aria-current="page"' in pages.get(f"/{path}").text


def test_control_token_is_in_the_curl_lines_as_a_variable() -> None:
    from tests.support.servers import server_settings

    settings = server_settings(control_token="sesame")
    with dashboard_server(settings, ManualClock()) as server:
        headers = {"X-Nemolocal-Control-Token": "sesame"}
        page = httpx.get(f"{server.base_url}{UI_PREFIX}/faults", headers=headers).text
        assert "sesame" not in page
        assert all("$NEMO_CONTROL_TOKEN" in line for line in curl_lines(page))


def test_code_in_a_rule_is_shown_as_code(pages: httpx.Client) -> None:
    page = pages.get("/about").text
    code = next(rule.text for rule in rules().values() if "`" in rule.text).split("`")[1]
    assert f"<code>{html.escape(code, quote=False)}</code>" in page
    assert "`" not in page


def test_the_part_of_the_verdict_that_changes_is_read_again(pages: httpx.Client) -> None:
    first = pages.get("/verdict/clients")
    assert first.status_code == 200
    assert "<html" not in first.text
    assert first.text.strip() in pages.get("/verdict").text
