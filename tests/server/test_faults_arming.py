"""Arming by the control API and by header: who is hit, how often, and nobody else."""

from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from hypothesis import given, strategies as st

from nemolocal_contract.endpoints import FAULT
from nemolocal_server.faults.catalogue import CATALOGUE, ApiCall, FaultMatch, FaultSpec
from nemolocal_server.faults.fault_service import FaultRegistry
from tests.support import patient_http
from tests.support.http_caller import HttpCaller, NewCaller
from tests.support.servers import ServerFactory

FAULTS = "/__nemolocal__/faults"
BALANCE = "/api/credits/balance/simple"


def arm(caller: HttpCaller, name: str, **order: object) -> str:
    reply = caller.post(FAULTS, json={"name": name, **order})
    assert "id" in reply, reply
    fault_id: str = reply["id"]
    return fault_id


def statuses(caller: HttpCaller, calls: int) -> list[int]:
    return [caller.http.get(BALANCE).status_code for _ in range(calls)]


@pytest.mark.slow
def test_the_catalogue_says_what_there_is_and_what_is_armed(caller: HttpCaller) -> None:
    shown = caller.get(FAULTS)
    assert [fault["name"] for fault in shown["catalogue"]] == list(CATALOGUE)
    assert shown["catalogue"][3]["args"] == {"after": 1}
    assert (shown["armed"], shown["chaos"]) == ([], 0.0)
    fault_id = arm(caller, "bad-gateway", times=2, match={"endpoint": "balance"})
    caller.http.get(BALANCE)
    assert caller.get(FAULTS)["armed"] == [
        {
            "id": fault_id, "name": "bad-gateway", "match": {"endpoint": "balance"},
            "times": 2, "skip": 0, "args": {}, "hits": 1,
        }
    ]  # fmt: skip


@pytest.mark.slow
def test_a_fault_hits_as_often_as_it_was_armed_for(caller: HttpCaller) -> None:
    arm(caller, "bad-gateway", times=2)
    assert statuses(caller, 4) == [502, 502, 200, 200]
    assert caller.get(FAULTS)["armed"] == []


def test_matches_that_are_skipped_pass_untouched(caller: HttpCaller) -> None:
    arm(caller, "bad-gateway", skip=2)
    assert statuses(caller, 4) == [200, 200, 502, 200]


def test_a_fault_without_an_end_hits_until_it_is_disarmed(caller: HttpCaller) -> None:
    fault_id = arm(caller, "server-error", times=0)
    assert statuses(caller, 5) == [500] * 5
    assert caller.http.delete(f"{FAULTS}/{fault_id}").json() == {"disarmed": [fault_id]}
    assert statuses(caller, 2) == [200, 200]
    assert caller.http.delete(f"{FAULTS}/{fault_id}").status_code == 404


@pytest.mark.slow
def test_all_faults_are_disarmed_at_once(caller: HttpCaller) -> None:
    armed = [arm(caller, name) for name in ("server-error", "rate-limited")]
    assert caller.http.delete(FAULTS).json() == {"disarmed": armed}
    assert statuses(caller, 2) == [200, 200]


@pytest.mark.slow
def test_a_call_eats_one_fault_in_order_of_arming(caller: HttpCaller) -> None:
    for name in ("rate-limited", "bad-gateway", "server-error"):
        arm(caller, name)
    assert statuses(caller, 4) == [429, 502, 500, 200]


@pytest.mark.slow
def test_a_fault_of_one_token_never_touches_another(base_url: str, new_caller: NewCaller) -> None:
    one, two = new_caller(base_url, "one").connect(), new_caller(base_url, "two").connect()
    arm(one, "bad-gateway", match={"user_id": one.user_id}, times=0)
    arm(one, "rate-limited", match={"client_id": "two"}, times=0)
    assert (statuses(one, 2), statuses(two, 2)) == ([502, 502], [429, 429])
    assert (
        patient_http.get(base_url + BALANCE).status_code == 200
    )  # 1001 of nobody, in its envelope


@pytest.mark.slow
def test_a_fault_matches_endpoint_session_and_message(caller: HttpCaller) -> None:
    first = caller.session
    caller.open_session()
    arm(caller, "silent", match={"session": first, "message": "hello"})
    arm(caller, "rate-limited", match={"endpoint": "state", "session": first})
    assert statuses(caller, 1) == [200]
    assert caller.say("hello")
    assert caller.state()
    caller.session = first
    assert caller.say("how do I trim?")
    assert caller.say("hello, you") == []
    assert caller.get(f"/api/state/nemo_agent/me/{first}/latest")["code"] == 429


@pytest.mark.slow
def test_a_fault_matches_a_render_by_its_id(edited: HttpCaller) -> None:
    arm(edited, "render-fails-once", match={"render": "r-2"})
    arm(edited, "bad-gateway", match={"endpoint": "render_status", "render": "r-3"})
    for render_id in ("r-1", "r-2"):
        edited.submit(render_id)
    assert edited.finished("r-1")["status"] == "completed"
    assert edited.finished("r-2")["status"] == "failed"
    edited.submit("r-3")
    assert edited.http.get("/api/render/proxy/lambda/r-3").status_code == 502


@pytest.mark.slow
def test_a_file_is_found_gone_though_its_render_was_not_armed(edited: HttpCaller) -> None:
    edited.submit("r-1")
    url = edited.finished("r-1")["output"]["url"]
    arm(edited, "url-gone")
    assert [edited.http.get(url).status_code for _ in range(2)] == [404, 200]


@pytest.mark.slow
@pytest.mark.parametrize(
    ("order", "said"),
    [
        ({}, "name"),
        ({"name": "no-such"}, "name: unknown fault 'no-such'; choose from silent"),
        (
            {"name": "silent", "match": {"endpoint": "nowhere"}},
            "match.endpoint: unknown endpoint 'nowhere'",
        ),
        ({"name": "silent", "match": {"endpoint": "state"}}, "match.endpoint: fault 'silent'"),
        ({"name": "silent", "match": {"token": "x"}}, "`token`"),
        ({"name": "silent", "times": -1}, "$.times"),
        ({"name": "silent", "args": {"after": 1}}, "`after`"),
        ({"name": "cut-fin", "args": {"after": -1}}, "$.after"),
        ({"name": "cut-fin", "args": {"after": "soon"}}, "$.after"),
        ({"name": "stall", "args": {"seconds": 1e9}}, "$.seconds"),
        ({"name": "commit-then-drop", "args": {"how": "gently"}}, "$.how"),
    ],
)
def test_a_bad_order_is_400_and_names_the_field(
    caller: HttpCaller, order: dict[str, Any], said: str
) -> None:
    response = caller.http.post(FAULTS, json=order)
    assert response.status_code == 400
    assert said in response.json()["message"]
    assert caller.get(FAULTS)["armed"] == []


@pytest.mark.slow
@pytest.mark.parametrize(
    ("header", "said"),
    [
        ("no-such", "name: unknown fault 'no-such'"),
        ("silent", "cannot hit 'balance'"),
        ("cut-fin;after", "'after' of fault 'cut-fin' is not an argument"),
        ("cut-fin;after=many", "$.after"),
        ("cut-fin, slow-bytes;pace=1", "`pace`"),
        ("slow-bytes, slow-bytes", "names fault 'slow-bytes' more than once"),
        ("cut-fin;after=1, cut-reset, cut-fin;after=2", "'cut-fin' more than once"),
        (", ".join(["slow-bytes"] * 11), "names 11 faults; the maximum is 10"),
    ],
)
def test_a_bad_header_is_400_and_is_named(caller: HttpCaller, header: str, said: str) -> None:
    response = caller.http.get(BALANCE, headers={FAULT: header})
    assert response.status_code == 400
    message = response.json()["message"]
    assert message.startswith(f"header {FAULT}")
    assert said in message


def test_events_are_doubled_once_however_often_it_is_asked_for(caller: HttpCaller) -> None:
    reply = caller.chat("hello", fault=", ".join(["duplicate-event"] * 18))
    assert reply.status_code == 400
    assert len(reply.content) < 10_000


def test_what_is_armed_is_bounded(caller: HttpCaller, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("nemolocal_server.faults.fault_service._MAX_ARMED", 2)
    for _ in range(2):
        arm(caller, "bad-gateway", match={"endpoint": "render"})
    refused = caller.http.post(FAULTS, json={"name": "bad-gateway"})
    assert (refused.status_code, "disarm some" in refused.text) == (400, True)


@pytest.mark.slow
def test_a_header_touches_its_own_request_only(caller: HttpCaller) -> None:
    def status(number: int) -> tuple[bool, int]:
        header = {FAULT: "bad-gateway"} if number % 2 else {}
        return bool(header), caller.http.get(BALANCE, headers=header).status_code

    with ThreadPoolExecutor(8) as threads:
        seen = set(threads.map(status, range(80)))
    assert seen == {(True, 502), (False, 200)}


@pytest.mark.slow
def test_a_header_goes_before_what_is_armed(caller: HttpCaller) -> None:
    arm(caller, "bad-gateway")
    reply = caller.http.get(BALANCE, headers={FAULT: "rate-limited"})
    assert (reply.status_code, statuses(caller, 2)) == (429, [502, 200])


def test_without_a_control_api_the_header_is_nothing(
    servers: ServerFactory, new_caller: NewCaller
) -> None:
    caller = new_caller(servers.start(control=False)).connect()
    header = {FAULT: "bad-gateway"}
    assert caller.http.get(BALANCE, headers=header).status_code == 200


def test_the_control_api_is_never_touched(caller: HttpCaller) -> None:
    arm(caller, "server-error", times=0)
    assert caller.http.get(FAULTS, headers={FAULT: "bad-gateway"}).status_code == 200


def test_who_has_no_token_is_told_so_whatever_is_armed(base_url: str) -> None:
    for fault in ("token-expired", "out-of-credits", "session-lost"):
        reply = patient_http.post(f"{base_url}/run_sse", headers={FAULT: fault}, content=b"no JSON")
        assert reply.json()["code"] == 1001


@pytest.mark.slow
def test_the_token_call_of_a_client_can_be_hit(base_url: str, new_caller: NewCaller) -> None:
    arm(new_caller(base_url, "one"), "rate-limited", match={"client_id": "two"})
    reply = patient_http.post(
        f"{base_url}/api/auth/anonymous-token", headers={"X-Client-Id": "two"}
    )
    assert (reply.status_code, reply.headers["retry-after"]) == (429, "30")
    assert new_caller(base_url, "two").connect().balance()["available"] == 100


@pytest.mark.slow
@given(st.lists(st.tuples(st.integers(0, 3), st.integers(1, 3)), max_size=4), st.integers(0, 30))
def test_every_hit_was_ordered_and_no_order_is_hit_too_often(
    orders: list[tuple[int, int]], calls: int
) -> None:
    arming = FaultRegistry()
    for skip, times in orders:
        arming.arm(FaultSpec("bad-gateway", FaultMatch(endpoint="balance"), times, skip))
    hits = sum(arming.next_for(ApiCall("balance")) is not None for _ in range(calls))
    assert arming.next_for(ApiCall("state")) is None
    assert hits <= sum(times for _, times in orders)
    assert sum(armed.hits for armed in arming.armed) <= hits
