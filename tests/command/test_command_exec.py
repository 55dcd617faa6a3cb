"""`nemolocal exec`: programs that know only the cloud's address reach the local server."""

import json
import os
import re
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import NoReturn

import pytest

from nemolocal.exec.program_environment import CLOUD_HOST
from nemolocal.exec.sealed_network import SealingUnavailable, sealing_unavailable_reason
from nemolocal.main import main
from nemolocal_contract.endpoints import CLOUD_BASE_URL, TOKEN
from tests.support.cli import ServerStarter

BALANCE = f"{CLOUD_BASE_URL}/api/credits/balance/simple"
CURL_GUIDE = Path(__file__).parents[2] / "docs" / "how-to" / "call-the-api-with-curl.md"
Execute = Callable[..., tuple[int, str, str]]
UNSEALED = ("--seal", "off")
UNSEALED_TOLD = "nemolocal exec: not sealed (--seal off): "
NO_CALL = "nemolocal exec: no call to mega-api-prod.nemovideo.ai was seen: the program made none\n"
sealed = pytest.mark.skipif(
    bool(sealing_unavailable_reason()), reason="programs cannot be sealed here"
)


@pytest.fixture
def execute(capfd: pytest.CaptureFixture[str]) -> Execute:
    """Run a program; its status, what it wrote, and what was told."""

    def run_program(*words: str, options: tuple[str, ...] = ()) -> tuple[int, str, str]:
        status = main(["exec", *options, "--", *words])
        reported = capfd.readouterr()
        return status, reported.out, reported.err if options else without_doubts(reported.err)

    return run_program


def without_doubts(err: str) -> str:
    """What is told, less what is told only where programs cannot be sealed."""
    doubt = (
        ", or its calls bypassed the proxy and reached the real cloud, since this run is not sealed"
    )
    lines = err.replace(doubt, "").splitlines(keepends=True)
    return "".join(line for line in lines if "exec: not sealed (unshare: " not in line)


@pytest.mark.slow
def test_curl_session_runs_unedited_against_the_clouds_address(
    execute: Execute, sample: Path, tmp_path: Path, rendered: bool
) -> None:
    text = CURL_GUIDE.read_text(encoding="utf-8")
    block = re.search(r"```bash\n(.*?)```", text, re.DOTALL)
    assert block is not None
    (tmp_path / "nemolocal-demo.mp4").write_bytes(sample.read_bytes())
    script = block[1].replace("http://127.0.0.1:8787", CLOUD_BASE_URL)
    status, out, err = execute("bash", "-euo", "pipefail", "-c", script)
    assert (status, err) == (0, "")
    assert f"{CLOUD_BASE_URL}/cdn/media/" in out
    film = (tmp_path / "out.mp4").read_bytes()
    assert film[4:8] == b"ftyp" if rendered else film == b"a render"


@pytest.fixture
def node() -> str:
    """The program, where there is one."""
    found = shutil.which("node")
    if found is None:
        pytest.skip("there is no node")
    return found


PYTHON = {
    "httpx": f"import httpx; print(httpx.get('{BALANCE}', timeout=60).text)",
    "requests": f"import requests; print(requests.get('{BALANCE}').text)",
    "urllib": f"import urllib.request as u; print(u.urlopen('{BALANCE}').read().decode())",
}


@pytest.mark.slow
@pytest.mark.parametrize(
    "library", ["urllib", *(pytest.param(n, marks=pytest.mark.slow) for n in ("httpx", "requests"))]
)
def test_python_needs_no_change(execute: Execute, library: str) -> None:
    pytest.importorskip(library)
    status, out, err = execute(sys.executable, "-c", PYTHON[library])
    assert (status, err) == (0, "")
    assert '"code":1001' in out


@sealed
def test_client_that_heeds_no_variable_is_sealed(execute: Execute) -> None:
    past = f"curl -sS --noproxy '*' {BALANCE}"
    elsewhere = f"curl -sS --resolve {CLOUD_HOST}:443:198.51.100.7 {BALANCE}"
    bare = (
        f"import http.client as h; c = h.HTTPSConnection('{CLOUD_HOST}'); c.request('GET', '/'); "
        "print(c.getresponse().status)"
    )
    script = f'{past}; {elsewhere}; env -i "$0" -I -c "$1"; env | grep -ci _proxy='
    status, out, err = execute("bash", "-c", script, sys.executable, bare)
    assert (status, err) == (1, "")
    assert out.count('"code":1001') == 2
    assert out.endswith("404\n0\n")


@pytest.mark.slow
def test_python_that_is_not_sealed_is_led_by_a_hook(
    execute: Execute, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "sitecustomize.py").write_text("print('the next one')\n")
    monkeypatch.setenv("PYTHONPATH", str(tmp_path), prepend=os.pathsep)
    script = (
        f"import http.client as h; c = h.HTTPSConnection('{CLOUD_HOST}'); c.request('GET', '/')\n"
        "print(c.getresponse().status)\n"
        "try: h.HTTPSConnection('198.51.100.7').request('GET', '/')\n"
        "except OSError as error: print(error)"
    )
    status, out, err = execute(sys.executable, "-c", script, options=UNSEALED)
    assert status == 0, err
    assert out == (
        "the next one\n404\n[Errno 111] nemolocal exec refused 198.51.100.7:443: only "
        f"{CLOUD_HOST} is served here; allow it with --allow-host 198.51.100.7:443\n"
    )


@pytest.mark.slow
def test_node_that_is_not_sealed_is_led_by_a_hook(execute: Execute, node: str) -> None:
    script = (
        f"require('https').get('{BALANCE}', r => r.pipe(process.stdout));"
        "fetch('https://example.com/').catch(e => console.log(String(e.cause)));"
        "require('net').connect(443, '198.51.100.7').on('error', e => console.log(String(e)))"
    )
    status, out, err = execute(node, "-e", script, options=UNSEALED)
    assert status == 0, err
    assert '"code":1001' in out
    assert "nemolocal exec refused example.com:443: only" in out
    assert "nemolocal exec refused 198.51.100.7:443: only" in out


@pytest.mark.slow
def test_node_needs_no_change(execute: Execute, node: str) -> None:
    asked = f"'{BALANCE}?a=b'", f"new URL('{BALANCE}')"
    posted = f"new Request('{BALANCE}', {{method: 'POST', body: 'x'}})"
    script = "\n".join(
        f"console.log(await (await fetch({what})).text())" for what in (*asked, posted)
    )
    status, out, err = execute(node, "--input-type=module", "-e", script)
    assert (status, err) == (0, "")
    text, address, request = out.splitlines()
    assert '"code":1001' in text
    assert '"code":1001' in address
    assert '"code":405' in request


@pytest.mark.slow
def test_node_reaches_a_host_that_is_allowed(
    execute: Execute, node: str, serve: ServerStarter, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("NODE_OPTIONS", "--no-deprecation")
    base_url = serve()
    url = f"{base_url}/api/credits/balance/simple"
    allowed = ("--allow-host", base_url.removeprefix("http://"))
    ask = f"fetch('{url}').then(r => r.text()).then(console.log); "
    ask += "fetch('data:,known').then(r => r.text()).then(console.log); "
    ask += "console.log(process.noDeprecation)"
    status, out, err = execute(node, "-e", ask, options=allowed)
    assert (status, without_doubts(err)) == (0, NO_CALL)
    assert '"code":1001' in out
    assert "known" in out
    assert "true" in out


@pytest.mark.slow
def test_node_reaches_the_server_by_its_variable(execute: Execute, node: str) -> None:
    url = "process.env.NEMO_API_URL + '/api/credits/balance/simple'"
    status, out, _ = execute(node, "-e", f"fetch({url}).then(r => r.text()).then(console.log)")
    assert status == 0
    assert '"code":1001' in out


def test_any_other_host_is_refused_and_told_once(execute: Execute) -> None:
    script = "for n in 1 2; do curl -sS https://example.com/; curl -sS http://example.com:81/; done"
    status, out, err = execute("bash", "-c", f"{script}; exit 0", options=UNSEALED)
    assert status == 0
    refusal = "refused example.com{}: only mega-api-prod.nemovideo.ai is served here; "
    refusal += "allow it with --allow-host example.com{}\n"
    assert err.count("nemolocal exec: refused") == 1
    assert f"nemolocal exec: {refusal.format(':443', '')}" in err
    assert "CONNECT tunnel failed, response 403" in err
    assert out == f"nemolocal exec {refusal.format(':81', ':81')}" * 2


@sealed
def test_host_that_a_sealed_program_asks_for_is_told_once(execute: Execute) -> None:
    script = "for n in 1 2; do curl -sS https://example.com/; curl -sS http://example.com:81/; done"
    status, out, err = execute("bash", "-c", f"{script}; exit 0")
    assert (status, out) == (0, "")
    refusal = "refused example.com: only mega-api-prod.nemovideo.ai is served here; "
    assert err.count("nemolocal exec: refused") == 1
    assert f"nemolocal exec: {refusal}allow it with --allow-host example.com\n" in err
    assert err.endswith(
        "no call to mega-api-prod.nemovideo.ai was seen: the program asked for example.com\n"
    )


def test_host_that_is_allowed_is_reached(execute: Execute, serve: ServerStarter) -> None:
    url = serve().replace("127.0.0.1", "localhost")
    # --noproxy '' has curl ask the proxy even for this machine.
    ask = f"curl -sS --noproxy '' {url}/api/credits/balance/simple"
    both = f"{ask}; {ask} --proxytunnel; {ask} -H 'Connection: keep-alive' http://localhost:9/"
    allowed = ("--allow-host", url.upper().removeprefix("HTTP://"), "--allow-host", "localhost:9")
    status, out, err = execute("bash", "-c", both, options=(*UNSEALED, *allowed))
    assert status == 0
    assert "refused" not in err
    assert out.count('"code":1001') == 3
    assert out.endswith("localhost:9: Connect call failed ('127.0.0.1', 9)\n") or "refused" in out


@pytest.mark.slow
@sealed
def test_server_of_this_machine_that_is_allowed_is_reached_by_a_sealed_program(
    execute: Execute, serve: ServerStarter
) -> None:
    url = serve()
    place = url.removeprefix("http://")
    ask = f"curl -sS {url}/api/credits/balance/simple"
    status, out, err = execute("bash", "-c", ask, options=("--allow-host", place))
    assert status == 0, err
    assert '"code":1001' in out


def test_machine_that_cannot_seal_says_so(
    execute: Execute, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object) -> NoReturn:
        raise SealingUnavailable("unshare: operation not permitted")

    monkeypatch.setattr("nemolocal.exec.program_environment.open_sealed_network", refuse)
    status, _, err = execute("true", options=("--seal", "auto"))
    assert status == 0
    assert err == (
        "nemolocal exec: not sealed (unshare: operation not permitted): a client that ignores "
        f"the proxy and the hooks reaches the real {CLOUD_HOST}\n"
        f"nemolocal exec: no call to {CLOUD_HOST} was seen: the program made none, or its calls "
        "bypassed the proxy and reached the real cloud, since this run is not sealed\n"
    )
    assert execute("true", options=("--seal", "require")) == (
        1,
        "",
        "nemolocal: cannot seal the program: unshare: operation not permitted\n",
    )


def test_settings_of_the_server_are_given_as_for_serve(execute: Execute, tmp_path: Path) -> None:
    (tmp_path / "nemo.toml").write_text('port = 1\ncontrol = false\ndialect = {errors = "http"}\n')
    options = ("--config", str(tmp_path / "nemo.toml"), "--scenario", "bad-account")
    ask = ("curl", "-sS", "-o", "/dev/null", "-w", "%{http_code}", BALANCE)
    status, out, _ = execute(*ask, options=(*options, "--verdict"))
    assert (status, out) == (1, "401")
    for wrong in (("--scenario", "none"), ("--speed", "0"), ("--config", "none.toml")):
        status, _, err = execute("true", options=wrong)
        assert status == 2
        assert err.startswith("nemolocal: ")


def test_calls_may_be_required_and_kept(execute: Execute, tmp_path: Path) -> None:
    kept = ("--journal", str(tmp_path / "a.jsonl"), "--report", str(tmp_path / "b.json"))
    redacted = tmp_path / "c.jsonl"
    options = ("--require-calls", "2", *kept, "--redacted-journal", str(redacted))
    agent = ("-A", "canary-agent", "-H", "X-Skill-Source: canary-skill")
    status, _, err = execute("curl", "-sS", *agent, BALANCE, options=options)
    assert status == 2
    assert err.endswith("nemolocal exec: 1 call seen, but --require-calls is 2\n")
    (line,) = (tmp_path / "a.jsonl").read_text().splitlines()
    assert json.loads(line)["endpoint"] == "balance"
    assert line.count("canary") >= 2
    (line,) = redacted.read_text().splitlines()
    assert json.loads(line)["endpoint"] == "balance"
    assert "canary" not in line
    verdicts = json.loads((tmp_path / "b.json").read_text())["verdicts"]
    assert {verdict["outcome"] for verdict in verdicts} >= {"failed", "not applicable"}


def test_run_is_reported_as_a_line_of_json(execute: Execute) -> None:
    """A grader reads stdout; what the program prints is on stderr."""
    words = ("bash", "-c", f"echo said; curl -sS {BALANCE}; exit $0")
    status, out, err = execute(*words, "0", options=("--verdict", "--json", "--video", "a.mp4"))
    assert out.count("\n") == 1
    report = json.loads(out)
    assert (status, report["exit_status"], report["program_status"]) == (1, 1, 0)
    assert err.startswith(("said\n", "nemolocal exec: not sealed"))
    assert "nemolocal exec: no video was exported, so a.mp4 was not written" in err
    assert (report["outcome"], report["calls"]) == ("failed", 1)
    assert report["requests"] == {"balance": {"1001": 1}}
    assert (report["credits"], report["video"]) == ({"spent": 0, "resent": 0}, None)
    violations = report["violations"]
    assert report["musts"]["failed"] == sum(one["level"] == "MUST" for one in violations) > 0
    assert all(one["rules"] and one["reason"] and one["entries"] for one in violations)
    status, out, _ = execute(*words, "3", options=("--json",))
    assert (status, json.loads(out)["outcome"]) == (3, "program failed")
    status, out, _ = execute("true", options=("--json",))
    assert (status, json.loads(out)["outcome"]) == (0, "nothing checked")


@pytest.mark.slow
def test_exported_video_is_reported_and_copied(
    execute: Execute, sample: Path, tmp_path: Path, rendered: bool
) -> None:
    (tmp_path / "nemolocal-demo.mp4").write_bytes(sample.read_bytes())
    block = re.search(r"```bash\n(.*?)```", CURL_GUIDE.read_text(encoding="utf-8"), re.DOTALL)
    assert block is not None
    script = block[1].replace("http://127.0.0.1:8787", CLOUD_BASE_URL)
    options = ("--json", "--video", "last.mp4")
    status, out, _ = execute("bash", "-euo", "pipefail", "-c", script, options=options)
    report = json.loads(out)
    assert (status, report["outcome"], report["failed_exports"]) == (0, "passed", 0)
    assert (report["turns"], report["simulated_turns"]) == (report["requests"]["chat"]["0"], 0)
    assert report["credits"]["spent"] == 50 * report["turns"]
    video, content = report["video"], (tmp_path / "last.mp4").read_bytes()
    assert video["downloaded"] is True
    assert content == (tmp_path / "out.mp4").read_bytes()
    if rendered:
        assert (video["size"], video["height"] > 0) == (len(content), True)


def test_plain_http_to_the_cloud_is_sent_to_https(execute: Execute) -> None:
    url = BALANCE.replace("https", "http")
    status, out, _ = execute("curl", "-sSL", "-w", "%{url_effective} %{num_redirects}", url)
    assert status == 0
    assert out.endswith(f"{BALANCE} 1")


def test_token_of_the_environment_is_good(
    execute: Execute, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("NEMO_TOKEN", "my-very-own-token")
    status, out, _ = execute(
        "bash", "-c", f'curl -sS {BALANCE} -H "Authorization: Bearer $NEMO_TOKEN"'
    )
    assert status == 0
    assert out == '{"code":0,"data":{"available":100,"frozen":0,"total":100}}'
    monkeypatch.setenv("NEMO_TOKEN", "short")
    assert execute("true")[0::2] == (
        2,
        "nemolocal: invalid NEMO_TOKEN (token must have 8 to 200 characters): unset it\n",
    )


@pytest.mark.slow
@pytest.mark.parametrize(
    ("words", "status", "reported"),
    [
        (["bash", "-c", "exit 7"], 7, NO_CALL),
        pytest.param(["bash", "-c", "kill -9 $$"], 137, NO_CALL, marks=pytest.mark.slow),
        (["no-such-program-here"], 127, "nemolocal exec: no-such-program-here: not found\n"),
        (["."], 126, "nemolocal exec: .: permission denied\n"),
        ([], 2, "nemolocal: nothing to run: give a program after --\n"),
        (["bash", "-c", "exit $#", "x", "--", "--help"], 2, NO_CALL),
    ],
)
def test_status_is_that_of_the_program(
    execute: Execute, words: list[str], status: int, reported: str
) -> None:
    assert execute(*words)[0::2] == (status, reported)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("words", "status", "reported"),
    [
        (["no-such-program-here"], 127, "nemolocal exec: no-such-program-here: not found\n"),
        (["."], 126, "nemolocal exec: .: permission denied\n"),
    ],
)
def test_status_is_the_same_where_it_is_not_sealed(
    execute: Execute, words: list[str], status: int, reported: str
) -> None:
    ended, _, err = execute(*words, options=UNSEALED)
    assert ended == status
    assert err.startswith(UNSEALED_TOLD)
    assert err.endswith(reported)
    assert "no call" not in err


@pytest.mark.slow
def test_journal_that_cannot_be_kept_is_told(execute: Execute) -> None:
    status, _, err = execute("true", options=("--journal", "/dev/null/x"))
    assert status == 1
    assert err.endswith("nemolocal: cannot write /dev/null/x: Not a directory\n")


@sealed
@pytest.mark.slow
def test_plain_http_to_any_other_host_is_refused_where_it_is_sealed(execute: Execute) -> None:
    ask = "curl -sS --resolve else.example:80:198.51.100.7 http://else.example/"
    status, out, err = execute("bash", "-c", ask)
    assert status == 0
    assert out.startswith("nemolocal exec refused else.example: only")
    assert "nemolocal exec: refused else.example: only" in err


@pytest.mark.slow
@pytest.mark.usefixtures("usual_signals")
@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP])
def test_program_is_told_to_end_and_answers_itself(number: int) -> None:
    script = f"trap 'exit 5' {number}; echo ready; while true; do read -t 1 <> <(:); done"
    command = [sys.executable, "-m", "nemolocal", "exec", "bash", "-c", script]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as child:
        assert child.stdout is not None
        assert child.stdout.readline() == "ready\n"
        os.kill(child.pid, signal.SIGINT)  # which the program did not get: nothing happens
        os.kill(child.pid, number)
    assert child.returncode == 5


@pytest.mark.slow
def test_certificates_of_the_world_are_believed_only_where_a_host_is_allowed(
    execute: Execute,
) -> None:
    count = ("bash", "-c", "grep -c BEGIN $SSL_CERT_FILE; cmp $SSL_CERT_FILE $CURL_CA_BUNDLE")
    assert execute(*count)[:2] == (0, "1\n")
    status, out, _ = execute(*count, options=("--allow-host", "example.com"))
    assert status == 0
    assert int(out) > 50


ATTRIBUTED = (
    'curl -sS -H "X-Skill-Source: a" -H "X-Skill-Version: 1" -H "X-Skill-Platform: unknown"'
)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("script", "status", "reported"),
    [
        (f"curl -sS {BALANCE}", 1, "failed client.attribution: "),
        (f"curl -sS {BALANCE}; exit 7", 7, "failed client.attribution: "),
        (
            f"{ATTRIBUTED} -X POST -H 'X-Client-Id: me' {CLOUD_BASE_URL}{TOKEN.template}",
            0,
            "(this run, 1 entry)",
        ),
        ("true", 2, "(this run, 0 entries)"),
        ("exit 3", 3, "nothing was checked"),
    ],
)
def test_program_is_judged_by_what_it_did(
    execute: Execute, script: str, status: int, reported: str
) -> None:
    ended, _, err = execute("bash", "-c", script, options=("--verdict",))
    assert ended == status, err
    assert reported in err
    assert all(line.startswith("nemolocal exec: ") for line in err.splitlines())


@pytest.mark.slow
def test_program_of_ours_keeps_its_tokens_apart_from_those_of_the_cloud(
    execute: Execute, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    reported = ("bash", "-c", 'echo "$NEMOLOCAL_CONFIG_DIR"')
    monkeypatch.delenv("NEMOLOCAL_CONFIG_DIR", raising=False)
    _, folder, _ = execute(*reported)
    assert folder.strip()
    assert not Path(folder.strip()).exists()
    monkeypatch.setenv("NEMOLOCAL_CONFIG_DIR", str(tmp_path))
    assert execute(*reported)[1].strip() == str(tmp_path)
