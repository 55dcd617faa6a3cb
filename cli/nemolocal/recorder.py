"""Opens a recorder: its file, its connections to the real server, and where it listens."""

import contextlib
import socket
import ssl
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from urllib.parse import urlsplit

import msgspec

from nemolocal_contract.clock import Clock, WallClock
from nemolocal_contract.endpoints import CLOUD_BASE_URL
from nemolocal_contract.generations import GENERATION_2
from nemolocal_contract.plurals import pluralize
from nemolocal_recording.allowlist_redactor import AllowlistRedactor
from nemolocal_recording.exchange_recorder import RecordingSession
from nemolocal_recording.pseudonyms import Pseudonyms
from nemolocal_recording.record_lines import Header
from nemolocal_recording.recording_file import RecordingFile
from nemolocal_recording.recording_proxy import ProxySettings, RecordingProxy, Upstream
from nemolocal_recording.spending_limit import SpendingLimit

from .errors import CommandError, UsageError
from .exec.certificates import CertificateAuthority
from .exec.connect_proxy import ConnectProxy
from .exec.connection_owner import is_own_connection
from .exec.program_environment import java_proxy_options, proxy_variables
from .exec.relay_thread import RelayThread
from .exec.traffic_monitor import TrafficMonitor, monitor_handshakes

_PORTS = {"http": 80, "https": 443}
_MOST_NAMED = 5


class RecorderOptions(msgspec.Struct, frozen=True):
    """What is recorded and to which file; `upstream` takes the place of the cloud."""

    output: Path
    upstream: str = CLOUD_BASE_URL
    also: tuple[str, ...] = ()
    max_turns: int = 10
    max_renders: int = 3
    keep_text: bool = False


class Recorder:
    """A running recorder. `session` counts what was recorded, `other_hosts` what was not."""

    def __init__(
        self,
        proxy: RecordingProxy,
        file: RecordingFile,
        relay: RelayThread,
        monitor: TrafficMonitor,
    ) -> None:
        self.proxy = proxy
        self.file = file
        self.relay = relay
        self.monitor = monitor
        self.other_hosts: dict[str, int] = {}

    def count_other_host(self, host: str) -> None:
        """Count a connection to a host that is not recorded."""
        self.other_hosts[host] = self.other_hosts.get(host, 0) + 1

    def summary_lines(self) -> Iterator[str]:
        """Yield what was recorded, what was not, and what is odd about it."""
        session = self.proxy.session
        yield f"{pluralize(session.count, 'exchange')} recorded in {self.file.path}"
        if second := session.generations.get(2):
            yield f"{pluralize(second, 'exchange')} of {GENERATION_2}: no rule is learnt from them"
        if self.other_hosts:
            total = pluralize(sum(self.other_hosts.values()), "connection")
            names = list(self.other_hosts)
            more = ", ..." if len(names) > _MOST_NAMED else ""
            shown = ", ".join(names[:_MOST_NAMED])
            hint = "record a host with --also HOST"
            yield f"{total} to other hosts not recorded ({shown}{more}); {hint}"
        if self.file.error is not None:
            reason = self.file.error.strerror
            yield f"the recording is not complete: cannot write {self.file.path}: {reason}"


class RecordedProgram(msgspec.Struct, frozen=True):
    """The environment of a program whose calls are recorded."""

    variables: Mapping[str, str | None]

    def wrap_command(self, words: Sequence[str]) -> list[str]:
        """Return the command line as it is."""
        return list(words)

    def merge_variables(self, found: Mapping[str, str]) -> dict[str, str]:
        """Return the variables of the program."""
        changed = {**found, **self.variables}
        return {name: value for name, value in changed.items() if value is not None}


@contextlib.contextmanager
def open_recorder(
    options: RecorderOptions,
    monitor: TrafficMonitor,
    print_line: Callable[[str], None],
    clock: Clock | None = None,
) -> Iterator[Recorder]:
    """Open a recorder and its file; raises CommandError if the file cannot be created."""
    default = parse_upstream(options.upstream)
    try:
        file = RecordingFile(options.output)
    except FileExistsError:
        raise CommandError(f"{options.output} exists: choose another file with --output") from None
    except OSError as error:
        raise CommandError(f"cannot write {options.output}: {error.strerror}") from error
    chosen = clock or WallClock()
    redactor = AllowlistRedactor(Pseudonyms(), keep_text=options.keep_text)
    session = RecordingSession(file.write, chosen, redactor)
    is_cloud = options.upstream == CLOUD_BASE_URL
    file.write(Header(chosen.time(), "cloud" if is_cloud else "other", options.keep_text))
    limit = SpendingLimit(options.max_turns, options.max_renders)
    others = {host: parse_upstream(f"https://{host}") for host in options.also}
    settings = ProxySettings(default, others, limit, print_line, monitor.count_call)
    proxy = RecordingProxy(settings, session)
    try:
        with RelayThread().running() as relay:
            try:
                yield Recorder(proxy, file, relay, monitor)
            finally:
                relay.run_coroutine(proxy.close())
    finally:
        file.close()


def listen(recorder: Recorder, port: int, tls: ssl.SSLContext | None = None) -> int:
    """Listen on this port of the loopback address, 0 for a free one; return the port."""
    try:
        listener = socket.create_server(("127.0.0.1", port))
    except (OSError, OverflowError) as error:
        reason = getattr(error, "strerror", None) or error
        raise CommandError(f"cannot listen on port {port}: {reason}") from error
    recorder.relay.serve(listener, recorder.proxy.serve, tls)
    return int(listener.getsockname()[1])


@contextlib.contextmanager
def open_recorded_program(
    recorder: Recorder, folder: Path, also: tuple[str, ...]
) -> Iterator[RecordedProgram]:
    """Lead a program to the recorder under the cloud's name; writes certificates to `folder`."""
    monitor = recorder.monitor
    authority = CertificateAuthority()
    trust = authority.write_trust_store(folder, ssl.create_default_context())
    tls = authority.server_context(monitor.host, *also)
    monitor_handshakes(tls, monitor, (monitor.host, *also))
    port = listen(recorder, 0, tls)
    proxy = ConnectProxy(
        monitor, port, own=is_own_connection, also=also, on_other_host=recorder.count_other_host
    )
    recorder.relay.run_coroutine(proxy.start())
    try:
        led = proxy_variables(proxy, f"https://127.0.0.1:{port}", ("*",))
        yield RecordedProgram({**trust.variables(java_proxy_options(proxy.port)), **led})
    finally:
        recorder.relay.run_coroutine(proxy.close())


def parse_upstream(url: str) -> Upstream:
    """Return the server at a base URL; raises UsageError."""
    try:
        parts = urlsplit(url)
        port = parts.port or _PORTS[parts.scheme]
        if not parts.hostname or parts.path.strip("/") or parts.query or parts.username:
            raise ValueError(url)
    except (ValueError, KeyError):
        raise UsageError(
            f"--upstream must be http://HOST:PORT or https://HOST, not {url!r}"
        ) from None
    tls = ssl.create_default_context() if parts.scheme == "https" else None
    return Upstream(parts.hostname, port, parts.netloc, tls)


def default_output(clock: Clock) -> Path:
    """Return the name of a new recording, after the time in UTC."""
    moment = datetime.fromtimestamp(clock.time(), UTC)
    return Path(f"recording-{moment:%Y%m%d-%H%M%S}.jsonl")
