"""Arms the faults of a test."""

from collections.abc import Mapping, Sequence
from typing import Any

import msgspec

from nemolocal_contract import endpoints as wire

from .server import NemoServer

_STALL = "stall"
_STALL_REFUSED = (
    "the clock jumps over every wait here, so no client can time out on a stall: "
    "use `nemolocal conform-client --only stall`"
)


class ArmedFault(msgspec.Struct, frozen=True):
    """An armed fault, and how often it has been applied."""

    id: str
    name: str
    hits: int
    times: int = 1


class _FaultListing(msgspec.Struct):
    armed: tuple[ArmedFault, ...]


class NemoFaults:
    """The faults of a server; README and `nemolocal serve` list them."""

    def __init__(self, server: NemoServer) -> None:
        self._server = server

    def arm(
        self,
        name: str,
        *,
        endpoint: str | None = None,
        times: int = 1,
        skip: int = 0,
        match: Mapping[str, object] | None = None,
        **args: Any,
    ) -> str:
        """Arm a fault for the next matching requests; return its id.

        The first `skip` of them pass, the next `times` get the fault (0: all). `match` selects them
        by `message`, `session`, `client_id` and the like; `args` are the fault's own. `stall`
        cannot be armed.
        """
        if name == _STALL:
            raise ValueError(_STALL_REFUSED)
        wanted = {**(match or {}), **({"endpoint": endpoint} if endpoint else {})}
        order = {"name": name, "match": wanted, "times": times, "skip": skip, "args": args}
        return str(self._server.call_control(wire.FAULTS_ARM, order).json()["id"])

    def load(self, scenario: str) -> None:
        """Arm a built-in scenario: `rough-network`, `bad-account`, …"""
        self._server.call_control(wire.SCENARIOS_LOAD, {"name": scenario})
        if any(fault.name == _STALL for fault in self.armed()):
            self.clear()
            raise ValueError(_STALL_REFUSED)

    def armed(self) -> tuple[ArmedFault, ...]:
        """Return the faults that are still armed."""
        listing = self._server.call_control(wire.FAULTS).content
        return msgspec.json.decode(listing, type=_FaultListing).armed

    def clear(self) -> None:
        """Clear all faults."""
        self._server.clear_faults()

    def arm_from_marker(
        self, *, scenario: str | None = None, faults: Sequence[str | Mapping[str, Any]] = ()
    ) -> None:
        """Arm the faults of a marker: names, or mappings with the arguments of `arm`."""
        if scenario is not None:
            self.load(scenario)
        for fault in (faults,) if isinstance(faults, str) else faults:
            self.arm(fault) if isinstance(fault, str) else self.arm(**fault)
