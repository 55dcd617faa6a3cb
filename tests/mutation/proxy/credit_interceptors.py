"""Proxy mutants of sections 6 and 7: credits and the state."""

import json
from collections.abc import Callable
from typing import Any

from nemolocal_contract.endpoints import BALANCE

from .intercepting_proxy import Forward, ObservedTraffic
from .proxy_messages import InterceptedRequest, InterceptedResponse
from .proxy_mutant import (
    endpoint_of,
    frame_of,
    get_as_caller,
    on_failure,
    on_json,
    proxy_mutant,
    stream_response,
)


@proxy_mutant("CRD-1", also_affects="CRD-2")
@on_json("balance")
def total_constant(data: Any) -> None:
    """total is always 100."""
    data["total"] = 100


@proxy_mutant("CRD-1", also_affects="CRD")
@on_json("balance")
def frozen_missing(data: Any) -> None:
    """The balance has no frozen."""
    del data["frozen"]


@proxy_mutant("CRD-1", also_affects="*")
@on_json("balance")
def balance_as_text(data: Any) -> None:
    """The figures of the balance are texts."""
    data.update({name: str(value) for name, value in data.items()})


@proxy_mutant("CRD-2")
@on_json("balance")
def nothing_frozen(data: Any) -> None:
    """Frozen credits are shown as available."""
    data["available"], data["frozen"] = data["total"], 0


@proxy_mutant("CRD-2", also_affects="CRD SSE-5 SSE-7")
async def work_is_free(
    request: InterceptedRequest, forward: Forward, observed: ObservedTraffic
) -> InterceptedResponse:
    """What an operation took is there again when it has ended."""
    if (
        endpoint_of(request) == "chat"
        and request.token in observed.tokens
        and request.token not in observed.memory
    ):
        balance = await get_as_caller(request, forward, BALANCE.template)
        if balance.code == 0:
            observed.memory[request.token] = balance.json["data"]["total"]
    reply = await forward(request)
    if endpoint_of(request) == "balance" and reply.code == 0 and request.token in observed.memory:
        data, whole = reply.json["data"], observed.memory[request.token]
        data = {**data, "available": whole - data["frozen"], "total": whole}
        return reply.set_json({"code": 0, "data": data})
    return reply


async def _charge_more(
    request: InterceptedRequest, forward: Forward, observed: ObservedTraffic, by: int, name: str
) -> InterceptedResponse:
    reply = await forward(request)
    accepted = reply.frames is not None or "status" in reply.json
    if endpoint_of(request) == name and accepted:
        observed.memory[request.token] = observed.memory.get(request.token, 0) + by
    if endpoint_of(request) == "balance" and reply.code == 0:
        data, spent = reply.json["data"], observed.memory.get(request.token, 0)
        less = {"available": data["available"] - spent, "total": data["total"] - spent}
        return reply.set_json({"code": 0, "data": {**data, **less}})
    return reply


@proxy_mutant("CRD-3", also_affects="CRD SSE-7")
async def talk_costs(
    request: InterceptedRequest, forward: Forward, observed: ObservedTraffic
) -> InterceptedResponse:
    """Every message takes one credit more."""
    return await _charge_more(request, forward, observed, 1, "chat")


@proxy_mutant("REN-3", also_affects="CRD-1 CRD-3")
async def export_costs(
    request: InterceptedRequest, forward: Forward, observed: ObservedTraffic
) -> InterceptedResponse:
    """Every accepted export takes ten credits."""
    return await _charge_more(request, forward, observed, 10, "render")


@proxy_mutant("CRD-4")
@on_failure(2001)
def refusal_streamed(response: InterceptedResponse) -> InterceptedResponse:
    """2001 comes as the event of a stream."""
    return stream_response(
        frame_of({"errorCode": "2001", "errorMessage": response.json["message"]})
    )


@proxy_mutant("CRD-4", "SES-4")
@on_failure(2001)
def no_bind(response: InterceptedResponse) -> InterceptedResponse:
    """The link in 2001 has no bind."""
    value = response.json
    return response.set_json({**value, "message": value["message"].replace("?bind=", "?user=")})


@proxy_mutant("CRD-4", "SES-4")
@on_failure(2001)
def bind_of_another(response: InterceptedResponse) -> InterceptedResponse:
    """The link in 2001 binds another user."""
    value = response.json
    return response.set_json(
        {**value, "message": value["message"].replace("bind=anon_", "bind=anon_0")}
    )


@proxy_mutant("STA-1")
@on_json("state")
def state_without_canvas(data: Any) -> None:
    """The state has no canvas_config."""
    del data["state"]["canvas_config"]


@proxy_mutant("STA-1")
@on_json("state")
def ratio_missing(data: Any) -> None:
    """canvas_config has no ratio."""
    del data["state"]["canvas_config"]["ratio"]


@proxy_mutant("STA-1", also_affects="SSE-8")
@on_json("state")
def state_without_media(data: Any) -> None:
    """The state has no generated_media."""
    del data["state"]["generated_media"]


@proxy_mutant("STA-1", also_affects="SES-2 UPL STA-4")
@on_json("state")
def no_video_infos(data: Any) -> None:
    """video_infos stays empty."""
    data["state"]["video_infos"] = []


@proxy_mutant("STA-1")
@on_json("state")
def task_name_lost(data: Any) -> None:
    """task_name is always "project"."""
    data["task_name"] = "project"


def _in_draft(data: Any, change: Callable[[dict[str, Any]], None]) -> None:
    for track in data["state"]["draft"]["t"]:
        change(track)


@proxy_mutant("STA-1", "STA-2", also_affects="*")
@on_json("state")
def draft_as_text(data: Any) -> None:
    """The draft is a text of JSON."""
    data["state"]["draft"] = json.dumps(data["state"]["draft"])


@proxy_mutant("STA-2", also_affects="STA SSE REN")
@on_json("state")
def seconds_in_draft(data: Any) -> None:
    """Durations of the draft are in seconds."""
    draft = data["state"]["draft"]
    draft["d"] = draft.get("d", 0) / 1000
    for track in draft["t"]:
        for segment in track["sg"]:
            segment["d"] /= 1000


@proxy_mutant("STA-2", also_affects="SSE-8 STA-4")
@on_json("state")
def titles_are_type_2(data: Any) -> None:
    """Text tracks have tt 2."""
    _in_draft(data, lambda track: track.update(tt=2) if track["tt"] == 7 else None)


@proxy_mutant("STA-2", also_affects="*")
@on_json("state")
def long_names(data: Any) -> None:
    """The draft says tracks and segments."""
    draft = data["state"]["draft"]
    _in_draft(data, lambda track: track.update(segments=track.pop("sg")))
    draft["tracks"] = draft.pop("t")
