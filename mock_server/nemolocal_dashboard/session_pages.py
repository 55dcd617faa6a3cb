"""The page *Sessions*: the list, and one session with its player, timeline, chat and credits."""

from collections.abc import Mapping
from typing import Any

import msgspec
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from nemolocal_contract.control_api import (
    AssetDetail,
    RenderSummary,
    SessionDetail,
    TurnDetail,
)
from nemolocal_contract.describe import describe_timeline
from nemolocal_contract.draft import Draft, draft_from_wire
from nemolocal_contract.endpoints import ASSET_STRIP, ASSET_WAVEFORM, UI_PREFIX
from nemolocal_contract.responses import encode_json
from nemolocal_server.errors import bad_request
from nemolocal_server.request_context import services_of

from .page_rendering import (
    TIME_FORMATS,
    clock_time,
    fragment_response,
    or_not_found,
    render_response,
    root_path,
    texts_of,
)
from .timeline_layout import (
    VIEW_WIDTH,
    ZOOMS,
    SourceSpan,
    TimelineMedia,
    lay_out_timeline,
    source_spans,
    timeline_length,
)

_SHOWN_TURNS = 200


class Player(msgspec.Struct, frozen=True):
    """What is played: a file, and where its seconds are on the timeline.

    `version` is the number of the version that was rendered, None for an upload or where the client
    sent another draft.
    """

    url: str
    kind: str
    name: str
    is_render: bool
    version: int | None
    spans: tuple[SourceSpan, ...]

    @property
    def spans_json(self) -> str:
        """The spans for the script: `[[start, end, at, speed], …]`."""
        return encode_json([msgspec.structs.astuple(span) for span in self.spans]).decode()


class ToolUse(msgspec.Struct, frozen=True):
    """A tool call with its result as JSON, "" if it has none."""

    name: str
    args: str
    response: str


class Bubble(msgspec.Struct, frozen=True):
    """A turn in the chat: what was said, the folded tool calls, and what each version changed."""

    turn: TurnDetail
    time: str
    tools: tuple[ToolUse, ...]
    texts: tuple[str, ...]
    changes: tuple[str, ...]


def routes() -> list[BaseRoute]:
    """Return the routes of the page."""
    root = f"{UI_PREFIX}/sessions"
    return [
        Route(root, _show_list),
        Route(f"{root}/rows", _show_rows),
        Route(f"{root}/{{session}}", or_not_found(_show_session)),
        Route(f"{root}/{{session}}/timeline", or_not_found(_show_timeline)),
        Route(f"{root}/{{session}}/record", or_not_found(_show_record)),
    ]


async def _show_list(request: Request) -> Response:
    return render_response(
        request, "sessions.html", title="nav_sessions", active="sessions", **_rows(request)
    )


async def _show_rows(request: Request) -> Response:
    return fragment_response(request, "_session_rows.html", **_rows(request))


def _rows(request: Request) -> dict[str, Any]:
    return {"sessions": services_of(request).sessions.list_sessions(), **TIME_FORMATS}


async def _show_session(request: Request) -> Response:
    detail = _detail(request)
    return render_response(
        request,
        "session.html",
        title="nav_sessions",
        active="sessions",
        **{**await _record(request, detail), **await _timeline(request, detail)},
    )


async def _show_timeline(request: Request) -> Response:
    return fragment_response(
        request, "_session_timeline.html", **await _timeline(request, _detail(request))
    )


async def _show_record(request: Request) -> Response:
    return fragment_response(
        request, "_session_record.html", **await _record(request, _detail(request))
    )


def _detail(request: Request) -> SessionDetail:
    # Paths of this server, so that they hold under whatever name the browser knows it.
    return services_of(request).sessions.read(request.path_params["session"], root_path(request))


async def _record(request: Request, detail: SessionDetail) -> dict[str, Any]:
    """The chat, the ledger, the media and the renders."""
    turns = detail.turns[-_SHOWN_TURNS:]
    changes = await services_of(request).drafts.describe_all(
        detail.session.id,
        [number for turn in turns for number in turn.versions],
        texts_of(request).language,
    )
    return {
        "detail": detail,
        "player": _player(detail, Draft()),
        "bubbles": [_bubble(turn, changes) for turn in turns],
        "hidden_turns": max(len(detail.turns) - _SHOWN_TURNS, 0),
        **TIME_FORMATS,
    }


async def _timeline(request: Request, detail: SessionDetail) -> dict[str, Any]:
    """The drawing of a version, and what it changed since the version before."""
    services, session = services_of(request), detail.session
    number = _choice(request, "version", session.version, range(1, session.version + 1))
    zoom = _choice(request, "zoom", ZOOMS[0], ZOOMS)
    view = _choice(request, "view", VIEW_WIDTH, range(100, 8001))
    draft = draft_from_wire(services.drafts.read(session.id, number).draft)
    language = texts_of(request).language
    before = number - 1
    return {
        "detail": detail,
        "number": number,
        "zoom": zoom,
        "zooms": ZOOMS,
        "turn": next((turn for turn in detail.turns if number in turn.versions), None),
        "changes": await services.drafts.describe(session.id, before, number, language)
        if before
        else (),
        "timeline": lay_out_timeline(draft, _media(request, detail.assets), zoom, language, view),
        "words": describe_timeline(draft, language),
        "player": _player(detail, draft),
    }


def _choice(request: Request, name: str, default: int, allowed: range | tuple[int, ...]) -> int:
    text = request.query_params.get(name)
    if text is None:
        return default
    number = int(text) if text.isascii() and text.isdecimal() and len(text) < 10 else -1
    if number not in allowed:
        raise bad_request(f"query: `{name}` must be from {allowed[0]} to {allowed[-1]}")
    return number


def _media(request: Request, assets: tuple[AssetDetail, ...]) -> Mapping[str, TimelineMedia]:
    root = root_path(request)
    return {
        asset.id: TimelineMedia(
            asset.duration,
            "" if asset.kind == "audio" else root + ASSET_STRIP.path(asset=asset.id),
            asset.tiles,
            root + ASSET_WAVEFORM.path(asset=asset.id) if asset.has_audio else "",
        )
        for asset in assets
    }


def _player(detail: SessionDetail, draft: Draft) -> Player | None:
    """The newest completed render, else the first video that was uploaded, else any first file."""
    render: RenderSummary | None = next((r for r in detail.renders if r.url is not None), None)
    if render is not None and render.url is not None:
        span = SourceSpan(0.0, timeline_length(draft) / 1000, 0.0, 1.0)
        return Player(render.url, "video", render.id, True, render.version, (span,))
    playable = [asset for asset in detail.assets if asset.kind != "image"]
    asset = next((a for a in playable if a.kind == "video"), next(iter(playable), None))
    if asset is None:
        return None
    spans = source_spans(draft, asset.id)
    return Player(asset.url, asset.kind, asset.filename, False, None, spans)


def _bubble(turn: TurnDetail, changes: Mapping[int, tuple[str, ...]]) -> Bubble:
    sentences = tuple(sentence for number in turn.versions for sentence in changes.get(number, ()))
    texts = tuple(event["text"] for event in turn.events if event["kind"] == "text")
    return Bubble(turn, clock_time(turn.started), _tool_uses(turn), texts, sentences)


def _tool_uses(turn: TurnDetail) -> tuple[ToolUse, ...]:
    """Each tool call with the result that follows it."""
    uses: list[ToolUse] = []
    for event in turn.events:
        if event["kind"] == "tool_call":
            uses.append(ToolUse(event["name"], _json(event["args"]), ""))
        elif event["kind"] == "tool_result":
            response = _json(event["response"])
            if uses and not uses[-1].response and uses[-1].name == event["name"]:
                uses[-1] = msgspec.structs.replace(uses[-1], response=response)
            else:
                uses.append(ToolUse(event["name"], "", response))
    return tuple(uses)


def _json(value: object) -> str:
    return msgspec.json.format(encode_json(value), indent=2).decode()
