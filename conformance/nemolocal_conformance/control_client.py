"""A client of a local server's control API, for states that no client can cause.

It is detected by a request. The cloud has none: checks that need it are not applicable there. A
local server may have none either (`serve --no-control`).
"""

from collections.abc import Mapping
from typing import Any

import msgspec

from nemolocal_contract import endpoints as wire
from nemolocal_contract.control_api import EffectiveSettings, SilenceSettings
from nemolocal_contract.endpoints import Endpoint, control_headers

from .assertions import CheckFailed, NotApplicable, PrerequisiteFailed, require_field
from .target import TargetClient, TargetResponse, TargetUnreachable

_HTTP_OK, _REFUSED = range(200, 300), 400
_CLOSED, _UNKNOWN = 403, 404
# A fault that names one of these hits nobody else's calls.
_ONE_CALLER = frozenset(("token_id", "user_id", "client_id"))


class ControlClient:
    """Calls the control API of a local server; `token` is its control token, if it needs one.

    `settings` are those of the server; the values of the contract until they are read.
    """

    def __init__(self, target: TargetClient, token: str = "") -> None:
        self._target = target
        self._headers = control_headers(token)
        self.settings = EffectiveSettings()

    def with_target(self, target: TargetClient) -> "ControlClient":
        """Return a client of the same control API that sends its calls with another client."""
        other = ControlClient(target)
        other._headers, other.settings = self._headers, self.settings
        return other

    def is_offered(self) -> bool:
        """Whether the server offers its control API.

        Raises `TargetUnreachable` if it rejects the control token.
        """
        status = self._call(wire.CLOCK).status
        if status == _CLOSED:
            raise TargetUnreachable(
                f"the control API of {self._target.base_url} needs its token, which "
                "`nemolocal serve` printed: set NEMO_CONTROL_TOKEN, or give --control-token"
            )
        return status in _HTTP_OK

    def read_settings(self) -> None:
        """Read the settings of the server; an older one that has no such call keeps the default.

        Raises `TargetUnreachable` if it does not tell them.
        """
        response = self._call(wire.SETTINGS)
        if response.status == _UNKNOWN:
            return
        try:
            self._checked(wire.SETTINGS, response)
            self.settings = msgspec.convert(response.json, EffectiveSettings)
        except (PrerequisiteFailed, CheckFailed, msgspec.ValidationError) as problem:
            raise TargetUnreachable(f"cannot read the settings of the server: {problem}") from None

    def require_no_faults(self) -> None:
        """Raise `TargetUnreachable` if faults may hit anybody: rules are broken on purpose then."""
        response = self._call(wire.FAULTS)
        if response.status not in _HTTP_OK:
            return
        faults: dict[str, Any] = response.json
        armed = [
            str(fault["name"])
            for fault in faults.get("armed", ())
            if not _ONE_CALLER & fault["match"].keys()
        ]
        if self.settings.chaos:
            armed.append(f"chaos {self.settings.chaos:g}")
        if _may_lose_edits(self.settings.silence):
            armed.append("silent edits that are not applied, or late")
        if armed:
            raise TargetUnreachable(
                f"{self._target.base_url} injects faults ({', '.join(armed)}), so it breaks rules "
                f"on purpose: start it without them, or disarm them (DELETE {wire.FAULTS.template})"
            )

    def advance_clock(self, seconds: float) -> None:
        """Advance the server's clock; everything that becomes due happens.

        Raises `NotApplicable` if the server runs on real time.
        """
        order = wire.CLOCK_ADVANCE
        response = self._call(order, json={"seconds": seconds})
        if response.status == _REFUSED:
            raise NotApplicable("the clock of this server cannot be advanced")
        self._checked(order, response)

    def advance_to_next_wait(self) -> bool:
        """Advance the clock to the moment when the next wait ends; whether there is one."""
        seconds = self._ask(wire.CLOCK).get("next")
        if seconds is not None:
            self.advance_clock(seconds)
        return seconds is not None

    def require_manual_clock(self) -> None:
        """Raise `NotApplicable` if time passes by itself: our own work would be measured too."""
        self.advance_clock(0)

    def can_advance_clock(self) -> bool:
        """Whether the server's clock can be advanced."""
        try:
            self.advance_clock(0)
        except NotApplicable:
            return False
        return True

    def read_clock(self) -> float:
        """Return the server's time in seconds since the epoch."""
        return float(self._ask(wire.CLOCK)["time"])

    def make_token(self, **wanted: Any) -> dict[str, Any]:
        """Create a token with its secret (AUTH-6)."""
        return self._ask(wire.TOKENS_MAKE, json=wanted)

    def change_token(self, token_id: int, **wanted: Any) -> dict[str, Any]:
        """Change the plan, credits, scopes or lifetime of a token."""
        return self._ask(wire.TOKENS_CHANGE, token=str(token_id), json=wanted)

    def find_token_id(self, user_id: str) -> int:
        """Return the control API's id of a user's token."""
        for token in self._ask(wire.TOKENS)["tokens"]:
            if token["user_id"] == user_id:
                return int(token["id"])
        raise PrerequisiteFailed(f"the control API has no token of {user_id}")

    def arm_fault(self, name: str, user_id: str, **fields: Any) -> None:
        """Arm a fault for the next request of one user."""
        order = {"name": name, "match": {"user_id": user_id}, **fields}
        self._ask(wire.FAULTS_ARM, json=order)

    def read_journal(self, **filters: str) -> list[dict[str, Any]]:
        """Return the journal entries that match."""
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
    """Return the control client of this server, None if it has no control API.

    The target is marked as local if it is a server of this project. Raises `TargetUnreachable` if
    the server rejects this control token, or injects faults.
    """
    target.is_local = _is_local(target.request("GET", wire.HEALTH.template))
    control = ControlClient(target, token)
    if not target.is_local or not control.is_offered():
        return None
    control.read_settings()
    control.require_no_faults()
    settings = control.settings
    quiet = min(settings.dialect.heartbeat_seconds, settings.turn_times.limit)
    target.timeout += quiet / settings.speed
    if settings.clock == "manual":
        from .clock_driver import ClockDriver

        target.passing_time = ClockDriver(ControlClient(target.second_client(), token)).advancing
    return control


def _may_lose_edits(silence: SilenceSettings) -> bool:
    """Whether an edit may be silent and its draft unchanged, which breaks SSE-5."""
    if not set("nl").isdisjoint(silence.script):
        return True
    is_drawn = not silence.script or "s" in silence.script
    return is_drawn and bool(silence.truths.not_applied or silence.truths.late)


def _is_local(response: TargetResponse) -> bool:
    try:
        name = require_field("health", response.json, "name")
    except CheckFailed:  # any other answer: another server
        return False
    return response.status in _HTTP_OK and bool(name == "nemolocal")
