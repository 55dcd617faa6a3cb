"""Which variants of the wire a recording shows, where sources disagree (SSE-2, REN-4, GEN-2 …)."""

from collections import Counter
from collections.abc import Iterator

from nemolocal_contract.endpoints import missing_attribution
from nemolocal_contract.responses import ResponseCode, http_status

from ..recording import ExchangeRecord
from .traffic_view import TrafficView, balance_of, bearer_of, code_of

VARIANT_RULES = {
    "sse": "SSE-2",
    "heartbeat": "SSE-3",
    "render": "REN-4",
    "errors": "GEN-2",
    "export_402": "REN-2",
}
"""The fields of a dialect and the rule of each."""

_STYLED = tuple(code for code in ResponseCode if http_status(code, "http") != http_status(code))


def seen_variants(view: TrafficView) -> dict[tuple[str, str], int]:
    """Return how often each variant of a field of the dialect was seen."""
    return dict(Counter(_variants(view)))


def event_shapes(exchange: ExchangeRecord) -> set[str]:
    """Return the shapes of the events of a stream: `typed`, `adk`; heartbeats have none."""
    bodies = [frame.json for frame in exchange.frames if isinstance(frame.json, dict)]
    kinds = [body for body in bodies if body.get("type") != "heartbeat"]
    return {"typed" if "type" in body else "adk" for body in kinds}


def _variants(view: TrafficView) -> Iterator[tuple[str, str]]:
    for turn in view.turns:
        yield from (("sse", shape) for shape in event_shapes(turn.exchange))
        for frame in turn.exchange.frames:
            if frame.is_empty:
                yield "heartbeat", "line"
            elif isinstance(frame.json, dict) and frame.json.get("type") == "heartbeat":
                yield "heartbeat", "event"
    for one, _ in view.successes("render", "render_status", "render_cancel"):
        yield "render", "nested" if isinstance(one.json.get("data"), dict) else "flat"
    yield from (("errors", style) for style in _error_styles(view))
    yield from (("export_402", style) for style in _export_styles(view))


def _error_styles(view: TrafficView) -> Iterator[str]:
    for one in view.failures(*_STYLED):
        code = ResponseCode(code_of(one) or 0)
        for style in ("envelope", "http"):
            if http_status(code, style) == one.status:
                yield style
    for one in view.of("chat"):
        if one.status in (404, 422) and isinstance(one.json, dict) and "detail" in one.json:
            yield "adk"


def _export_styles(view: TrafficView) -> Iterator[str]:
    """Yield what exports without attribution show: with credits left only `strict` refuses them."""
    accepted = {one.request.exchange for one, _ in view.successes("render")}
    for one in view.of("render"):
        if not missing_attribution(one.request.headers) or bearer_of(one) not in view.tokens:
            continue
        balances = view.before(one, "balance", "chat")[-1:]
        is_known = bool(balances) and not view.is_paid_unseen(balances[0], one)
        available = balance_of(balances[0])[0] if is_known else None
        if one.request.exchange in accepted:
            yield "out_of_credits"
        elif code_of(one) == ResponseCode.EXPORT_BLOCKED and available:
            yield "strict"
