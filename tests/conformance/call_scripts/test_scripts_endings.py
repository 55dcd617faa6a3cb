"""Scripts of calls: how they end where nothing can be judged, and on servers of odd answers."""

import uuid

import msgspec
import pytest

from nemolocal_conformance.mutants.mutant import replies, requests
from nemolocal_conformance.mutants.scripts import player_of
from nemolocal_conformance.mutants.servers import server_mutants
from nemolocal_conformance.mutants.wire import Answered, Asked, Memory
from nemolocal_conformance.scripts import calls
from nemolocal_conformance.scripts.place import player_at
from nemolocal_conformance.scripts.player import Player
from nemolocal_conformance.scripts.reporting import verdict_of
from nemolocal_conformance.scripts.script import (
    OWN,
    TITLE,
    AnyStep,
    AskToken,
    Balance,
    Claim,
    Export,
    OpenSession,
    Say,
    Script,
    Upload,
    Wait,
    bill,
)
from nemolocal_conformance.stage import PUT_ON_TIMELINE
from nemolocal_contract.headers import Attribution
from nemolocal_server.serving import LocalServer
from nemolocal_server.settings import Settings, Tariff

from .playing import (
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

TALK = Say("s1", "hello", by="ann")

pytestmark = pytest.mark.usefixtures("memoized_servers")


def test_where_nobody_documents_it_a_server_that_is_not_ours_teaches() -> None:
    cloud = msgspec.structs.replace(
        server_mutants()["render.path-missing"], settings={"control": False}
    )
    script = Script((ANN, SESSION, Export("s1", "r1", "unknown-media", by="ann"), BALANCE))
    with player_of(cloud) as player:
        ending = player.play(script)
    assert ending.steps == 3
    assert verdict_of(script, ending, ours=False).outcome == "learned"
    assert verdict_of(script, ending, ours=True).outcome == "failed"


def test_a_script_stops_where_a_server_can_not_be_judged() -> None:
    limited = play(ANN, BOB, BALANCE, control=False, address_limit=1)
    assert limited.stopped.startswith("step 2: no token was given")
    assert "needs a server" in play(BALANCE, Wait(60), control=False).stopped
    with (
        LocalServer(Settings(port=0)) as server,
        player_at(server.base_url, Attribution("x", "1")) as player,
    ):
        assert not player.can_move_time()
        ending = player.play(Script((Wait(60), BALANCE)))
    assert ending.stopped == "step 1: the time of this server cannot be moved"
    assert verdict_of(Script((Wait(60),)), ending, ours=True).outcome == "not applicable"


def test_an_account_that_cannot_be_had_is_a_failure_before_the_first_step() -> None:
    @requests("no-tokens", "AUTH-1", kills="token.new.prefix")
    def hook(asked: Asked, _memory: Memory) -> Answered | None:
        """Nobody gets a token."""
        return Answered(500, {}, b"") if asked.endpoint == "token" else None

    with player_of(hook) as player:
        finding = player.play(Script((Balance(by=OWN),))).finding
    assert finding is not None
    assert (finding.step, finding.rule) == (0, "AUTH-1")


ODD: tuple[object, ...] = (
    [],
    {"code": 0, "data": []},
    {"status": "completed", "output": 5},
    *(pytest.param(odd, marks=pytest.mark.slow) for odd in (None, 5, "x")),
)


@pytest.mark.parametrize("odd", ODD, ids=str)
def test_an_answer_of_any_shape_is_judged(odd: object) -> None:
    @replies("odd", "GEN-1", kills="token.new.prefix")
    def hook(asked: Asked, answered: Answered, _memory: Memory) -> Answered | None:
        """Replies are JSON of another kind."""
        usual = asked.endpoint in ("token", "session", "render")
        return None if usual else answered.saying(odd, 200)

    with player_of(hook) as player:
        for step in (BALANCE, STATE, PICTURE, PUT, FOLLOW, TALK, Claim("s1", by="ann")):
            fresh = Player(player.stage, lambda: uuid.uuid4().hex)
            ending = fresh.play(Script((ANN, SESSION, EXPORT, step)))
            assert ending.finding is not None
            assert ending.finding.step == 4


def test_an_export_is_judged_whatever_it_is_answered_with() -> None:
    @replies("odd-exports", "REN-4", kills="token.new.prefix")
    def hook(asked: Asked, answered: Answered, _memory: Memory) -> Answered | None:
        """An export is answered with a list."""
        return answered.saying([], 200) if asked.endpoint == "render" else None

    with player_of(hook) as player:
        finding = player.play(Script((ANN, SESSION, EXPORT))).finding
    assert finding is not None
    assert (finding.rule, finding.step) == ("REN-4", 3)


def test_talk_is_never_too_dear() -> None:
    @replies("dear-talk", "CRD-4", kills="token.new.prefix")
    def hook(asked: Asked, answered: Answered, _memory: Memory) -> Answered | None:
        """A greeting costs more than there is."""
        if asked.endpoint != "chat":
            return None
        said = b'{"code":2001,"message":"?bind=","data":null}'
        return Answered(answered.status, {"content-type": "application/json"}, said)

    with player_of(hook) as player:
        finding = player.play(Script((ANN, SESSION, TALK))).finding
    assert finding is not None
    assert (finding.rule, finding.step) == ("SSE-1", 3)


def test_an_id_whose_export_was_refused_may_be_used_up() -> None:
    @replies("used-up", "REN-6", kills="token.new.prefix")
    def hook(asked: Asked, answered: Answered, memory: Memory) -> Answered | None:
        """Every id counts, whatever became of its export."""
        if asked.endpoint != "render":
            return None
        again, memory["seen"] = memory.get("seen", False), True
        said = {"code": 400, "message": "duplicate id", "data": None}
        return answered.saying(said, 400) if again else None

    with player_of(hook) as player:
        ending = player.play(Script((ANN, SESSION, Export("s1", "r1", "empty", by="ann"), EXPORT)))
    assert ending.finding is None


def test_a_turn_that_costs_nothing_is_noticed_when_the_credits_must_be_gone() -> None:
    spent = (SESSION, PICTURE, PUT) * 2
    for last in (PUT, Say("s1", TITLE, by="ann")):
        steps = (ANN, *spent, SESSION, PICTURE, last)
        finding = play(*steps, tariff=Tariff(editing=0)).finding
        assert finding is not None
        assert (finding.rule, finding.step) == ("CRD-4", len(steps))


def test_a_token_that_was_given_may_be_out_of_credits() -> None:
    own = (OpenSession("s1", by=OWN), Upload("s1", ("picture.png",), by=OWN))
    with reference() as player:
        made = player.stage.control.make_token(credits=0, anonymous=False)
        url = player.stage.peer.base_url
        with player_at(url, Attribution("x", "1"), token=made["token"]) as poor:
            ending = poor.play(Script((*own, Say("s1", PUT_ON_TIMELINE, by=OWN), Balance(by=OWN))))
    assert ending.finding is None


def test_a_render_that_does_not_end_is_left_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(calls, "_PATIENCE", -1.0)
    assert play(ANN, SESSION, EXPORT, FOLLOW).finding is None


def test_where_nobody_listens_no_account_is_to_be_had() -> None:
    with player_at("http://127.0.0.1:9", Attribution("x", "1")) as player:
        finding = player.play(Script((Balance(by=OWN),))).finding
    assert finding is not None
    assert "could not be had" in finding.words


def test_a_bill_counts_each_session_and_each_client_once() -> None:
    def price(*steps: AnyStep) -> tuple[int, int]:
        cost = bill(Script(steps))
        return cost.credits, cost.tokens

    assert price(ANN, ANN, BOB, AskToken("eve", "empty"), SESSION, STATE) == (0, 2)
    assert price(PUT, PUT, Say("s1", "hello", by="ann")) == (50, 0)
    assert price(SESSION, PUT, SESSION, PUT) == (100, 0)
    assert price(Say("s1", "generate a sunset", by="ann")) == (150, 0)
