"""The faults of a server: what is armed, by whom, and what befalls a call."""

from typing import Any

import msgspec

from ..context import ServerContext
from .api_call import ApiCall
from .catalogue import CATALOGUE, ActiveFault, FaultError
from .chaos import Chaos
from .fault_registry import FaultMatch, FaultRegistry, parse_fault_header
from .fault_scenario import FaultScenario
from .render_faults import RenderFaults

# Which of the faults that follow a render show in later calls about it.
_SHOWN: dict[str, tuple[str, ...]] = {
    "render_status": ("render-fails-once", "render-stuck"),
    "file": ("url-gone", "truncated-download"),
}


class FaultService:
    """Made once per server, with the scenario of its settings armed."""

    def __init__(self, core: ServerContext, scenario: FaultScenario) -> None:
        self.context = core
        self.registry = FaultRegistry()
        self.renders = RenderFaults(core.store)
        self._scenario = scenario
        self.reset()

    def reset(self) -> None:
        """Begin as a fresh server does: with what the settings want, and nothing else."""
        self._chaos = Chaos(self.context.settings.chaos, self.context.rng)
        self.disarm_all()
        self.load_scenario(self._scenario, FaultMatch())

    def disarm_all(self) -> None:
        """Take every fault back, and what scenarios have switched."""
        self.registry.disarm_all()
        self.context.tokens.address_limit = self.context.settings.address_limit

    @property
    def is_header_enabled(self) -> bool:
        """Whether requests may ask for faults: not where there is no control interface."""
        return self.context.settings.control

    def load_scenario(self, scenario: FaultScenario, match: FaultMatch) -> list[str]:
        """Arm the faults of a scenario, each for calls that `match` means too; their ids.

        Raises `FaultError` where the scenario switches a setting, which knows no `match`.
        """
        also = msgspec.to_builtins(match)
        limit = scenario.settings.address_limit
        if limit is not None:
            if also:
                raise FaultError("match: this scenario switches a setting, and that for everybody")
            self.context.tokens.address_limit = limit
        return [
            self.registry.arm(
                msgspec.structs.replace(order, match=msgspec.structs.replace(order.match, **also))
            )
            for order in scenario.faults
        ]

    def is_unaffected(self, call: ApiCall, header: str) -> bool:
        """Whether nothing can befall this call, so that it need not be looked into."""
        expected = header or self.registry.list_armed() or self.context.settings.chaos
        return not expected and call.endpoint not in _SHOWN

    def select(self, call: ApiCall, header: str) -> tuple[ActiveFault, ...]:
        """What is in force for a call: what it asked for, else what is armed, else chance.

        Raises `FaultError` for a header that asks for what there is not.
        """
        found: tuple[ActiveFault | None, ...] = parse_fault_header(header, call)
        if not found:
            found = (self.registry.next_for(call) or self._chaos.next_for(call),)
        return (*(fault for fault in found if fault is not None), *self._render_faults(call))

    def _render_faults(self, call: ApiCall) -> tuple[ActiveFault, ...]:
        """What follows the render that a call is about."""
        shown = _SHOWN.get(call.endpoint, ())
        if not shown:
            return ()
        if call.endpoint == "file":
            followers = self.renders.find_for_file(call.file)
        elif call.token is not None:
            followers = self.renders.find_for_render(call.token.id, call.render)
        else:
            followers = ()
        return tuple(fault for fault in followers if fault.name in shown)

    def describe(self) -> dict[str, Any]:
        """The catalogue, what is armed, and the settings that scenarios can switch."""
        return {
            "catalogue": [fault.describe() for fault in CATALOGUE.values()],
            "armed": [armed.describe() for armed in self.registry.list_armed()],
            "chaos": self.context.settings.chaos,
            "settings": {"address_limit": self.context.tokens.address_limit},
        }
