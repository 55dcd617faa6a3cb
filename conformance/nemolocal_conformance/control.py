"""The control interface of a local server, for states that no client can bring about.

It is found by asking; the cloud has none, and checks that need it are not applicable there.
"""

from typing import Any

from nemolocal_contract import endpoints as wire
from nemolocal_contract.endpoints import Endpoint

from .expectations import Broken, NotApplicable, Unmet, field
from .peer import Answer, Peer

_HTTP_OK, _REFUSED = range(200, 300), 400


class Control:
    """Tells a local server what to be."""

    def __init__(self, peer: Peer) -> None:
        self._peer = peer

    def advance(self, seconds: float) -> None:
        """Let time pass at once, whatever falls due included.

        Not applicable where that is refused: the server's time is the real one.
        """
        order = wire.CLOCK_ADVANCE
        answer = self._peer.call(order.method, order.path(), json={"seconds": seconds})
        if answer.status == _REFUSED:
            raise NotApplicable("the time of this server cannot be moved")
        self._checked(order, answer)

    def require_movable_time(self) -> None:
        """Not applicable where time passes by itself: how long we were busy is in it then."""
        self.advance(0)

    def time(self) -> float:
        """Seconds since the epoch, of the server's clock."""
        return float(self._ask(wire.CLOCK)["time"])

    def make_token(self, **wanted: Any) -> dict[str, Any]:
        """A token by hand, with its text (AUTH-6)."""
        return self._ask(wire.TOKENS_MAKE, json=wanted)

    def change_token(self, token_id: int, **wanted: Any) -> dict[str, Any]:
        """Another plan, credits, scopes or life for a token."""
        return self._ask(wire.TOKENS_CHANGE, token=str(token_id), json=wanted)

    def token_of(self, user_id: str) -> int:
        """The id by which the control interface knows a user's token."""
        for token in self._ask(wire.TOKENS)["tokens"]:
            if token["user_id"] == user_id:
                return int(token["id"])
        raise Unmet(f"the control interface knows no token of {user_id}")

    def arm(self, name: str, user_id: str, **fields: Any) -> None:
        """Arm a fault for one user's next request."""
        order = {"name": name, "match": {"user_id": user_id}, **fields}
        self._ask(wire.FAULTS_ARM, json=order)

    def journal(self, **filters: str) -> list[dict[str, Any]]:
        """The entries of the journal that match."""
        reply = self._peer.call("GET", wire.JOURNAL.template, params=filters)
        return list(self._checked(wire.JOURNAL, reply)["entries"])

    def _ask(self, endpoint: Endpoint, json: object = None, **names: str) -> dict[str, Any]:
        return self._checked(
            endpoint, self._peer.call(endpoint.method, endpoint.path(**names), json=json)
        )

    def _checked(self, endpoint: Endpoint, answer: Answer) -> dict[str, Any]:
        if answer.status not in _HTTP_OK:
            raise Unmet(f"{endpoint.method} {endpoint.template} answered {answer.status}")
        body: dict[str, Any] = answer.json
        return body


def find_control(peer: Peer) -> Control | None:
    """The control interface of this server, None where it has none."""
    answer = peer.call("GET", wire.HEALTH.template)
    try:
        ours = answer.status in _HTTP_OK and field("health", answer.json, "name") == "nemolocal"
    except Broken:  # whatever else answers there is no control interface of ours
        return None
    return Control(peer) if ours else None
