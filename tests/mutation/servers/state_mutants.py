"""Server mutants of section 7: the state and its draft."""

from typing import Any

import msgspec

from ..mutation_middleware import Memory, WireRequest, WireResponse
from ..server_mutant import request_mutant, response_mutant


def _state(request: WireRequest, response: WireResponse) -> dict[str, Any] | None:
    if request.endpoint != "state" or response.code != 0:
        return None
    data: dict[str, Any] = response.json["data"]
    return data


def _drafted(response: WireResponse, **changed: Any) -> WireResponse:
    """Return the state with a change in its draft."""
    data = response.json["data"]
    draft = {**data["state"]["draft"], **changed}
    return response.with_data(state={**data["state"], "draft": draft})


def _segments_changed(response: WireResponse, change: Any) -> WireResponse:
    tracks = response.json["data"]["state"]["draft"].get("t") or []
    changed = [{**t, "sg": [change(segment) for segment in t.get("sg") or []]} for t in tracks]
    return _drafted(response, t=changed)


@response_mutant("state.no-task-name", "STA-1", kills="state.fields.outer")
def no_task_name(
    request: WireRequest, response: WireResponse, _memory: Memory
) -> WireResponse | None:
    """A state has no task name."""
    return None if _state(request, response) is None else response.with_data(task_name=None)


@response_mutant("state.task-renamed", "STA-1", kills="state.fields.task-name")
def task_renamed(
    request: WireRequest, response: WireResponse, _memory: Memory
) -> WireResponse | None:
    """Every task has the name `project`."""
    data = _state(request, response)
    if data is None or data["task_name"] == "project":
        return None
    return response.with_data(task_name="project")


@response_mutant("state.no-canvas", "STA-1", kills="state.fields.inner")
def no_canvas(request: WireRequest, response: WireResponse, _memory: Memory) -> WireResponse | None:
    """A state has no canvas_config."""
    data = _state(request, response)
    if data is None:
        return None
    kept = {name: part for name, part in data["state"].items() if name != "canvas_config"}
    return response.with_data(state=kept)


@response_mutant("state.uploads-hidden", "STA-1", "UPL-2", "STA-4", kills="state.uploads.listed")
def uploads_hidden(
    request: WireRequest, response: WireResponse, _memory: Memory
) -> WireResponse | None:
    """A state does not list uploads."""
    data = _state(request, response)
    if data is None or not data["state"]["video_infos"]:
        return None
    return response.with_data(state={**data["state"], "video_infos": []})


@response_mutant("state.media-hidden", "STA-1", "SSE-8", "STA-4", kills="chat.generation.media")
def media_hidden(
    request: WireRequest, response: WireResponse, _memory: Memory
) -> WireResponse | None:
    """A state does not list generated media."""
    data = _state(request, response)
    if data is None or not data["state"]["generated_media"]:
        return None
    return response.with_data(state={**data["state"], "generated_media": []})


@response_mutant("state.long-names", "STA-2", "STA-4", kills="state.draft.names")
def long_names(
    request: WireRequest, response: WireResponse, _memory: Memory
) -> WireResponse | None:
    """The length of a draft is in `duration`."""
    data = _state(request, response)
    if data is None:
        return None
    draft = {**data["state"]["draft"]}
    draft["duration"] = draft.pop("d", 0)
    return response.with_data(state={**data["state"], "draft": draft})


@response_mutant("state.seconds", "STA-2", "STA-4", kills="state.draft.milliseconds")
def seconds(request: WireRequest, response: WireResponse, _memory: Memory) -> WireResponse | None:
    """The length of a draft is in seconds."""
    data = _state(request, response)
    if data is None:
        return None
    return _drafted(response, d=data["state"]["draft"]["d"] / 1000)


@response_mutant(
    "state.text-type", "STA-2", "SSE-7", "SSE-8", "STA-4", kills="state.draft.text-type"
)
def text_type(request: WireRequest, response: WireResponse, _memory: Memory) -> WireResponse | None:
    """Titles are on tracks of type 1."""
    data = _state(request, response)
    if data is None or not any(t.get("tt") == 7 for t in data["state"]["draft"].get("t") or []):
        return None
    tracks = [{**t, "tt": 1} if t["tt"] == 7 else t for t in data["state"]["draft"]["t"]]
    return _drafted(response, t=tracks)


@response_mutant(
    "state.video-type", "STA-2", "SSE-7", "SSE-8", "REN-7", "STA-4", kills="state.draft.video-type"
)
def video_type(
    request: WireRequest, response: WireResponse, _memory: Memory
) -> WireResponse | None:
    """Clips are on tracks of type 1."""
    data = _state(request, response)
    if data is None or not data["state"]["draft"].get("t"):
        return None
    tracks = [{**t, "tt": 1} if t["tt"] == 0 else t for t in data["state"]["draft"]["t"]]
    return _drafted(response, t=tracks)


@response_mutant(
    "state.emptied", "STA-3", "SSE-7", "SSE-8", "STA-4", "CRD-2", kills="state.ready.after-edit"
)
def emptied(request: WireRequest, response: WireResponse, _memory: Memory) -> WireResponse | None:
    """The tracks of a state have no segments."""
    data = _state(request, response)
    if data is None or not data["state"]["draft"].get("t"):
        return None
    return _drafted(response, t=[{**t, "sg": []} for t in data["state"]["draft"]["t"]])


@response_mutant("state.prefilled", "STA-3", "SES-1", "STA-4", kills="session.new.empty")
def prefilled(request: WireRequest, response: WireResponse, _memory: Memory) -> WireResponse | None:
    """A new session has a clip on its timeline."""
    data = _state(request, response)
    if data is None or data["state"]["draft"].get("t") or data["state"]["video_infos"]:
        return None
    return _drafted(response, t=[{"tt": 0, "sg": [{"id": "x", "s": 0, "d": 1000}]}])


@response_mutant("state.strange-names", "STA-4", kills="state.segment.names")
def strange_names(
    request: WireRequest, response: WireResponse, _memory: Memory
) -> WireResponse | None:
    """A segment has its id under another name."""
    data = _state(request, response)
    if data is None or not data["state"]["draft"].get("t"):
        return None

    def renamed(segment: dict[str, Any]) -> dict[str, Any]:
        return {"key" if name == "id" else name: value for name, value in segment.items()}

    return _segments_changed(response, renamed)


# An export of the draft that was read is rejected.
_EXPORTS = ("REN-1", "REN-4", "REN-5", "REN-8", "REN-9")


@response_mutant("state.negative", "STA-4", *_EXPORTS, kills="state.segment.times")
def negative(request: WireRequest, response: WireResponse, _memory: Memory) -> WireResponse | None:
    """Segments have negative start times."""
    data = _state(request, response)
    if data is None or not data["state"]["draft"].get("t"):
        return None
    return _segments_changed(response, lambda segment: {**segment, "s": segment["s"] - 1})


@response_mutant(
    "state.stale", "STA-1", "SES-2", "SSE-5", "SSE-7", "SSE-9", "STA-2", kills="state.newest"
)
def stale(request: WireRequest, response: WireResponse, memory: Memory) -> WireResponse | None:
    """`latest` is the first draft that had a clip."""
    data = _state(request, response)
    if data is None or not data["state"]["draft"].get("t"):
        return None
    first = memory.setdefault(request.path, response)
    return None if first.body == response.body else first


@response_mutant("state.restless", "STA-1", "STA-4", "SES-2", "GEN-7", kills="state.read-only")
def restless(request: WireRequest, response: WireResponse, memory: Memory) -> WireResponse | None:
    """Each read of a draft makes it longer."""
    data = _state(request, response)
    if data is None or not data["state"]["draft"].get("t"):
        return None
    memory["looks"] = memory.get("looks", 0) + 1
    return _drafted(response, d=data["state"]["draft"]["d"] + memory["looks"] / 1000)


@request_mutant("session.lost", "SES-2", "GEN-7", kills="session.kept")
def lost(request: WireRequest, memory: Memory) -> WireRequest | None:
    """A session has an empty draft on another connection."""
    closed = request.headers.get("connection", "").lower() == "close"
    memory["closed"] = closed or memory.get("closed", False)
    if request.endpoint != "state" or not memory["closed"]:
        return None
    parts = request.path.split("/")
    parts[-2] = "1000000000000000000"
    return msgspec.structs.replace(request, path="/".join(parts))


def _canvas(request: WireRequest, response: WireResponse, **changed: Any) -> WireResponse | None:
    """Change the canvas of a session that has one."""
    data = _state(request, response)
    if data is None or not data["state"]["canvas_config"]["width"]:
        return None
    canvas = {**data["state"]["canvas_config"], **changed}
    return response.with_data(state={**data["state"], "canvas_config": canvas})


def _sides(response: WireResponse) -> tuple[int, int]:
    body: Any = response.json
    data = body.get("data") if isinstance(body, dict) else None
    state = data.get("state") if isinstance(data, dict) else None
    canvas: Any = state.get("canvas_config") if isinstance(state, dict) else None
    return (canvas["width"], canvas["height"]) if isinstance(canvas, dict) else (0, 0)


@response_mutant("state.canvas-turned", "STA-1", kills="state.canvas.of-clip")
def canvas_turned(
    request: WireRequest, response: WireResponse, _memory: Memory
) -> WireResponse | None:
    """Width and height of the canvas are swapped."""
    width, height = _sides(response)
    return _canvas(request, response, width=height, height=width)


@response_mutant("state.canvas-ratio", "STA-1", kills="state.canvas.of-clip")
def canvas_ratio(
    request: WireRequest, response: WireResponse, _memory: Memory
) -> WireResponse | None:
    """The ratio of the canvas is always 9:16."""
    return _canvas(request, response, ratio="9:16")


@response_mutant("state.canvas-text", "STA-1", kills="state.canvas.types")
def canvas_as_text(
    request: WireRequest, response: WireResponse, _memory: Memory
) -> WireResponse | None:
    """The width of the canvas is a string."""
    return _canvas(request, response, width=str(_sides(response)[0]))


@response_mutant("state.audio-type", "STA-2", "SSE-8", kills="state.draft.audio-type")
def audio_type(
    request: WireRequest, response: WireResponse, _memory: Memory
) -> WireResponse | None:
    """Music is on tracks of type 2."""
    data = _state(request, response)
    if data is None or not any(t.get("tt") == 1 for t in data["state"]["draft"].get("t") or []):
        return None
    tracks = [{**t, "tt": 2} if t["tt"] == 1 else t for t in data["state"]["draft"]["t"]]
    return _drafted(response, t=tracks)


@response_mutant("state.other-task", "STA-1", "SES-1", kills="state.fields.ids")
def other_task(
    request: WireRequest, response: WireResponse, _memory: Memory
) -> WireResponse | None:
    """The task_id of a new session is not that of its state."""
    if request.endpoint != "session" or response.code != 0:
        return None
    return response.with_data(task_id=f"{response.json['data']['task_id']}-1")


@response_mutant("state.other-user", "STA-1", kills="state.fields.ids")
def other_user(
    request: WireRequest, response: WireResponse, _memory: Memory
) -> WireResponse | None:
    """A state belongs to another user id."""
    return None if _state(request, response) is None else response.with_data(user_id="anon_x")


@response_mutant("chat.refused-edits", "GEN-3", "STA-4", "STA-2", kills="chat.refused.unchanged")
def refused_turn_edits(
    request: WireRequest, response: WireResponse, memory: Memory
) -> WireResponse | None:
    """An edit that is refused with 1001 is applied."""
    if request.endpoint == "chat" and response.code == 1001 and b"add a title" in request.body:
        memory[request.json["session_id"]] = True
    data = _state(request, response)
    if data is None or data["session_id"] not in memory or not data["state"]["draft"].get("t"):
        return None
    title = {"tt": 7, "sg": [{"id": "x", "s": 0, "d": 1000, "txt": "Hello"}]}
    return _drafted(response, t=[*data["state"]["draft"]["t"], title])


@response_mutant("state.fades-in-seconds", "STA-4", kills="state.segment.edits")
def fades_in_seconds(
    request: WireRequest, response: WireResponse, _memory: Memory
) -> WireResponse | None:
    """Fades are in seconds."""
    if _state(request, response) is None:
        return None
    return _segments_changed(
        response, lambda one: {**one, **{n: one[n] / 1000 for n in ("fi", "fo") if n in one}}
    )


@response_mutant("state.canvas-of-clip", "STA-1", "STA-4", kills="state.canvas.follows")
def canvas_of_clip(
    request: WireRequest, response: WireResponse, _memory: Memory
) -> WireResponse | None:
    """The canvas keeps the size of the first clip after a format change."""
    data = _state(request, response)
    if data is None:
        return None
    canvas = {"width": 160, "height": 90, "ratio": "16:9"}
    return response.with_data(state={**data["state"], "canvas_config": canvas})
