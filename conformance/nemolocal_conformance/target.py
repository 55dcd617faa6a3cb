"""The server that is judged, as bytes over HTTP: nothing is retried, followed or repaired.

Each exchange has a connection of its own. A connection that is kept may be closed at the very
moment at which the next request is sent, which would look like an answer that was cut.
"""

import functools
import ssl
import time
from collections.abc import Callable, Iterator, Mapping
from typing import Any, TypeVar

import httpx
import msgspec

from nemolocal_contract.endpoints import APP_NAME, BALANCE, CURRENT_USER
from nemolocal_contract.envelope import decode_json, encode_json
from nemolocal_contract.headers import Attribution, bearer_header
from nemolocal_contract.sse import SseEvent, SseParser
from nemolocal_contract.turn_events import (
    ReceivedEvent,
    Text,
    ToolCall,
    ToolResult,
    decode_turn_events,
)

from .assertions import CheckFailed, PrerequisiteFailed, require_field
from .evidence import HttpExchange, ResponseEnding, redact_body, redact_headers, redact_tokens

# Who says nothing for so long hangs, or has a machine that is busy beyond measure; in seconds. The
# first call tells whether there is a server at all.
_TIMEOUT, _FIRST_TIMEOUT = 120.0, 30.0
_MOST_BYTES = 64_000_000
_NO_CONNECTION_KEPT = httpx.Limits(max_keepalive_connections=0)
T = TypeVar("T")


class TargetResponse(msgspec.Struct, frozen=True):
    """A whole reply; `status` is 0 where none came. `ending` tells how the body ended."""

    status: int
    headers: dict[str, str]
    body: bytes
    ending: ResponseEnding = "complete"

    @property
    def json(self) -> Any:
        """The body as JSON; broken if it is none."""
        try:
            return decode_json(self.body)
        except (msgspec.DecodeError, RecursionError):
            raise CheckFailed("the body", "JSON", redact_body(self.body)) from None

    @property
    def data(self) -> Any:
        """`data` of the envelope of a success (GEN-1)."""
        body = self.json
        code = require_field("the envelope", body, "code")
        if code != 0:
            raise CheckFailed("code", 0, body)
        return require_field("the envelope", body, "data")


class TurnStream(msgspec.Struct, frozen=True):
    """A stream: its answer, and the frames and events that it told."""

    response: TargetResponse
    frames: tuple[SseEvent, ...] = ()
    events: tuple[ReceivedEvent, ...] = ()

    def events_of(self, *kinds: type) -> list[Any]:
        """The events of these kinds, in order."""
        return [event for event in self.events if isinstance(event, kinds)]

    @property
    def text(self) -> str:
        """Everything that was said."""
        return "\n".join(event.text for event in self.events_of(Text))

    @property
    def has_edit(self) -> bool:
        """Whether a tool was called and answered."""
        return bool(self.events_of(ToolCall)) and bool(self.events_of(ToolResult))


class TargetUnreachable(Exception):
    """Nothing at the base URL answers HTTP; the text says what was seen and the way out."""


class TargetTimeout(TargetUnreachable):
    """A request was not answered, or not to the end, for so long that nothing is known of it.

    Whether its server hangs or its machine is busy cannot be told from here: nobody is accused.
    """

    def __init__(self, request: httpx.Request, seconds: float) -> None:
        where = f"{request.method} {redact_tokens(str(request.url))}"
        super().__init__(
            f"{where} was not answered in {seconds:.0f} s: the server hangs, or its machine is "
            "too busy; run it again when it has time"
        )


class TargetLost(TargetTimeout):
    """The server answered before, and nothing listens there any more: nobody can be judged."""

    def __init__(self, base_url: str) -> None:
        TargetUnreachable.__init__(
            self, f"lost the server at {base_url}: nothing listens there any more"
        )


class TargetClient:
    """Sends requests to one base URL and keeps what went over the wire."""

    def __init__(
        self, base_url: str, attribution: Attribution, transport: httpx.BaseTransport | None = None
    ) -> None:
        self.base_url = base_url.rstrip("/")
        self._attribution = attribution.headers()
        self._http = httpx.Client(
            base_url=self.base_url,
            timeout=_TIMEOUT,
            trust_env=False,
            verify=_certificates(),
            transport=transport,
            limits=_NO_CONNECTION_KEPT,
        )
        # Bodies are judged as they are: nobody packs them.
        self._http.headers["Accept-Encoding"] = "identity"
        self._evidence: list[HttpExchange] = []
        self._has_answered = False
        self.is_lost = False

    def close(self) -> None:
        """Close all connections."""
        self._http.close()

    def take_evidence(self) -> tuple[HttpExchange, ...]:
        """The exchanges since the last time."""
        taken, self._evidence = tuple(self._evidence), []
        return taken

    def request(
        self,
        method: str,
        path: str,
        *,
        token: str | None = None,
        headers: Mapping[str, str] | None = None,
        json: object = None,
        attributed: bool = True,
        patience: float = _TIMEOUT,
        **rest: Any,
    ) -> TargetResponse:
        """One exchange; `rest` is httpx's (`files`, `content`).

        Never raises for what it sees, only `TargetTimeout` where nothing comes for `patience`
        seconds or where the server is gone.
        """
        known = dict(self._attribution) if attributed else {}
        known |= bearer_header(token) if token is not None else {}
        if json is not None:
            rest["content"] = encode_json(json)
            known["Content-Type"] = "application/json"
        request = self._http.build_request(
            method, path, headers={**known, **(headers or {})}, timeout=patience, **rest
        )
        return self._exchange(request)

    def stream_turn(self, body: object, *, token: str) -> TurnStream:
        """A turn, listened to until it ends."""
        accept = {"Accept": "text/event-stream"}
        response = self.request("POST", "/run_sse", token=token, json=body, headers=accept)
        frames = tuple(_frames(response.body))
        events = tuple(event for frame in frames for event in decode_turn_events(frame))
        return TurnStream(response, frames, events)

    def send_and_disconnect(self, method: str, path: str, *, token: str, json: object) -> None:
        """Send a request and close the connection once its reply has begun."""
        headers = {**self._attribution, **bearer_header(token), "Content-Type": "application/json"}
        request = self._http.build_request(
            method, path, headers=headers, content=encode_json(json), timeout=_TIMEOUT
        )
        try:
            self._http.send(request, stream=True).close()
        except httpx.TimeoutException:
            raise TargetTimeout(request, _TIMEOUT) from None
        except httpx.ConnectError:
            raise self._target_lost() from None
        except httpx.TransportError as error:
            raise PrerequisiteFailed(f"{method} {path} was not begun: {error}") from None

    def run_during_post(self, act: Callable[[], T], path: str, *, token: str, json: object) -> T:
        """Post, act once the reply has begun, and read it to its end; what the act returned."""
        headers = {**self._attribution, **bearer_header(token), "Content-Type": "application/json"}
        request = self._http.build_request("POST", path, headers=headers, content=encode_json(json))
        try:
            response = self._http.send(request, stream=True)
            try:
                acted = act()
                response.read()
            finally:
                response.close()
        except httpx.TimeoutException:
            raise TargetTimeout(request, _TIMEOUT) from None
        except httpx.ConnectError:
            raise self._target_lost() from None
        except httpx.TransportError as error:
            raise PrerequisiteFailed(f"POST {path} did not end: {error}") from None
        return acted

    def _target_lost(self) -> TargetLost:
        self.is_lost = True
        return TargetLost(self.base_url)

    def _exchange(self, request: httpx.Request) -> TargetResponse:
        begun = time.perf_counter()
        status, headers, body, ending = 0, httpx.Headers(), bytearray(), "complete"
        try:
            response = self._http.send(request, stream=True)
            try:
                self._has_answered = True
                status, headers = response.status_code, response.headers
                for chunk in response.iter_bytes():
                    body += chunk
                    if len(body) > _MOST_BYTES:
                        break
            finally:
                response.close()
        except httpx.TimeoutException:
            ending = "timeout"
        except httpx.ConnectError:
            if self._has_answered:
                raise self._target_lost() from None
            ending = "cut"
        except httpx.TransportError:
            ending = "cut"
        answer = TargetResponse(status, dict(headers), bytes(body), ending)  # type: ignore[arg-type]
        seconds = time.perf_counter() - begun
        self._evidence.append(_evidence(request, answer, seconds))
        if ending == "timeout":
            raise TargetTimeout(request, seconds)
        return answer


@functools.cache
def _certificates() -> ssl.SSLContext:
    """Whom to trust; reading that takes longer than a check."""
    return httpx.create_ssl_context(trust_env=False)


def turn_body(session: str, message: str) -> dict[str, Any]:
    """The body of a turn (SSE-1)."""
    said = {"parts": [{"text": message}]}
    return {
        "app_name": APP_NAME,
        "user_id": CURRENT_USER,
        "session_id": session,
        "new_message": said,
    }


def require_http_server(target: TargetClient) -> None:
    """See that a server is there at all, before a hundred checks say that it is not."""
    try:
        response = target.request("GET", BALANCE.template, patience=_FIRST_TIMEOUT)
    except TargetTimeout:
        raise TargetUnreachable(_unreachable_message(target, "hangs")) from None
    except (httpx.InvalidURL, httpx.UnsupportedProtocol) as error:
        raise TargetUnreachable(f"{target.base_url} is no base URL: {error}") from None
    if response.status == 0:
        raise TargetUnreachable(
            _unreachable_message(target, "does not speak HTTP, or nobody listens")
        )


def _unreachable_message(target: TargetClient, how: str) -> str:
    return f"{target.base_url} {how}: is the base URL right, and the server running?"


def _frames(body: bytes) -> Iterator[SseEvent]:
    parser = SseParser()
    yield from parser.feed(body)
    yield from parser.finish()


def _evidence(request: httpx.Request, response: TargetResponse, seconds: float) -> HttpExchange:
    try:
        sent = request.content
    except httpx.RequestNotRead:
        sent = b"<streamed>"
    return HttpExchange(
        method=request.method,
        url=redact_tokens(str(request.url)),
        request_headers=redact_headers(request.headers),
        request_body=redact_body(sent),
        status=response.status,
        response_headers=redact_headers(response.headers),
        response_body=redact_body(response.body),
        seconds=round(seconds, 4),
        ending=response.ending,
    )
