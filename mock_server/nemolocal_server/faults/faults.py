"""The faults of a server: what is armed, by whom, and what befalls a call."""

from typing import Any

import msgspec

from ..core import Core
from .arming import Arming, Match, read_header
from .calls import Call
from .catalogue import CATALOGUE, Active, FaultError
from .chaos import Chaos
from .render_faults import RenderFaults
from .scenario import Scenario

# Which of the faults that follow a render show in later calls about it.
_SHOWN: dict[str, tuple[str, ...]] = {
    "render_status": ("render-fails-once", "render-stuck"),
    "file": ("url-gone", "truncated-download"),
}


class Faults:
    """Made once per server, with the scenario of its settings armed."""

    def __init__(self, core: Core, scenario: Scenario) -> None:
        self.core = core
        self.arming = Arming()
        self.renders = RenderFaults(core.store)
        self._scenario = scenario
        self.rearm()

    def rearm(self) -> None:
        """Begin as a fresh server does: with what the settings want, and nothing else."""
        self._chaos = Chaos(self.core.settings.chaos, self.core.draw)
        self.disarm_all()
        self.load(self._scenario, Match())

    def disarm_all(self) -> None:
        """Take every fault back, and what scenarios have switched."""
        self.arming.disarm_all()
        self.core.tokens.address_limit = self.core.settings.address_limit

    @property
    def listening(self) -> bool:
        """Whether requests may ask for faults: not where there is no control interface."""
        return self.core.settings.control

    def load(self, scenario: Scenario, match: Match) -> list[str]:
        """Arm the faults of a scenario, each for calls that `match` means too; their ids.

        Raises `FaultError` where the scenario switches a setting, which knows no `match`.
        """
        also = msgspec.to_builtins(match)
        limit = scenario.settings.address_limit
        if limit is not None:
            if also:
                raise FaultError("match: this scenario switches a setting, and that for everybody")
            self.core.tokens.address_limit = limit
        return [
            self.arming.arm(
                msgspec.structs.replace(order, match=msgspec.structs.replace(order.match, **also))
            )
            for order in scenario.faults
        ]

    def quiet(self, call: Call, header: str) -> bool:
        """Whether nothing can befall this call, so that it need not be looked into."""
        expected = header or self.arming.armed() or self.core.settings.chaos
        return not expected and call.endpoint not in _SHOWN

    def befall(self, call: Call, header: str) -> tuple[Active, ...]:
        """What is in force for a call: what it asked for, else what is armed, else chance.

        Raises `FaultError` for a header that asks for what there is not.
        """
        found: tuple[Active | None, ...] = read_header(header, call)
        if not found:
            found = (self.arming.take(call) or self._chaos.strike(call),)
        return (*(fault for fault in found if fault is not None), *self._followers(call))

    def _followers(self, call: Call) -> tuple[Active, ...]:
        """What follows the render that a call is about."""
        shown = _SHOWN.get(call.endpoint, ())
        if not shown:
            return ()
        if call.endpoint == "file":
            followers = self.renders.of_file(call.file)
        elif call.token is not None:
            followers = self.renders.of_render(call.token.id, call.render)
        else:
            followers = ()
        return tuple(fault for fault in followers if fault.name in shown)

    def describe(self) -> dict[str, Any]:
        """The catalogue, what is armed, and the settings that scenarios can switch."""
        return {
            "catalogue": [fault.describe() for fault in CATALOGUE.values()],
            "armed": [armed.describe() for armed in self.arming.armed()],
            "chaos": self.core.settings.chaos,
            "settings": {"address_limit": self.core.tokens.address_limit},
        }
