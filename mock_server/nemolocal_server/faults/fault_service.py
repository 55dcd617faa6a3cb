"""The faults of a server: armed ones, faults by chance, and which one hits a call.

A call uses one match of one fault: the first armed fault that matches it.
"""

from collections import Counter
from typing import Any

import msgspec

from .. import ids
from ..context import ServerContext
from ..seeded_random import SeededRandom
from .catalogue import (
    CATALOGUE,
    FILE,
    ActiveFault,
    ApiCall,
    Fault,
    FaultError,
    FaultMatch,
    FaultSpec,
)
from .fault_header import parse_fault_header
from .fault_scenario import FaultScenario
from .render_faults import RenderFaults

_MAX_ARMED = 1000
# Which faults of a render show in later calls about it.
FAULTS_OF_RENDERS: dict[str, tuple[str, ...]] = {
    "render_status": ("render-fails-once", "render-stuck"),
    FILE: ("url-gone", "truncated-download"),
}
# A client that loses the response with its token gets no other for a week (AUTH-3).
_LOSING_THE_RESPONSE = ("cut-fin", "cut-reset", "commit-then-drop")


class RegisteredFault(msgspec.Struct):
    """An armed fault with its counters."""

    id: str
    spec: FaultSpec
    fault: Fault
    active: ActiveFault
    seen: int = 0
    hits: int = 0

    def trigger(self, call: ApiCall) -> bool:
        """Count the call if it matches; return whether it is hit."""
        if call.endpoint not in self.fault.endpoints or not self.spec.match.matches(call):
            return False
        self.seen += 1
        if self.seen <= self.spec.skip:
            return False
        self.hits += 1
        return True

    @property
    def is_exhausted(self) -> bool:
        """Whether it has hit all of its `times`."""
        return self.hits == self.spec.times > 0

    def describe(self) -> dict[str, Any]:
        """Return what the control API shows."""
        return {"id": self.id, **msgspec.to_builtins(self.spec), "hits": self.hits}


class FaultRegistry:
    """The armed faults of a server, in the order in which they were armed."""

    def __init__(self) -> None:
        self.armed: list[RegisteredFault] = []

    def arm(self, spec: FaultSpec) -> str:
        """Arm a fault and return its id; raises `FaultError` with the field."""
        fault, active = spec.resolve()
        if len(self.armed) >= _MAX_ARMED:
            raise FaultError(f"{_MAX_ARMED} faults are armed already: disarm some first")
        armed = RegisteredFault(ids.new_fault_id(), spec, fault, active)
        self.armed.append(armed)
        return armed.id

    def disarm(self, fault_id: str) -> bool:
        """Disarm a fault; return whether there was one with this id."""
        remaining = [armed for armed in self.armed if armed.id != fault_id]
        is_found = len(remaining) < len(self.armed)
        self.armed = remaining
        return is_found

    def disarm_all(self) -> None:
        self.armed = []

    def disarm_token(self, token_id: int, user_id: str) -> None:
        """Disarm the faults that were armed for this token only."""
        self.armed = [
            armed
            for armed in self.armed
            if armed.spec.match.token_id != token_id and armed.spec.match.user_id != user_id
        ]

    def next_for(self, call: ApiCall) -> ActiveFault | None:
        """Return the fault that hits this call."""
        for armed in self.armed:
            if armed.trigger(call):
                if armed.is_exhausted:
                    self.armed.remove(armed)
                return armed.active
        return None


class Chaos:
    """Hits `rate` of all calls by seeded chance, whatever the order in which clients call.

    Each token and each endpoint is counted separately, so that polling more often changes no other
    call.
    """

    def __init__(self, rate: float, rng: SeededRandom) -> None:
        self._rate = rate
        self._rng = rng
        self._calls: Counter[tuple[str, str]] = Counter()

    def next_for(self, call: ApiCall) -> ActiveFault | None:
        """Return the fault that hits this call; calls without a client id are never hit."""
        if not self._rate or not call.client_id:
            return None
        token = call.token
        owner, seed = (
            (call.client_id, call.client_id) if token is None else (f"{token.id}", token.draw_id)
        )
        self._calls[owner, call.endpoint] += 1
        key = (seed, call.endpoint, self._calls[owner, call.endpoint])
        if not self._rng.bernoulli(self._rate, "chaos", *key):
            return None
        faults = _chaotic_faults(call.endpoint)
        chosen = faults[int(self._rng.random("fault", *key) * len(faults))]
        return ActiveFault(chosen.name, chosen.args())


def _chaotic_faults(endpoint: str) -> list[Fault]:
    return [
        fault
        for fault in CATALOGUE.values()
        if fault.chaotic
        and endpoint in fault.endpoints
        and (endpoint != "token" or fault.name not in _LOSING_THE_RESPONSE)
    ]


class FaultService:
    """Chooses the faults of calls; created with the scenario of the settings armed."""

    def __init__(self, context: ServerContext, scenario: FaultScenario) -> None:
        self.context = context
        self.registry = FaultRegistry()
        self.renders = RenderFaults(context.store)
        self._scenario = scenario
        self.reset()

    def reset(self) -> None:
        """Disarm all faults, then arm those of the settings."""
        self._chaos = Chaos(self.context.settings.chaos, self.context.rng)
        self.disarm_all()
        self.load_scenario(self._scenario, FaultMatch())

    def disarm_all(self) -> None:
        """Disarm every fault, and restore the settings that scenarios have changed."""
        self.registry.disarm_all()
        self.context.tokens.address_limit = self.context.settings.address_limit

    def load_scenario(self, scenario: FaultScenario, match: FaultMatch) -> list[str]:
        """Arm the faults of a scenario, narrowed to `match`, and return their ids.

        Raises `FaultError` if a scenario with `match` changes a setting, which is for all calls.
        """
        narrowed = msgspec.to_builtins(match)
        limit = scenario.settings.address_limit
        if limit is not None:
            if narrowed:
                raise FaultError("match: this scenario changes a setting, which is for all calls")
            self.context.tokens.address_limit = limit
        return [
            self.registry.arm(
                msgspec.structs.replace(spec, match=msgspec.structs.replace(spec.match, **narrowed))
            )
            for spec in scenario.faults
        ]

    def select(self, call: ApiCall, header: str) -> tuple[ActiveFault, ...]:
        """Return the faults of a call: those of its header, else an armed one, else by chance.

        Raises `FaultError` for a header with an unknown fault.
        """
        found: tuple[ActiveFault | None, ...] = parse_fault_header(header, call)
        if not found:
            found = (self.registry.next_for(call) or self._chaos.next_for(call),)
        return (*(fault for fault in found if fault is not None), *self._render_faults(call))

    def _render_faults(self, call: ApiCall) -> tuple[ActiveFault, ...]:
        """Return the faults that were attached to the render that a call is about."""
        names = FAULTS_OF_RENDERS.get(call.endpoint, ())
        if call.endpoint == FILE:
            attached = self.renders.find_for_file(call.file)
        elif names and call.token is not None:
            attached = self.renders.find_for_render(call.token.id, call.render)
        else:
            return ()
        return tuple(fault for fault in attached if fault.name in names)

    def describe(self) -> dict[str, Any]:
        """Return the catalogue, the armed faults, and the settings that scenarios can change."""
        redact = self.context.store.known_tokens.redact_json
        return {
            "catalogue": [fault.describe() for fault in CATALOGUE.values()],
            "armed": redact([armed.describe() for armed in self.registry.armed]),
            "chaos": self.context.settings.chaos,
            "settings": {"address_limit": self.context.tokens.address_limit},
        }
