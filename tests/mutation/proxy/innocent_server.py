"""An innocent server: the reference with one level of every factor that the contract leaves open.

`FACTORS` are the factors and the names of their levels, the first of each as the reference has it.
"""

from collections.abc import AsyncIterator, Callable, Mapping
from email.utils import formatdate, parsedate_to_datetime
from typing import Any

import httpx

from nemolocal_contract.endpoints import CLOCK_ADVANCE
from nemolocal_server.dialect import Dialect

from . import innocent_json as changes, innocent_streams as streams
from .innocent_framing import (
    CODINGS,
    CONTENT_TYPES,
    FRAMINGS,
    FURTHER_HEADERS,
    NAME_CASES,
    respelled_type,
)
from .innocent_json import JsonChange, Noise
from .innocent_streams import FrameChange
from .intercepting_proxy import Forward, ObservedTraffic
from .proxy_messages import InterceptedRequest, InterceptedResponse, Write
from .proxy_mutant import endpoint_of, event_of

_JSON_CHANGES: dict[str, dict[str, JsonChange]] = {
    "texts": {
        "longer": changes.longer_messages,
        "bilingual": changes.bilingual_messages,
    },
    "said": {"decorated": changes.decorated_texts, "split": changes.split_texts},
    "times": {"nanoseconds": changes.other_times},
    "numbers": {"floats": changes.floats},
    "fields": {"odd": changes.with_odd_fields, "customary": changes.with_customary_fields},
    "order": {"reversed": changes.reversed_order, "shuffled": changes.shuffled_order},
}
_SPELLINGS: dict[str, Callable[[Any], bytes]] = {
    "compact": changes.spell_compact,
    "indented": changes.spell_indented,
    "spaced": changes.spell_spaced,
    "escaped": changes.spell_escaped,
}
# In the order in which they are applied.
_FRAME_CHANGES: dict[str, dict[str, FrameChange]] = {
    "heartbeats": {
        "doubled": streams.doubled_heartbeats,
        "spaced": streams.spaced_heartbeats,
        "told": streams.told_heartbeats,
    },
    "frames": {
        "comments": streams.with_comments,
        "fields": streams.with_other_fields,
        "no space": streams.without_space,
    },
    "lines": {"CRLF": streams.with_crlf, "CR": streams.with_cr},
}
_DIALECT = {
    "sse": ("adk", "typed"),
    "heartbeat": ("line", "event"),
    "heartbeat_seconds": ("15", "1", "40", "86400"),
    "render": ("flat", "nested"),
    "errors": ("envelope", "http", "adk"),
    "export_402": ("strict", "out_of_credits"),
}
FACTORS: dict[str, tuple[str, ...]] = {
    **_DIALECT,
    **{name: ("as it is", *levels) for name, levels in _JSON_CHANGES.items()},
    **{name: ("as it is", *levels) for name, levels in _FRAME_CHANGES.items()},
    "spelling": tuple(_SPELLINGS),
    "ids": ("as it is", "longer"),
    "mark": ("none", "byte order mark"),
    "framing": tuple(FRAMINGS),
    "names": tuple(NAME_CASES),
    "headers": tuple(FURTHER_HEADERS),
    "type": tuple(CONTENT_TYPES),
    "coding": ("none", *CODINGS),
    "dates": ("seconds", "date"),
    "files": ("at once", "redirected"),
    "pace": ("at once", "slow"),
}
Levels = Mapping[str, str]
# Seconds by which a slow server answers later, every so many responses.
_LATER, _EVERY = 2, 5


class InnocentServer:
    """An interceptor by its levels; those left out are as the reference has them."""

    def __init__(self, levels: Levels) -> None:
        self.levels = {name: levels.get(name, FACTORS[name][0]) for name in FACTORS}
        self._noise = Noise(sorted(levels.items()))
        self._changes = [
            known[self.levels[factor]]
            for factor, known in _JSON_CHANGES.items()
            if self.levels[factor] in known
        ]
        self._frame_changes = [
            known[self.levels[factor]]
            for factor, known in _FRAME_CHANGES.items()
            if self.levels[factor] in known
        ]

    @property
    def dialect(self) -> Dialect:
        """The dialect of the reference."""
        chosen: dict[str, Any] = {name: self.levels[name] for name in _DIALECT}
        chosen["heartbeat_seconds"] = float(chosen["heartbeat_seconds"])
        return Dialect(**chosen)

    async def intercept(
        self, request: InterceptedRequest, forward: Forward, observed: ObservedTraffic
    ) -> InterceptedResponse:
        """Change a response of the contract's endpoints."""
        del observed
        await self._let_time_pass(request, forward)
        response = await forward(self._restored(request))
        if self.levels["files"] == "redirected" and _may_be_redirected(request, response):
            response = _redirect(request)
        if response.frames is not None:
            response.frames = self._stream(response.frames)
        elif response.headers.get("Content-Type", "").startswith("application/json"):
            response.body = self._spelled(response.json)
            self._compress(response)
        self._date(response)
        return self._finish(response)

    async def intercept_control(
        self, request: InterceptedRequest, forward: Forward, observed: ObservedTraffic
    ) -> InterceptedResponse:
        """Give the control API the ids that the rest has."""
        del observed
        response = await forward(self._restored(request))
        if self.levels["ids"] == "longer" and response.body:
            longer = changes.longer_ids(response.json, self._noise)
            response.body = changes.spell_compact(longer)
        return response

    def _restored(self, request: InterceptedRequest) -> InterceptedRequest:
        """Return a request with the ids that the reference knows."""
        if self.levels["ids"] == "longer":
            mark = changes.MARK
            request.path = request.path.replace(mark, "")
            request.query = request.query.replace(mark, "")
            if token := request.token:
                request.headers["Authorization"] = request.headers["Authorization"].replace(
                    token, token.replace(mark, "")
                )
            request.body = request.body and request.body.replace(mark.encode(), b"")
        return request

    async def _let_time_pass(self, request: InterceptedRequest, forward: Forward) -> None:
        """Answer later by the server's clock; the length of a turn has limits of its own."""
        if self.levels["pace"] == "at once" or endpoint_of(request) == "chat":
            return
        if not next(self._noise.count) % _EVERY:
            method, path = CLOCK_ADVANCE.method, CLOCK_ADVANCE.template
            headers = httpx.Headers(
                {"Host": request.headers["Host"], "Content-Type": "application/json"}
            )
            order = InterceptedRequest(method, path, "", headers, None, request.client_port)
            await forward(order.set_json({"seconds": _LATER}))

    def _changed(self, value: Any) -> Any:
        for change in self._changes:
            value = change(value, self._noise)
        if self.levels["ids"] == "longer":
            value = changes.longer_ids(value, self._noise)
        return value

    def _spelled(self, value: Any) -> bytes:
        return _SPELLINGS[self.levels["spelling"]](self._changed(value))

    def _stream(self, frames: AsyncIterator[bytes]) -> AsyncIterator[bytes]:
        changed = (self._frame(frame) async for frame in frames)
        return streams.with_byte_order_mark(changed) if self.levels["mark"] != "none" else changed

    def _frame(self, frame: bytes) -> bytes:
        event = event_of(frame)
        if event is not None and not streams.is_heartbeat(frame):
            frame = streams.frame_of_text(self._spelled(event).decode())
        for change in self._frame_changes:
            frame = change(frame)
        return frame

    def _compress(self, response: InterceptedResponse) -> None:
        if self.levels["coding"] in CODINGS:
            name, compress = CODINGS[self.levels["coding"]]
            response.headers["Content-Encoding"] = name
            response.body = compress(response.body)

    def _date(self, response: InterceptedResponse) -> None:
        """Say when to come back by a date (RFC 9110)."""
        said = response.headers.get("Retry-After", "")
        if self.levels["dates"] == "date" and said.isdecimal():
            now = parsedate_to_datetime(response.headers["Date"]).timestamp()
            response.headers["Retry-After"] = formatdate(now + int(said), usegmt=True)

    def _finish(self, response: InterceptedResponse) -> InterceptedResponse:
        """Give a response its headers, and the way in which it is sent."""
        kind = response.headers.get("Content-Type", "")
        if kind:
            response.headers["Content-Type"] = respelled_type(kind, self.levels["type"])
        further = FURTHER_HEADERS[self.levels["headers"]]
        pairs = [*response.headers.multi_items(), *further]
        response.headers = httpx.Headers(pairs, encoding="latin-1")
        framing, names = FRAMINGS[self.levels["framing"]], NAME_CASES[self.levels["names"]]

        async def send(whole: InterceptedResponse, write: Write) -> None:
            await framing.send(whole, names, write)

        response.send = send
        return response


def _may_be_redirected(request: InterceptedRequest, response: InterceptedResponse) -> bool:
    """Whether this is a file that has not been redirected yet."""
    is_file = request.method == "GET" and not request.path.startswith(("/api/", "/workspace/"))
    is_file = is_file or endpoint_of(request) == "render_download"
    is_refusal = bool(response.code) or response.status not in (200, 206)
    return is_file and not is_refusal and "signed=1" not in request.query


def _redirect(request: InterceptedRequest) -> InterceptedResponse:
    query = f"{request.query}&signed=1" if request.query else "signed=1"
    return InterceptedResponse(307, httpx.Headers({"Location": f"{request.path}?{query}"}))
