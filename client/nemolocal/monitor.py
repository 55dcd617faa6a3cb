"""What is seen of a program that runs in the cloud's place, and what it is told of that."""

import ssl
import threading
from collections.abc import Callable, Collection, Iterator

_LOCAL = ("localhost", "127.0.0.1", "::1", None)
_MOST_NAMES = 5


class Monitor:
    """Counts calls, connections, failed handshakes and refused hosts; threads may share it.

    `tell` gets a line for each host that is refused, once.
    """

    def __init__(self, host: str, tell: Callable[[str], None]) -> None:
        self.host = host
        self.calls = 0
        self._tell = tell
        self._lock = threading.Lock()
        self._refused: dict[str, None] = {}
        self._greeted = 0
        self._failures: dict[str, int] = {}
        self._asking: set[object] = set()
        self._told: set[str] = set()

    def count_call(self, connection: object) -> None:
        """A request has come over a connection."""
        with self._lock:
            self.calls += 1
            self._asking.add(connection)

    def refuse(self, host: str, said: str) -> None:
        """A host was asked for that is not served."""
        with self._lock:
            self._refused[host] = None
        self.tell_once(said, about=host)

    def tell_once(self, said: str, about: str = "") -> None:
        """Say something, unless something was said of it before."""
        with self._lock:
            known = (about or said) in self._told
            self._told.add(about or said)
        if not known:
            self._tell(said)

    def greet(self) -> None:
        """A client has begun a TLS handshake with the server."""
        with self._lock:
            self._greeted += 1

    def fail(self, reason: str) -> None:
        """A handshake has failed."""
        with self._lock:
            self._failures[reason] = self._failures.get(reason, 0) + 1

    @property
    def unused(self) -> int:
        """TLS connections over which nothing was asked."""
        return max(0, self._greeted - len(self._asking))

    def report(self, doubt: str) -> Iterator[str]:
        """What there is to say in the end; `doubt` is how calls may have gone unseen, if at all."""
        if self.unused:
            plural = "s" * (self.unused != 1)
            yield (
                f"{self.unused} TLS connection{plural} ended without a request{self._reasons()}: "
                "the client does not believe the certificate in $SSL_CERT_FILE, or speaks no "
                "HTTP/1.1"
            )
        if not self.calls:
            yield f"no call to {self.host} was seen: {self._why(doubt)}"

    def _reasons(self) -> str:
        return f" ({', '.join(sorted(self._failures))})" if self._failures else ""

    def _why(self, doubt: str) -> str:
        if self.unused:
            return "no TLS handshake led to one"
        if self._refused:
            names = list(self._refused)
            more = ", ..." if len(names) > _MOST_NAMES else ""
            asked = f"the program asked for {', '.join(names[:_MOST_NAMES])}{more}"
            return f"{asked}; {doubt}" if doubt else asked
        return f"the program made none, or {doubt}" if doubt else "the program made none"


def monitor_handshakes(context: ssl.SSLContext, monitor: Monitor, served: Collection[str]) -> None:
    """Tell a monitor of what becomes of handshakes; names that are not `served` are refused."""

    class Watched(ssl.SSLObject):
        """A TLS connection whose failure is told."""

        def do_handshake(self) -> None:
            try:
                super().do_handshake()
            except (ssl.SSLWantReadError, ssl.SSLWantWriteError):
                raise
            except ssl.SSLError as error:
                if error.reason not in (None, "CALLBACK_FAILED"):
                    monitor.fail(str(error.reason).lower().replace("_", " "))
                raise

    def look_at_name(_: object, name: str | None, __: object) -> int | None:
        if name in _LOCAL or name in served:
            monitor.greet()
            return None
        assert name is not None
        monitor.refuse(name, refusal(name, monitor.host))
        return ssl.ALERT_DESCRIPTION_UNRECOGNIZED_NAME

    context.sslobject_class = Watched
    context.sni_callback = look_at_name


def refusal(host: str, served: str, port: int | None = None) -> str:
    """What is said of a host that is not served, with the way out."""
    place = host if port is None else f"{host}:{port}"
    usual = port in (None, 80, 443)
    return (
        f"refused {place}: only {served} is served here; allow it with --allow-host "
        f"{host if usual else place}"
    )
