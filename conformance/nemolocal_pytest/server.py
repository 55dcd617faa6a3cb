"""The one server of a test process, and what fixtures ask of it."""

import contextlib
import os
from collections.abc import Iterator
from typing import Any

import httpx

from nemolocal_client import Attribution, Client, MemoryProfile
from nemolocal_contract import endpoints as wire
from nemolocal_contract.clock import ManualClock
from nemolocal_contract.endpoints import Endpoint
from nemolocal_contract.headers import control_headers
from nemolocal_render.temporary_folder import TemporaryFolder
from nemolocal_server.exports.render_executor import LocalExecutor
from nemolocal_server.serving import LocalServer
from nemolocal_server.settings import Settings
from nemolocal_server.turns.silent_turns import SilentTurnPolicy

from .clock import NemoClock, RenderTracker

_TOKEN_VARIABLE = "NEMO_CONTROL_TOKEN"
_ATTRIBUTION = Attribution("nemolocal-pytest", "1.0")


class NemoServer:
    """A local server on a free port of this machine, at `base_url`.

    Its turns take no time and are never silent by chance: `nemo_faults` makes them so. Its control
    interface asks for `control_token`, which is that of NEMO_CONTROL_TOKEN and mostly "".
    """

    def __init__(
        self, base_url: str, time: ManualClock, renders: RenderTracker, control_token: str = ""
    ) -> None:
        self.base_url = base_url
        self.control_token = control_token
        self.clock = NemoClock(time, self._advance, renders)
        # Plain HTTP: there is no certificate to verify, and those to do it by take long to load.
        self._http = httpx.Client(
            base_url=base_url,
            trust_env=False,
            verify=False,
            headers=control_headers(control_token),
        )

    def call_control(self, endpoint: Endpoint, json: object = None, **query: Any) -> httpx.Response:
        """Ask its control interface; raises httpx.HTTPStatusError with what it refuses."""
        reply = self._http.request(
            endpoint.method, endpoint.template, json=json, params=query or None
        )
        if reply.is_error:
            raise httpx.HTTPStatusError(reply.text, request=reply.request, response=reply)
        return reply

    def make_token(self, **wanted: Any) -> str:
        """A token by hand (AUTH-6): `plan`, `credits`, `scopes`, `expires_in`, `dialect`."""
        return str(
            self.call_control(wire.TOKENS_MAKE, {"user_id": "user_1", **wanted}).json()["token"]
        )

    def open_client(self, **options: Any) -> Client:
        """A client of this server that nobody else is; options are those of `Client`."""
        kept = {"profile": MemoryProfile(), "environment": {}, "attribution": _ATTRIBUTION}
        return Client(self.base_url, **{**kept, "clock": self.clock, **options})

    def reset(self) -> None:
        """Begin anew."""
        self.call_control(wire.RESET, {})

    def clear_faults(self) -> None:
        """Take all faults back."""
        self.call_control(wire.FAULTS_CLEAR)

    def close(self) -> None:
        """Hang up."""
        self._http.close()

    def _advance(self, seconds: float) -> None:
        self.call_control(wire.CLOCK_ADVANCE, {"seconds": seconds})


@contextlib.contextmanager
def open_server() -> Iterator[NemoServer]:
    """A server whose time jumps over every wait, for as long as this lasts."""
    settings = Settings(
        port=0,
        clock="manual",
        silence=SilentTurnPolicy(rate=0.0),
        control_token=os.environ.get(_TOKEN_VARIABLE, ""),
    )
    with TemporaryFolder("pytest") as folder:
        time = ManualClock(autojump=True)
        renders = RenderTracker(LocalExecutor(folder))
        with LocalServer(settings, time, renders) as server:
            stand = NemoServer(server.base_url, time, renders, server.control_token)
            with contextlib.closing(stand):
                yield stand
