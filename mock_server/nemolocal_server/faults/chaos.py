"""Chaos: faults by seeded chance, the same ones in every run and in whatever order clients come."""

from collections import Counter

from ..seeded_random import SeededRandom
from .api_call import ApiCall
from .catalogue import CATALOGUE, ActiveFault, Fault

_LOSING_THE_REPLY = ("cut-fin", "cut-reset", "commit-then-drop")


class Chaos:
    """Strikes `rate` of all calls, drawn by client, endpoint and how many such calls came before.

    Each token counts for itself, and each endpoint: how often a client polls changes nothing else.
    """

    def __init__(self, rate: float, draw: SeededRandom) -> None:
        self._rate = rate
        self._draw = draw
        self._calls: Counter[tuple[str, str]] = Counter()

    def next_for(self, call: ApiCall) -> ActiveFault | None:
        """The fault that befalls this call; nothing befalls calls of nobody."""
        if not self._rate or not call.client_id:
            return None
        token = call.token
        owner, drawn_by = (
            (call.client_id, call.client_id) if token is None else (f"{token.id}", token.draw_id)
        )
        self._calls[owner, call.endpoint] += 1
        key = (drawn_by, call.endpoint, self._calls[owner, call.endpoint])
        if not self._draw.bernoulli(self._rate, "chaos", *key):
            return None
        faults = _chaotic(call.endpoint)
        chosen = faults[int(self._draw.random("fault", *key) * len(faults))]
        return ActiveFault(chosen.name, chosen.args())


def _chaotic(endpoint: str) -> list[Fault]:
    faults = [
        fault for fault in CATALOGUE.values() if fault.chaotic and endpoint in fault.endpoints
    ]
    # Who does not get to see its token gets no other for a week (AUTH-3): nobody survives that.
    return [f for f in faults if endpoint != "token" or f.name not in _LOSING_THE_REPLY]
