"""Which calls of a recording a replay makes, what they may cost, and why others are left out."""

import msgspec

from nemolocal_contract.plurals import pluralize

from ..learning.traffic_view import StreamedTurn, TrafficView, segment
from ..recording import ExchangeRecord, Recording
from ..spending_limit import EDIT_CREDITS, GENERATION_CREDITS
from .made_messages import made_message, message_kind

_FINAL = ("completed", "failed")


class ReplayBudget(msgspec.Struct, frozen=True):
    """What a replay may spend; None is no limit."""

    credits: int | None = None
    tokens: int | None = None


class PlannedCall(msgspec.Struct, frozen=True):
    """A recorded exchange and how it is played.

    `left_out` says why it is not. `message` stands for the text of a turn. A call that `polls` is
    repeated until the render has ended, in place of the earlier polls that were recorded: those
    are `merged`.
    """

    exchange: ExchangeRecord
    left_out: str = ""
    message: str = ""
    credits: int = 0
    tokens: int = 0
    polls: bool = False
    merged: bool = False

    @property
    def number(self) -> int:
        """The number of the exchange in the recording."""
        return self.exchange.request.exchange


class RecordingPlan(msgspec.Struct, frozen=True):
    """The calls in their order."""

    calls: tuple[PlannedCall, ...]

    @property
    def credits(self) -> int:
        """The credits that it may cost at most, by the tariff of the contract (CRD-3)."""
        return sum(call.credits for call in self.calls if not call.left_out)

    @property
    def tokens(self) -> int:
        """The anonymous tokens that it asks for."""
        return sum(call.tokens for call in self.calls if not call.left_out)

    @property
    def over_budget(self) -> int:
        """How many calls the budget excludes."""
        return sum("--max-" in call.left_out for call in self.calls)

    def fits(self, budget: ReplayBudget, *, times: int) -> bool:
        """Whether the budget allows it so many times."""
        return (budget.credits is None or times * self.credits <= budget.credits) and (
            budget.tokens is None or times * self.tokens <= budget.tokens
        )

    @property
    def cost_message(self) -> str:
        """What the replay may cost, in one sentence."""
        sent = sum(not (call.left_out or call.merged) for call in self.calls)
        message = (
            f"a replay sends {pluralize(sent, 'call')} and may cost up to "
            f"{pluralize(self.credits, 'credit')} and {pluralize(self.tokens, 'anonymous token')}"
        )
        if self.over_budget:
            left = pluralize(self.over_budget, "call")
            message += f"; {left} not sent: raise --max-credits or --max-tokens"
        return message


def plan_replay(recording: Recording, budget: ReplayBudget) -> RecordingPlan:
    """Plan the replay of a recording within a budget."""
    view = TrafficView(recording)
    ends = _render_ends(view)
    planner = _ReplayPlanner(view, budget)
    return RecordingPlan(tuple(planner.plan(one, ends) for one in recording.exchanges))


class _ReplayPlanner:
    def __init__(self, view: TrafficView, budget: ReplayBudget) -> None:
        self._view = view
        self._budget = budget
        self._credits, self._tokens = 0, 0
        self._edited: set[str] = set()
        self._turns = {turn.number: turn for turn in view.turns}
        self._clients: set[str] = set()

    def plan(self, one: ExchangeRecord, ends: dict[str, int]) -> PlannedCall:
        reason = _unplayable(one)
        if reason:
            return PlannedCall(one, reason)
        if one.endpoint == "render_status":
            last = ends.get(segment(one, "render"), one.request.exchange)
            if one.request.exchange != last:
                return PlannedCall(one, merged=True)
            return PlannedCall(one, polls=segment(one, "render") in ends)
        if one.endpoint == "chat":
            return self._turn(one)
        return self._token(one) if one.endpoint == "token" else PlannedCall(one)

    def _turn(self, one: ExchangeRecord) -> PlannedCall:
        sent = one.sent_json if isinstance(one.sent_json, dict) else {}
        session = str(sent.get("session_id", ""))
        turn = self._turns.get(one.request.exchange) or StreamedTurn(one, (), session)
        credits = self._price(turn)
        limit = self._budget.credits
        if limit is not None and self._credits + credits > limit:
            return PlannedCall(one, f"over --max-credits {limit}")
        self._credits += credits
        return PlannedCall(one, message=made_message(self._view, turn), credits=credits)

    def _price(self, turn: StreamedTurn) -> int:
        kind = message_kind(self._view, turn)
        if kind == "generation":
            return GENERATION_CREDITS
        if kind == "talk" or turn.session in self._edited:
            return 0
        self._edited.add(turn.session)
        return EDIT_CREDITS

    def _token(self, one: ExchangeRecord) -> PlannedCall:
        client = one.request.headers.get("x-client-id", "")
        # A second call of a client gets no token.
        if not client.strip() or client in self._clients:
            return PlannedCall(one)
        limit = self._budget.tokens
        if limit is not None and self._tokens >= limit:
            return PlannedCall(one, f"over --max-tokens {limit}")
        self._clients.add(client)
        self._tokens += 1
        return PlannedCall(one, tokens=1)


def _unplayable(one: ExchangeRecord) -> str:
    """Return why an exchange cannot be played again, "" if it can."""
    if one.request.generation == 2:
        return "it belongs to the newer interface"
    if one.refused is not None:
        return "the recorder did not forward it"
    if one.ending == "upgraded":
        return "another protocol followed"
    if one.request_body is None:
        return "its body was not recorded to its end"
    return ""


def _render_ends(view: TrafficView) -> dict[str, int]:
    """Return the exchange in which each render was first seen to have ended."""
    found: dict[str, int] = {}
    for one, body in view.successes("render_status"):
        if body.get("status") in _FINAL:
            found.setdefault(segment(one, "render"), one.request.exchange)
    return found
