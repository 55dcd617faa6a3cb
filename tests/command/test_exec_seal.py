"""What a sealed program finds: names, addresses, files; and what is told of it. No process here."""

import socket
import ssl
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given, strategies as st

from nemolocal.exec import sealed_network
from nemolocal.exec.allowed_hosts import AllowedHost, parse_allowed_hosts
from nemolocal.exec.certificates import CertificateAuthority, build_java_keystore
from nemolocal.exec.dns_server import build_dns_response, parse_question
from nemolocal.exec.network_layout import hosts_text, nsswitch_text, plan_network
from nemolocal.exec.sealed_network import sealing_unavailable_reason
from nemolocal.exec.traffic_monitor import TrafficMonitor, monitor_handshakes

CLOUD = "cloud.example"
KNOWN = {CLOUD: ("127.77.0.1",), "six.example": ("::7",)}
A, AAAA, HTTPS = 1, 28, 65


def query(name: str, kind: int, flags: int = 0x0100) -> bytes:
    labels = b"".join(bytes([len(label)]) + label.encode() for label in name.split("."))
    head = b"\x12\x34" + flags.to_bytes(2, "big") + b"\x00\x01" + bytes(6)
    return head + labels + b"\x00" + kind.to_bytes(2, "big") + b"\x00\x01"


@pytest.mark.parametrize(
    ("name", "kind", "code", "found"),
    [
        (CLOUD, A, 0, socket.inet_aton("127.77.0.1")),
        ("CLOUD.Example", A, 0, socket.inet_aton("127.77.0.1")),
        ("six.example", AAAA, 0, socket.inet_pton(socket.AF_INET6, "::7")),
        (CLOUD, AAAA, 0, b""),
        (CLOUD, HTTPS, 0, b""),
        ("else.example", A, 3, b""),
        (f"sub.{CLOUD}", A, 3, b""),
    ],
)
def test_name_server_knows_the_hosts_that_may_be_called(
    name: str, kind: int, code: int, found: bytes
) -> None:
    asked = query(name, kind)
    reply = build_dns_response(asked, KNOWN)
    assert reply[:2] == asked[:2]
    assert reply[2] & 0x80
    assert reply[3] & 0xF == code
    assert reply[6:8] == (b"\x00\x01" if found else b"\x00\x00")
    assert reply[12 : len(asked)] == asked[12:]
    assert reply[len(asked) :].endswith(found)


@given(st.binary(max_size=100) | st.binary(max_size=60).map(lambda tail: query("a", A)[:12] + tail))
def test_anything_else_is_no_query_and_never_an_error(data: bytes) -> None:
    question = parse_question(data)
    assert bool(build_dns_response(data, KNOWN)) == (question is not None)


def test_each_allowed_host_has_an_address_and_the_cloud_is_everywhere_else() -> None:
    allowed = parse_allowed_hosts(
        ["friend.example", "friend.example:81", "10.1.2.3:82", "localhost:83"]
    )
    layout = plan_network(CLOUD, [*allowed, AllowedHost("::1", 84)])
    assert layout.addresses == {CLOUD: ("127.77.0.1",), "friend.example": ("127.77.0.2",)}
    assert layout.https_listeners == (("0.0.0.0", 443), ("::", 443))
    assert {place: (one.host, one.port) for place, one in layout.forwarded.items()} == {
        ("127.77.0.2", 80): ("friend.example", 80),
        ("127.77.0.2", 443): ("friend.example", 443),
        ("127.77.0.2", 81): ("friend.example", 81),
        ("10.1.2.3", 82): ("10.1.2.3", 82),
        ("127.0.0.1", 83): ("localhost", 83),
        ("::1", 84): ("::1", 84),
    }


def test_cloud_itself_is_never_forwarded() -> None:
    assert plan_network(CLOUD, parse_allowed_hosts([CLOUD, f"{CLOUD}:8443"])).forwarded == {}


def test_hosts_of_this_machine_stay_and_others_go() -> None:
    found = (
        "127.0.0.1 localhost Cloud.example # mine\n::1 ip6-localhost\n"
        "203.0.113.1 cloud.example\n203.0.113.2 else.example\nnonsense\n127.0.1.1 vm.example vm\n"
    )
    text = hosts_text({CLOUD: ("127.77.0.1",)}, found, "vm")
    assert text == (
        "127.77.0.1 cloud.example\n127.0.0.1 localhost\n::1 ip6-localhost\n"
        "127.0.1.1 vm.example vm\n"
    )
    assert hosts_text({}, "", "vm") == "127.0.0.1 vm\n"


def test_names_are_looked_for_in_files_and_then_at_the_name_server() -> None:
    found = "passwd: files systemd\nhosts: files resolve [!UNAVAIL=return] dns\n"
    assert nsswitch_text(found) == "passwd: files systemd\nhosts: files dns\n"


@pytest.fixture
def reported() -> list[str]:
    """What a monitor says at once."""
    return []


@pytest.fixture
def monitor(reported: list[str]) -> TrafficMonitor:
    return TrafficMonitor(CLOUD, reported.append)


def shake_hands(
    server: ssl.SSLContext, name: str, believed: str | None
) -> Callable[[], ssl.SSLError | None]:
    """A client and a server that say hello; what the server, then, makes of it."""
    client = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    if believed is not None:
        client.load_verify_locations(cadata=believed)
    to_server, to_client = ssl.MemoryBIO(), ssl.MemoryBIO()
    ours = server.wrap_bio(to_server, to_client, server_side=True)
    theirs = client.wrap_bio(to_client, to_server, server_hostname=name)
    for side in (theirs, ours, theirs):
        try:
            side.do_handshake()
        except ssl.SSLWantReadError:
            continue
        except ssl.SSLError:
            break

    def finish() -> ssl.SSLError | None:
        try:
            ours.do_handshake()
        except ssl.SSLError as error:
            return error
        return None

    return finish


def test_client_that_does_not_believe_the_certificate_is_told_so(
    monitor: TrafficMonitor, reported: list[str]
) -> None:
    context = CertificateAuthority().server_context(CLOUD)
    monitor_handshakes(context, monitor, (CLOUD,))
    assert shake_hands(context, CLOUD, None)() is not None
    assert list(monitor.summary_lines("")) == [
        "1 TLS connection ended without a request (tlsv1 alert unknown ca): the client does not "
        "trust the certificate in $SSL_CERT_FILE, or does not speak HTTP/1.1",
        "no call to cloud.example was seen: no TLS handshake led to one",
    ]
    assert reported == []


def test_handshake_for_another_host_is_refused_and_told(
    monitor: TrafficMonitor, reported: list[str]
) -> None:
    context = CertificateAuthority().server_context(CLOUD)
    monitor_handshakes(context, monitor, (CLOUD,))
    shake_hands(context, "else.example", None)
    shake_hands(context, "else.example", None)
    assert reported == [
        "refused else.example: only cloud.example is served here; "
        "allow it with --allow-host else.example"
    ]
    assert list(monitor.summary_lines("")) == [
        "no call to cloud.example was seen: the program asked for else.example"
    ]


def test_client_that_believes_and_asks_is_told_nothing(
    monitor: TrafficMonitor, tmp_path: Path
) -> None:
    authority = CertificateAuthority()
    authority.write_trust_store(tmp_path, None)
    context = authority.server_context(CLOUD)
    monitor_handshakes(context, monitor, (CLOUD,))
    believed = (tmp_path / "certificates.pem").read_text()
    assert shake_hands(context, CLOUD, believed)() is None
    monitor.count_call(("127.0.0.1", 1))
    assert list(monitor.summary_lines("it may have gone past")) == []


def test_no_call_is_told_with_what_may_be_the_reason(monitor: TrafficMonitor) -> None:
    begin = "no call to cloud.example was seen: the program made none"
    assert list(monitor.summary_lines("")) == [begin]
    assert list(monitor.summary_lines("it is blind")) == [f"{begin}, or it is blind"]


@pytest.mark.slow
def test_openssl_finds_the_authority_in_the_folder_of_the_system(tmp_path: Path) -> None:
    trust = CertificateAuthority().write_trust_store(tmp_path, None)
    laid = trust.system_files(keep=False)
    if "/etc/ssl/certs" not in laid:
        pytest.skip("this system has no such folder")
    folder = Path(laid["/etc/ssl/certs"])
    bundle = (tmp_path / "certificates.pem").read_text()
    hashed = [path for path in folder.iterdir() if path.name.endswith(".0")]
    assert [path.read_text() for path in hashed] == [bundle]
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.load_verify_locations(capath=str(folder))
    command = ["openssl", "x509", "-hash", "-noout", "-in", str(tmp_path / "certificates.pem")]
    try:
        name = subprocess.check_output(command, text=True).strip()
    except FileNotFoundError:
        return
    assert hashed[0].name == f"{name}.0"


def test_java_store_has_its_sum_and_every_certificate() -> None:
    store = build_java_keystore([b"one", b"two"])
    assert store[:12] == bytes.fromhex("feedfeed 00000002 00000002".replace(" ", ""))
    assert b"X.509\x00\x00\x00\x03one" in store
    assert b"X.509\x00\x00\x00\x03two" in store


def test_only_linux_can_seal_a_program(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "platform", "darwin")
    assert sealing_unavailable_reason() == "only Linux has network namespaces"


def test_script_that_breaks_off_is_told_with_its_last_line_and_what_may_be_the_reason(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    script, restricted = tmp_path / "script.py", tmp_path / "apparmor"
    script.write_text("raise OSError('no namespaces')")
    restricted.write_text("1\n")
    monkeypatch.setattr(sealed_network, "_SCRIPT", script)
    monkeypatch.setattr(sealed_network, "_APPARMOR", tmp_path / "none")
    assert sealing_unavailable_reason() == "OSError: no namespaces"
    monkeypatch.setattr(sealed_network, "_APPARMOR", restricted)
    assert sealing_unavailable_reason().startswith("OSError: no namespaces: ")
