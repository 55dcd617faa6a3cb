"""Checks of servers that answer in odd ways: each is told what is wrong, and no check breaks."""

import re
from collections.abc import Callable
from typing import Any

import httpx
import pytest

from nemolocal_conformance import target as target_module
from nemolocal_conformance.assertions import CheckFailed, NotApplicable, PrerequisiteFailed
from nemolocal_conformance.context import PUT_ON_TIMELINE, CheckContext
from nemolocal_conformance.control_client import ControlClient
from nemolocal_conformance.error_assertions import matching_error_styles, refusal_words
from nemolocal_conformance.long_turns import run_in_thread
from nemolocal_conformance.server_checks import server_catalogue
from nemolocal_conformance.server_checks.ownership import own_user_id
from nemolocal_conformance.stable_fields import known_draft
from nemolocal_conformance.target import (
    TargetClient,
    TargetResponse,
)
from nemolocal_contract import endpoints as wire
from nemolocal_contract.clock import ManualClock
from nemolocal_contract.endpoints import Attribution
from nemolocal_contract.responses import ResponseCode

Answer = httpx.Response | Exception
TIME = 1_800_000_000.0
DATE = "Fri, 15 Jan 2027 08:00:00 GMT"


def target_of(answers: dict[str, Answer], base_url: str = "http://peer.test") -> TargetClient:
    """A server that answers by the beginning of the path, and 404 to all else."""

    def answer(request: httpx.Request) -> httpx.Response:
        found = next((a for path, a in answers.items() if request.url.path.startswith(path)), None)
        if isinstance(found, Exception):
            raise found
        return found or httpx.Response(404, json={"code": 404, "message": "?", "data": None})

    attribution = Attribution("nemolocal-conformance", "1.0.0")
    return TargetClient(base_url, attribution, httpx.MockTransport(answer))


def context_of(answers: dict[str, Answer], token: str = "nmv_usr_1") -> CheckContext:
    target = target_of(answers)
    return CheckContext(target, ControlClient(target), token)


def data(held: object, status: int = 200, **headers: str) -> httpx.Response:
    return httpx.Response(status, json={"code": 0, "data": held}, headers=headers)


STATE = "/api/state/"
SESSION = "/api/tasks/"
TOKEN = "/api/auth/anonymous-token"


@pytest.mark.parametrize("state", [{}, {"draft": None}, {"draft": {"t": [7]}}, {"draft": {"t": 7}}])
def test_state_without_a_draft_fails_what_needs_one(state: object) -> None:
    context = context_of({STATE: data({"state": state})})
    with pytest.raises(PrerequisiteFailed, match="the state has no draft with tracks"):
        context.read_draft("1")


def test_clip_that_does_not_come_on_the_timeline_fails_what_needs_one() -> None:
    context = context_of(
        {
            SESSION: data({"session_id": "1"}),
            "/api/upload-video/": data({"files": []}),
            wire.CHAT.template: httpx.Response(200, text="data: {}\n\n"),
            STATE: data({"state": {"draft": {"t": []}}}),
        }
    )
    with pytest.raises(PrerequisiteFailed, match=re.escape(PUT_ON_TIMELINE)):
        context.new_edited_session()


def test_render_that_never_ends_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    status = httpx.Response(200, json={"id": "r", "status": "processing", "progress": 1})
    context = context_of({"/api/render/": status})
    clock = ManualClock()
    waits: list[float] = []
    monkeypatch.setattr(clock, "wait", waits.append, raising=False)
    monkeypatch.setattr(context, "_clock", clock)
    with pytest.raises(PrerequisiteFailed, match="a render had not ended after 3"):
        context.poll_renders("r")
    assert 300 < sum(waits) < 400


def test_older_control_api_without_settings_and_faults_is_used_as_it_is() -> None:
    control = ControlClient(target_of({}))
    before = control.settings
    control.read_settings()
    control.require_no_faults()
    assert control.settings == before


def test_refusals_are_read_whatever_they_are() -> None:
    page = TargetResponse(404, {}, b"<h1>no 17</h1>")
    assert refusal_words(page, "17") == (404, None, "")
    words = TargetResponse(404, {"content-type": "application/json"}, b'{"detail": "no 17"}')
    assert refusal_words(words, "17") == (404, None, "no …")


def test_success_has_no_style_of_errors() -> None:
    success = TargetResponse(200, {"content-type": "application/json"}, b'{"code": 0, "data": 1}')
    failure = TargetResponse(200, {}, b'{"code": 1001, "data": null}')
    assert matching_error_styles(success, ResponseCode.BAD_TOKEN) == set()
    assert matching_error_styles(failure, ResponseCode.BAD_TOKEN) != set()


@pytest.mark.parametrize(
    "ask",
    [
        lambda target: target.send_and_disconnect("POST", "/run_sse", token="t", json={}),
        lambda target: target.run_during_post(lambda: None, "/run_sse", token="t", json={}),
    ],
)
def test_connection_that_breaks_off_fails_what_needs_its_answer(
    ask: Callable[[TargetClient], None],
) -> None:
    target = target_of({"/run_sse": httpx.ReadError("reset")})
    with pytest.raises(PrerequisiteFailed, match=r"POST /run_sse .*reset"):
        ask(target)
    assert not target.is_lost


def test_reply_without_end_is_read_up_to_a_limit(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(target_module, "_MOST_BYTES", 1000)
    target = target_of({"/": httpx.Response(200, content=(b"x" * 300 for _ in range(1000)))})
    assert len(target.request("GET", "/").body) == 1200


def test_what_breaks_in_a_thread_is_raised_where_its_result_is_asked_for() -> None:
    def fail() -> None:
        raise CheckFailed("a thing", "one", "another")

    with pytest.raises(CheckFailed, match="a thing"):
        run_in_thread(fail).result()


def test_parts_of_a_draft_that_are_no_objects_are_compared_as_they_are() -> None:
    segment = {"id": "x", "m": "odd", "fx": [{"type": "blur", "seed": 1}], "later": 1}
    assert known_draft({"t": [{"tt": 0, "sg": [7, segment]}], "d": 5}) == {
        "t": [{"tt": 0, "sg": [7, {"id": "x", "m": "odd", "fx": [{"type": "blur"}]}]}],
        "d": 5,
    }


def test_every_check_is_about_a_rule_of_the_contract() -> None:
    assert all(check.rule.id == check.rules[0] for check in server_catalogue().values())


def run(check: str, context: CheckContext) -> None:
    server_catalogue()[check].run(context)


@pytest.mark.parametrize("said", ["2027-13-22T08:00:00Z", "soonZ"])
def test_end_of_a_token_that_is_no_time_is_told(said: str) -> None:
    token = {"token": "nmv_usr_2", "user_id": "anon_2", "credits": 1, "expires_at": said}
    clock = httpx.Response(200, json={"time": TIME})
    context = context_of({TOKEN: data(token, date=DATE), wire.CLOCK.template: clock})
    with pytest.raises(CheckFailed, match="expires_at"):
        run("token.new.expiry", context)


def test_date_that_is_no_date_is_told() -> None:
    clock = httpx.Response(200, json={"time": TIME})
    balance = data({"available": 1, "frozen": 0, "total": 1}, date="yesterday")
    control = {"/__nemolocal__/clock": clock}
    context = context_of({wire.BALANCE.template: balance, **control})
    with pytest.raises(CheckFailed, match="an HTTP date"):
        run("general.date", context)


@pytest.mark.parametrize(
    ("answers", "user"),
    [({STATE: data({"user_id": "anon_7"})}, "anon_7"), ({STATE: data({})}, "")],
)
def test_user_of_a_given_token_is_read_from_its_state(answers: dict[str, Any], user: str) -> None:
    context = context_of({SESSION: data({"session_id": "1"}), **answers})
    if user:
        assert own_user_id(context) == user
    else:
        with pytest.raises(NotApplicable, match="the user id of this token is unknown"):
            own_user_id(context)
