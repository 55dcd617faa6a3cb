"""The control interface of a local server, for states that no client can bring about.

It is found by asking; the cloud has none, and checks that need it are not applicable there.
"""

from collections.abc import Mapping
from typing import Any

from nemolocal_contract import endpoints as wire
from nemolocal_contract.endpoints import Endpoint
from nemolocal_contract.headers import control_headers

from .assertions import CheckFailed, NotApplicable, PrerequisiteFailed, require_field
from .target import TargetClient, TargetResponse, TargetUnreachable

_HTTP_OK, _REFUSED = range(200, 300), 400
_CLOSED = 403


class ControlClient:
    """Tells a local server what to be; `token` opens it where that is needed."""

    def __init__(self, target: TargetClient, token: str = "") -> None:
        self._target = target
        self._headers = control_headers(token)

    def require_access(self) -> None:
        """Raise `TargetUnreachable` where this is not the token of the server."""
        if self._call(wire.CLOCK).status == _CLOSED:
            raise TargetUnreachable(
                f"the control interface of {self._target.base_url} needs its token, which "
                "`nemolocal serve` printed: set NEMO_CONTROL_TOKEN, or give --control-token"
            )

    def advance_clock(self, seconds: float) -> None:
        """Let time pass at once, whatever falls due included.

        Not applicable where that is refused: the server's time is the real one.
        """
        order = wire.CLOCK_ADVANCE
        response = self._call(order, json={"seconds": seconds})
        if response.status == _REFUSED:
            raise NotApplicable("the time of this server cannot be moved")
        self._checked(order, response)

    def require_manual_clock(self) -> None:
        """Not applicable where time passes by itself: how long we were busy is in it then."""
        self.advance_clock(0)

    def read_clock(self) -> float:
        """Seconds since the epoch, of the server's clock."""
        return float(self._ask(wire.CLOCK)["time"])

    def make_token(self, **wanted: Any) -> dict[str, Any]:
        """A token by hand, with its text (AUTH-6)."""
        return self._ask(wire.TOKENS_MAKE, json=wanted)

    def change_token(self, token_id: int, **wanted: Any) -> dict[str, Any]:
        """Another plan, credits, scopes or life for a token."""
        return self._ask(wire.TOKENS_CHANGE, token=str(token_id), json=wanted)

    def find_token_id(self, user_id: str) -> int:
        """The id by which the control interface knows a user's token."""
        for token in self._ask(wire.TOKENS)["tokens"]:
            if token["user_id"] == user_id:
                return int(token["id"])
        raise PrerequisiteFailed(f"the control interface knows no token of {user_id}")

    def arm_fault(self, name: str, user_id: str, **fields: Any) -> None:
        """Arm a fault for one user's next request."""
        order = {"name": name, "match": {"user_id": user_id}, **fields}
        self._ask(wire.FAULTS_ARM, json=order)

    def read_journal(self, **filters: str) -> list[dict[str, Any]]:
        """The entries of the journal that match."""
        reply = self._call(wire.JOURNAL, params=filters)
        return list(self._checked(wire.JOURNAL, reply)["entries"])

    def _ask(self, endpoint: Endpoint, json: object = None, **names: str) -> dict[str, Any]:
        return self._checked(endpoint, self._call(endpoint, json, None, **names))

    def _call(
        self,
        endpoint: Endpoint,
        json: object = None,
        params: Mapping[str, str] | None = None,
        **names: str,
    ) -> TargetResponse:
        return self._target.request(
            endpoint.method, endpoint.path(**names), headers=self._headers, json=json, params=params
        )

    def _checked(self, endpoint: Endpoint, response: TargetResponse) -> dict[str, Any]:
        if response.status not in _HTTP_OK:
            raise PrerequisiteFailed(
                f"{endpoint.method} {endpoint.template} answered {response.status}"
            )
        body: dict[str, Any] = response.json
        return body


def find_control_client(target: TargetClient, token: str = "") -> ControlClient | None:
    """The control interface of this server, None where it has none.

    Raises `TargetUnreachable` where it is closed to this token.
    """
    response = target.request("GET", wire.HEALTH.template)
    try:
        ours = (
            response.status in _HTTP_OK
            and require_field("health", response.json, "name") == "nemolocal"
        )
    except CheckFailed:  # whatever else answers there is no control interface of ours
        return None
    if not ours:
        return None
    control = ControlClient(target, token)
    control.require_access()
    return control
