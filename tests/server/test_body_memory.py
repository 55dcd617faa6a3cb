"""Bodies of many requests at once take no more memory than a limit; small ones always fit."""

import pytest

from nemolocal_contract.endpoints import FAULT
from nemolocal_server import context
from nemolocal_server.body_memory import UNCOUNTED, BodyMemory
from nemolocal_server.errors import ContractError
from tests.support.http_caller import HttpCaller, NewCaller
from tests.support.servers import ServerFactory

SOME = 1000


def test_bodies_are_counted_together_and_until_their_end() -> None:
    memory = BodyMemory(limit=3 * SOME)
    with memory.account() as first, memory.account() as second:
        first(UNCOUNTED + SOME)
        first(UNCOUNTED + 2 * SOME)
        second(UNCOUNTED + SOME)
        with pytest.raises(ContractError, match="at once"):
            second(UNCOUNTED + SOME + 1)
    with memory.account() as third:
        third(UNCOUNTED + 3 * SOME)


def test_a_small_body_fits_whatever_others_take() -> None:
    memory = BodyMemory(limit=SOME)
    with memory.account() as large, memory.account() as small:
        with pytest.raises(ContractError):
            large(UNCOUNTED + 2 * SOME)
        small(UNCOUNTED)


@pytest.mark.parametrize(
    ("path", "headers"),
    [
        ("/__nemolocal__/tokens", {}),
        ("/run_sse", {}),
        # The middleware for faults reads it before the endpoint does.
        ("/run_sse", {FAULT: "silent", "Authorization": "Bearer unknown"}),
    ],
    ids=["control", "chat", "faults"],
)
def test_a_large_body_is_refused_while_there_is_no_room(
    servers: ServerFactory,
    new_caller: NewCaller,
    monkeypatch: pytest.MonkeyPatch,
    path: str,
    headers: dict[str, str],
) -> None:
    monkeypatch.setattr(context, "BodyMemory", lambda: BodyMemory(limit=SOME))
    caller: HttpCaller = new_caller(servers.start()).connect()
    json = {"Content-Type": "application/json"}
    body = b" " * (UNCOUNTED + 2 * SOME)
    for _ in range(2):
        reply = caller.post(path, content=body, headers={**headers, **json})
        assert (reply["code"], reply["data"]) == (429, None)
        assert "send this one again" in reply["message"]
    assert caller.post("/__nemolocal__/tokens", content=b"{}", headers=json)["token"]
