"""The runner: every outcome, learned differences, and what it cannot evaluate."""

import itertools
from collections.abc import Callable

import httpx
import pytest

from nemolocal_conformance.account_context import TargetAccount
from nemolocal_conformance.assertions import (
    CheckFailed,
    NotApplicable,
    PrerequisiteFailed,
    expect_equal,
    expect_one_of,
    expect_true,
    expect_type,
    require_field,
)
from nemolocal_conformance.context import CheckContext
from nemolocal_conformance.control_client import ControlClient, find_control_client
from nemolocal_conformance.error_assertions import names_path
from nemolocal_conformance.render_replies import flatten_render
from nemolocal_conformance.runner import run_check, run_checks
from nemolocal_conformance.server_check import ServerCheck, server_check
from nemolocal_conformance.server_checks import server_catalogue
from nemolocal_conformance.target import TargetClient, TargetUnreachable, require_http_server
from nemolocal_contract.endpoints import Attribution

ATTRIBUTION = Attribution("nemolocal-conformance", "1.0.0")
Answerer = Callable[[httpx.Request], httpx.Response]


def target_that(response: Answerer) -> TargetClient:
    return TargetClient("http://peer.test", ATTRIBUTION, httpx.MockTransport(response))


def context_of(response: Answerer, *, ours: bool = False) -> CheckContext:
    target = target_that(response)
    return CheckContext(
        target, ControlClient(target) if ours else None, token="nmv_usr_secret_of_the_user"
    )


def nothing(_request: httpx.Request) -> httpx.Response:
    return httpx.Response(200, json={"code": 0, "data": {}})


def play(error: Exception | None, rule: str = "GEN-1", level: str = "MUST") -> ServerCheck:
    def act(_context: CheckContext) -> None:
        if error is not None:
            raise error

    act.__doc__ = f"It {level} be so."
    return server_check("a.check", rule)(act)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("error", "rule", "level", "ours", "outcome"),
    [
        (None, "GEN-1", "MUST", False, "passed"),
        (CheckFailed("x", 1, 2), "GEN-1", "MUST", False, "failed"),
        (CheckFailed("x", 1, 2), "CRD-3", "SHOULD", False, "warning"),
        (CheckFailed("x", 1, 2), "UPL-5", "MUST", False, "learned"),
        (CheckFailed("x", 1, 2), "UPL-5", "MUST", True, "failed"),
        (PrerequisiteFailed("no token"), "GEN-1", "MUST", False, "failed"),
        (NotApplicable("no control"), "GEN-1", "MUST", False, "not applicable"),
        (ZeroDivisionError("oh"), "GEN-1", "MUST", False, "error"),
    ],
)
def test_a_check_ends_in_one_outcome(
    error: Exception | None, rule: str, level: str, ours: bool, outcome: str
) -> None:
    verdict = run_check(context_of(nothing, ours=ours), play(error, rule, level))
    assert verdict.outcome == outcome
    assert (verdict.check, verdict.rules, verdict.level) == ("a.check", (rule,), level)


def test_failure_has_expected_and_actual_value() -> None:
    verdict = run_check(context_of(nothing), play(CheckFailed("the status", 200, 404)))
    assert (verdict.reason, verdict.expected, verdict.actual) == ("the status", "200", "404")


@pytest.mark.parametrize(
    ("errors", "code"),
    [
        ((), 2),
        ((None,), 0),
        ((None, CheckFailed("x", 1, 2)), 1),
        ((None, ZeroDivisionError()), 2),
        ((NotApplicable("x"),), 2),
    ],
)
def test_exit_code_follows_the_outcomes(errors: tuple[Exception | None, ...], code: int) -> None:
    assert run_checks(context_of(nothing), map(play, errors)).exit_code == code


@pytest.mark.parametrize(
    ("message", "named"),
    [
        ("draft.t[0].sg[1].d: must be greater than 0", True),
        ("/draft/t/0/sg/1/d is bad", True),
        ("无效: $.draft.t.0.sg.1.d。", True),
        ("draft -> t -> 0 -> sg -> 1 -> d", True),
        ("draft.t[0].sg[1].dd", False),
        ("draft.t[1].sg[0].d", False),
        ("t[0].sg[1]", False),
    ],
)
def test_path_of_a_field_may_have_any_notation(message: str, named: bool) -> None:
    assert names_path(message, "draft.t[0].sg[1].d") == named


@pytest.mark.parametrize(
    ("foreign", "outcome"),
    [
        ("No such session: {id} (request {n})", "passed"),
        ("Not yours: {id} (request {n})", "learned"),
    ],
)
def test_number_of_a_request_is_no_hint(foreign: str, outcome: str) -> None:
    numbers = itertools.count()

    def refuse(request: httpx.Request) -> httpx.Response:
        if request.method == "POST":
            data = {"token": "nmv_usr_1", "user_id": "anon_1", "session_id": "1" * 19}
            return httpx.Response(200, json={"code": 0, "data": data})
        session = request.url.path.split("/")[5]
        known = session == "1" * 19
        text = foreign if known else "No such session: {id} (request {n})"
        message = text.format(id=session, n=next(numbers))
        return httpx.Response(200, json={"code": 1002, "message": message, "data": None})

    check = server_catalogue()["general.user.no-hint"]
    assert run_check(context_of(refuse), check).outcome == outcome


def test_body_that_cannot_be_decompressed_is_cut() -> None:
    def answer(_request: httpx.Request) -> httpx.Response:
        stream = httpx.ByteStream(b"no gzip")
        return httpx.Response(200, headers={"Content-Encoding": "gzip"}, stream=stream)

    assert target_that(answer).request("GET", "/").ending == "cut"


def test_evidence_is_per_check_and_without_secrets() -> None:
    def ask(context: CheckContext) -> None:
        """A balance MUST be told."""
        context.read_balance()

    asking = server_check("a.balance", "CRD-1")(ask)
    report = run_checks(context_of(nothing), [asking, asking, play(None)])
    assert [len(verdict.evidence) for verdict in report.verdicts] == [1, 1, 0]
    (exchange,) = report.verdicts[0].evidence
    assert (exchange.method, exchange.status) == ("GET", 200)
    assert "secret" not in f"{exchange}".replace("[secret]", "")
    assert "$NEMO_TOKEN" in exchange.curl


def test_prerequisite_that_cannot_be_had_is_not_applicable() -> None:
    def refuse(_request: httpx.Request) -> httpx.Response:
        return httpx.Response(429, json={"code": 429, "message": "ten a week", "data": None})

    def look(context: CheckContext) -> None:
        """An account MUST be there."""
        assert context.account

    looking = server_check("a.token", "AUTH-1")(look)
    for ours, outcome in ((False, "not applicable"), (True, "failed")):
        target = target_that(refuse)
        context = CheckContext(target, ControlClient(target) if ours else None)
        report = run_checks(context, [looking, looking])
        assert [verdict.outcome for verdict in report.verdicts] == [outcome] * 2


def test_missing_prerequisite_is_tried_once_and_fails_each_check() -> None:
    requests = 0

    def refuse(_request: httpx.Request) -> httpx.Response:
        nonlocal requests
        requests += 1
        return httpx.Response(500, text="<html>")

    def look(context: CheckContext) -> None:
        """A session MUST be there."""
        assert context.session

    looking = server_check("a.session", "SES-1")(look)
    report = run_checks(context_of(refuse), [looking, looking])
    assert [verdict.outcome for verdict in report.verdicts] == ["failed", "failed"]
    assert "a prerequisite is missing: a session could not be created" in report.verdicts[1].reason
    assert requests == 1


def test_alternatives_are_reported_by_their_check() -> None:
    def see(context: CheckContext) -> None:
        """One way or the other MUST be gone."""
        context.note_alternative("GEN-2", "errors=http")

    report = run_checks(context_of(nothing), [server_check("a.way", "GEN-2")(see)])
    assert report.verdicts[0].alternatives == ("GEN-2: errors=http",)
    assert report.alternatives == {"GEN-2": ("errors=http",)}


@pytest.mark.parametrize(
    ("raised", "says"),
    [
        (httpx.ConnectError("refused"), "does not answer HTTP"),
        (httpx.RemoteProtocolError("no HTTP"), "does not answer HTTP"),
        (httpx.ReadTimeout("silence"), "hangs"),
    ],
)
def test_missing_server_is_reported_before_any_check(raised: Exception, says: str) -> None:
    def fail(_request: httpx.Request) -> httpx.Response:
        raise raised

    with pytest.raises(TargetUnreachable, match=says):
        require_http_server(target_that(fail))


@pytest.mark.parametrize("url", ["nowhere", "http://", "ftp://a.test"])
def test_invalid_base_url_is_reported(url: str) -> None:
    with pytest.raises(TargetUnreachable, match="base URL"):
        require_http_server(TargetClient(url, ATTRIBUTION))


@pytest.mark.parametrize(
    "response",
    [
        httpx.Response(404),
        httpx.Response(200, text="hello"),
        httpx.Response(200, json=[]),
        httpx.Response(200, json={"name": "another"}),
    ],
)
def test_other_responses_are_not_a_control_api(response: httpx.Response) -> None:
    assert find_control_client(target_that(lambda _: response)) is None


def test_control_api_of_a_local_server_is_found() -> None:
    found = find_control_client(
        target_that(lambda _: httpx.Response(200, json={"name": "nemolocal"}))
    )
    assert found is not None


def test_failed_control_call_is_a_missing_prerequisite() -> None:
    context = context_of(lambda _: httpx.Response(400, json={}), ours=True)
    with pytest.raises(PrerequisiteFailed, match="clock answered 400"):
        context.control.read_clock()
    with pytest.raises(NotApplicable, match="cannot be advanced"):
        context.control.advance_clock(1)
    with pytest.raises(PrerequisiteFailed, match="advance answered 500"):
        context_of(lambda _: httpx.Response(500, json={}), ours=True).control.advance_clock(1)


def test_context_without_control_api_is_not_applicable() -> None:
    with pytest.raises(NotApplicable):
        context_of(nothing).make_account()


def test_given_token_is_the_account() -> None:
    assert context_of(nothing).account == TargetAccount("nmv_usr_secret_of_the_user")


def test_true_does_not_equal_one() -> None:
    expect_equal("x", 1, 1)
    with pytest.raises(CheckFailed):
        expect_equal("x", True, 1)


def test_whole_number_has_one_type_however_it_is_spelled() -> None:
    assert expect_type("x", 50.0, int) == 50
    with pytest.raises(CheckFailed):
        expect_type("x", 50.5, int)
    with pytest.raises(CheckFailed):
        expect_type("x", True, int)


def test_assertions_fail_with_their_values() -> None:
    with pytest.raises(CheckFailed, match="one of 1, 2"):
        expect_one_of("x", 3, (1, 2))
    with pytest.raises(CheckFailed, match="expected 'more'"):
        expect_true("x", False, "more", 3)
    with pytest.raises(CheckFailed, match="expected 'a number', saw '3'"):
        expect_type("x", "3", int, float)
    with pytest.raises(CheckFailed, match=r"data\.a: b"):
        require_field("data.a", {"a": {}}, "b")


def test_a_render_reply_is_flat_in_either_shape() -> None:
    nested = {"success": True, "data": {"id": "r", "outputUrl": "/f"}}
    assert flatten_render(nested) == {"id": "r", "output": {"url": "/f"}}
    assert flatten_render({"id": "r"}) == {"id": "r"}
    with pytest.raises(CheckFailed):
        flatten_render([])


def test_a_check_needs_a_rule_and_a_sentence() -> None:
    with pytest.raises(ValueError, match="no such rule: XYZ-1"):
        play(None, "XYZ-1")
    with pytest.raises(ValueError, match="MUST, SHOULD or MAY"):
        play(None, level="could")
