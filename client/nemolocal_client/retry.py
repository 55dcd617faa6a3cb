"""When the client polls and retries, how long it waits, and when it gives up.

A refused connection means that nothing was sent: the request is sent again when the server is back.
If a connection breaks during a call, only requests that change nothing are repeated; the caller
decides about the others (CLI-4, SSE-7).
"""

from datetime import datetime

import msgspec

from .errors import CannotConnect, ConnectionCut, NemoError, ServerLost, StreamTimeout
from .operations import (
    CheckServer,
    DownloadFile,
    Flow,
    GetTime,
    HttpCall,
    HttpOperation,
    Notice,
    Sleep,
)

STILL_WORKING = "⏳ Still working..."

# Seconds before each read of the state after a lost stream, and after a silent one (CLI-4, CLI-3).
POLL_DELAYS_AFTER_CUT = (30.0, 60.0, 60.0, 60.0, 60.0)
POLL_DELAYS_AFTER_SILENCE = (0.0, 30.0, 60.0, 60.0, 60.0)

RATE_LIMIT_PAUSE = 30.0

_NOTICE_INTERVAL = 120.0
_HEARTBEAT_TIMEOUT = 600.0
_TURN_TIMEOUT = 900.0
# A network takes longer to come back than a restarted server.
_UNREACHABLE_FACTOR = 10
# A process that ends closes its connections before it stops listening: check again soon.
_FIRST_CHECK_SECONDS, _CHECK_INTERVAL = 1.0, 10.0
# Overlapping calls lose their server together and report it once.
_SAME_OUTAGE_SECONDS = 5.0


class PollPolicy(msgspec.Struct, frozen=True):
    """How to poll a render: every `seconds`, at most `times` (CLI-8)."""

    seconds: float = 30.0
    times: int = 10


CONTRACT_POLLING = PollPolicy()


class ReconnectPolicy(msgspec.Struct, frozen=True):
    """How long and how often to look for a server that responded before and is gone.

    The client gives up after `seconds` if the server refuses connections, and after ten times as
    long if it is unreachable, since the network may be down; 0 gives up at once. It tries again
    every `every` seconds.
    """

    seconds: float = 30.0
    every: float = 1.0


CONTRACT_RECONNECTING = ReconnectPolicy()


class TurnTimer:
    """The time limits of one turn (CLI-5); all times are seconds since the epoch."""

    def __init__(self, begun: float) -> None:
        self._started = self._last_event = self._last_notice = begun

    def record_event(self, now: float) -> None:
        """Record an event that is not a heartbeat."""
        self._last_event = now

    def check_timeout(self, now: float) -> None:
        """Raise `StreamTimeout` after 10 minutes of heartbeats only, or 15 minutes in all."""
        if now - self._started >= _TURN_TIMEOUT:
            raise StreamTimeout("the turn took more than 15 minutes")
        if now - self._last_event >= _HEARTBEAT_TIMEOUT:
            raise StreamTimeout("the turn sent only heartbeats for 10 minutes")

    def due_notice(self, now: float) -> Notice | None:
        """Return the notice that is due: one every 2 minutes."""
        if now - self._last_notice < _NOTICE_INTERVAL:
            return None
        self._last_notice = now
        return Notice("working", STILL_WORKING)


class ConnectionState:
    """Whether the client was connected, and the outage that it reported."""

    def __init__(self, policy: ReconnectPolicy = CONTRACT_RECONNECTING) -> None:
        self.policy = policy
        self.was_connected = False
        self.announced_deadline: float | None = None

    @property
    def max_wait(self) -> float:
        """The maximum time in seconds to wait for a network that is down."""
        return self.policy.seconds * _UNREACHABLE_FACTOR

    def deadline(self, begun: float, error: CannotConnect) -> float:
        """Return when to give up on a server that has been gone since `begun`."""
        return begun + (self.policy.seconds if error.refused else self.max_wait)


def send_with_reconnect(connection: ConnectionState, request: HttpOperation) -> Flow[object]:
    """Send a request, and wait for a server that is gone; raises `ServerLost` if it stays away.

    If the server never responded before, `CannotConnect` is raised at once.
    """
    attempt = _ReconnectAttempt(connection)
    while True:
        try:
            response: object = yield request
        except CannotConnect as error:
            if not connection.was_connected:
                raise
            yield from attempt.wait_or_give_up(error)
        except ConnectionCut as error:
            connection.was_connected = True
            gone: CannotConnect | None = yield CheckServer()
            if gone is None and isinstance(request, HttpCall) and not _is_safe(request):
                yield Sleep(_FIRST_CHECK_SECONDS)
                gone = yield CheckServer()
            if gone is None:
                raise
            if not _is_safe(request):
                message = f"{_lost_message(gone)}, during a call"
                raise ConnectionCut(message, gone=True) from error
            yield from attempt.wait_or_give_up(gone)
        else:
            connection.was_connected = True
            yield from attempt.finish()
            return response


def wait_while_connected(connection: ConnectionState, seconds: float) -> Flow[None]:
    """Wait, and check at once, soon after and then regularly that the server is there."""
    left, step = seconds, _FIRST_CHECK_SECONDS
    while left > 0:
        yield from _wait_for_server(connection)
        yield Sleep(min(step, left))
        left, step = left - step, _CHECK_INTERVAL


def _wait_for_server(connection: ConnectionState) -> Flow[None]:
    attempt = _ReconnectAttempt(connection)
    while (gone := (yield CheckServer())) is not None:
        yield from attempt.wait_or_give_up(gone)
    yield from attempt.finish()


class _ReconnectAttempt:
    """Waits for a server that is gone, on behalf of one request."""

    def __init__(self, connection: ConnectionState) -> None:
        self._connection = connection
        self._begun: float | None = None

    def wait_or_give_up(self, error: CannotConnect) -> Flow[None]:
        """Report the outage and wait; raises `ServerLost` after the deadline."""
        connection = self._connection
        now: float = yield GetTime()
        self._begun = now if self._begun is None else self._begun
        until = connection.deadline(self._begun, error)
        if now >= until:
            connection.announced_deadline = None
            raise ServerLost(_lost_message(error, until - self._begun))
        if (
            connection.announced_deadline is None
            or abs(connection.announced_deadline - until) > _SAME_OUTAGE_SECONDS
        ):
            connection.announced_deadline = until
            text = f"Lost the server at {error.origin}, trying again until {_clock_time(until)}"
            yield Notice("waiting", text)
        yield Sleep(connection.policy.every)

    def finish(self) -> Flow[None]:
        """Report that the server is back, if it was gone."""
        if self._begun is not None and self._connection.announced_deadline is not None:
            self._connection.announced_deadline = None
            yield Notice("waiting", "The server is back")


class PollFailures:
    """Counts polls that fail one after another; `what` is the beginning of the notice."""

    def __init__(self, connection: ConnectionState, what: str = "") -> None:
        self._connection = connection
        self.what = what
        self._since: float | None = None
        self.last_error: NemoError | None = None

    def record(self, problem: NemoError, left: float) -> Flow[None]:
        """Report the first failure; raise the error if it lasts too long.

        Polling goes on for `left` seconds.
        """
        now: float = yield GetTime()
        self.last_error = problem
        if self._since is None:
            self._since = now
            text = f"{self.what}{problem.message}"
            until = _clock_time(now + min(left, self._connection.max_wait))
            yield Notice("waiting", f"{text[:1].upper()}{text[1:]}, trying again until {until}")
        elif now - self._since >= self._connection.max_wait:
            raise problem


def _clock_time(at: float) -> str:
    return datetime.fromtimestamp(at).strftime("%H:%M:%S")


def _lost_message(error: CannotConnect, seconds: float = 0.0) -> str:
    how = "connection refused" if error.refused else "it is unreachable"
    return f"lost the server at {error.origin}: {how}{f' ({seconds:g} s)' if seconds else ''}"


def _is_safe(request: HttpOperation) -> bool:
    return isinstance(request, DownloadFile) or (
        isinstance(request, HttpCall) and request.method == "GET"
    )
