"""Servers that break section 6: credits."""

from nemolocal_contract.codes import Code
from nemolocal_contract.envelope import encode_json

from ..mutant import replies
from ..wire import Answered, Asked, Memory


def _balance(asked: Asked, answered: Answered) -> dict[str, int] | None:
    if asked.endpoint != "balance" or answered.code != 0:
        return None
    data: dict[str, int] = answered.json["data"]
    return data


@replies("credits.no-frozen", "CRD-1", kills="credits.balance.fields")
def no_frozen(asked: Asked, answered: Answered, _memory: Memory) -> Answered | None:
    """A balance has no `frozen`."""
    balance = _balance(asked, answered)
    if balance is None:
        return None
    data = {name: value for name, value in balance.items() if name != "frozen"}
    return answered.saying({"code": 0, "data": {**data, "held": 0}})


@replies("credits.text", "CRD-1", "CRD-2", kills="credits.balance.fields")
def text(asked: Asked, answered: Answered, _memory: Memory) -> Answered | None:
    """`frozen` is told as a fraction."""
    balance = _balance(asked, answered)
    return None if balance is None else answered.having(frozen=float(balance["frozen"]) + 0.5)


@replies("credits.sum", "CRD-1", kills="credits.balance.sum")
def wrong_sum(asked: Asked, answered: Answered, _memory: Memory) -> Answered | None:
    """`total` is one too many."""
    balance = _balance(asked, answered)
    return None if balance is None else answered.having(total=balance["total"] + 1)


@replies(
    "credits.edit-dear",
    "CRD-3",
    "CRD-2",
    "SSE-5",
    "SSE-7",
    kills="credits.edit.price credits.edit.per-session chat.silent.charged",
)
def edit_dear(asked: Asked, answered: Answered, memory: Memory) -> Answered | None:
    """An edit costs ten credits more than it should."""
    bearer = asked.headers.get("authorization", "")
    if asked.endpoint == "chat" and b"functionResponse" in answered.body:
        memory[bearer] = memory.get(bearer, 0) + 10
        return None
    balance, extra = _balance(asked, answered), memory.get(bearer, 0)
    if balance is None or not extra:
        return None
    return answered.having(
        available=max(balance["available"] - extra, 0), total=max(balance["total"] - extra, 0)
    )


@replies("credits.clip-dear", "CRD-3", kills="credits.generation.price")
def clip_dear(asked: Asked, answered: Answered, memory: Memory) -> Answered | None:
    """A generated clip costs a credit more than it should."""
    bearer = asked.headers.get("authorization", "")
    if asked.endpoint == "chat" and b"seedance" in answered.body:
        memory[bearer] = True
    balance = _balance(asked, answered)
    if balance is None or not memory.get(bearer):
        return None
    return answered.having(available=balance["available"] - 1, total=balance["total"] - 1)


@replies("credits.spent-in-refusal", "CRD-4", kills="credits.lacking.unchanged")
def spent_in_refusal(asked: Asked, answered: Answered, memory: Memory) -> Answered | None:
    """A turn refused with 2001 costs a credit."""
    bearer = asked.headers.get("authorization", "")
    if answered.code == Code.NO_CREDITS:
        memory[bearer] = True
    balance = _balance(asked, answered)
    if balance is None or not memory.get(bearer) or not balance["available"]:
        return None
    return answered.having(available=balance["available"] - 1, total=balance["total"] - 1)


@replies("credits.talk-costs", "CRD-3", kills="credits.talk.free")
def talk_costs(asked: Asked, answered: Answered, memory: Memory) -> Answered | None:
    """Every greeting costs a credit."""
    if asked.endpoint == "chat" and b'"hello"' in asked.body:
        memory["greetings"] = memory.get("greetings", 0) + 1
        return None
    balance, spent = _balance(asked, answered), memory.get("greetings", 0)
    if balance is None or not spent or balance["available"] < 1_000:
        return None
    return answered.having(available=balance["available"] - spent, total=balance["total"] - spent)


@replies("credits.export-costs", "REN-3", kills="credits.export.free")
def export_costs(asked: Asked, answered: Answered, memory: Memory) -> Answered | None:
    """Every export costs a credit."""
    if asked.endpoint == "render":
        memory["exports"] = memory.get("exports", 0) + 1
        return None
    balance, spent = _balance(asked, answered), memory.get("exports", 0)
    if balance is None or not spent or balance["available"] < 1_000:
        return None
    return answered.having(available=balance["available"] - spent, total=balance["total"] - spent)


@replies("credits.kept", "CRD-2", kills="credits.failed.given-back")
def kept(asked: Asked, answered: Answered, memory: Memory) -> Answered | None:
    """Credits of an edit that failed stay frozen."""
    balance = _balance(asked, answered)
    bearer = asked.headers.get("authorization", "")
    if asked.endpoint == "chat" and b"put my clip on the timeline" in asked.body:
        memory[bearer] = memory.get(bearer, 0) + 1
    if balance is None or memory.get(bearer) != 1 or balance["available"] != 100:
        return None
    return answered.having(available=50, frozen=50)


@replies("credits.no-link", "CRD-4", kills="credits.lacking.anonymous")
def no_link(_asked: Asked, answered: Answered, _memory: Memory) -> Answered | None:
    """A 2001 has no registration link."""
    if answered.code != Code.NO_CREDITS or "bind=" not in answered.json["message"]:
        return None
    return answered.saying({**answered.json, "message": "Out of credits"})


@replies("credits.link-for-all", "CRD-4", kills="credits.lacking.registered")
def link_for_all(_asked: Asked, answered: Answered, _memory: Memory) -> Answered | None:
    """A registered user is told to register."""
    if answered.code != Code.NO_CREDITS or "bind=" in answered.json["message"]:
        return None
    return answered.saying({**answered.json, "message": "Register: https://a.test/?bind=you"})


@replies("credits.refused-in-stream", "CRD-4", kills="credits.lacking.refused")
def refused_in_stream(_asked: Asked, answered: Answered, _memory: Memory) -> Answered | None:
    """A 2001 is told as a text of a stream."""
    if answered.code != Code.NO_CREDITS:
        return None
    text = encode_json({"content": {"parts": [{"text": answered.json["message"]}]}})
    return Answered(200, {"content-type": "text/event-stream"}, b"data: " + text + b"\n\n")
