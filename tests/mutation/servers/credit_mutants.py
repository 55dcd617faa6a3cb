"""Server mutants of section 6: credits."""

from nemolocal_contract.responses import ResponseCode, encode_json

from ..mutation_middleware import Memory, WireRequest, WireResponse
from ..server_mutant import response_mutant


def _balance(request: WireRequest, response: WireResponse) -> dict[str, int] | None:
    if request.endpoint != "balance" or response.code != 0:
        return None
    data: dict[str, int] = response.json["data"]
    return data


@response_mutant("credits.no-frozen", "CRD-1", kills="credits.balance.fields")
def no_frozen(request: WireRequest, response: WireResponse, _memory: Memory) -> WireResponse | None:
    """A balance has no `frozen`."""
    balance = _balance(request, response)
    if balance is None:
        return None
    data = {name: value for name, value in balance.items() if name != "frozen"}
    return response.with_json({"code": 0, "data": {**data, "held": 0}})


@response_mutant("credits.text", "CRD-1", "CRD-2", kills="credits.balance.fields")
def text(request: WireRequest, response: WireResponse, _memory: Memory) -> WireResponse | None:
    """`frozen` is a fraction."""
    balance = _balance(request, response)
    return None if balance is None else response.with_data(frozen=float(balance["frozen"]) + 0.5)


@response_mutant("credits.sum", "CRD-1", kills="credits.balance.sum")
def wrong_sum(request: WireRequest, response: WireResponse, _memory: Memory) -> WireResponse | None:
    """`total` is one too high."""
    balance = _balance(request, response)
    return None if balance is None else response.with_data(total=balance["total"] + 1)


@response_mutant(
    "credits.edit-dear",
    "CRD-3",
    "CRD-2",
    "SSE-5",
    "SSE-7",
    kills="credits.edit.price credits.edit.per-session chat.silent.charged",
)
def edit_dear(request: WireRequest, response: WireResponse, memory: Memory) -> WireResponse | None:
    """An edit costs ten credits too much."""
    bearer = request.headers.get("authorization", "")
    if request.endpoint == "chat" and b"functionResponse" in response.body:
        memory[bearer] = memory.get(bearer, 0) + 10
        return None
    balance, extra = _balance(request, response), memory.get(bearer, 0)
    if balance is None or not extra:
        return None
    return response.with_data(
        available=max(balance["available"] - extra, 0), total=max(balance["total"] - extra, 0)
    )


@response_mutant("credits.clip-dear", "CRD-3", kills="credits.generation.price")
def clip_dear(request: WireRequest, response: WireResponse, memory: Memory) -> WireResponse | None:
    """A generated clip costs one credit too much."""
    bearer = request.headers.get("authorization", "")
    if request.endpoint == "chat" and b"seedance" in response.body:
        memory[bearer] = True
    balance = _balance(request, response)
    if balance is None or not memory.get(bearer):
        return None
    return response.with_data(available=balance["available"] - 1, total=balance["total"] - 1)


@response_mutant("credits.spent-in-refusal", "CRD-4", kills="credits.lacking.unchanged")
def spent_in_refusal(
    request: WireRequest, response: WireResponse, memory: Memory
) -> WireResponse | None:
    """A turn refused with 2001 costs a credit."""
    bearer = request.headers.get("authorization", "")
    if response.code == ResponseCode.NO_CREDITS:
        memory[bearer] = True
    balance = _balance(request, response)
    if balance is None or not memory.get(bearer) or not balance["available"]:
        return None
    return response.with_data(available=balance["available"] - 1, total=balance["total"] - 1)


@response_mutant("credits.talk-costs", "CRD-3", kills="credits.talk.free")
def talk_costs(request: WireRequest, response: WireResponse, memory: Memory) -> WireResponse | None:
    """Every greeting costs a credit."""
    if request.endpoint == "chat" and b'"hello"' in request.body:
        memory["greetings"] = memory.get("greetings", 0) + 1
        return None
    balance, spent = _balance(request, response), memory.get("greetings", 0)
    if balance is None or not spent or balance["available"] < 1_000:
        return None
    return response.with_data(
        available=balance["available"] - spent, total=balance["total"] - spent
    )


@response_mutant("credits.export-costs", "REN-3", kills="credits.export.free")
def export_costs(
    request: WireRequest, response: WireResponse, memory: Memory
) -> WireResponse | None:
    """Every export costs a credit."""
    bearer = request.headers.get("authorization", "")
    if request.endpoint == "render":
        memory[bearer] = memory.get(bearer, 0) + 1
        return None
    balance, spent = _balance(request, response), memory.get(bearer, 0)
    if balance is None or not spent or balance["available"] < 1_000:
        return None
    return response.with_data(
        available=balance["available"] - spent, total=balance["total"] - spent
    )


@response_mutant("credits.kept", "CRD-2", kills="credits.failed.given-back")
def kept(request: WireRequest, response: WireResponse, memory: Memory) -> WireResponse | None:
    """Credits of a failed edit stay frozen."""
    balance = _balance(request, response)
    bearer = request.headers.get("authorization", "")
    if request.endpoint == "chat" and b"put my clip on the timeline" in request.body:
        memory[bearer] = memory.get(bearer, 0) + 1
    if balance is None or memory.get(bearer) != 1 or balance["available"] != 100:
        return None
    return response.with_data(available=50, frozen=50)


@response_mutant("credits.no-link", "CRD-4", kills="credits.lacking.anonymous")
def no_link(_request: WireRequest, response: WireResponse, _memory: Memory) -> WireResponse | None:
    """A 2001 has no registration link."""
    if response.code != ResponseCode.NO_CREDITS or "bind=" not in response.json["message"]:
        return None
    return response.with_json({**response.json, "message": "Out of credits"})


@response_mutant("credits.link-for-all", "CRD-4", kills="credits.lacking.registered")
def link_for_all(
    _request: WireRequest, response: WireResponse, _memory: Memory
) -> WireResponse | None:
    """A registered user is asked to register."""
    if response.code != ResponseCode.NO_CREDITS or "bind=" in response.json["message"]:
        return None
    return response.with_json({**response.json, "message": "Register: https://a.test/?bind=you"})


@response_mutant("credits.refused-in-stream", "CRD-4", "SSE-2", kills="credits.lacking.refused")
def refused_in_stream(
    _request: WireRequest, response: WireResponse, _memory: Memory
) -> WireResponse | None:
    """A 2001 is a text in a stream."""
    if response.code != ResponseCode.NO_CREDITS:
        return None
    text = encode_json({"content": {"parts": [{"text": response.json["message"]}]}})
    return WireResponse(200, {"content-type": "text/event-stream"}, b"data: " + text + b"\n\n")
