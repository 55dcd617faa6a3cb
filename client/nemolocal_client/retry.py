"""How often the client asks again, and how long it is patient."""

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

# Seconds before each read of the state after a cut stream, and after a silent end (CLI-4, CLI-3).
POLL_DELAYS_AFTER_CUT = (30.0, 60.0, 60.0, 60.0, 60.0)
POLL_DELAYS_AFTER_SILENCE = (0.0, 30.0, 60.0, 60.0, 60.0)

RATE_LIMIT_PAUSE = 30.0

_NOTICE_INTERVAL = 120.0
_HEARTBEAT_TIMEOUT = 600.0
_TURN_TIMEOUT = 900.0


class PollPolicy(msgspec.Struct, frozen=True):
    """How a render is polled: every `seconds`, at most `times` (CLI-8)."""

    seconds: float = 30.0
    times: int = 10


CONTRACT_POLLING = PollPolicy()


class ReconnectPolicy(msgspec.Struct, frozen=True):
    """How long a server is looked for that answered before and is gone, and how often.

    `seconds` of the time where it refuses connections, ten times as long where it cannot be
    reached at all, since its network may be down; 0 gives up at once. It is looked for `every` so
    many seconds of the clock.
    """

    seconds: float = 30.0
    every: float = 1.0


CONTRACT_RECONNECTING = ReconnectPolicy()


class TurnTimer:
    """The clock of one turn (CLI-5); all times are seconds since the epoch."""

    def __init__(self, begun: float) -> None:
        self._started = self._last_event = self._last_notice = begun

    def record_event(self, now: float) -> None:
        """Something that is no heartbeat arrived."""
        self._last_event = now

    def check_timeout(self, now: float) -> None:
        """Raise `StreamTimeout` after 10 minutes of heartbeats only, or 15 minutes in all."""
        if now - self._started >= _TURN_TIMEOUT:
            raise StreamTimeout("the turn took more than 15 minutes")
        if now - self._last_event >= _HEARTBEAT_TIMEOUT:
            raise StreamTimeout("the turn gave no sign but heartbeats for 10 minutes")

    def due_notice(self, now: float) -> Notice | None:
        """What to tell the user now: a line every 2 minutes."""
        if now - self._last_notice < _NOTICE_INTERVAL:
            return None
        self._last_notice = now
        return Notice("working", STILL_WORKING)


# A network that is down comes back later than a server that is started again.
_UNREACHABLE_FACTOR = 10
# When to look again: a process that ends closes its connections before it stops to listen.
_FIRST_CHECK_SECONDS, _CHECK_INTERVAL = 1.0, 10.0
# Calls that overlap lose their server together, and tell it once.
_SAME_OUTAGE_SECONDS = 5.0


class ConnectionState:
    """What a client knows of its connection: whether there was one, and what it told of its end."""

    def __init__(self, policy: ReconnectPolicy = CONTRACT_RECONNECTING) -> None:
        self.policy = policy
        self.was_connected = False
        self.announced_deadline: float | None = None

    @property
    def max_wait(self) -> float:
        """Seconds for which something that may pass is waited for."""
        return self.policy.seconds * _UNREACHABLE_FACTOR

    def deadline(self, begun: float, error: CannotConnect) -> float:
        """When a server is given up that has been gone since then."""
        return begun + (self.policy.seconds if error.refused else self.max_wait)


def send_with_reconnect(link: ConnectionState, request: HttpOperation) -> Flow[object]:
    """Send a request, also to a server that is gone for a while; `ServerLost` where it stays away.

    A server that never answered is not waited for: that is `CannotConnect`, at once.
    """
    search = _ReconnectAttempt(link)
    while True:
        try:
            reply: object = yield request
        except CannotConnect as error:
            if not link.was_connected:
                raise
            yield from search.wait_or_give_up(error)
        except ConnectionCut as cut:
            link.was_connected = True
            gone: CannotConnect | None = yield CheckServer()
            if gone is None and isinstance(request, HttpCall) and not _is_safe(request):
                yield Sleep(_FIRST_CHECK_SECONDS)
                gone = yield CheckServer()
            if gone is None:
                raise
            if not _is_safe(request):
                said = f"{_lost_message(gone)}, and a call was under way"
                raise ConnectionCut(said, gone=True) from cut
            yield from search.wait_or_give_up(gone)
        else:
            link.was_connected = True
            yield from search.finish()
            return reply


def wait_while_connected(link: ConnectionState, seconds: float) -> Flow[None]:
    """Wait, and see at once, soon after and at every step that the server is there."""
    left, step = seconds, _FIRST_CHECK_SECONDS
    while left > 0:
        yield from _wait_for_server(link)
        yield Sleep(min(step, left))
        left, step = left - step, _CHECK_INTERVAL


def _wait_for_server(link: ConnectionState) -> Flow[None]:
    search = _ReconnectAttempt(link)
    while True:
        gone: CannotConnect | None = yield CheckServer()
        if gone is None:
            yield from search.finish()
            return
        yield from search.wait_or_give_up(gone)


class _ReconnectAttempt:
    """One request's search for a server that is gone."""

    def __init__(self, link: ConnectionState) -> None:
        self._connection = link
        self._begun: float | None = None

    def wait_or_give_up(self, error: CannotConnect) -> Flow[None]:
        """Tell it, and wait for a moment; `ServerLost` when that was long enough."""
        link = self._connection
        now: float = yield GetTime()
        self._begun = now if self._begun is None else self._begun
        until = link.deadline(self._begun, error)
        if now >= until:
            link.announced_deadline = None
            raise ServerLost(_lost_message(error, until - self._begun))
        if (
            link.announced_deadline is None
            or abs(link.announced_deadline - until) > _SAME_OUTAGE_SECONDS
        ):
            link.announced_deadline = until
            told = f"Lost the server at {error.origin}, trying again until {_clock_time(until)}"
            yield Notice("waiting", told)
        yield Sleep(link.policy.every)

    def finish(self) -> Flow[None]:
        """It is there; tell that, if it was not."""
        if self._begun is not None and self._connection.announced_deadline is not None:
            self._connection.announced_deadline = None
            yield Notice("waiting", "The server is back")


class PollFailures:
    """Questions that go wrong one after another, and are asked again; `what` begins the notice."""

    def __init__(self, link: ConnectionState, what: str = "") -> None:
        self._connection = link
        self.what = what
        self._since: float | None = None
        self.last_error: NemoError | None = None

    def record(self, problem: NemoError, left: float) -> Flow[None]:
        """Tell the first, and raise what goes on too long; it is asked for `left` seconds more."""
        now: float = yield GetTime()
        self.last_error = problem
        if self._since is None:
            self._since = now
            said = f"{self.what}{problem.message}"
            said = f"{said[:1].upper()}{said[1:]}"
            until = _clock_time(now + min(left, self._connection.max_wait))
            yield Notice("waiting", f"{said}, trying again until {until}")
        elif now - self._since >= self._connection.max_wait:
            raise problem


def _clock_time(at: float) -> str:
    return datetime.fromtimestamp(at).strftime("%H:%M:%S")


def _lost_message(error: CannotConnect, seconds: float = 0.0) -> str:
    how = "nothing listens there any more" if error.refused else "it cannot be reached any more"
    return f"lost the server at {error.origin}: {how}{f' ({seconds:g} s)' if seconds else ''}"


def _is_safe(request: HttpOperation) -> bool:
    return isinstance(request, DownloadFile) or (
        isinstance(request, HttpCall) and request.method == "GET"
    )
