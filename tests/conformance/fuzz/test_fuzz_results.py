"""Results of scripts that cannot be validated, and of servers with wrong responses."""

import uuid

import msgspec
import pytest

from nemolocal_conformance.context import PUT_ON_TIMELINE
from nemolocal_conformance.fuzz import step_executor
from nemolocal_conformance.fuzz.script import (
    OWN_ACCOUNT,
    TITLE_MESSAGE,
    AnyStep,
    BalanceStep,
    CallScript,
    ClaimStep,
    ExportStep,
    MessageStep,
    SessionStep,
    TokenStep,
    UploadStep,
    WaitStep,
    script_cost,
)
from nemolocal_conformance.fuzz.script_report import script_verdict
from nemolocal_conformance.fuzz.script_runner import ScriptRunner, open_script_runner
from nemolocal_contract.endpoints import Attribution
from nemolocal_server.serving import LocalServer
from nemolocal_server.settings import Settings, Tariff
from tests.mutation.mutation_middleware import Memory, WireRequest, WireResponse
from tests.mutation.server_mutant import request_mutant, response_mutant
from tests.mutation.server_runner import mutant_script_runner, report_contract_settings
from tests.mutation.servers import server_mutants

from .script_runs import (
    ANN,
    BALANCE,
    BOB,
    EXPORT,
    FOLLOW,
    PICTURE,
    PUT,
    SESSION,
    STATE,
    play,
    reference,
)

TALK = MessageStep("s1", "hello", by="ann")

pytestmark = pytest.mark.usefixtures("memoized_servers")


@pytest.mark.slow
def test_contradicted_assumption_is_learned_on_other_servers() -> None:
    cloud = msgspec.structs.replace(
        server_mutants()["render.path-missing"], settings={"control": False}
    )
    script = CallScript((ANN, SESSION, ExportStep("s1", "r1", "unknown-media", by="ann"), BALANCE))
    with mutant_script_runner(cloud) as runner:
        ending = runner.run(script)
    assert ending.steps == 3
    assert script_verdict(script, ending, has_control=False).outcome == "learned"
    assert script_verdict(script, ending, has_control=True).outcome == "failed"


def test_script_stops_where_nothing_can_be_validated() -> None:
    limited = play(ANN, BOB, BALANCE, control=False, address_limit=1)
    assert limited.stop_reason.startswith("step 2: no token was issued")
    assert "needs a server" in play(BALANCE, WaitStep(60), control=False).stop_reason
    with (
        LocalServer(Settings(port=0)) as server,
        open_script_runner(server.base_url, Attribution("x", "1")) as runner,
    ):
        assert not runner.can_advance_clock()
        ending = runner.run(CallScript((WaitStep(60), BALANCE)))
    assert ending.stop_reason == "step 1: the clock of this server cannot be advanced"
    assert (
        script_verdict(CallScript((WaitStep(60),)), ending, has_control=True).outcome
        == "not applicable"
    )


@pytest.mark.slow
def test_missing_account_fails_before_the_first_step() -> None:
    @request_mutant("no-tokens", "AUTH-1", kills="token.new.prefix")
    def hook(request: WireRequest, _memory: Memory) -> WireResponse | None:
        """Nobody gets a token."""
        return WireResponse(500, {}, b"") if request.endpoint == "token" else None

    with mutant_script_runner(hook) as runner:
        finding = runner.run(CallScript((BalanceStep(by=OWN_ACCOUNT),))).violation
    assert finding is not None
    assert (finding.step, finding.rule) == (0, "AUTH-1")


ODD: tuple[object, ...] = (
    [],
    {"code": 0, "data": []},
    {"status": "completed", "output": 5},
    *(pytest.param(odd, marks=pytest.mark.slow) for odd in (None, 5, "x")),
)


@pytest.mark.slow
@pytest.mark.parametrize("odd", ODD, ids=str)
def test_response_of_any_shape_is_validated(odd: object) -> None:
    @response_mutant("odd", "GEN-1", kills="token.new.prefix")
    def hook(request: WireRequest, response: WireResponse, _memory: Memory) -> WireResponse | None:
        """Replies are JSON of another kind."""
        usual = request.endpoint in ("token", "session", "render")
        if usual:
            return None
        return response.with_json(odd, 200).with_headers(**{"content-type": "application/json"})

    with mutant_script_runner(hook) as runner:
        for step in (BALANCE, STATE, PICTURE, PUT, FOLLOW, TALK, ClaimStep("s1", by="ann")):
            fresh = ScriptRunner(runner.context, lambda: uuid.uuid4().hex)
            ending = fresh.run(CallScript((ANN, SESSION, EXPORT, step)))
            assert ending.violation is not None
            assert ending.violation.step == 4


def test_any_response_to_an_export_is_validated() -> None:
    @response_mutant("odd-exports", "REN-4", kills="token.new.prefix")
    def hook(request: WireRequest, response: WireResponse, _memory: Memory) -> WireResponse | None:
        """An export is answered with a list."""
        return response.with_json([], 200) if request.endpoint == "render" else None

    with mutant_script_runner(hook) as runner:
        finding = runner.run(CallScript((ANN, SESSION, EXPORT))).violation
    assert finding is not None
    assert (finding.rule, finding.step) == ("REN-4", 3)


def test_talk_needs_no_credits() -> None:
    @response_mutant("dear-talk", "CRD-4", kills="token.new.prefix")
    def hook(request: WireRequest, response: WireResponse, _memory: Memory) -> WireResponse | None:
        """A greeting costs more than there is."""
        if request.endpoint != "chat":
            return None
        said = b'{"code":2001,"message":"?bind=","data":null}'
        return WireResponse(response.status, {"content-type": "application/json"}, said)

    with mutant_script_runner(hook) as runner:
        finding = runner.run(CallScript((ANN, SESSION, TALK))).violation
    assert finding is not None
    assert (finding.rule, finding.step) == ("SSE-1", 3)


def test_id_of_a_rejected_export_may_be_used() -> None:
    @response_mutant("used-up", "REN-6", kills="token.new.prefix")
    def hook(request: WireRequest, response: WireResponse, memory: Memory) -> WireResponse | None:
        """Every id counts, whatever became of its export."""
        if request.endpoint != "render":
            return None
        again, memory["seen"] = memory.get("seen", False), True
        said = {"code": 400, "message": "duplicate id", "data": None}
        return response.with_json(said, 400) if again else None

    with mutant_script_runner(hook) as runner:
        ending = runner.run(
            CallScript((ANN, SESSION, ExportStep("s1", "r1", "empty", by="ann"), EXPORT))
        )
    assert ending.violation is None


@pytest.mark.slow
def test_free_edit_is_noticed_once_credits_must_be_spent() -> None:
    spent = (SESSION, PICTURE, PUT) * 2
    for last in (PUT, MessageStep("s1", TITLE_MESSAGE, by="ann")):
        steps = (ANN, *spent, SESSION, PICTURE, last)
        with report_contract_settings():  # the server says that an edit has a price
            finding = play(*steps, tariff=Tariff(editing=0)).violation
        assert finding is not None
        assert (finding.rule, finding.step) == ("CRD-4", len(steps))


@pytest.mark.slow
def test_given_token_may_lack_credits() -> None:
    own = (SessionStep("s1", by=OWN_ACCOUNT), UploadStep("s1", ("picture.png",), by=OWN_ACCOUNT))
    with reference() as runner:
        created = runner.context.control.make_token(credits=0, anonymous=False)
        url = runner.context.target.base_url
        with open_script_runner(url, Attribution("x", "1"), token=created["token"]) as poor:
            ending = poor.run(
                CallScript(
                    (
                        *own,
                        MessageStep("s1", PUT_ON_TIMELINE, by=OWN_ACCOUNT),
                        BalanceStep(by=OWN_ACCOUNT),
                    )
                )
            )
    assert ending.violation is None


def test_endless_render_is_not_polled_forever(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(step_executor, "_RENDER_TIMEOUT", -1.0)
    assert play(ANN, SESSION, EXPORT, FOLLOW).violation is None


def test_unreachable_target_gives_no_account() -> None:
    with open_script_runner("http://127.0.0.1:9", Attribution("x", "1")) as runner:
        finding = runner.run(CallScript((BalanceStep(by=OWN_ACCOUNT),))).violation
    assert finding is not None
    assert "could not be created" in finding.summary


def test_cost_counts_each_session_and_client_once() -> None:
    def price(*steps: AnyStep) -> tuple[int, int]:
        cost = script_cost(CallScript(steps))
        return cost.credits, cost.tokens

    assert price(ANN, ANN, BOB, TokenStep("eve", "empty"), SESSION, STATE) == (0, 2)
    assert price(PUT, PUT, MessageStep("s1", "hello", by="ann")) == (50, 0)
    assert price(SESSION, PUT, SESSION, PUT) == (100, 0)
    assert price(MessageStep("s1", "generate a sunset", by="ann")) == (150, 0)
