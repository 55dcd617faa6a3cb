"""What the endpoints of exports answer."""

from typing import Any

from nemolocal_contract import endpoints as wire
from nemolocal_contract.endpoints import FAULT, bearer_header

from .backend import Caller
from .refusals import bad_bodies, no_session, refusals, somebody_else

BLOCKED = "nmv_usr_plan-blocks-export"


def render(caller: Caller) -> None:
    caller.connect().upload("clip.mp4")
    path = wire.RENDER.template
    output = {"format": "mp4", "quality": "high"}
    body = _order(caller, "render_1") | {"output": output}
    caller.record("a draft", "POST", path, json_body=body)
    refusals(caller, wire.RENDER, json_body=body)
    caller.record("an id used before", "POST", path, json_body=body)
    next_body = {**body, "id": "render_2"}
    without: dict[str, Any] = {"json_body": next_body, "headers": {"X-Skill-Version": None}}
    caller.record("a missing attribution header", "POST", path, **without)
    caller.record(
        "a plan without export", "POST", path, json_body=next_body, headers=bearer_header(BLOCKED)
    )
    no_session(caller, wire.RENDER, next_body, "sessionId")
    caller.record("an empty id", "POST", path, json_body={**body, "id": ""})
    empty = {**next_body, "draft": {"t": [], "d": 0}}
    caller.record("a draft without segments", "POST", path, json_body=empty)
    unknown = {"id": "seg_1", "s": 0, "d": 1000, "src": "unknown"}
    odd = {**next_body, "draft": {"t": [{"tt": 0, "sg": [unknown]}], "d": 1000}}
    caller.record("a draft of unknown media", "POST", path, json_body=odd)
    caller.record("an odd output", "POST", path, json_body={**body, "output": {"format": "avi"}})
    bad_bodies(caller, path, {"id": "render_2", "sessionId": caller.session})


def _order(caller: Caller, render_id: str) -> dict[str, Any]:
    return {"id": render_id, "sessionId": caller.session, "draft": caller.still()}


def _submit(caller: Caller, render_id: str, fault: str = "") -> None:
    body = _order(caller, render_id)
    caller.send("POST", wire.RENDER.template, json_body=body, headers={FAULT: fault})


def render_status(caller: Caller) -> None:
    caller.connect().upload("clip.mp4")
    _submit(caller, "render_1")
    path = wire.RENDER_STATUS.path(render="render_1")
    for after, what in ((0, "pending"), (12, "begun"), (10, "under way"), (10, "completed")):
        caller.advance(after)
        caller.record(what, "GET", path)
    _submit(caller, "render_2", "render-fails-once")
    caller.advance(60)
    caller.record("failed", "GET", wire.RENDER_STATUS.path(render="render_2"))
    refusals(caller, wire.RENDER_STATUS)
    caller.record("an unknown id", "GET", wire.RENDER_STATUS.path(render="render_9"))
    somebody_else(caller, "GET", path)


def render_cancel(caller: Caller) -> None:
    caller.connect().upload("clip.mp4")
    _submit(caller, "render_1")
    path = wire.RENDER_CANCEL.path(render="render_1")
    caller.record("a render that waits", "POST", path)
    caller.record("once more", "POST", path)
    _submit(caller, "render_2")
    caller.advance(60)
    done = wire.RENDER_CANCEL.path(render="render_2")
    caller.record("a render that is completed", "POST", done)
    refusals(caller, wire.RENDER_CANCEL)
    caller.record("an unknown id", "POST", wire.RENDER_CANCEL.path(render="render_9"))
    somebody_else(caller, "POST", path)


def render_download(caller: Caller) -> None:
    caller.connect().upload("clip.mp4")
    _submit(caller, "render_1")
    path = wire.RENDER_DOWNLOAD.path(render="render_1")
    caller.record("a render that waits", "GET", path)
    caller.advance(60)
    caller.record("a render that is completed", "GET", path)
    caller.record("a part of it", "GET", path, headers={"Range": "bytes=2-7"})
    status = caller.send("GET", wire.RENDER_STATUS.path(render="render_1")).json()
    url = (status.get("output") or {}).get("url") or status["data"]["outputUrl"]
    file = url.removeprefix("http://nemolocal.test")
    caller.record("`output.url` without a token", "GET", file, headers={"Authorization": None})
    caller.record("no such file", "GET", file.replace(".mp4", ".mov"))
    refusals(caller, wire.RENDER_DOWNLOAD)
    caller.record("an unknown id", "GET", wire.RENDER_DOWNLOAD.path(render="render_9"))
    somebody_else(caller, "GET", path)


def export_402(caller: Caller) -> None:
    """Who is refused an export under `export_402=out_of_credits`."""
    caller.connect().upload("clip.mp4")
    caller.say("generate a clip of a city at night")
    path = wire.RENDER.template
    caller.record("no credits", "POST", path, json_body=_order(caller, "render_1"))
    other = caller.another("client-2").connect()
    other.upload("clip.mp4")
    without = {**bearer_header(other.token), "X-Skill-Version": None}
    body = _order(other, "render_1")
    caller.record("a missing attribution header", "POST", path, json_body=body, headers=without)
