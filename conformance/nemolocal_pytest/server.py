"""The shared server of a test process, and the calls that fixtures make to it."""

import contextlib
import os
from collections.abc import Iterator
from typing import Any

import httpx

from nemolocal_client import Attribution, Client, MemoryProfile
from nemolocal_client.deprecation import DeprecatedName
from nemolocal_contract import endpoints as wire
from nemolocal_contract.clock import ManualClock
from nemolocal_contract.endpoints import Endpoint, control_headers
from nemolocal_render.temporary_folder import TemporaryFolder
from nemolocal_server.exports.render_executor import LocalExecutor
from nemolocal_server.serving import LocalServer
from nemolocal_server.settings import Settings
from nemolocal_server.turns.silent_turns import SilentTurnPolicy

from .clock import NemoClock, hold_while_rendering

_TOKEN_VARIABLE = "NEMO_CONTROL_TOKEN"
_ATTRIBUTION = Attribution("nemolocal-pytest", "1.0")


class NemoServer:
    """A local server on a free port, at `base_url`.

    Its turns take no time and are never silent by chance; `nemo_faults` can make them so. Its
    control API requires `control_token`, which is NEMO_CONTROL_TOKEN and usually "".
    """

    def __init__(self, base_url: str, clock: ManualClock, control_token: str = "") -> None:
        self.base_url = base_url
        self.control_token = control_token
        self.clock = NemoClock(clock)
        # Plain HTTP: loading certificates would only take time.
        self._http = httpx.Client(
            base_url=base_url,
            trust_env=False,
            verify=False,
            headers=control_headers(control_token),
        )

    def call_control(self, endpoint: Endpoint, json: object = None, **query: Any) -> httpx.Response:
        """Call the control API; raises httpx.HTTPStatusError if it returns an error."""
        reply = self._http.request(
            endpoint.method, endpoint.template, json=json, params=query or None
        )
        if reply.is_error:
            raise httpx.HTTPStatusError(reply.text, request=reply.request, response=reply)
        return reply

    def make_token(self, **wanted: Any) -> str:
        """Create a token (AUTH-6): `plan`, `credits`, `scopes`, `expires_in`, `dialect`."""
        return str(
            self.call_control(wire.TOKENS_MAKE, {"user_id": "user_1", **wanted}).json()["token"]
        )

    def open_client(self, **options: Any) -> Client:
        """Open a client with an identity of its own; options are those of `Client`."""
        kept = {"profile": MemoryProfile(), "environment": {}, "attribution": _ATTRIBUTION}
        return Client(self.base_url, **{**kept, "clock": self.clock, **options})

    def reset(self) -> None:
        """Reset the server."""
        self.call_control(wire.RESET, {})

    def clear_faults(self) -> None:
        """Clear all faults."""
        self.call_control(wire.FAULTS_CLEAR)

    def close(self) -> None:
        """Close the connection."""
        self._http.close()

    ask = DeprecatedName("call_control")
    forget = DeprecatedName("reset")
    disarm = DeprecatedName("clear_faults")


@contextlib.contextmanager
def open_server() -> Iterator[NemoServer]:
    """Start a server whose clock jumps over every wait."""
    settings = Settings(
        port=0,
        clock="manual",
        silence=SilentTurnPolicy(rate=0.0),
        control_token=os.environ.get(_TOKEN_VARIABLE, ""),
    )
    with TemporaryFolder("pytest") as folder:
        clock = ManualClock(autojump=True)
        execute = hold_while_rendering(clock, LocalExecutor(folder))
        with LocalServer(settings, clock, execute) as server:
            server.call(clock.attach())
            stand = NemoServer(server.base_url, clock, server.control_token)
            with contextlib.closing(stand):
                yield stand
