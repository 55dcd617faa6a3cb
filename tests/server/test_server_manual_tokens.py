"""Tokens by admin: plans, scopes, credits, life, dialects and revocation, by the control API."""

from pathlib import Path
from typing import Any

import httpx
import pytest

from nemolocal_contract.clock import ManualClock
from tests.support import patient_http
from tests.support.http_caller import HttpCaller, NewCaller
from tests.support.servers import ServerFactory

TOKENS = "/__nemolocal__/tokens"
BALANCE = "/api/credits/balance/simple"


class TokenAdmin:
    """Makes and changes tokens of one server."""

    def __init__(self, base_url: str, new_caller: NewCaller) -> None:
        self.base_url = base_url
        self._new_caller = new_caller

    def make(self, **wanted: Any) -> tuple[HttpCaller, dict[str, Any]]:
        """A caller with a token made by hand, and what the reply said."""
        response = patient_http.post(self.base_url + TOKENS, json=wanted)
        assert response.status_code == 201, response.text
        created: dict[str, Any] = response.json()
        caller = self._new_caller(self.base_url)
        caller.http.headers["Authorization"] = f"Bearer {created['token']}"
        caller.user_id = created["user_id"]
        return caller, created

    def change(self, token_id: int, **changes: Any) -> dict[str, Any]:
        body: dict[str, Any] = patient_http.post(
            f"{self.base_url}{TOKENS}/{token_id}", json=changes
        ).json()
        return body


@pytest.fixture
def admin(base_url: str, new_caller: NewCaller) -> TokenAdmin:
    return TokenAdmin(base_url, new_caller)


@pytest.mark.slow
@pytest.mark.rule("AUTH-6")
def test_a_token_by_hand_may_do_what_its_scopes_say(admin: TokenAdmin) -> None:
    reader, _ = admin.make(scopes=["read"])
    assert reader.get(BALANCE)["code"] == 0
    for path in ("/api/tasks/me/with-session/nemo_agent", "/run_sse", "/api/render/proxy/lambda"):
        refused = reader.post(path, json={})
        assert refused["code"] == 1001
        assert "scope" in refused["message"]
    uploader, _ = admin.make(scopes=["upload"])
    assert "scope" in uploader.get(BALANCE)["message"]
    renderer, _ = admin.make(scopes=["render"])
    assert renderer.status("nothing")["code"] == 1002


@pytest.mark.slow
@pytest.mark.rule("CRD-4")
def test_a_registered_user_without_credits_is_told_to_top_up(
    admin: TokenAdmin, sample: Path
) -> None:
    caller, _ = admin.make(credits=0)
    caller.open_session().upload(sample)
    reply = caller.chat("compress it").json()
    assert reply["code"] == 2001
    assert "Top up credits in your account" in reply["message"]
    assert "bind" not in reply["message"]


@pytest.mark.slow
@pytest.mark.rule("REN-2")
def test_a_blocked_plan_may_not_export_and_an_upgrade_unlocks_it(
    admin: TokenAdmin, sample: Path
) -> None:
    caller, created = admin.make(plan="blocked")
    caller.open_session().upload(sample)
    caller.say("compress it")
    refused = caller.submit("render_1")
    assert refused["code"] == 402
    assert refused["message"] == "Register or upgrade your plan to unlock export."
    assert admin.change(created["id"], plan="paid")["plan"] == "paid"
    assert caller.submit("render_1")["status"] == "pending"


@pytest.mark.slow
@pytest.mark.rule("REN-2")
def test_export_402_may_be_about_anonymous_users_without_credits_only(
    servers: ServerFactory, new_caller: NewCaller, sample: Path
) -> None:
    base_url = servers.start(export_402="out_of_credits")
    caller = new_caller(base_url).connect()
    caller.upload(sample)
    caller.say("compress it")
    draft = caller.draft()
    for name in ("X-Skill-Source", "X-Skill-Version", "X-Skill-Platform"):
        del caller.http.headers[name]
    assert caller.submit("render_1", draft)["status"] == "pending"
    TokenAdmin(base_url, new_caller).change(1, credits=0)
    assert caller.submit("render_2", draft)["code"] == 402


@pytest.mark.slow
@pytest.mark.rule("AUTH-5", "GEN-3")
def test_life_and_revocation_end_a_token(servers: ServerFactory, new_caller: NewCaller) -> None:
    clock = ManualClock(autojump=True)
    admin = TokenAdmin(servers.start(clock=clock), new_caller)
    caller, created = admin.make(expires_in=100)
    clock.wait(99)
    assert caller.get(BALANCE)["code"] == 0
    admin.change(created["id"], expires_in=50)
    clock.wait(49)
    assert caller.get(BALANCE)["code"] == 0
    assert admin.change(created["id"], revoked=True)["id"] == created["id"]
    assert caller.get(BALANCE)["code"] == 1001


@pytest.mark.slow
def test_a_revoked_client_may_ask_for_another_token(admin: TokenAdmin, caller: HttpCaller) -> None:
    admin.change(1, revoked=True)
    assert caller.get(BALANCE)["code"] == 1001
    assert caller.connect().get(BALANCE)["code"] == 0


@pytest.mark.slow
def test_credits_are_set_by_a_grant_and_the_ledger_stays_true(admin: TokenAdmin) -> None:
    caller, created = admin.make(credits=30)
    assert caller.balance() == {"available": 30, "frozen": 0, "total": 30}
    for wanted in (500, 0):
        assert admin.change(created["id"], credits=wanted)["balance"]["available"] == wanted
        assert caller.balance()["available"] == wanted


@pytest.mark.rule("GEN-2", "SSE-2", "REN-4")
def test_a_token_may_be_spoken_to_in_a_dialect_of_its_own(
    admin: TokenAdmin, caller: HttpCaller
) -> None:
    theirs, created = admin.make(dialect={"errors": "http", "sse": "typed"})
    assert theirs.open_session().chat("hello").text.rpartition("data: ")[2].startswith('{"type"')
    assert theirs.http.get("/api/state/nemo_agent/me/1/latest").status_code == 404
    assert caller.http.get("/api/state/nemo_agent/me/1/latest").status_code == 200
    admin.change(created["id"], dialect=None)
    assert theirs.http.get("/api/state/nemo_agent/me/1/latest").status_code == 200


@pytest.mark.slow
@pytest.mark.rule("GEN-2")
def test_the_adk_dialect_has_errors_of_its_own_on_the_chat_only(admin: TokenAdmin) -> None:
    caller, _ = admin.make(dialect={"errors": "adk"})
    turn = {"session_id": "5", "new_message": {"parts": [{"text": "hello"}]}}
    missing = caller.http.post("/run_sse", json=turn)
    assert (missing.status_code, missing.json()) == (404, {"detail": "Session not found: 5"})
    assert caller.http.post("/run_sse", json={}).status_code == 422
    assert caller.get("/api/state/nemo_agent/me/5/latest")["code"] == 1002


@pytest.mark.slow
def test_tokens_are_listed_without_their_text(admin: TokenAdmin) -> None:
    _, created = admin.make(token="nmv_usr_0123456789", user_id="alice", client_id="c")
    listed = patient_http.get(admin.base_url + TOKENS)
    assert "0123456789" not in listed.text
    (shown,) = listed.json()["tokens"]
    assert (shown["user_id"], shown["client_id"], shown["scopes"]) == ("alice", "c", ["*"])
    _, again = admin.make(token="nmv_usr_0123456789")
    assert again["id"] == created["id"]


@pytest.mark.slow
@pytest.mark.parametrize(
    ("body", "said"),
    [
        ({"plan": "gold"}, "plan"),
        ({"credits": -1}, "credits"),
        ({"scopes": ["fly"]}, "scopes"),
        ({"client_id": ""}, "X-Client-Id"),
        ({"unknown": 1}, "unknown"),
        ({"dialect": {"sse": "morse"}}, "dialect.sse"),
        ({"token": "x"}, "8 to 200"),
    ],
)
def test_a_token_that_cannot_be_is_400_and_names_the_field(
    admin: TokenAdmin, body: dict[str, Any], said: str
) -> None:
    response = patient_http.post(admin.base_url + TOKENS, json=body)
    assert (response.status_code, response.json()["code"]) == (400, 400)
    assert said in response.json()["message"]


def test_a_user_has_one_token(admin: TokenAdmin) -> None:
    admin.make(user_id="alice")
    response = patient_http.post(admin.base_url + TOKENS, json={"user_id": "alice"})
    assert "`user_id` 'alice' has a token already" in response.json()["message"]


@pytest.mark.slow
@pytest.mark.parametrize("token_id", ["99", "x", "-1", "٣"])
def test_a_token_that_is_not_there_is_404(admin: TokenAdmin, token_id: str) -> None:
    response = patient_http.post(f"{admin.base_url}{TOKENS}/{token_id}", json={})
    assert (response.status_code, response.json()["code"]) == (404, 404)


def test_credits_below_zero_are_refused(admin: TokenAdmin) -> None:
    _, created = admin.make()
    assert "`credits` must be 0 or more" in admin.change(created["id"], credits=-1)["message"]


@pytest.mark.slow
@pytest.mark.rule("AUTH-4")
def test_an_address_gets_so_many_tokens_a_week_where_that_is_on(servers: ServerFactory) -> None:
    clock = ManualClock(autojump=True)
    base_url = servers.start(address_limit=10, clock=clock)

    def ask(client: str) -> httpx.Response:
        return patient_http.post(
            f"{base_url}/api/auth/anonymous-token", headers={"X-Client-Id": client}
        )

    assert [ask(f"c{n}").status_code for n in range(10)] == [200] * 10
    refused = ask("c10")
    assert (refused.status_code, refused.json()["code"]) == (429, 429)
    clock.wait(int(refused.headers["retry-after"]))
    assert ask("c10").status_code == 200
