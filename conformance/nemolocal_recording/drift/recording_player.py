"""Plays a recording on a server: its calls in their order, one at a time, each sent once."""

from collections.abc import Iterator
from typing import Any

import httpx
import msgspec

from nemolocal_conformance.render_replies import flatten_render
from nemolocal_contract.clock import Clock
from nemolocal_contract.responses import decode_json

from ..allowlist_redactor import AllowlistRedactor
from ..exchange_recorder import ExchangeRecorder, RecordingSession
from ..pseudonyms import Pseudonyms
from ..record_lines import ExchangeEnding, Header, RecordLine
from ..recording import ExchangeRecord, Recording, assemble
from .exchange_comparison import ExchangePair
from .id_bindings import CannotRebuild, IdBindings
from .made_uploads import Piece, blocks_of, length_of
from .replay_plan import PlannedCall, RecordingPlan
from .request_rebuilding import RebuiltRequest, RequestRebuilder, foreign_tokens

_TIMEOUT = 180.0
_MOST_READ = 16 << 20
_UNREACHABLE = "no connection to the server"


class Pace(msgspec.Struct, frozen=True):
    """Seconds between polls of a render, for how long it is polled, and the longest other wait.

    The default are those of the contract for clients (REN-6), the wait that of a turn (SSE-6).
    """

    poll: float = 30.0
    give_up: float = 300.0
    longest_wait: float = 900.0


LOCAL_PACE = Pace(poll=0.05, give_up=60.0, longest_wait=0.0)
"""The pace for a server whose clock jumps."""


class PlayedCall(msgspec.Struct, frozen=True):
    """A recorded exchange and the one of the replay; `number` is None if there was none.

    `reason` says why there was none. A poll that is `merged` has none by design.
    """

    recorded: int
    number: int | None
    reason: str = ""
    merged: bool = False


class Replay(msgspec.Struct, frozen=True):
    """What a replay has shown, as a recording, and which exchange stands for which."""

    recording: Recording
    calls: tuple[PlayedCall, ...]


class _NoConnection(Exception):
    """There was no connection to the server."""


class RecordingPlayer:
    """Plays one recording once. New ids are drawn with the secret of `made`."""

    def __init__(
        self,
        base_url: str,
        recording: Recording,
        clock: Clock,
        *,
        pace: Pace = LOCAL_PACE,
        token: str = "",
        made: Pseudonyms | None = None,
        server: str = "other",
    ) -> None:
        self._lines: list[RecordLine] = [
            Header(clock.time(), "cloud" if server == "cloud" else "other")
        ]
        self._recorded = recording
        self._clock, self._pace = clock, pace
        self._is_gone = False
        # Where the lines of the last exchange begin.
        self._begun = 0
        self._bindings = IdBindings(made or Pseudonyms())
        self._rebuilder = RequestRebuilder(
            self._bindings, foreign_tokens(recording.exchanges), token
        )
        redactor = AllowlistRedactor(Pseudonyms(), keep_text=recording.header.has_text)
        self._session = RecordingSession(self._lines.append, clock, redactor)
        self._base_url = base_url.rstrip("/")
        self._http = httpx.Client(timeout=_TIMEOUT, trust_env=False)
        # Bodies are looked at as they come.
        self._http.headers["Accept-Encoding"] = "identity"

    def play(self, plan: RecordingPlan) -> Replay:
        """Play all calls; after a call that finds no server none is made."""
        with self._http:
            played = tuple(self._play(call) for call in plan.calls)
        return Replay(assemble(self._lines), played)

    def _play(self, call: PlannedCall) -> PlayedCall:
        recorded = call.exchange
        reply: Any = None
        reason = call.left_out or (_UNREACHABLE if self._is_gone else "")
        number = None
        if not (reason or call.merged):
            try:
                request = self._rebuilder.rebuild(recorded, call.message)
                reply = self._send(request, hangs_up=recorded.ending == "client")
                reply = self._poll(request, reply) if call.polls else reply
                number = self._session.count
            except CannotRebuild as problem:
                reason = str(problem)
            except _NoConnection:
                self._is_gone, reason = True, _UNREACHABLE
        self._bindings.keep_fresh(is_known=number is not None and self._is_known(recorded))
        self._bindings.bind(recorded.json, reply)
        self._rebuilder.keep_drafts(recorded.json, reply)
        if number is not None and recorded.ending == "client":
            self._wait_as_recorded(call)
        return PlayedCall(call.number, number, reason, call.merged)

    def _is_known(self, recorded: ExchangeRecord) -> bool:
        """Whether the outcome of the last call and that of the recorded one are known."""
        now = assemble(self._lines[self._begun :]).exchanges[-1]
        return now.ending == recorded.ending == "client" or not ExchangePair(recorded, now).unclear

    def _poll(self, request: RebuiltRequest, reply: Any) -> Any:
        """Ask until the render has ended; return the last reply."""
        until = self._clock.elapsed() + self._pace.give_up
        while _is_running(reply) and self._clock.elapsed() < until:
            self._clock.wait(self._pace.poll)
            reply = self._send(request, hangs_up=False)
        return reply

    def _wait_as_recorded(self, call: PlannedCall) -> None:
        """Wait as long as the client did after it had hung up, so that the work goes on."""
        following = [
            one.request.at for one in self._recorded.exchanges if one.request.exchange > call.number
        ]
        ended = call.exchange.ended
        if following and ended is not None:
            self._clock.wait(min(self._pace.longest_wait, max(0.0, following[0] - ended)))

    def _send(self, request: RebuiltRequest, *, hangs_up: bool) -> Any:
        """Send a request once; return the JSON of the reply, None if there is none."""
        built = self._request(request)
        self._begun = len(self._lines)
        exchange = self._session.begin(request.method, request.target, built.headers.raw)
        exchange.write_request()
        if request.pieces:
            built.stream = _ObservedBody(request.pieces, exchange)
        else:
            exchange.end_request()
        try:
            response = self._http.send(built, stream=True)
        except (httpx.ConnectError, httpx.ConnectTimeout):
            exchange.end("unreachable")
            raise _NoConnection from None
        except httpx.TransportError as error:
            exchange.end(_ending(error))
            return None
        return self._receive(response, exchange, hangs_up=hangs_up)

    def _request(self, request: RebuiltRequest) -> httpx.Request:
        headers = [(name.encode(), value.encode()) for name, value in request.headers.items()]
        if request.pieces:
            headers.append((b"Content-Length", str(length_of(request.pieces)).encode()))
        # A path that begins with two slashes must not name another host.
        url = f"{self._base_url}/{request.target.removeprefix('/')}"
        content = blocks_of(request.pieces) if request.pieces else None
        return self._http.build_request(request.method, url, headers=headers, content=content)

    def _receive(
        self, response: httpx.Response, exchange: ExchangeRecorder, *, hangs_up: bool
    ) -> Any:
        exchange.respond(response.status_code, response.headers.raw, self._session.now())
        body = bytearray()
        try:
            for block in response.iter_raw():
                exchange.receive(block, self._session.now())
                if len(body) + len(block) <= _MOST_READ:
                    body += block
                if hangs_up:
                    exchange.end("client")
                    return None
        except httpx.TransportError as error:
            exchange.end(_ending(error))
            return None
        finally:
            response.close()
        exchange.end("clean")
        return _json_of(body)


class _ObservedBody(httpx.SyncByteStream):
    """The body of a request, recorded as it is sent."""

    def __init__(self, pieces: list[Piece], exchange: ExchangeRecorder) -> None:
        self._pieces = pieces
        self._exchange = exchange

    def __iter__(self) -> Iterator[bytes]:
        for block in blocks_of(self._pieces):
            self._exchange.send(block)
            yield block
        self._exchange.end_request()


def _ending(error: httpx.TransportError) -> ExchangeEnding:
    return "rst" if isinstance(error, httpx.ReadError | httpx.WriteError) else "fin"


def _is_running(reply: Any) -> bool:
    if not isinstance(reply, dict):
        return False
    return flatten_render(reply).get("status") in ("pending", "processing")


def _json_of(body: bytearray) -> Any:
    try:
        return decode_json(body)
    except (msgspec.DecodeError, RecursionError):
        return None
