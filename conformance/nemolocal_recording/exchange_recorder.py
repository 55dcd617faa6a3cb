"""Turns the parts of one exchange into the lines of a recording, redacted."""

from collections.abc import Callable, Iterable, Mapping
from urllib.parse import unquote

from nemolocal_contract.clock import Clock
from nemolocal_contract.endpoints import ANONYMOUS_TOKEN_PREFIX, find_endpoint, parse_bearer_token
from nemolocal_contract.generations import client_generation

from .allowlist import KEPT_HEADERS
from .allowlist_redactor import AllowlistRedactor
from .body_recorder import BodyRecorder
from .record_lines import (
    MAX_CHUNKS,
    ChunkLine,
    EndLine,
    ExchangeEnding,
    RecordLine,
    RefusalLine,
    RequestBodyLine,
    RequestLine,
    ResponseBodyLine,
    ResponseLine,
)
from .spending_limit import Limit

RawHeaders = Iterable[tuple[bytes, bytes]]
_TIME_DIGITS = 6


class RecordingSession:
    """What the exchanges of a recording share: where lines go, the clock and the redactor."""

    def __init__(
        self, write: Callable[[RecordLine], None], clock: Clock, redactor: AllowlistRedactor
    ) -> None:
        self.write = write
        self.redactor = redactor
        self.count = 0
        self.generations: dict[int, int] = {}
        self._clock = clock
        self._started = clock.elapsed()

    def now(self) -> float:
        """Return the seconds since the recording began."""
        return round(self._clock.elapsed() - self._started, _TIME_DIGITS)

    def count_generation(self, generation: int) -> None:
        """Count an exchange of a generation."""
        self.generations[generation] = self.generations.get(generation, 0) + 1

    def begin(self, method: str, target: str, headers: RawHeaders) -> "ExchangeRecorder":
        """Begin an exchange by its request; `write_request` records that."""
        self.count += 1
        return ExchangeRecorder(self, self.count, method, target, headers)


class ExchangeRecorder:
    """Records one exchange; calls come in the order of the wire."""

    def __init__(
        self,
        session: RecordingSession,
        number: int,
        method: str,
        target: str,
        headers: RawHeaders,
    ) -> None:
        self._session = session
        self._number = number
        self.method = method
        self._target = target
        self.endpoint = (find_endpoint(method, target.partition("?")[0]) or (None, None))[0]
        self._headers = named_headers(headers)
        self._sent: BodyRecorder | None = None
        self._received: BodyRecorder | None = None
        self._chunks: list[tuple[float, int]] = []
        self._has_ended = False

    def write_request(self) -> None:
        """Record the head of the request."""
        path, _, query = self._target.partition("?")
        redactor, named = self._session.redactor, self._headers
        generation = client_generation(self.method, path, named)
        if generation is not None:
            self._session.count_generation(generation)
        kept = redactor.path(self.method, path)
        self._session.write(
            RequestLine(
                self._number,
                self._session.now(),
                redactor.method(self.method),
                self.endpoint,
                kept.template,
                kept.path,
                redactor.query(query),
                generation,
                redactor.headers(named),
                _count_others(named),
                _has_token(self._target, named),
            )
        )
        self._sent = BodyRecorder(named, redactor)

    def send(self, data: bytes) -> None:
        """Take bytes of the body of the request."""
        if self._sent is not None:
            self._sent.feed(data)

    def end_request(self) -> None:
        """Record the body of the request."""
        if self._sent is None:
            return
        body = self._sent.finish()
        size, now = self._sent.size, self._session.now()
        self._session.write(RequestBodyLine(self._number, now, size, body))

    def respond(self, status: int, headers: RawHeaders, at: float) -> None:
        """Record the head of the response, which came at this time."""
        named = named_headers(headers)
        redactor = self._session.redactor
        self._received = BodyRecorder(named, redactor)
        kept, others = redactor.headers(named), _count_others(named)
        names = redactor.other_names(named)
        self._session.write(ResponseLine(self._number, at, status, kept, others, names))

    def receive(self, data: bytes, at: float) -> None:
        """Take bytes of the body of the response, which came at this time."""
        if self._received is None:
            return
        frames = self._received.feed(data)
        if self._received.is_stream:
            self._session.write(ChunkLine(self._number, at, len(data), frames))
        elif len(self._chunks) < MAX_CHUNKS:
            self._chunks.append((at, len(data)))

    def end(self, ending: ExchangeEnding, at: float | None = None) -> None:
        """Record the body of the response and how it ended, once; `at` is when, by default now."""
        if self._has_ended:
            return
        self._has_ended = True
        if self._received is not None:
            body = self._received.finish()
            self._session.write(
                ResponseBodyLine(self._number, self._received.size, body, self._chunks)
            )
        ended = self._session.now() if at is None else at
        self._session.write(EndLine(self._number, ended, ending))

    def refuse(self, limit: Limit) -> None:
        """Record that the request was not forwarded."""
        self._has_ended = True
        self._session.write(RefusalLine(self._number, self._session.now(), limit))


def named_headers(headers: RawHeaders) -> dict[str, str]:
    """Return headers by lower-case name; the values of a repeated one are joined."""
    found: dict[str, str] = {}
    for raw_name, raw_value in headers:
        name, value = raw_name.decode("latin-1").lower(), raw_value.decode("latin-1")
        found[name] = f"{found[name]}, {value}" if name in found else value
    return found


def _count_others(headers: Mapping[str, str]) -> int:
    return sum(name not in KEPT_HEADERS for name in headers)


def _has_token(target: str, headers: Mapping[str, str]) -> bool:
    """Whether a URL has a token in it (GEN-5)."""
    token = parse_bearer_token(headers.get("authorization"))
    plain = unquote(target)
    return ANONYMOUS_TOKEN_PREFIX in plain or (token is not None and token in plain)
