"""Arms what is to go wrong in a test."""

from collections.abc import Mapping, Sequence
from typing import Any

import msgspec

from nemolocal_contract import endpoints as wire

from .server import NemoServer

_STALL = "stall"
_STALL_REFUSED = (
    "time jumps over every wait here, so nobody can give up a stall before it ends: "
    "`nemolocal conform-client --only stall` plays it in time"
)


class ArmedFault(msgspec.Struct, frozen=True):
    """A fault that is armed, and how often it has hit."""

    id: str
    name: str
    hits: int
    times: int = 1


class _FaultListing(msgspec.Struct):
    armed: tuple[ArmedFault, ...]


class NemoFaults:
    """The faults of a server; README and `nemolocal serve` say which there are."""

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
        """Let a fault befall the next requests that it can befall; its id.

        `skip` of them pass first, `times` are hit (0: all). `match` narrows them by `message`,
        `session`, `client_id` and the like; `args` are the fault's own. A `stall` cannot be armed.
        """
        if name == _STALL:
            raise ValueError(_STALL_REFUSED)
        wanted = {**(match or {}), **({"endpoint": endpoint} if endpoint else {})}
        order = {"name": name, "match": wanted, "times": times, "skip": skip, "args": args}
        return str(self._server.call_control(wire.FAULTS_ARM, order).json()["id"])

    def load(self, scenario: str) -> None:
        """Arm a scenario that comes with the server: `rough-network`, `bad-account`, …"""
        self._server.call_control(wire.SCENARIOS_LOAD, {"name": scenario})
        if any(fault.name == _STALL for fault in self.armed()):
            self.clear()
            raise ValueError(_STALL_REFUSED)

    def armed(self) -> tuple[ArmedFault, ...]:
        """What still waits for its requests."""
        listing = self._server.call_control(wire.FAULTS).content
        return msgspec.json.decode(listing, type=_FaultListing).armed

    def clear(self) -> None:
        """Take all back."""
        self._server.clear_faults()

    def arm_from_marker(
        self, *, scenario: str | None = None, faults: Sequence[str | Mapping[str, Any]] = ()
    ) -> None:
        """Arm what a marker names: faults by name, or as mappings of the arguments of `arm`."""
        if scenario is not None:
            self.load(scenario)
        for fault in (faults,) if isinstance(faults, str) else faults:
            self.arm(fault) if isinstance(fault, str) else self.arm(**fault)
