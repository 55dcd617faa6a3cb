"""Breaks of sections 6 and 7: credits and the state."""

import json
from collections.abc import Callable
from typing import Any

from nemolocal_contract.endpoints import BALANCE

from .breaks import breaks, endpoint, frame_of, look, on_failure, on_json, stream
from .messages import Asked, Reply
from .proxy import Go, Seen


@breaks("CRD-1", hurts="CRD-2")
@on_json("balance")
def total_constant(data: Any) -> None:
    """total is always 100."""
    data["total"] = 100


@breaks("CRD-1", hurts="CRD")
@on_json("balance")
def frozen_missing(data: Any) -> None:
    """The balance has no frozen."""
    del data["frozen"]


@breaks("CRD-1", hurts="*")
@on_json("balance")
def balance_as_text(data: Any) -> None:
    """The figures of the balance are texts."""
    data.update({name: str(value) for name, value in data.items()})


@breaks("CRD-2")
@on_json("balance")
def nothing_frozen(data: Any) -> None:
    """What is frozen shows as available."""
    data["available"], data["frozen"] = data["total"], 0


@breaks("CRD-2", hurts="CRD SSE-5 SSE-7")
async def work_is_free(asked: Asked, go: Go, seen: Seen) -> Reply:
    """What an operation took is there again when it has ended."""
    if endpoint(asked) == "chat" and asked.token in seen.tokens and asked.token not in seen.own:
        seen.own[asked.token] = (await look(asked, go, BALANCE.template)).json["data"]["total"]
    reply = await go(asked)
    if endpoint(asked) == "balance" and reply.code == 0 and asked.token in seen.own:
        data, whole = reply.json["data"], seen.own[asked.token]
        data = {**data, "available": whole - data["frozen"], "total": whole}
        return reply.saying({"code": 0, "data": data})
    return reply


async def _dearer(asked: Asked, go: Go, seen: Seen, by: int, name: str) -> Reply:
    reply = await go(asked)
    accepted = reply.frames is not None or "status" in reply.json
    if endpoint(asked) == name and accepted:
        seen.own[asked.token] = seen.own.get(asked.token, 0) + by
    if endpoint(asked) == "balance" and reply.code == 0:
        data, spent = reply.json["data"], seen.own.get(asked.token, 0)
        less = {"available": data["available"] - spent, "total": data["total"] - spent}
        return reply.saying({"code": 0, "data": {**data, **less}})
    return reply


@breaks("CRD-3", hurts="CRD SSE-7")
async def talk_costs(asked: Asked, go: Go, seen: Seen) -> Reply:
    """Every message takes one credit more."""
    return await _dearer(asked, go, seen, 1, "chat")


@breaks("REN-3", hurts="CRD-1 CRD-3")
async def export_costs(asked: Asked, go: Go, seen: Seen) -> Reply:
    """Every accepted export takes ten credits."""
    return await _dearer(asked, go, seen, 10, "render")


@breaks("CRD-4")
@on_failure(2001)
def refusal_streamed(reply: Reply) -> Reply:
    """2001 comes as the event of a stream."""
    return stream(frame_of({"errorCode": "2001", "errorMessage": reply.json["message"]}))


@breaks("CRD-4", "SES-4")
@on_failure(2001)
def no_bind(reply: Reply) -> Reply:
    """The link in 2001 has no bind."""
    value = reply.json
    return reply.saying({**value, "message": value["message"].replace("?bind=", "?user=")})


@breaks("CRD-4", "SES-4")
@on_failure(2001)
def bind_of_another(reply: Reply) -> Reply:
    """The link in 2001 binds another user."""
    value = reply.json
    return reply.saying({**value, "message": value["message"].replace("bind=anon_", "bind=anon_0")})


@breaks("STA-1")
@on_json("state")
def state_without_canvas(data: Any) -> None:
    """The state has no canvas_config."""
    del data["state"]["canvas_config"]


@breaks("STA-1")
@on_json("state")
def ratio_missing(data: Any) -> None:
    """canvas_config has no ratio."""
    del data["state"]["canvas_config"]["ratio"]


@breaks("STA-1", hurts="SSE-8")
@on_json("state")
def state_without_media(data: Any) -> None:
    """The state has no generated_media."""
    del data["state"]["generated_media"]


@breaks("STA-1", hurts="SES-2 UPL")
@on_json("state")
def no_video_infos(data: Any) -> None:
    """video_infos stays empty."""
    data["state"]["video_infos"] = []


@breaks("STA-1")
@on_json("state")
def task_name_lost(data: Any) -> None:
    """task_name is always "project"."""
    data["task_name"] = "project"


def _in_draft(data: Any, change: Callable[[dict[str, Any]], None]) -> None:
    for track in data["state"]["draft"]["t"]:
        change(track)


@breaks("STA-1", "STA-2", hurts="*")
@on_json("state")
def draft_as_text(data: Any) -> None:
    """The draft is a text of JSON."""
    data["state"]["draft"] = json.dumps(data["state"]["draft"])


@breaks("STA-2", hurts="STA SSE REN")
@on_json("state")
def seconds_in_draft(data: Any) -> None:
    """Durations of the draft are in seconds."""
    draft = data["state"]["draft"]
    draft["d"] = draft.get("d", 0) / 1000
    for track in draft["t"]:
        for segment in track["sg"]:
            segment["d"] /= 1000


@breaks("STA-2", hurts="SSE-8")
@on_json("state")
def titles_are_type_2(data: Any) -> None:
    """Text tracks have tt 2."""
    _in_draft(data, lambda track: track.update(tt=2) if track["tt"] == 7 else None)


@breaks("STA-2", hurts="*")
@on_json("state")
def long_names(data: Any) -> None:
    """The draft says tracks and segments."""
    draft = data["state"]["draft"]
    _in_draft(data, lambda track: track.update(segments=track.pop("sg")))
    draft["tracks"] = draft.pop("t")
