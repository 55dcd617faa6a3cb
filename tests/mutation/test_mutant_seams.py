"""Mutants are made at public interfaces: operations, requests, public names."""

from collections.abc import Generator
from pathlib import Path
from typing import Any

import pytest

from nemolocal_client import NemoError
from nemolocal_client.operations import (
    DownloadFile,
    Flow,
    GetTime,
    HttpCall,
    OpenStream,
    Operation,
    Sleep,
)
from nemolocal_server.data.tokens import TokenRepository, check_client_id
from tests.mutation.clients.client_mutant import client_mutant
from tests.mutation.clients.client_scenarios import talk
from tests.mutation.clients.flow_rewriting import endpoint_of, rewrite_flow
from tests.mutation.server_mutant import replace_public

pytestmark = pytest.mark.mutants


def waits_and_asks() -> Flow[list[object]]:
    """Wait twice and read the time; an error is part of the outcome."""
    responses: list[object] = []
    for effect in (Sleep(1.0), GetTime(), Sleep(2.0)):
        try:
            responses.append((yield effect))
        except NemoError as error:
            responses.append(error.message)
    return responses


def outcome(flow: Flow[Any], *responses: object) -> tuple[list[Operation], object]:
    """Return the operations of a flow that gets these results, and what it returns."""
    wanted: list[Operation] = []
    queue = list(responses)
    try:
        wanted.append(next(flow))
        while True:
            wanted.append(flow.send(queue.pop(0)))
    except StopIteration as end:
        return wanted, end.value


def test_operation_can_be_replaced() -> None:
    def twice_as_long(operation: Operation) -> Flow[Any]:
        return (yield Sleep(operation.seconds * 2) if isinstance(operation, Sleep) else operation)

    wanted, responses = outcome(rewrite_flow(waits_and_asks(), twice_as_long), "a", 7.0, "b")
    assert wanted == [Sleep(2.0), GetTime(), Sleep(4.0)]
    assert responses == ["a", 7.0, "b"]


def test_operation_can_be_omitted_or_fail() -> None:
    def in_no_time(operation: Operation) -> Generator[Operation, Any, Any]:
        if isinstance(operation, GetTime):
            raise NemoError("no clock")
        return "skipped"
        yield

    assert outcome(rewrite_flow(waits_and_asks(), in_no_time)) == (
        [],
        ["skipped", "no clock", "skipped"],
    )


def test_abandoned_flow_is_closed() -> None:
    closed = []

    def flow() -> Flow[None]:
        try:
            yield GetTime()
        finally:
            closed.append(True)

    def as_it_is(operation: Operation) -> Flow[Any]:
        return (yield operation)

    walk = rewrite_flow(flow(), as_it_is)
    next(walk)
    walk.close()
    assert closed == [True]


def test_operations_are_identified_by_endpoint(tmp_path: Path) -> None:
    assert endpoint_of(HttpCall(method="POST", path="/api/auth/anonymous-token")) == "token"
    assert endpoint_of(OpenStream(path="/run_sse", json=b"{}")) == "chat"
    assert endpoint_of(HttpCall(method="GET", path="/nowhere")) == ""
    assert endpoint_of(DownloadFile(url="/x", part=tmp_path)) == ""


def test_client_mutants_patch_public_names() -> None:
    def twist(original: object, _: object) -> object:
        """Nothing changes."""
        return original

    with pytest.raises(ValueError, match=r"auth\._refresh_token is private"):
        client_mutant("odd", "CLI-1", kills="x", scenario=talk, at="auth._refresh_token")(twist)


def test_server_mutants_patch_public_names() -> None:
    patch = replace_public(TokenRepository.find, None)
    assert (patch.module, patch.name) == ("nemolocal_server.data.tokens.TokenRepository", "find")
    patch = replace_public(check_client_id, None)
    assert (patch.module, patch.name) == ("nemolocal_server.data.tokens", "check_client_id")
    with pytest.raises(ValueError, match="_draw_id is private"):
        replace_public(TokenRepository._draw_id, None)
