"""Who may see the pages, and what protects them."""

import re
from collections.abc import Iterator

import httpx
import pytest

from nemolocal_contract.endpoints import CONTROL_PREFIX, CONTROL_TOKEN, UI_PREFIX
from tests.support.dashboard import dashboard_server
from tests.support.servers import server_settings


@pytest.fixture
def guarded() -> Iterator[httpx.Client]:
    """A browser before a server that requires a control token, which is `sesame`."""
    with (
        dashboard_server(server_settings(control_token="sesame")) as server,
        httpx.Client(base_url=server.base_url) as client,
    ):
        yield client


def undefined_variables(css: str) -> set[str]:
    """Return the variables that style sheets use and none of them defines."""
    return set(re.findall(r"var\((--[\w-]+)", css)) - set(re.findall(r"(--[\w-]+):", css))


def test_pages_forbid_scripts_and_requests_of_others(pages: httpx.Client) -> None:
    for path in ("/journal", "/static/journal.js", "/nothing"):
        headers = pages.get(path).headers
        policy = headers["content-security-policy"]
        assert "default-src 'none'" in policy
        assert "unsafe" not in policy
        assert "frame-ancestors 'none'" in policy
        assert headers["x-content-type-options"] == "nosniff"


@pytest.mark.parametrize("path", ["/journal", "/sessions", "/faults"])
def test_styles_of_a_page_are_served_and_define_every_color_that_they_use(
    pages: httpx.Client, path: str
) -> None:
    linked = re.findall(r'<link rel="stylesheet" href="([^"]+)">', pages.get(path).text)
    styles = [pages.get(link.removeprefix(UI_PREFIX)) for link in linked]
    assert {style.headers["content-type"] for style in styles} == {"text/css; charset=utf-8"}
    assert not undefined_variables("".join(style.text for style in styles))


def test_exported_journal_defines_every_color_that_it_uses(pages: httpx.Client) -> None:
    page = pages.get("/journal/export", params={"format": "html"}).text
    assert "var(--accent)" in page
    assert not undefined_variables(page)


def test_start_leads_to_the_journal(pages: httpx.Client) -> None:
    for path in ("", "/"):
        assert pages.get(path).headers["location"] == f"{UI_PREFIX}/journal"


def test_unknown_page_is_a_page_that_says_so(pages: httpx.Client) -> None:
    response = pages.get("/nothing")
    assert response.status_code == 404
    assert "Page not found" in response.text
    assert pages.get("/static/../../secrets").status_code == 404


@pytest.mark.parametrize(
    "headers",
    [
        {"Host": "evil.example"},
        {"Origin": "https://evil.example"},
        {"Sec-Fetch-Site": "cross-site"},
        {"Sec-Fetch-Site": "same-site"},
    ],
)
def test_pages_of_others_are_refused_as_by_the_control_api(
    pages: httpx.Client, headers: dict[str, str]
) -> None:
    for path in ("/journal", "/journal/rows", "/static/shell.js"):
        assert pages.get(path, headers=headers).status_code == 403
    sent = pages.post("/journal/entries/1/replay", json={}, headers=headers)
    assert sent.status_code == 403


def test_form_of_a_page_cannot_replay(pages: httpx.Client) -> None:
    assert pages.post("/journal/entries/1/replay", data={"a": "b"}).status_code == 403


def test_browser_without_the_control_token_is_asked_for_it(guarded: httpx.Client) -> None:
    refused = guarded.get(f"{UI_PREFIX}/journal?open=1")
    assert refused.status_code == 303
    assert refused.headers["location"].endswith(
        "/sign-in?next=/__nemolocal__/ui/journal%3Fopen%3D1"
    )
    form = guarded.get(refused.headers["location"])
    assert 'type="password"' in form.text
    assert guarded.get(f"{UI_PREFIX}/static/sign_in.js").status_code == 200
    assert guarded.post(f"{UI_PREFIX}/journal/entries/1/replay", json={}).status_code == 403
    assert guarded.get(f"{CONTROL_PREFIX}/journal").status_code == 403


def test_control_token_opens_the_pages_by_a_cookie_that_does_not_contain_it(
    guarded: httpx.Client,
) -> None:
    sign_in = f"{UI_PREFIX}/sign-in"
    wrong = guarded.post(sign_in, json={"token": "open"})
    assert (wrong.status_code, wrong.json()["code"]) == (403, 403)
    assert "set-cookie" not in wrong.headers
    right = guarded.post(sign_in, json={"token": "sesame"})
    cookie = right.headers["set-cookie"]
    assert "HttpOnly" in cookie
    assert "SameSite=strict" in cookie
    assert "sesame" not in cookie
    assert guarded.get(f"{UI_PREFIX}/journal").status_code == 200
    assert guarded.get(f"{CONTROL_PREFIX}/clock").status_code == 200
    foreign = guarded.get(f"{UI_PREFIX}/journal", headers={"Sec-Fetch-Site": "same-site"})
    assert foreign.status_code == 403


def test_cookie_of_another_server_opens_nothing(guarded: httpx.Client) -> None:
    guarded.cookies.set("nemolocal_ui", "0" * 64)
    assert guarded.get(f"{UI_PREFIX}/journal").status_code == 303
    assert guarded.get(f"{UI_PREFIX}/journal", headers={CONTROL_TOKEN: "sesame"}).is_success
    assert not guarded.get(f"{CONTROL_PREFIX}/clock", headers={CONTROL_TOKEN: "x"}).is_success


def test_language_is_remembered_and_leads_nowhere_else(pages: httpx.Client) -> None:
    here = f"{UI_PREFIX}/journal?text=a"
    chosen = pages.get("/language", params={"lang": "zh", "next": here})
    assert chosen.headers["location"] == here
    assert '<html lang="zh">' in pages.get("/journal").text
    for elsewhere in ("https://evil.example/", "//evil.example", f"{UI_PREFIX}/\\evil", "/"):
        target = pages.get("/language", params={"lang": "en", "next": elsewhere})
        assert target.headers["location"] == UI_PREFIX
    assert pages.get("/language", params={"lang": "xx"}).json()["code"] == 400


def test_server_without_control_api_has_no_pages() -> None:
    with dashboard_server(server_settings(control=False)) as server:
        assert httpx.get(f"{server.base_url}{UI_PREFIX}/journal").status_code == 404


def test_links_have_the_prefix_of_a_proxy() -> None:
    settings = server_settings(public_url="https://nemo.example/tools/nemo")
    with dashboard_server(settings) as server:
        page = httpx.get(f"{server.base_url}{UI_PREFIX}/journal").text
        assert 'src="/tools/nemo/__nemolocal__/ui/static/journal.js"' in page
        assert 'data-api="/tools/nemo/__nemolocal__"' in page
