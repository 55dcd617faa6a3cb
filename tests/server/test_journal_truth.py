"""The journal tells what was behind an exchange: credits, drafts, turns, rules, rhythm, ending."""

import itertools
from pathlib import Path
from typing import Any

import httpx
import pytest

from nemolocal_contract.clock import ManualClock
from nemolocal_contract.endpoints import FAULT, endpoints
from nemolocal_server.turns.silent_turns import SilentTurnPolicy
from tests.support import patient_http
from tests.support.http_caller import HttpCaller, NewCaller
from tests.support.servers import ServerFactory

JOURNAL = "/__nemolocal__/journal"
TRIM = "trim to the first 1 second"


def entries(caller: HttpCaller, **query: Any) -> list[dict[str, Any]]:
    reply = caller.http.get(JOURNAL, params=query).json()
    found: list[dict[str, Any]] = reply["entries"]
    return found


def last(caller: HttpCaller, endpoint: str) -> dict[str, Any]:
    return entries(caller, endpoint=endpoint)[-1]


@pytest.mark.slow
def test_a_turn_is_told_with_its_cost_its_draft_and_its_truth(edited: HttpCaller) -> None:
    before = last(edited, "chat")["draft_after"]
    edited.say(TRIM)
    entry = last(edited, "chat")
    assert entry["turn"] == {
        "number": 2, "edits": 1, "message": TRIM, "silent": False,
        "truth": "applied", "cost": 0, "resend": False, "understood": "full",
    }  # fmt: skip
    assert entry["draft_before"] == before != entry["draft_after"]
    assert (entry["session_id"], entry["user_id"]) == (edited.session, edited.user_id)
    assert (entry["endpoint"], entry["code"], entry["ending"]) == ("chat", 0, "complete")
    assert entry["rules"] == ["SSE-1"]


@pytest.mark.slow
def test_credits_are_told_as_they_were_before_and_after(edited: HttpCaller) -> None:
    entry = last(edited, "chat")
    assert entry["turn"]["cost"] == 50
    assert entry["credits_before"] == {"available": 100, "frozen": 0}
    assert entry["credits_after"] == {"available": 50, "frozen": 0}


@pytest.mark.slow
def test_a_fresh_token_and_a_fresh_session_have_no_before(caller: HttpCaller) -> None:
    token, session = entries(caller)
    assert (token["credits_before"], token["credits_after"]["available"]) == (None, 100)
    assert token["user_id"] == caller.user_id
    assert (session["draft_before"], session["session_id"]) == (None, caller.session)
    assert len(session["draft_after"]) == 16


@pytest.mark.slow
def test_the_hash_of_a_draft_stays_while_the_draft_stays(edited: HttpCaller) -> None:
    edited.say("hello")
    talk = last(edited, "chat")
    assert talk["draft_before"] == talk["draft_after"]
    assert (talk["turn"]["truth"], talk["turn"]["edits"]) == ("talk", 0)


@pytest.mark.slow
def test_a_message_sent_again_is_a_resend(edited: HttpCaller) -> None:
    edited.say(TRIM)
    edited.say(TRIM)
    again, first = entries(edited, endpoint="chat")[:0:-1]
    assert (first["turn"]["resend"], again["turn"]["resend"]) == (False, True)
    assert "SSE-7" in again["rules"]
    assert "SSE-7" not in first["rules"]


@pytest.mark.slow
@pytest.mark.parametrize(("mark", "truth"), [("a", "applied"), ("n", "not_applied"), ("l", "late")])
def test_three_truths_behind_one_silence(
    servers: ServerFactory, new_caller: NewCaller, sample: Path, mark: str, truth: str
) -> None:
    caller = new_caller(servers.start(silence=SilentTurnPolicy(script=mark))).connect()
    caller.upload(sample)
    caller.say("edit my raw video footage")
    while (entry := last(caller, "chat"))["turn"]["truth"] == "pending":
        pass  # the clock jumps by itself
    assert entry["turn"]["truth"] == truth
    assert entry["turn"]["silent"] is True
    assert "SSE-5" in entry["rules"]
    assert entry["turn"]["cost"] == (0 if truth == "not_applied" else 50)
    changed_in_time = entry["draft_before"] != entry["draft_after"]
    assert changed_in_time == (truth == "applied")


@pytest.mark.slow
def test_the_rhythm_of_a_stream_is_told_in_seconds_of_the_servers_clock(edited: HttpCaller) -> None:
    entry = last(edited, "chat")
    offsets = [offset for offset, _ in entry["chunks"]]
    assert offsets == sorted(offsets)
    assert 10 <= offsets[-1] <= 30
    assert sum(size for _, size in entry["chunks"]) == entry["response_size"]
    assert last(edited, "upload")["chunks"] == []


@pytest.mark.slow
def test_a_stream_that_the_client_cuts_is_told_as_cut(
    servers: ServerFactory, new_caller: NewCaller, sample: Path
) -> None:
    clock = ManualClock()
    caller = new_caller(servers.start(clock=clock)).connect()
    caller.upload(sample)
    with caller.http.stream("POST", "/run_sse", json=caller.turn("edit my raw footage")):
        pass
    while not (found := entries(caller, endpoint="chat")):
        pass
    assert (found[0]["ending"], found[0]["turn"]["truth"]) == ("cut by client", "pending")
    assert "SSE-7" in found[0]["rules"]
    caller.post("/__nemolocal__/clock/advance", json={"seconds": 60})
    turn = entries(caller, endpoint="chat")[0]["turn"]
    assert (turn["truth"], turn["cost"]) == ("late", 50)


@pytest.mark.slow
@pytest.mark.parametrize("fault", ["cut-fin", "cut-reset"])
def test_a_stream_that_a_fault_cuts_is_told_with_the_name_of_the_fault(
    edited: HttpCaller, fault: str
) -> None:
    with pytest.raises(httpx.TransportError):
        edited.http.post("/run_sse", json=edited.turn(TRIM), headers={FAULT: fault})
    while not (found := entries(edited, endpoint="chat")[1:]):
        pass
    assert (found[0]["ending"], found[0]["faults"]) == ("cut by fault", [fault])


@pytest.mark.slow
def test_a_render_is_told_with_its_id_and_session(edited: HttpCaller) -> None:
    edited.submit("render_1")
    edited.finished("render_1")
    submitted, read = last(edited, "render"), last(edited, "render_status")
    for entry in (submitted, read):
        assert (entry["render_id"], entry["session_id"]) == ("render_1", edited.session)
    assert submitted["code"] == 0


@pytest.mark.slow
@pytest.mark.parametrize(
    ("method", "path", "endpoint", "status", "code", "rule"),
    [
        ("GET", "/api/nothing", None, 404, 404, "GEN-6"),
        ("GET", "/run_sse", None, 405, 405, "GEN-6"),
        ("POST", "/run_sse", "chat", 400, 400, "GEN-6"),
        ("GET", "/api/state/nemo_agent/me/1/latest", "state", 200, 1002, "SES-3"),
        ("GET", "/api/render/proxy/lambda/none", "render_status", 200, 1002, "REN-8"),
        ("POST", "/api/auth/anonymous-token", "token", 400, 400, "AUTH-2"),
    ],
)
def test_failures_are_told_by_code_and_rule(
    caller: HttpCaller,
    method: str,
    path: str,
    endpoint: str | None,
    status: int,
    code: int,
    rule: str,
) -> None:
    caller.http.request(method, path)
    entry = entries(caller)[-1]
    assert (entry["endpoint"], entry["status"], entry["code"]) == (endpoint, status, code)
    assert rule in entry["rules"]


@pytest.mark.slow
def test_missing_attribution_is_told_as_the_rule_it_breaks(base_url: str) -> None:
    patient_http.get(base_url + "/api/credits/balance/simple")
    entry = patient_http.get(base_url + JOURNAL).json()["entries"][-1]
    assert entry["rules"] == ["CRD-1", "GEN-4", "GEN-3"]


def test_every_endpoint_has_a_name_of_its_own() -> None:
    names = endpoints()
    assert {"token", "chat", "render_status", "journal_summary"} <= set(names)
    assert len({(e.method, e.template) for e in names.values()}) == len(names)


@pytest.mark.slow
def test_reading_the_journal_does_not_grow_it(caller: HttpCaller) -> None:
    assert len(entries(caller)) == len(entries(caller)) == 2


@pytest.mark.slow
def test_an_entry_is_there_before_the_client_sees_the_end(caller: HttpCaller) -> None:
    caught: list[int] = []

    def ask() -> None:
        caller.http.get("/api/credits/balance/simple")
        caught.append(len(entries(caller, endpoint="balance")))

    for _ in range(20):
        ask()
    assert caught == list(range(1, 21))


@pytest.mark.slow
def test_a_defect_is_told_as_the_500_that_the_client_sees(
    caller: HttpCaller, base_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_: object) -> None:
        raise RuntimeError("boom")

    monkeypatch.setattr("nemolocal_server.data.ledger.Ledger.balance", broken)
    assert caller.http.get("/api/credits/balance/simple").status_code == 500
    # After a defect uvicorn closes the connection: the next request takes a new one.
    (entry,) = patient_http.get(f"{base_url}{JOURNAL}?endpoint=balance").json()["entries"]
    assert (entry["status"], entry["code"], entry["ending"]) == (500, 500, "complete")


@pytest.mark.slow
def test_what_one_exchange_leaves_the_next_one_finds(edited: HttpCaller) -> None:
    for message in ("hello", TRIM, "add a title 'Hi'", TRIM, "what can you do?", "remove it"):
        edited.say(message)
        edited.state()
    reported = entries(edited, session=edited.session)
    for before, after in itertools.pairwise(reported):
        assert before["credits_after"] == after["credits_before"]
        assert before["draft_after"] == after["draft_before"]
        assert before["ended"] <= after["started"]
    assert len({entry["draft_after"] for entry in reported}) == 4
