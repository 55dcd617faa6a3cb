"""Tokens and who may call: issue, limits, expiry, and 1001 for everything else."""

import re
from datetime import datetime

import httpx
import pytest

from nemolocal_contract.clock import ManualClock
from tests.support import patient_http
from tests.support.http_caller import HttpCaller, NewCaller
from tests.support.servers import ServerFactory

TOKEN = "/api/auth/anonymous-token"
BALANCE = "/api/credits/balance/simple"
WEEK = 7 * 86_400


def ask(base_url: str, client_id: str | None) -> httpx.Response:
    headers = {} if client_id is None else {"X-Client-Id": client_id}
    return patient_http.post(base_url + TOKEN, headers=headers)


@pytest.mark.slow
@pytest.mark.rule("AUTH-1", "GEN-1")
def test_a_token_comes_with_a_hundred_credits_for_seven_days(base_url: str) -> None:
    reply = ask(base_url, "a-uuid").json()
    data = reply["data"]
    assert reply["code"] == 0
    assert data["token"].startswith("nmv_usr_")
    assert data["user_id"].startswith("anon_")
    assert data["credits"] == 100
    expires = datetime.fromisoformat(data["expires_at"])
    assert expires.timestamp() == pytest.approx(1_700_000_000 + WEEK, abs=1)
    assert data["expires_at"].endswith("Z")


@pytest.mark.slow
@pytest.mark.parametrize("client_id", [None, "", "x" * 65])
@pytest.mark.rule("AUTH-2")
def test_a_missing_or_overlong_client_id_is_400(base_url: str, client_id: str | None) -> None:
    response = ask(base_url, client_id)
    assert response.status_code == 400
    assert response.json()["code"] == 400
    assert "X-Client-Id" in response.json()["message"]
    assert response.json()["data"] is None


@pytest.mark.slow
@pytest.mark.rule("AUTH-3")
def test_a_second_token_within_a_week_is_429_with_retry_after(base_url: str) -> None:
    assert ask(base_url, "x" * 64).status_code == 200
    response = ask(base_url, "x" * 64)
    assert (response.status_code, response.json()["code"]) == (429, 429)
    assert 0 < int(response.headers["retry-after"]) <= WEEK
    assert ask(base_url, "somebody else").status_code == 200


@pytest.mark.slow
@pytest.mark.rule("AUTH-5")
def test_a_token_lives_a_week_and_then_the_client_may_ask_again(
    servers: ServerFactory, new_caller: NewCaller
) -> None:
    clock = ManualClock(autojump=True)
    caller = new_caller(servers.start(clock=clock)).connect()
    clock.wait(WEEK - 1)
    assert caller.get(BALANCE)["code"] == 0
    clock.wait(1)
    assert caller.get(BALANCE)["code"] == 1001
    caller.connect()
    assert caller.get(BALANCE)["code"] == 0


@pytest.mark.slow
@pytest.mark.parametrize(
    "authorization",
    [None, "", "Bearer", "Bearer nmv_usr_unknown", "Basic nmv_usr_x", "Bearer clm_claim"],
)
@pytest.mark.rule("GEN-3", "GEN-1")
def test_anything_but_a_live_bearer_token_is_1001(base_url: str, authorization: str | None) -> None:
    headers = {} if authorization is None else {"Authorization": authorization}
    response = patient_http.get(base_url + BALANCE, headers=headers)
    assert response.status_code == 200
    assert response.json()["code"] == 1001
    assert response.json()["data"] is None


ENDPOINTS: list[tuple[str, str]] = [
    ("POST", "/api/tasks/me/with-session/nemo_agent"),
    ("POST", "/api/upload-video/nemo_agent/me/1"),
    ("POST", "/run_sse"),
    ("GET", BALANCE),
    ("GET", "/api/state/nemo_agent/me/1/latest"),
    ("POST", "/api/render/proxy/lambda"),
    ("GET", "/api/render/proxy/lambda/r"),
    ("GET", "/api/render/proxy/r/download"),
]


@pytest.mark.slow
@pytest.mark.parametrize(("method", "path"), ENDPOINTS, ids=lambda value: str(value))
@pytest.mark.rule("GEN-3")
def test_every_endpoint_wants_a_token(base_url: str, method: str, path: str) -> None:
    assert patient_http.request(method, base_url + path).json()["code"] == 1001


@pytest.mark.slow
@pytest.mark.rule("GEN-5")
def test_a_token_in_a_url_is_refused(caller: HttpCaller) -> None:
    token = caller.http.headers["Authorization"].removeprefix("Bearer ")
    reply = caller.get(f"{BALANCE}?token={token}")
    assert reply["code"] == 1001
    assert "URL" in reply["message"]


@pytest.mark.slow
@pytest.mark.rule("GEN-7")
def test_me_may_be_the_callers_own_id_and_nobody_elses(caller: HttpCaller) -> None:
    path = "/api/state/nemo_agent/{}/{}/latest".format
    assert caller.get(path(caller.user_id, caller.session))["code"] == 0
    assert caller.get(path("anon_other", caller.session))["code"] == 1002
    other = caller.post("/api/tasks/anon_other/with-session/nemo_agent", json={})
    assert other["code"] == 1002


@pytest.mark.slow
@pytest.mark.rule("GEN-2")
def test_errors_may_use_http_statuses_instead(servers: ServerFactory) -> None:
    response = patient_http.get(servers.start(errors="http") + BALANCE)
    assert (response.status_code, response.json()["code"]) == (401, 1001)


@pytest.mark.slow
@pytest.mark.rule("SES-1", "SES-3", "GEN-7")
def test_a_session_id_has_19_digits_and_belongs_to_its_token(
    base_url: str, new_caller: NewCaller
) -> None:
    one, other = new_caller(base_url).connect(), new_caller(base_url, "client-2").connect()
    assert re.fullmatch(r"[1-9]\d{18}", one.session)
    other.session = one.session
    path = f"/api/state/nemo_agent/me/{one.session}/latest"
    unknown = other.get(path.replace(one.session, "1" * 19))
    stolen = other.get(path)
    assert (stolen["code"], unknown["code"]) == (1002, 1002)
    assert stolen["message"].replace(one.session, "1" * 19) == unknown["message"]
    assert other.chat("hello").json()["code"] == 1002
    assert other.submit("r", {"t": []})["code"] == 1002
    assert other.post(f"/api/upload-video/nemo_agent/me/{one.session}")["code"] == 1002
