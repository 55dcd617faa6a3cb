"""Claim tokens: a link to one project, for a week, that is no bearer token."""

from typing import Any

import httpx
import pytest

from nemolocal_contract.clock import ManualClock
from nemolocal_contract.draft import draft_from_wire
from nemolocal_server.api.claim_endpoints import build_project_page
from tests.support import patient_http
from tests.support.http_caller import HttpCaller, NewCaller
from tests.support.servers import ServerFactory


def claim(caller: HttpCaller, **changed: str) -> dict[str, Any]:
    state = caller.state()
    body = {"task_id": state["task_id"], "session_id": caller.session, **changed}
    reply: dict[str, Any] = caller.post("/api/auth/claim-token", json=body)
    return reply


def page(caller: HttpCaller, token: str) -> httpx.Response:
    return patient_http.get(f"{caller.http.base_url}/workspace/claim", params={"ct": token})


@pytest.mark.slow
@pytest.mark.rule("AUTH-7")
def test_a_claim_token_opens_the_page_of_its_project_as_often_as_one_likes(
    edited: HttpCaller,
) -> None:
    edited.say('add a title "<b>Hi</b>" for 1 second')
    data = claim(edited)["data"]
    assert data["claim_token"].startswith("clm_")
    assert data["expires_in"] == 604_800
    for _ in range(2):
        shown = page(edited, data["claim_token"])
        assert shown.status_code == 200
        assert shown.headers["content-type"].startswith("text/html")
        assert "Timeline (2s)" in shown.text
        assert "&lt;b&gt;Hi&lt;/b&gt;" in shown.text
        assert "<b>Hi" not in shown.text
    (upload,) = edited.state()["state"]["video_infos"]
    assert f'src="{upload["cdn_url"]}#t=0.001"' in shown.text
    assert "Download the uploaded film" in shown.text


@pytest.mark.slow
@pytest.mark.rule("AUTH-7")
def test_the_page_plays_the_newest_export(edited: HttpCaller) -> None:
    edited.submit("render_1")
    url = edited.finished("render_1")["output"]["url"]
    shown = page(edited, claim(edited)["data"]["claim_token"]).text
    assert f'src="{url}#t=0.001"' in shown
    assert f'href="{url}" download>Download the newest export' in shown


def test_markup_in_any_text_is_text_on_the_page() -> None:
    said = '</li>"><script>alert(1)</script>{{ 7 * 7 }}'
    draft = draft_from_wire({"t": [{"tt": 7, "sg": [{"s": 0, "d": 1, "txt": said}]}]})
    shown = build_project_page(said, draft, f"http://h/{said}")
    assert "<script>" not in shown
    assert shown.count("&gt;&lt;script&gt;alert(1)&lt;/script&gt;{{ 7 * 7 }}") == 5


@pytest.mark.slow
def test_an_empty_project_has_a_page_too(caller: HttpCaller) -> None:
    shown = page(caller, claim(caller)["data"]["claim_token"])
    assert "Nothing is on the timeline yet" in shown.text
    assert "<video" not in shown.text


@pytest.mark.slow
@pytest.mark.rule("GEN-3", "AUTH-7")
def test_a_claim_token_is_no_bearer_token(caller: HttpCaller) -> None:
    token = claim(caller)["data"]["claim_token"]
    response = patient_http.get(
        f"{caller.http.base_url}/api/credits/balance/simple",
        headers={"Authorization": f"Bearer {token}"},
    )
    assert response.json()["code"] == 1001


@pytest.mark.slow
@pytest.mark.rule("AUTH-7")
def test_a_claim_token_ends_after_a_week(servers: ServerFactory, new_caller: NewCaller) -> None:
    clock = ManualClock(autojump=True)
    caller = new_caller(servers.start(clock=clock, token_lifetime=30 * 86_400)).connect()
    token = claim(caller)["data"]["claim_token"]
    clock.wait(604_799)
    assert page(caller, token).status_code == 200
    clock.wait(1)
    assert page(caller, token).status_code == 404
    assert "unknown or expired" in page(caller, "").text


@pytest.mark.slow
def test_nobody_gets_a_link_to_what_is_not_theirs(
    caller: HttpCaller, new_caller: NewCaller, base_url: str
) -> None:
    other = new_caller(base_url, "client-2").connect()
    assert claim(other, session_id=caller.session)["code"] == 1002
    assert claim(caller, task_id="another")["code"] == 1002
    assert caller.post("/api/auth/claim-token", json={})["code"] == 400
