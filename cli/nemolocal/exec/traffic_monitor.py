"""Monitoring of a program that runs against a local server instead of the cloud."""

import ssl
import threading
from collections.abc import Callable, Collection, Iterator

from nemolocal_contract.generations import GENERATION_2
from nemolocal_contract.plurals import pluralize

_LOCAL = ("localhost", "127.0.0.1", "::1", None)
_MAX_NAMES = 5


class TrafficMonitor:
    """Counts calls, connections, failed handshakes and refused hosts. Thread-safe.

    `print_line` is called once for each refused host.
    """

    def __init__(self, host: str, print_line: Callable[[str], None]) -> None:
        self.host = host
        self.call_count = 0
        self._print = print_line
        self._lock = threading.Lock()
        self._refused: dict[str, None] = {}
        self._handshakes = 0
        self._failures: dict[str, int] = {}
        self._used_connections: set[object] = set()
        self._printed: set[str] = set()
        self._generation_2 = 0

    def count_call(self, connection: object) -> None:
        """Count a request on a connection."""
        with self._lock:
            self.call_count += 1
            self._used_connections.add(connection)

    def count_generation_2(self) -> None:
        """Count a request of generation 2, which the local server does not have."""
        with self._lock:
            self._generation_2 += 1

    def record_refused_host(self, host: str, message: str) -> None:
        """Record a request for a host that is not served, and print `message` once."""
        with self._lock:
            self._refused[host] = None
        self.print_once(message, about=host)

    def print_once(self, message: str, about: str = "") -> None:
        """Print a line, unless one about the same subject was printed before."""
        with self._lock:
            known = (about or message) in self._printed
            self._printed.add(about or message)
        if not known:
            self._print(message)

    def record_handshake(self) -> None:
        """Count a TLS handshake that a client has begun."""
        with self._lock:
            self._handshakes += 1

    def record_handshake_failure(self, reason: str) -> None:
        """Count a failed handshake."""
        with self._lock:
            self._failures[reason] = self._failures.get(reason, 0) + 1

    @property
    def unused_connections(self) -> int:
        """How many TLS connections ended without a request."""
        return max(0, self._handshakes - len(self._used_connections))

    def summary_lines(self, doubt: str) -> Iterator[str]:
        """Yield the summary; `doubt` says how calls may have gone unseen, or is empty."""
        if self.unused_connections:
            yield (
                f"{pluralize(self.unused_connections, 'TLS connection')} ended without a request"
                f"{self._reasons()}: "
                "the client does not trust the certificate in $SSL_CERT_FILE, or does not speak "
                "HTTP/1.1"
            )
        if self._generation_2:
            yield f"{pluralize(self._generation_2, 'call')} of {GENERATION_2}: answered with 404"
        if not self.call_count:
            yield f"no call to {self.host} was seen: {self._reason(doubt)}"

    def _reasons(self) -> str:
        return f" ({', '.join(sorted(self._failures))})" if self._failures else ""

    def _reason(self, doubt: str) -> str:
        if self.unused_connections:
            return "no TLS handshake led to one"
        if self._refused:
            names = list(self._refused)
            more = ", ..." if len(names) > _MAX_NAMES else ""
            asked = f"the program asked for {', '.join(names[:_MAX_NAMES])}{more}"
            return f"{asked}; {doubt}" if doubt else asked
        return f"the program made none, or {doubt}" if doubt else "the program made none"


def monitor_handshakes(
    context: ssl.SSLContext, monitor: TrafficMonitor, served: Collection[str]
) -> None:
    """Report handshakes to a monitor; refuse server names that are not `served`."""

    class Watched(ssl.SSLObject):
        """A TLS connection that reports failed handshakes."""

        def do_handshake(self) -> None:
            try:
                super().do_handshake()
            except (ssl.SSLWantReadError, ssl.SSLWantWriteError):
                raise
            except ssl.SSLError as error:
                if error.reason not in (None, "CALLBACK_FAILED"):
                    monitor.record_handshake_failure(str(error.reason).lower().replace("_", " "))
                raise

    def check_server_name(_: object, name: str | None, __: object) -> int | None:
        if name in _LOCAL or name in served:
            monitor.record_handshake()
            return None
        assert name is not None
        monitor.record_refused_host(name, refusal_message(name, monitor.host))
        return ssl.ALERT_DESCRIPTION_UNRECOGNIZED_NAME

    context.sslobject_class = Watched
    context.sni_callback = check_server_name


def refusal_message(host: str, served: str, port: int | None = None) -> str:
    """Return the message for a host that is not served, and how to allow it."""
    place = host if port is None else f"{host}:{port}"
    usual = port in (None, 80, 443)
    return (
        f"refused {place}: only {served} is served here; allow it with --allow-host "
        f"{host if usual else place}"
    )
