"""The sum of a run: requests by endpoint and code, and the credits that the cloud would take."""

from pathlib import Path

import pytest

from nemolocal_server.settings import FREE_TARIFF
from nemolocal_server.turns.silent_turns import SilentTurnPolicy
from tests.support import patient_http
from tests.support.http_caller import HttpCaller, NewCaller
from tests.support.servers import ServerFactory

SUMMARY = "/__nemolocal__/journal/summary"


@pytest.mark.slow
def test_a_run_is_summed_up_in_numbers_and_in_a_line(edited: HttpCaller) -> None:
    edited.http.get("/api/nothing")
    summary = edited.get(SUMMARY)
    assert summary["requests"] == {
        "token": {"0": 1}, "session": {"0": 1}, "upload": {"0": 1}, "chat": {"0": 1},
        "other": {"404": 1},
    }  # fmt: skip
    assert (summary["entries"], summary["turns"], summary["resends"]) == (5, 1, 0)
    assert summary["credits"] == {"spent": 50, "resent": 0}
    assert summary["line"] == "5 requests, 1 turn, which would have cost 50 credits in the cloud"


@pytest.mark.slow
def test_what_was_spent_on_resends_is_told(
    servers: ServerFactory, new_caller: NewCaller, sample: Path
) -> None:
    # A failed edit gives its credits back, so that its resend is the one that pays.
    caller = new_caller(servers.start(silence=SilentTurnPolicy(script="n."))).connect()
    caller.upload(sample)
    caller.say("edit my raw video footage")
    caller.say("edit my raw video footage")
    summary = caller.get(SUMMARY)
    assert summary["credits"] == {"spent": 50, "resent": 50}
    assert summary["line"].endswith("50 credits in the cloud, 50 of them for 1 repeated message")


@pytest.mark.slow
def test_a_sum_can_be_of_one_token(base_url: str, new_caller: NewCaller) -> None:
    one, two = (new_caller(base_url, name).connect() for name in ("one", "two"))
    two.balance()
    of_one = one.http.get(SUMMARY, params={"user_id": one.user_id}).json()
    assert of_one["entries"] == 2
    assert patient_http.get(base_url + SUMMARY).json()["entries"] == 5


@pytest.mark.slow
def test_free_server_claims_nothing_about_the_clouds_price(servers: ServerFactory) -> None:
    base_url = servers.start(tariff=FREE_TARIFF)
    summary = patient_http.get(f"{base_url}{SUMMARY}").json()
    assert summary["line"] == "0 requests, 0 turns"
