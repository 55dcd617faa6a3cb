"""Faults that change a response: refusals in place of the endpoint, and filters of the body."""

from collections.abc import Callable, Iterable, Iterator
from itertools import pairwise

import msgspec
from starlette.datastructures import MutableHeaders
from starlette.requests import Request
from starlette.responses import HTMLResponse, Response

from nemolocal_contract.responses import ResponseCode, encode_json, failure
from nemolocal_contract.turn_events import HEARTBEAT_BYTES, encode_sse_event

from ..context import ServerContext
from ..data.ledger import no_credits
from ..data.tokens import TokenRecord
from ..errors import ContractError, bad_request, session_not_found
from ..responses import handle_contract_error
from .catalogue import (
    FILE,
    ActiveFault,
    AfterEventsArgs,
    ApiCall,
    CutMode,
    DropArgs,
    RetryAfterArgs,
    SlowBytesArgs,
    TruncatedDownloadArgs,
)

_PAGE = (
    "<html>\r\n<head><title>{title}</title></head>\r\n<body>\r\n<center><h1>{title}</h1></center>\r\n"
    "<hr><center>nginx</center>\r\n</body>\r\n</html>\r\n"
)
_PAGES = {
    "server-error": (500, "500 Internal Server Error"),
    "bad-gateway": (502, "502 Bad Gateway"),
}


async def build_fault_response(
    request: Request, fault: ActiveFault, call: ApiCall, context: ServerContext
) -> Response | None:
    """Return the response of a fault that stops the request, in the caller's dialect, else None."""
    if fault.name in _PAGES:
        status, title = _PAGES[fault.name]
        return HTMLResponse(_PAGE.format(title=title), status)
    refusal = _refusal(fault, call, context)
    if refusal is None:
        return None
    if fault.name == "token-expired" and call.token is not None:
        # Permanently, or the same client id would get no second token (AUTH-5).
        context.tokens.update(call.token.id, expires=context.clock.time())
    return await handle_contract_error(request, refusal)


def _refusal(fault: ActiveFault, call: ApiCall, context: ServerContext) -> ContractError | None:
    if isinstance(fault.args, RetryAfterArgs):
        wait = str(fault.args.retry_after)
        message = f"Too many requests: retry in {wait} s"
        return ContractError(ResponseCode.RATE_LIMITED, message, {"Retry-After": wait})
    if fault.name == "url-gone" and call.endpoint == FILE:
        return ContractError(ResponseCode.NOT_FOUND, "Not Found")
    # A request without a token gets 1001 from its endpoint, whatever the fault.
    if call.token is None or fault.name not in _REFUSALS:
        return None
    return _REFUSALS[fault.name](call, call.token, context.settings.tariff.editing)


_REFUSALS: dict[str, Callable[[ApiCall, TokenRecord, int], ContractError]] = {
    "export-blocked": lambda *_: ContractError(
        ResponseCode.EXPORT_BLOCKED, "Register or upgrade your plan to unlock export."
    ),
    "token-expired": lambda *_: ContractError(
        ResponseCode.BAD_TOKEN,
        "Token is missing, invalid or expired: get a new one from /api/auth/anonymous-token",
    ),
    "session-lost": lambda call, *_: session_not_found(call.session),
    "out-of-credits": lambda _, token, price: no_credits(token, price, 0),
    "duplicate-id": lambda call, *_: bad_request(
        f"duplicate id {call.render!r}: submit again with a new id"
    ),
}


def build_out_of_credits_body(call: ApiCall, context: ServerContext) -> bytes:
    """Return the 2001 envelope that ends a stream early (that it is sent there is assumed)."""
    if call.token is None:
        return b""
    refusal = no_credits(call.token, context.settings.tariff.editing, 0)
    return encode_json(failure(refusal.code, refusal.message))


_BROKEN_JSON = '{"content": {"role": "model", "parts": [{"text": '


class Pause(msgspec.Struct, frozen=True):
    """Wait `seconds` of the server's clock."""

    seconds: float


class CutConnection(msgspec.Struct, frozen=True):
    """End the connection here."""

    how: CutMode


FilterOutput = bytes | Pause | CutConnection


class BodyFilter:
    """Filters the headers and then the body of one response; this one changes nothing."""

    def filter_headers(self, headers: MutableHeaders) -> CutConnection | None:
        """Change the headers before the first byte is sent, or cut the connection."""
        del headers
        return None

    def filter_chunk(self, chunk: bytes, last: bool) -> Iterable[FilterOutput]:
        """Yield what replaces a chunk; a chunk of a stream is an event, the last one is empty."""
        del last
        yield chunk


class _CutFilter(BodyFilter):
    """Cuts after so many events, or in the middle of the last chunk if that comes first."""

    def __init__(self, how: CutMode, after: int) -> None:
        self._how = how
        self._left = after

    def filter_chunk(self, chunk: bytes, last: bool) -> Iterator[FilterOutput]:
        if self._left and not last:
            self._left -= 1
            yield chunk
            return
        if last:
            yield chunk[: len(chunk) // 2]
        yield CutConnection(self._how)


class _DropFilter(BodyFilter):
    """Cuts before the headers are sent."""

    def __init__(self, how: CutMode) -> None:
        self._how = how

    def filter_headers(self, headers: MutableHeaders) -> CutConnection:
        del headers
        return CutConnection(self._how)


class _AddingFilter(BodyFilter):
    """Adds to a stream; a refusal in its place has a length, which its body must keep."""

    _is_stream = True

    def filter_headers(self, headers: MutableHeaders) -> CutConnection | None:
        self._is_stream = "content-length" not in headers
        return None


class _InsertFilter(_AddingFilter):
    """Inserts a frame after so many events, or at the end."""

    def __init__(self, frame: bytes, after: int | None) -> None:
        self._frame = frame
        self._left = after

    def filter_chunk(self, chunk: bytes, last: bool) -> Iterator[FilterOutput]:
        if self._is_stream and (self._left == 0 or (last and self._frame)):
            yield self._frame
            self._frame, self._left = b"", None
        if self._left is not None:
            self._left -= 1
        yield chunk


class _DuplicateFilter(_AddingFilter):
    """Sends every event of a stream except heartbeats twice."""

    def filter_chunk(self, chunk: bytes, last: bool) -> Iterator[FilterOutput]:
        del last
        yield chunk
        if self._is_stream and chunk != HEARTBEAT_BYTES and b'"heartbeat"' not in chunk:
            yield chunk


class _SplitFilter(BodyFilter):
    """Splits each chunk at the offsets that `find` returns."""

    def __init__(self, find: Callable[[bytes], list[int]]) -> None:
        self._find = find

    def filter_chunk(self, chunk: bytes, last: bool) -> Iterator[FilterOutput]:
        del last
        bounds = [0, *self._find(chunk), len(chunk)]
        yield from (chunk[a:b] for a, b in pairwise(bounds))


def _inside_characters(chunk: bytes) -> list[int]:
    """Return the offsets of all UTF-8 continuation bytes."""
    return [n for n, byte in enumerate(chunk) if byte & 0xC0 == 0x80]


def _inside_frames(chunk: bytes) -> list[int]:
    """Return offsets within `data:`, in the middle, and between the two line ends."""
    return sorted({min(2, len(chunk)), len(chunk) // 2, max(len(chunk) - 1, 0)})


class _SlowFilter(BodyFilter):
    """Sends single bytes with a pause before each."""

    def __init__(self, seconds: float) -> None:
        self._pause = Pause(seconds)

    def filter_chunk(self, chunk: bytes, last: bool) -> Iterator[FilterOutput]:
        del last
        for number in range(len(chunk)):
            yield self._pause
            yield chunk[number : number + 1]


class _TruncateFilter(BodyFilter):
    """Sends half of the body; `clean` halves the Content-Length as well."""

    def __init__(self, how: str) -> None:
        self._how = how
        self._left = 0

    def filter_headers(self, headers: MutableHeaders) -> None:
        self._left = int(headers.get("content-length", "0")) // 2
        if self._how == "clean":
            headers["content-length"] = str(self._left)

    def filter_chunk(self, chunk: bytes, last: bool) -> Iterator[FilterOutput]:
        del last
        head, self._left = chunk[: self._left], max(0, self._left - len(chunk))
        yield head
        if not self._left and self._how != "clean":
            yield CutConnection("reset" if self._how == "reset" else "fin")


def body_filter_for(fault: ActiveFault, endpoint: str, refusal: bytes) -> BodyFilter | None:
    """Return the filter of a fault, None if it has none; `refusal` is the body of a 2001."""
    match fault.name, fault.args:
        case "cut-fin", AfterEventsArgs(after):
            return _CutFilter("fin", after)
        case "cut-reset", AfterEventsArgs(after):
            return _CutFilter("reset", after)
        case "commit-then-drop", DropArgs(how):
            return _DropFilter(how)
        case "bad-json", AfterEventsArgs(after):
            return _InsertFilter(encode_sse_event(_BROKEN_JSON), after)
        case "truncated-download", TruncatedDownloadArgs(how) if endpoint != "render":
            return _TruncateFilter(how)
        case "slow-bytes", SlowBytesArgs(seconds):
            return _SlowFilter(seconds)
        case "out-of-credits-mid-turn", _:
            return _InsertFilter(encode_sse_event(refusal.decode()), None)
    return _SIMPLE[fault.name]() if fault.name in _SIMPLE else None


_SIMPLE: dict[str, Callable[[], BodyFilter]] = {
    "duplicate-event": _DuplicateFilter,
    "split-utf8": lambda: _SplitFilter(_inside_characters),
    "split-frames": lambda: _SplitFilter(_inside_frames),
}
