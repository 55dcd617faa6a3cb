"""Mutants are made at public seams: effects, requests, public names."""

from collections.abc import Generator
from pathlib import Path
from typing import Any

import pytest

from nemolocal_client import NemoError
from nemolocal_client.effects import Call, Download, Effect, Flow, Now, OpenStream, Wait
from nemolocal_conformance.mutants.clients.mutant import broken_client
from nemolocal_conformance.mutants.clients.rewriting import endpoint_of, rewritten
from nemolocal_conformance.mutants.clients.scenarios import talk
from nemolocal_conformance.mutants.mutant import replacing
from nemolocal_server.tokens import Tokens, check_client_id

pytestmark = pytest.mark.mutants


def waits_and_asks() -> Flow[list[object]]:
    """Waits twice and asks for the time; an error is part of the outcome."""
    answers: list[object] = []
    for effect in (Wait(1.0), Now(), Wait(2.0)):
        try:
            answers.append((yield effect))
        except NemoError as error:
            answers.append(error.message)
    return answers


def outcome(flow: Flow[Any], *answers: object) -> tuple[list[Effect], object]:
    """The effects of a flow that gets these answers, and what it returns."""
    wanted: list[Effect] = []
    queue = list(answers)
    try:
        wanted.append(next(flow))
        while True:
            wanted.append(flow.send(queue.pop(0)))
    except StopIteration as end:
        return wanted, end.value


def test_an_effect_may_be_another_one() -> None:
    def twice_as_long(effect: Effect) -> Flow[Any]:
        return (yield Wait(effect.seconds * 2) if isinstance(effect, Wait) else effect)

    wanted, answers = outcome(rewritten(waits_and_asks(), twice_as_long), "a", 7.0, "b")
    assert wanted == [Wait(2.0), Now(), Wait(4.0)]
    assert answers == ["a", 7.0, "b"]


def test_an_effect_may_be_left_out_or_fail() -> None:
    def in_no_time(effect: Effect) -> Generator[Effect, Any, Any]:
        if isinstance(effect, Now):
            raise NemoError("no clock")
        return "skipped"
        yield

    assert outcome(rewritten(waits_and_asks(), in_no_time)) == (
        [],
        ["skipped", "no clock", "skipped"],
    )


def test_a_flow_that_is_given_up_is_closed() -> None:
    closed = []

    def flow() -> Flow[None]:
        try:
            yield Now()
        finally:
            closed.append(True)

    def as_it_is(effect: Effect) -> Flow[Any]:
        return (yield effect)

    walk = rewritten(flow(), as_it_is)
    next(walk)
    walk.close()
    assert closed == [True]


def test_effects_are_known_by_their_endpoint(tmp_path: Path) -> None:
    assert endpoint_of(Call(method="POST", path="/api/auth/anonymous-token")) == "token"
    assert endpoint_of(OpenStream(path="/run_sse", json=b"{}")) == "chat"
    assert endpoint_of(Call(method="GET", path="/nowhere")) == ""
    assert endpoint_of(Download(url="/x", part=tmp_path)) == ""


def test_a_client_is_broken_at_a_public_name_only() -> None:
    def twist(original: object, _: object) -> object:
        """Nothing changes."""
        return original

    with pytest.raises(ValueError, match=r"identity\._renew is private"):
        broken_client("odd", "CLI-1", kills="x", scenario=talk, at="identity._renew")(twist)


def test_a_server_is_broken_at_a_public_name_only() -> None:
    patch = replacing(Tokens.find, None)
    assert (patch.module, patch.name) == ("nemolocal_server.tokens.Tokens", "find")
    patch = replacing(check_client_id, None)
    assert (patch.module, patch.name) == ("nemolocal_server.tokens", "check_client_id")
    with pytest.raises(ValueError, match="_known is private"):
        replacing(Tokens._known, None)
