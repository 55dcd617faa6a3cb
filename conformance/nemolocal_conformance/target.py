"""An HTTP client of the target: the server under test. No retries or repairs.

Redirects are followed where a file is downloaded, as clients do.

Each exchange uses its own connection. A kept-alive connection may be closed at the moment of the
next request, which would look like a broken response.
"""

import contextlib
import functools
import ssl
import time
from collections.abc import Callable, Iterable, Mapping
from typing import Any, TypeVar

import httpx
import msgspec

from nemolocal_contract.endpoints import (
    APP_NAME,
    BALANCE,
    CONTROL_PREFIX,
    CURRENT_USER,
    RENDER_STATUS,
    STATE,
    Attribution,
    bearer_header,
)
from nemolocal_contract.responses import decode_json, encode_json
from nemolocal_contract.turn_events import (
    ReceivedEvent,
    SseEvent,
    SseParser,
    Text,
    ToolCall,
    ToolResult,
    decode_turn_events,
)

from .assertions import CheckFailed, PrerequisiteFailed, require_field
from .evidence import HttpExchange, ResponseEnding, redact_body, redact_headers, redact_tokens

# Seconds without a response after which the server hangs or is overloaded. The first call shows
# whether there is a server at all.
_TIMEOUT, _FIRST_TIMEOUT = 120.0, 30.0
_MOST_BYTES = 64_000_000
# Endpoints of the contract that a request can ask for without a token and without an effect.
_PROBED_PATHS = (
    BALANCE.template,
    STATE.path(user=CURRENT_USER, session="none"),
    RENDER_STATUS.path(render="none"),
)
# Not found, wrong method, not implemented: the path is none of the server's.
_UNKNOWN_PATH = (404, 405, 501)
_NO_CONNECTION_KEPT = httpx.Limits(max_keepalive_connections=0)
OnResponse = Callable[[httpx.Request, "TargetResponse"], None]
PassingTime = Callable[[], contextlib.AbstractContextManager[object]]
T = TypeVar("T")


class TargetResponse(msgspec.Struct, frozen=True):
    """A complete response. `status` is 0 if none came; `ending` says how the body ended."""

    status: int
    headers: dict[str, str]
    body: bytes
    ending: ResponseEnding = "complete"

    @property
    def media_type(self) -> str:
        """The media type of the body, in lower case and without parameters."""
        return self.headers.get("content-type", "").partition(";")[0].strip().lower()

    @property
    def json(self) -> Any:
        """The body as JSON; the check fails if it is not JSON."""
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
    """A stream: its response, frames and events; whether the last frame lacks its blank line."""

    response: TargetResponse
    frames: tuple[SseEvent, ...] = ()
    events: tuple[ReceivedEvent, ...] = ()
    is_torn: bool = False

    def events_of(self, *kinds: type) -> list[Any]:
        """Return the events of these types, in order."""
        return [event for event in self.events if isinstance(event, kinds)]

    @property
    def text(self) -> str:
        """All text of the turn."""
        return "\n".join(event.text for event in self.events_of(Text))

    @property
    def unmatched_results(self) -> list[str]:
        """The call ids of tool results that no call in the stream came before."""
        calls: set[str] = set()
        unmatched: list[str] = []
        for event in self.events_of(ToolCall, ToolResult):
            if isinstance(event, ToolCall):
                calls.add(event.id)
            elif event.id not in calls:
                unmatched.append(event.id)
        return unmatched

    @property
    def has_edit(self) -> bool:
        """Whether a tool was called and returned a result."""
        return bool(self.events_of(ToolCall)) and bool(self.events_of(ToolResult))


class TargetUnreachable(Exception):
    """The server at the base URL cannot be checked; the text says what was seen and what to do."""


class TargetTimeout(TargetUnreachable):
    """A request was not answered completely in time: nothing is known about the server.

    A hanging server and an overloaded machine look the same from here, so no check fails.
    """

    def __init__(self, request: httpx.Request, seconds: float) -> None:
        where = f"{request.method} {redact_tokens(str(request.url))}"
        super().__init__(
            f"{where} was not answered in {seconds:.0f} s: the server hangs, or its machine is "
            "too busy; run it again when it has time"
        )


class TargetLost(TargetTimeout):
    """The server answered before and is gone now: no check can be evaluated."""

    def __init__(self, base_url: str) -> None:
        TargetUnreachable.__init__(
            self, f"lost the server at {base_url}: nothing listens there any more"
        )


class TargetClient:
    """Sends requests to one base URL and records them as evidence.

    `is_local` says that the target is a server of this project. `passing_time` makes a context in
    which time passes there, for servers whose clock stands still by itself. `on_response` is called
    with every response.
    """

    def __init__(
        self, base_url: str, attribution: Attribution, transport: httpx.BaseTransport | None = None
    ) -> None:
        self.base_url = base_url.rstrip("/")
        self.is_local = False
        self.timeout = _TIMEOUT
        self.passing_time: PassingTime = contextlib.nullcontext
        self.on_response: OnResponse | None = None
        self._closing = contextlib.ExitStack()
        self._own_attribution = attribution
        self._attribution = attribution.headers()
        self._http = httpx.Client(
            base_url=self.base_url,
            timeout=_TIMEOUT,
            trust_env=False,
            verify=_certificates(),
            transport=transport,
            limits=_NO_CONNECTION_KEPT,
        )
        # Bodies are checked as they are: no compression.
        self._http.headers["Accept-Encoding"] = "identity"
        self._evidence: list[HttpExchange] = []
        self._has_answered = False
        self.is_lost = False

    @property
    def skill(self) -> str:
        """The skill that requests name, as in `X-Skill-Source`."""
        return self._own_attribution.source

    def close(self) -> None:
        """Close all connections."""
        self._closing.close()
        self._http.close()

    def second_client(self) -> "TargetClient":
        """Return another client of this target, which is closed with this one."""
        second = TargetClient(self.base_url, self._own_attribution)
        second.timeout, second.is_local = self.timeout, self.is_local
        self._closing.callback(second.close)
        return second

    def take_evidence(self) -> tuple[HttpExchange, ...]:
        """Return the exchanges since the last call, and forget them."""
        taken, self._evidence = tuple(self._evidence), []
        return taken

    def add_evidence(self, exchanges: Iterable[HttpExchange]) -> None:
        """Add the exchanges of another client of the same target."""
        self._evidence += exchanges

    def request(
        self,
        method: str,
        path: str,
        *,
        token: str | None = None,
        headers: Mapping[str, str] | None = None,
        json: object = None,
        attributed: bool = True,
        patience: float | None = None,
        follow_redirects: bool = False,
        **rest: Any,
    ) -> TargetResponse:
        """Make one request; `rest` goes to httpx (`files`, `content`).

        Raises only `TargetTimeout`: if no response comes within `patience` seconds (default:
        `timeout`), or the server is gone.
        """
        known = dict(self._attribution) if attributed else {}
        known |= bearer_header(token) if token is not None else {}
        if json is not None:
            rest["content"] = encode_json(json)
            known["Content-Type"] = "application/json"
        request = self._http.build_request(
            method,
            path,
            headers={**known, **(headers or {})},
            timeout=self._limit(patience),
            **rest,
        )
        with self._passing_time(request):
            return self._exchange(request, follow_redirects)

    def _limit(self, patience: float | None = None) -> float:
        return self.timeout if patience is None else patience

    def _passing_time(self, request: httpx.Request) -> contextlib.AbstractContextManager[object]:
        """Let time pass on the server, unless the request is one that moves or reads it."""
        if request.url.path.startswith(CONTROL_PREFIX):
            return contextlib.nullcontext()
        return self.passing_time()

    def stream_turn(self, body: object, *, token: str) -> TurnStream:
        """Send a turn and read its stream to the end."""
        accept = {"Accept": "text/event-stream"}
        response = self.request("POST", "/run_sse", token=token, json=body, headers=accept)
        parser = SseParser()
        frames, rest = parser.feed(response.body), parser.finish()
        events = tuple(event for frame in frames + rest for event in decode_turn_events(frame))
        return TurnStream(response, tuple(frames + rest), events, is_torn=bool(rest))

    def _json_request(self, method: str, path: str, token: str, json: object) -> httpx.Request:
        headers = {**self._attribution, **bearer_header(token), "Content-Type": "application/json"}
        return self._http.build_request(
            method, path, headers=headers, content=encode_json(json), timeout=self.timeout
        )

    def send_and_disconnect(self, method: str, path: str, *, token: str, json: object) -> None:
        """Send a request and close the connection when its response has begun."""
        request = self._json_request(method, path, token, json)
        try:
            with self._passing_time(request):
                self._http.send(request, stream=True).close()
        except httpx.TimeoutException:
            raise TargetTimeout(request, self.timeout) from None
        except httpx.ConnectError:
            raise self._target_lost() from None
        except httpx.TransportError as error:
            raise PrerequisiteFailed(f"{method} {path} was not begun: {error}") from None

    def run_during_post(self, call: Callable[[], T], path: str, *, token: str, json: object) -> T:
        """Post, run `call` when the response has begun, read the rest, return its result."""
        request = self._json_request("POST", path, token, json)
        try:
            with self._passing_time(request):
                response = self._http.send(request, stream=True)
            try:
                acted = call()
                with self._passing_time(request):
                    response.read()
            finally:
                response.close()
        except httpx.TimeoutException:
            raise TargetTimeout(request, self.timeout) from None
        except httpx.ConnectError:
            raise self._target_lost() from None
        except httpx.TransportError as error:
            raise PrerequisiteFailed(f"POST {path} did not end: {error}") from None
        return acted

    def _target_lost(self) -> TargetLost:
        self.is_lost = True
        return TargetLost(self.base_url)

    def _exchange(self, request: httpx.Request, follow_redirects: bool) -> TargetResponse:
        begun = time.perf_counter()
        status, headers, body, ending = 0, httpx.Headers(), bytearray(), "complete"
        try:
            response = self._http.send(request, stream=True, follow_redirects=follow_redirects)
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
            # A file may be on another host.
            if self._has_answered and request.url.netloc == self._http.base_url.netloc:
                raise self._target_lost() from None
            ending = "cut"
        except (httpx.TransportError, httpx.TooManyRedirects, httpx.DecodingError):
            ending = "cut"
        answer = TargetResponse(status, dict(headers), bytes(body), ending)  # type: ignore[arg-type]
        seconds = time.perf_counter() - begun
        self._evidence.append(_evidence(request, answer, seconds))
        if ending == "timeout":
            raise TargetTimeout(request, seconds)
        if self.on_response is not None:
            self.on_response(request, answer)
        return answer


@functools.cache
def _certificates() -> ssl.SSLContext:
    """Return the TLS context, which takes longer to load than a check to run."""
    return httpx.create_ssl_context(trust_env=False)


def turn_body(session: str, message: str) -> dict[str, Any]:
    """Return the request body of a turn (SSE-1)."""
    said = {"parts": [{"text": message}]}
    return {
        "app_name": APP_NAME,
        "user_id": CURRENT_USER,
        "session_id": session,
        "new_message": said,
    }


def require_http_server(target: TargetClient) -> None:
    """Require a server at the base URL, so that not every check has to report its absence."""
    try:
        response = target.request("GET", BALANCE.template, patience=_FIRST_TIMEOUT)
    except TargetTimeout:
        raise TargetUnreachable(_unreachable_message(target, "hangs")) from None
    if response.status == 0:
        raise TargetUnreachable(_unreachable_message(target, "does not answer HTTP"))


def require_nemovideo_server(target: TargetClient) -> None:
    """Require that one endpoint of the contract exists, whatever it says without a token.

    Otherwise, every check would report the same page of another server. For targets without a
    control API, which shows what they are. Raises `TargetUnreachable`.
    """
    responses = [target.request("GET", path, patience=_FIRST_TIMEOUT) for path in _PROBED_PATHS]
    if any(map(_is_of_the_contract, responses)):
        return
    first = responses[0]
    raise TargetUnreachable(
        f"{target.base_url} is not a NemoVideo server: GET {_PROBED_PATHS[0]} was answered with "
        f"{first.status} {first.media_type or 'and no content'}; check the base URL"
    )


def _is_of_the_contract(response: TargetResponse) -> bool:
    try:
        body = decode_json(response.body)
    except (msgspec.DecodeError, RecursionError):
        return False
    return isinstance(body, dict) and response.status not in _UNKNOWN_PATH


def _unreachable_message(target: TargetClient, how: str) -> str:
    return f"{target.base_url} {how}: check the base URL, and that the server is running"


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
