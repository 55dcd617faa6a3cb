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

from nemolocal_contract.endpoints import APP, BALANCE, ME
from nemolocal_contract.envelope import decode_json, encode_json
from nemolocal_contract.events import ReceivedEvent, Text, ToolCall, ToolResult, decode_events
from nemolocal_contract.headers import Attribution, bearer
from nemolocal_contract.sse import Frame, FrameParser

from .exchange import Ending, Exchange, redact, shown_body, shown_headers
from .expectations import Broken, Unmet, field

# Who says nothing for so long hangs, or has a machine that is busy beyond measure; in seconds. The
# first call tells whether there is a server at all.
_PATIENCE, _FIRST_PATIENCE = 120.0, 30.0
_MOST_BYTES = 64_000_000
_NO_CONNECTION_KEPT = httpx.Limits(max_keepalive_connections=0)
T = TypeVar("T")


class Answer(msgspec.Struct, frozen=True):
    """A whole reply; `status` is 0 where none came. `ending` tells how the body ended."""

    status: int
    headers: dict[str, str]
    body: bytes
    ending: Ending = "complete"

    @property
    def json(self) -> Any:
        """The body as JSON; broken if it is none."""
        try:
            return decode_json(self.body)
        except (msgspec.DecodeError, RecursionError):
            raise Broken("the body", "JSON", shown_body(self.body)) from None

    @property
    def data(self) -> Any:
        """`data` of the envelope of a success (GEN-1)."""
        body = self.json
        code = field("the envelope", body, "code")
        if code != 0:
            raise Broken("code", 0, body)
        return field("the envelope", body, "data")


class Told(msgspec.Struct, frozen=True):
    """A stream: its answer, and the frames and events that it told."""

    answer: Answer
    frames: tuple[Frame, ...] = ()
    events: tuple[ReceivedEvent, ...] = ()

    def of(self, *kinds: type) -> list[Any]:
        """The events of these kinds, in order."""
        return [event for event in self.events if isinstance(event, kinds)]

    @property
    def text(self) -> str:
        """Everything that was said."""
        return "\n".join(event.text for event in self.of(Text))

    @property
    def edited(self) -> bool:
        """Whether a tool was called and answered."""
        return bool(self.of(ToolCall)) and bool(self.of(ToolResult))


class NoServer(Exception):
    """Nothing at the base URL answers HTTP; the text says what was seen and the way out."""


class NoAnswer(NoServer):
    """A request was not answered, or not to the end, for so long that nothing is known of it.

    Whether its server hangs or its machine is busy cannot be told from here: nobody is accused.
    """

    def __init__(self, request: httpx.Request, seconds: float) -> None:
        where = f"{request.method} {redact(str(request.url))}"
        super().__init__(
            f"{where} was not answered in {seconds:.0f} s: the server hangs, or its machine is "
            "too busy; run it again when it has time"
        )


class ServerGone(NoAnswer):
    """The server answered before, and nothing listens there any more: nobody can be judged."""

    def __init__(self, base_url: str) -> None:
        NoServer.__init__(self, f"lost the server at {base_url}: nothing listens there any more")


class Peer:
    """Sends requests to one base URL and keeps what went over the wire."""

    def __init__(
        self, base_url: str, attribution: Attribution, transport: httpx.BaseTransport | None = None
    ) -> None:
        self.base_url = base_url.rstrip("/")
        self._attribution = attribution.headers()
        self._http = httpx.Client(
            base_url=self.base_url,
            timeout=_PATIENCE,
            trust_env=False,
            verify=_certificates(),
            transport=transport,
            limits=_NO_CONNECTION_KEPT,
        )
        # Bodies are judged as they are: nobody packs them.
        self._http.headers["Accept-Encoding"] = "identity"
        self._evidence: list[Exchange] = []
        self._met = False
        self.gone = False

    def close(self) -> None:
        """Close all connections."""
        self._http.close()

    def take_evidence(self) -> tuple[Exchange, ...]:
        """The exchanges since the last time."""
        taken, self._evidence = tuple(self._evidence), []
        return taken

    def call(
        self,
        method: str,
        path: str,
        *,
        token: str | None = None,
        headers: Mapping[str, str] | None = None,
        json: object = None,
        attributed: bool = True,
        patience: float = _PATIENCE,
        **rest: Any,
    ) -> Answer:
        """One exchange; `rest` is httpx's (`files`, `content`).

        Never raises for what it sees, only `NoAnswer` where nothing comes for `patience` seconds
        or where the server is gone.
        """
        known = dict(self._attribution) if attributed else {}
        known |= bearer(token) if token is not None else {}
        if json is not None:
            rest["content"] = encode_json(json)
            known["Content-Type"] = "application/json"
        request = self._http.build_request(
            method, path, headers={**known, **(headers or {})}, timeout=patience, **rest
        )
        return self._exchange(request)

    def chat(self, body: object, *, token: str) -> Told:
        """A turn, listened to until it ends."""
        accept = {"Accept": "text/event-stream"}
        answer = self.call("POST", "/run_sse", token=token, json=body, headers=accept)
        frames = tuple(_frames(answer.body))
        events = tuple(event for frame in frames for event in decode_events(frame))
        return Told(answer, frames, events)

    def hang_up(self, method: str, path: str, *, token: str, json: object) -> None:
        """Send a request and close the connection once its reply has begun."""
        headers = {**self._attribution, **bearer(token), "Content-Type": "application/json"}
        request = self._http.build_request(
            method, path, headers=headers, content=encode_json(json), timeout=_PATIENCE
        )
        try:
            self._http.send(request, stream=True).close()
        except httpx.TimeoutException:
            raise NoAnswer(request, _PATIENCE) from None
        except httpx.ConnectError:
            raise self._lost() from None
        except httpx.TransportError as error:
            raise Unmet(f"{method} {path} was not begun: {error}") from None

    def meanwhile(self, act: Callable[[], T], path: str, *, token: str, json: object) -> T:
        """Post, act once the reply has begun, and read it to its end; what the act returned."""
        headers = {**self._attribution, **bearer(token), "Content-Type": "application/json"}
        request = self._http.build_request("POST", path, headers=headers, content=encode_json(json))
        try:
            response = self._http.send(request, stream=True)
            try:
                acted = act()
                response.read()
            finally:
                response.close()
        except httpx.TimeoutException:
            raise NoAnswer(request, _PATIENCE) from None
        except httpx.ConnectError:
            raise self._lost() from None
        except httpx.TransportError as error:
            raise Unmet(f"POST {path} did not end: {error}") from None
        return acted

    def _lost(self) -> ServerGone:
        self.gone = True
        return ServerGone(self.base_url)

    def _exchange(self, request: httpx.Request) -> Answer:
        begun = time.perf_counter()
        status, headers, body, ending = 0, httpx.Headers(), bytearray(), "complete"
        try:
            response = self._http.send(request, stream=True)
            try:
                self._met = True
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
            if self._met:
                raise self._lost() from None
            ending = "cut"
        except httpx.TransportError:
            ending = "cut"
        answer = Answer(status, dict(headers), bytes(body), ending)  # type: ignore[arg-type]
        seconds = time.perf_counter() - begun
        self._evidence.append(_evidence(request, answer, seconds))
        if ending == "timeout":
            raise NoAnswer(request, seconds)
        return answer


@functools.cache
def _certificates() -> ssl.SSLContext:
    """Whom to trust; reading that takes longer than a check."""
    return httpx.create_ssl_context(trust_env=False)


def turn(session: str, message: str) -> dict[str, Any]:
    """The body of a turn (SSE-1)."""
    said = {"parts": [{"text": message}]}
    return {"app_name": APP, "user_id": ME, "session_id": session, "new_message": said}


def require_http(peer: Peer) -> None:
    """See that a server is there at all, before a hundred checks say that it is not."""
    try:
        answer = peer.call("GET", BALANCE.template, patience=_FIRST_PATIENCE)
    except NoAnswer:
        raise NoServer(_none_at(peer, "hangs")) from None
    except (httpx.InvalidURL, httpx.UnsupportedProtocol) as error:
        raise NoServer(f"{peer.base_url} is no base URL: {error}") from None
    if answer.status == 0:
        raise NoServer(_none_at(peer, "does not speak HTTP, or nobody listens"))


def _none_at(peer: Peer, how: str) -> str:
    return f"{peer.base_url} {how}: is the base URL right, and the server running?"


def _frames(body: bytes) -> Iterator[Frame]:
    parser = FrameParser()
    yield from parser.feed(body)
    yield from parser.finish()


def _evidence(request: httpx.Request, answer: Answer, seconds: float) -> Exchange:
    try:
        sent = request.content
    except httpx.RequestNotRead:
        sent = b"<streamed>"
    return Exchange(
        method=request.method,
        url=redact(str(request.url)),
        request_headers=shown_headers(request.headers),
        request_body=shown_body(sent),
        status=answer.status,
        response_headers=shown_headers(answer.headers),
        response_body=shown_body(answer.body),
        seconds=round(seconds, 4),
        ending=answer.ending,
    )
