"""Who may ask the server of a program that is run, and for what."""

import asyncio
import socket
from pathlib import Path
from typing import Any

import httpx
import pytest

from nemolocal.exec.connection_owner import (
    SocketAddress,
    can_find_owners,
    find_owner,
    is_allowed_connection,
    is_own_connection,
    may_be_own_connection,
)
from nemolocal.exec.owner_middleware import InProcessTransport, OwnerMiddleware
from nemolocal.exec.program_environment import open_plain_environment
from nemolocal.exec.traffic_monitor import TrafficMonitor
from nemolocal_conformance.client_runner.server_control import arm_faults, fetch_journal
from nemolocal_contract.endpoints import TOKEN, Attribution
from nemolocal_server.settings import Settings


@pytest.fixture
def monitor() -> TrafficMonitor:
    return TrafficMonitor("cloud.example", lambda _: None)


async def serve(scope: Any, receive: Any, send: Any) -> None:
    """An app that says yes."""
    del scope, receive
    await send({"type": "http.response.start", "status": 200, "headers": []})
    await send({"type": "http.response.body", "body": b"yes"})


def ask(app: OwnerMiddleware, path: str) -> httpx.Response:
    async def run() -> httpx.Response:
        transport = httpx.ASGITransport(app)
        async with httpx.AsyncClient(transport=transport, base_url="http://a") as http:
            return await http.get(path)

    return asyncio.run(run())


def test_middleware_lets_own_calls_through_and_counts_them(monitor: TrafficMonitor) -> None:
    app = OwnerMiddleware(serve, monitor, lambda *_: True)
    assert ask(app, "/api/credits/balance/simple").text == "yes"
    assert ask(app, "/__nemolocal__/health").text == "yes"
    assert monitor.call_count == 1


def test_calls_of_generation_2_are_named(monitor: TrafficMonitor) -> None:
    app = OwnerMiddleware(serve, monitor, lambda *_: True)
    for path in ("/projects/p-1/sessions", "/ws/chat", "/api/credits/balance/simple", "/other"):
        ask(app, path)
    (named,) = (line for line in monitor.summary_lines("") if "generation" in line)
    assert named.startswith("2 calls of generation 2 (the vendor's newer command line client)")


def test_other_users_are_refused_and_not_counted(monitor: TrafficMonitor) -> None:
    reply = ask(OwnerMiddleware(serve, monitor, lambda *_: False), "/api/credits/balance/simple")
    assert reply.status_code == reply.json()["code"] == 403
    assert reply.json()["message"].startswith("this server belongs to another user: start your ")
    assert monitor.call_count == 0


@pytest.mark.parametrize("path", ["tokens", "journal", "reset", "", "nothing"])
def test_control_api_is_closed(path: str, monitor: TrafficMonitor) -> None:
    reply = ask(OwnerMiddleware(serve, monitor, lambda *_: True), f"/__nemolocal__/{path}")
    assert reply.status_code == reply.json()["code"] == 404
    assert reply.json()["message"].startswith("the control API is disabled")
    assert monitor.call_count == 0


def test_only_this_process_asks_the_control_api_of_a_place(monitor: TrafficMonitor) -> None:
    with open_plain_environment(Settings(port=0), monitor) as place:
        arm_faults(place.base_url, [{"name": "silent"}], place.transport)
        reply = httpx.get(f"{place.base_url}/__nemolocal__/faults", trust_env=False, verify=False)
        assert reply.status_code == 404
        assert isinstance(place.transport, InProcessTransport)
        journal, lines = fetch_journal(place.base_url, place.transport)
    assert (journal.entries, lines) == ((), b"")


@pytest.mark.slow
@pytest.mark.parametrize(
    ("options", "ways"),
    [
        (
            {},
            "another X-Client-Id gets one, and each run of this program starts a new server",
        ),
        (
            {"address_limit": 1},
            "settings can be higher, and each run of this program starts a new server",
        ),
        ({"data_dir": "kept"}, "another X-Client-Id gets one"),
    ],
)
def test_second_token_is_refused_with_ways_out_that_the_program_has(
    monitor: TrafficMonitor, options: dict[str, Any], ways: str
) -> None:
    if "data_dir" in options:
        options = {"data_dir": Path(options["data_dir"])}
    headers = {"X-Client-Id": "me", **Attribution("me", "1").headers()}
    with open_plain_environment(Settings(port=0, **options), monitor) as place:
        for client in ("me", "you" if "address_limit" in options else "me"):
            url = f"{place.base_url}{TOKEN.template}"
            headers["X-Client-Id"] = client
            reply = httpx.post(url, headers=headers, trust_env=False, verify=False).json()
    assert reply["code"] == 429
    assert reply["message"].endswith(ways)


def ends(listener: socket.socket, client: socket.socket) -> tuple[SocketAddress, SocketAddress]:
    return listener.getsockname(), client.getsockname()


@pytest.mark.skipif(not hasattr(socket, "AF_NETLINK"), reason="only Linux tells")
def test_connection_is_known_to_be_the_users_own(monkeypatch: pytest.MonkeyPatch) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        with socket.create_connection(listener.getsockname()) as client:
            pair = ends(listener, client)
            monkeypatch.setattr(
                "nemolocal.exec.connection_owner.os.geteuid", lambda: find_owner(*pair)
            )
            assert is_own_connection(*pair)
            assert is_allowed_connection(*pair)
            monkeypatch.setattr("nemolocal.exec.connection_owner._ROOT", -1)
            monkeypatch.setattr("nemolocal.exec.connection_owner.os.geteuid", lambda: -2)
            assert not is_own_connection(*pair)
            assert not is_allowed_connection(*pair)
            assert not may_be_own_connection(*pair)
        # Whoever has gone again is nobody's, and is not taken for root.
        assert find_owner(*pair) is None
        assert not is_allowed_connection(*pair)
        assert may_be_own_connection(*pair)


@pytest.mark.skipif(not hasattr(socket, "AF_NETLINK"), reason="only Linux tells")
def test_client_that_uses_an_ipv6_socket_is_known_too() -> None:
    with (
        socket.create_server(("127.0.0.1", 0)) as listener,
        socket.socket(socket.AF_INET6) as client,
    ):
        client.connect(("::ffff:127.0.0.1", listener.getsockname()[1]))
        assert is_own_connection(listener.getsockname(), client.getsockname()[:2])


def test_where_the_system_does_not_tell_nobody_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delattr("nemolocal.exec.connection_owner.socket.AF_NETLINK", raising=False)
    can_find_owners.cache_clear()
    assert is_allowed_connection(("127.0.0.1", 1), ("127.0.0.1", 2))
    assert not is_own_connection(("127.0.0.1", 1), ("127.0.0.1", 2))
    can_find_owners.cache_clear()
