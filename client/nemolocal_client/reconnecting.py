"""A server that answered before and is gone: told at once, looked for, and given up in time.

A refused connection is no silence and no cut: nothing was sent, so whatever it was may be sent when
the server is back. What was under way when the connection broke is another matter: only questions
are asked again, and the rest is left to who knows what may be repeated (CLI-4, SSE-7).
"""

from datetime import datetime

from .effects import Call, CheckServer, Download, Flow, Notice, Now, Request, Wait
from .errors import CannotConnect, ConnectionCut, NemoError, ServerLost
from .polling import CONTRACT_RECONNECTING, ReconnectPolicy

# A network that is down comes back later than a server that is started again.
_UNREACHABLE = 10
# When to look again: a process that ends closes its connections before it stops to listen.
_SOON, _STEP = 1.0, 10.0
# Calls that overlap lose their server together, and tell it once.
_TOGETHER = 5.0


class Link:
    """What a client knows of its connection: whether there was one, and what it told of its end."""

    def __init__(self, policy: ReconnectPolicy = CONTRACT_RECONNECTING) -> None:
        self.policy = policy
        self.met = False
        self.told: float | None = None

    @property
    def longest(self) -> float:
        """Seconds for which something that may pass is waited for."""
        return self.policy.seconds * _UNREACHABLE

    def until(self, begun: float, error: CannotConnect) -> float:
        """When a server is given up that has been gone since then."""
        return begun + (self.policy.seconds if error.refused else self.longest)


def reach(link: Link, request: Request) -> Flow[object]:
    """Send a request, also to a server that is gone for a while; `ServerLost` where it stays away.

    A server that never answered is not waited for: that is `CannotConnect`, at once.
    """
    search = _Search(link)
    while True:
        try:
            reply: object = yield request
        except CannotConnect as error:
            if not link.met:
                raise
            yield from search.go_on(error)
        except ConnectionCut as cut:
            link.met = True
            gone: CannotConnect | None = yield CheckServer()
            if gone is None and isinstance(request, Call) and not _only_asks(request):
                yield Wait(_SOON)
                gone = yield CheckServer()
            if gone is None:
                raise
            if not _only_asks(request):
                said = f"{_lost(gone)}, and a call was under way"
                raise ConnectionCut(said, gone=True) from cut
            yield from search.go_on(gone)
        else:
            link.met = True
            yield from search.end()
            return reply


def wait_beside(link: Link, seconds: float) -> Flow[None]:
    """Wait, and see at once, soon after and at every step that the server is there."""
    left, step = seconds, _SOON
    while left > 0:
        yield from _await_server(link)
        yield Wait(min(step, left))
        left, step = left - step, _STEP


def _await_server(link: Link) -> Flow[None]:
    search = _Search(link)
    while True:
        gone: CannotConnect | None = yield CheckServer()
        if gone is None:
            yield from search.end()
            return
        yield from search.go_on(gone)


class _Search:
    """One request's search for a server that is gone."""

    def __init__(self, link: Link) -> None:
        self._link = link
        self._begun: float | None = None

    def go_on(self, error: CannotConnect) -> Flow[None]:
        """Tell it, and wait for a moment; `ServerLost` when that was long enough."""
        link = self._link
        now: float = yield Now()
        self._begun = now if self._begun is None else self._begun
        until = link.until(self._begun, error)
        if now >= until:
            link.told = None
            raise ServerLost(_lost(error, until - self._begun))
        if link.told is None or abs(link.told - until) > _TOGETHER:
            link.told = until
            told = f"Lost the server at {error.origin}, trying again until {_clock_time(until)}"
            yield Notice("waiting", told)
        yield Wait(link.policy.every)

    def end(self) -> Flow[None]:
        """It is there; tell that, if it was not."""
        if self._begun is not None and self._link.told is not None:
            self._link.told = None
            yield Notice("waiting", "The server is back")


class Trouble:
    """Questions that go wrong one after another, and are asked again; `what` begins the notice."""

    def __init__(self, link: Link, what: str = "") -> None:
        self._link = link
        self.what = what
        self._since: float | None = None
        self.problem: NemoError | None = None

    def meet(self, problem: NemoError, left: float) -> Flow[None]:
        """Tell the first, and raise what goes on too long; it is asked for `left` seconds more."""
        now: float = yield Now()
        self.problem = problem
        if self._since is None:
            self._since = now
            said = f"{self.what}{problem.message}"
            said = f"{said[:1].upper()}{said[1:]}"
            until = _clock_time(now + min(left, self._link.longest))
            yield Notice("waiting", f"{said}, trying again until {until}")
        elif now - self._since >= self._link.longest:
            raise problem


def _clock_time(at: float) -> str:
    return datetime.fromtimestamp(at).strftime("%H:%M:%S")


def _lost(error: CannotConnect, seconds: float = 0.0) -> str:
    how = "nothing listens there any more" if error.refused else "it cannot be reached any more"
    return f"lost the server at {error.origin}: {how}{f' ({seconds:g} s)' if seconds else ''}"


def _only_asks(request: Request) -> bool:
    return isinstance(request, Download) or (isinstance(request, Call) and request.method == "GET")
