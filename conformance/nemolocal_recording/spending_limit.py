"""How many paid calls a recording may forward (CRD-3)."""

from typing import Literal

import msgspec

Limit = Literal["turns", "renders"]
# CRD-3: what a generation and an edit cost.
GENERATION_CREDITS, EDIT_CREDITS = 100, 50
_LIMITED: dict[str, Limit] = {"chat": "turns", "render": "renders"}


class SpendingLimit(msgspec.Struct):
    """Counts turns and exports, and says which one is over the limit."""

    max_turns: int
    max_renders: int
    turns: int = 0
    renders: int = 0

    def admit(self, endpoint: str | None) -> Limit | None:
        """Count a request; return the limit that forbids it, or None."""
        limit = _LIMITED.get(endpoint or "")
        if limit is None:
            return None
        used, most = (
            (self.turns, self.max_turns) if limit == "turns" else (self.renders, self.max_renders)
        )
        if used >= most:
            return limit
        if limit == "turns":
            self.turns += 1
        else:
            self.renders += 1
        return None

    @property
    def cost_message(self) -> str:
        """What the run may cost at most, by the tariff of the contract."""
        most = self.max_turns * GENERATION_CREDITS
        return (
            f"at most {self.max_turns} turns and {self.max_renders} exports are forwarded: up to "
            f"{most} credits if every turn generates a clip ({GENERATION_CREDITS} each; the first "
            f"edit of a session costs {EDIT_CREDITS}, talk and exports nothing)"
        )
