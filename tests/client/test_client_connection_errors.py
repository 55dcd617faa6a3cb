"""What cannot be reached: a refusal is told from a network that is down."""

import socket

import httpx
import pytest

from nemolocal_client import CannotConnect
from nemolocal_client.httpx_adapter import probe_server, server_address, translate_httpx_errors
from tests.support.scripted_backend import ScriptedBackend


def refused(host: str, port: int) -> httpx.ConnectError:
    """What httpx raises where nothing listens."""
    with pytest.raises(httpx.ConnectError) as caught:
        httpx.get(f"http://{host}:{port}", trust_env=False)
    return caught.value


@pytest.fixture
def free_port() -> int:
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        return int(unused.getsockname()[1])


@pytest.mark.slow
@pytest.mark.parametrize("host", ["127.0.0.1", "localhost"])
def test_refusal_is_told_from_a_network_that_is_down(host: str, free_port: int) -> None:
    with pytest.raises(CannotConnect) as caught, translate_httpx_errors():
        raise refused(host, free_port)
    assert caught.value.refused
    assert caught.value.origin == f"http://{host}:{free_port}"
    down = httpx.ConnectError("no", request=httpx.Request("GET", "http://user:pw@h:1/x"))
    down.__cause__ = socket.gaierror(-2, "Name or service not known")
    with pytest.raises(CannotConnect) as caught, translate_httpx_errors():
        raise down
    assert (caught.value.refused, caught.value.origin) == (False, "http://h:1")


def test_refusals_of_all_addresses_of_a_name_are_one() -> None:
    both = OSError("All connection attempts failed")
    both.__cause__ = ExceptionGroup("", [ConnectionRefusedError(), TimeoutError()])
    error = httpx.ConnectError("no", request=httpx.Request("GET", "http://h"))
    error.__cause__ = both
    with pytest.raises(CannotConnect) as caught, translate_httpx_errors():
        raise error
    assert caught.value.refused


def test_server_is_looked_for_only_where_it_answered_through_a_socket(
    free_port: int, backend: ScriptedBackend
) -> None:
    assert server_address(httpx.Response(200)) is None
    assert probe_server(None, "http://x") is None
    with httpx.stream("GET", f"{backend.base_url}/x", trust_env=False) as response:
        peer = server_address(response)
    assert probe_server(peer, "http://x") is None
    gone = probe_server(("127.0.0.1", free_port), "http://x")
    assert gone is not None
    assert (gone.refused, gone.origin) == (True, "http://x")
    # A closed socket has no address any more.
    assert server_address(response) in (None, peer)
