"""Every kind of client under `nemolocal exec`, in a world where somebody listens everywhere."""

import os
import pty
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from nemolocal.exec.sealed_network import SealingUnavailable
from tests.support.foreign_world import ForeignWorld, foreign_world
from tests.support.https_clients import BALANCE, FAMILIES, HOST

pytestmark = pytest.mark.slow


@pytest.fixture
def world(tmp_path: Path) -> Iterator[ForeignWorld]:
    """A network of the test's own; nothing in it leads anywhere."""
    try:
        with foreign_world(tmp_path) as created:
            yield created
    except SealingUnavailable as problem:
        pytest.skip(f"there can be no such world here: {problem}")


@pytest.mark.parametrize("family", FAMILIES)
def test_client_reaches_the_server_or_is_stopped(
    family: str, world: ForeignWorld, tmp_path: Path, subtests: pytest.Subtests
) -> None:
    for client in FAMILIES[family](tmp_path / "clients"):
        with subtests.test(client.name):
            if client.missing:
                pytest.skip(client.missing)
            ran = world.execute(*client.words, options=("--seal", "require"))
            assert ('"code":1001' in ran.stdout) == client.answered, ran
            assert world.seen == []


@pytest.mark.parametrize(
    ("options", "reached"),
    [(("--noproxy", "*"), True), ((), False)],
    ids=["past the proxy", "by the proxy"],
)
def test_somebody_listens_at_the_clouds_address_for_whoever_is_not_sealed(
    options: tuple[str, ...], reached: bool, world: ForeignWorld
) -> None:
    ran = world.execute("curl", "-sS", *options, BALANCE, options=("--seal", "off"))
    assert ran.stderr.startswith("nemolocal exec: not sealed (--seal off): ")
    assert bool(world.seen) is reached
    reported = (
        "bypassed the proxy and reached the real cloud, since this run is not sealed" in ran.stderr
    )
    assert reported is reached


@pytest.mark.parametrize("family", ["python", "node", "java"])
def test_client_that_is_not_sealed_is_led_by_hooks_and_variables(
    family: str, world: ForeignWorld, tmp_path: Path, subtests: pytest.Subtests
) -> None:
    for client in FAMILIES[family](tmp_path / "clients"):
        with subtests.test(client.name):
            if client.missing or "-I" in client.words:
                pytest.skip(client.missing or "it reads no variable")
            ran = world.execute(*client.words, options=("--seal", "off"))
            led = client.answered and client.name != "Python socket to an address"
            assert ('"code":1001' in ran.stdout) == led, ran
            assert world.seen == []


@pytest.mark.parametrize("sealing", ["require", "off"])
def test_host_that_is_allowed_is_called_and_nobody_else(sealing: str, world: ForeignWorld) -> None:
    ask = (
        "curl -sS -m 60 https://127.0.0.1:8443/; curl -sS -m 60 http://{0}:80/; "
        "curl -sS -m 60 https://{0}:444/"
    ).format("localhost")
    options = ("--seal", sealing, "--allow-host", "127.0.0.1:8443")
    world.execute("bash", "-c", ask, options=options)
    assert {seen.partition(":")[0] for seen in world.seen} <= {"0.0.0.0 8443", "0.0.0.0 80"}
    assert any(seen.startswith("0.0.0.0 8443: b") for seen in world.seen)


def test_host_that_is_allowed_by_name_is_called_by_a_client_that_knows_no_proxy(
    world: ForeignWorld, tmp_path: Path
) -> None:
    hosts = tmp_path / "hosts"
    hosts.write_text(hosts.read_text() + "203.0.113.9 friend.example foe.example\n")
    script = "import socket; [socket.create_connection(('{}.example', 8443)).send(b'hello')]"
    ask = (sys.executable, "-c", script.format("friend"))
    options = ("--seal", "require", "--allow-host", "friend.example:8443")
    assert world.execute(*ask, options=options).returncode == 0
    assert "0.0.0.0 8443: b'hello'" in world.seen
    world.seen.clear()
    ran = world.execute(sys.executable, "-c", script.format("foe"), options=options)
    assert ran.returncode == 1
    assert "refused foe.example: " in ran.stderr
    assert world.seen == []


def test_run_in_a_run_is_sealed_too(world: ForeignWorld) -> None:
    inner = (sys.executable, "-m", "nemolocal", "exec", "--require-calls", "1", "--")
    ran = world.execute(*inner, "curl", "-sS", BALANCE, options=("--require-calls", "1"))
    assert ran.returncode == 2
    assert '"code":1001' in ran.stdout
    assert "0 calls seen, but --require-calls is 1" in ran.stderr
    assert world.seen == []


WITHOUT_POWERS = ("setpriv", "--bounding-set", "-sys_admin", "--inh-caps", "-sys_admin")


@pytest.mark.skipif(not shutil.which("setpriv"), reason="there is no setpriv")
def test_sealed_program_is_who_it_was_where_it_was_and_owns_what_it_makes(tmp_path: Path) -> None:
    powers = WITHOUT_POWERS if os.geteuid() == 0 else ()
    script = "id -u; pwd; cat; umask; grep SigIgn /proc/self/status; echo x > made; exit 5"
    ran = subprocess.run(
        [*powers, sys.executable, "-m", "nemolocal", "exec", "bash", "-c", script],
        input="typed\n", capture_output=True, text=True, cwd=tmp_path, check=False,
    )  # fmt: skip
    assert ran.returncode == 5, ran
    assert "not sealed" not in ran.stderr
    who, where, typed, mask, ignored = ran.stdout.splitlines()
    assert (who, where, typed) == (str(os.geteuid()), str(tmp_path), "typed")
    assert mask == subprocess.check_output(["bash", "-c", "umask"], text=True).strip()
    assert not int(ignored.split()[1], 16) & 1 << signal.SIGPIPE - 1
    assert (tmp_path / "made").stat().st_uid == os.geteuid()


def test_sealed_program_has_the_terminal() -> None:
    ours, theirs = pty.openpty()
    command = [sys.executable, "-m", "nemolocal", "exec", "bash", "-c", "test -t 0 && tty"]
    with subprocess.Popen(command, stdin=theirs, stdout=subprocess.PIPE, text=True) as child:
        out, _ = child.communicate()
    name = os.ttyname(theirs)
    os.close(ours)
    os.close(theirs)
    assert (child.returncode, out) == (0, f"{name}\n")


FORBIDDEN = 'echo 0 > /proc/sys/user/max_net_namespaces && exec "$@"'


@pytest.mark.parametrize(
    ("options", "status", "reported"),
    [
        ((), 0, "not sealed (unshare: no space left on device): a client that ignores the "),
        (("--seal", "require"), 1, "cannot seal the program: unshare: no space left "),
    ],
)
def test_machine_that_forbids_namespaces_is_told(
    options: tuple[str, ...], status: int, reported: str
) -> None:
    wrapped = ("unshare", "--user", "--map-root-user", "bash", "-c", FORBIDDEN, "bash")
    if not shutil.which("unshare") or subprocess.run([*wrapped, "true"], check=False).returncode:
        pytest.skip("there is no unshare, or it may not")
    command = [*wrapped, sys.executable, "-m", "nemolocal", "exec", *options, "--"]
    ran = subprocess.run([*command, "curl", "-sS", BALANCE], capture_output=True, text=True)
    assert ran.returncode == status, ran
    assert reported in ran.stderr
    assert ('"code":1001' in ran.stdout) is (status == 0)


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can be somebody else")
@pytest.mark.skipif(not shutil.which("setpriv"), reason="there is no setpriv")
@pytest.mark.parametrize("sealing", ["off", "require"])
def test_other_user_of_the_machine_gets_nothing(sealing: str) -> None:
    foreign = "setpriv --reuid 65534 --regid 65534 --clear-groups curl -sk -m 60"
    by = "--noproxy '' -x http://127.0.0.1:${HTTP_PROXY##*:}"
    script = (
        f"{foreign} $NEMO_API_URL/api/credits/balance/simple;"
        f"{foreign} {by} http://localhost:9/; {foreign} {by} http://{HOST}/;"
        f"curl -sk $NEMO_API_URL/__nemolocal__/tokens"
    )
    command = [sys.executable, "-m", "nemolocal", "exec", "--seal", sealing]
    command += ["--allow-host", "localhost:9", "--", "bash", "-c", script]
    ran = subprocess.run(command, capture_output=True, text=True, check=False)
    assert "the control API is disabled" in ran.stdout
    if sealing == "off":
        assert "this server belongs to another user" in ran.stdout
        assert ran.stdout.count("this proxy requires authentication") == 2
        assert '"code":1001' not in ran.stdout
