"""A server that goes away in the middle of a run ends it, is told once, and accuses nobody."""

from collections.abc import Callable

import httpx
import pytest

from nemolocal_conformance.context import CheckContext
from nemolocal_conformance.runner import run_checks
from nemolocal_conformance.server_check import ServerCheck, server_check
from nemolocal_conformance.target import (
    TargetClient,
    TargetLost,
    TargetUnreachable,
    require_http_server,
)
from nemolocal_conformance.verdicts import Verdict
from nemolocal_contract.endpoints import Attribution

Answerer = Callable[[httpx.Request], httpx.Response]


def answers(times: int) -> Answerer:
    """A server that answers so often, and then listens no more."""
    left = iter(range(times))

    def answer(_: httpx.Request) -> httpx.Response:
        if next(left, None) is None:
            raise httpx.ConnectError("refused")
        return httpx.Response(200, json={"code": 0, "data": {}})

    return answer


def context_of(response: Answerer) -> CheckContext:
    attribution = Attribution("nemolocal-conformance", "1.0.0")
    target = TargetClient("http://peer.test", attribution, httpx.MockTransport(response))
    return CheckContext(target, None, token="nmv_usr_secret_of_the_user")


def asking(number: int) -> ServerCheck:
    def ask(context: CheckContext) -> None:
        """It MUST answer."""
        assert context.target.request("GET", "/").status == 200

    return server_check(f"check.{number}", "GEN-1")(ask)


def test_checks_after_the_loss_are_not_run() -> None:
    reported: list[Verdict] = []
    checks = [asking(number) for number in range(5)]
    report = run_checks(context_of(answers(2)), checks, on_verdict=reported.append)
    outcomes = [verdict.outcome for verdict in report.verdicts]
    assert outcomes == ["passed", "passed", "error", "error", "error"]
    assert [verdict.check for verdict in reported] == ["check.0", "check.1", "check.2"]
    assert "lost the server at http://peer.test" in reported[-1].reason
    assert report.exit_code == 2


def hang_up(target: TargetClient) -> None:
    target.send_and_disconnect("POST", "/run_sse", token="t", json={})


def act_meanwhile(target: TargetClient) -> None:
    target.run_during_post(lambda: None, "/run_sse", token="t", json={})


@pytest.mark.parametrize("ask", [hang_up, act_meanwhile])
def test_stream_to_a_lost_server_raises(ask: Callable[[TargetClient], None]) -> None:
    target = context_of(answers(1)).target
    require_http_server(target)
    with pytest.raises(TargetLost):
        ask(target)
    assert target.is_lost


def test_file_on_another_host_that_is_gone_is_no_lost_server() -> None:
    target = context_of(answers(1)).target
    require_http_server(target)
    assert target.request("GET", "http://cdn.test/file.mp4").ending == "cut"
    assert not target.is_lost


def test_server_that_never_answered_is_not_lost() -> None:
    target = context_of(answers(0)).target
    with pytest.raises(TargetUnreachable, match="check the base URL") as caught:
        require_http_server(target)
    assert not isinstance(caught.value, TargetLost)
    assert not target.is_lost
