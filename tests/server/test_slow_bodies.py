"""Who was known before a body came may be gone after it: then nothing is written (1001)."""

import json
import socket
from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.support import patient_http
from tests.support.http_caller import HttpCaller, NewCaller
from tests.support.servers import ServerFactory

CONTROL = "/__nemolocal__"
JSON = {"Content-Type": "application/json"}
FORM = {"Content-Type": "multipart/form-data; boundary=b"}
UPLOAD = (
    b'--b\r\nContent-Disposition: form-data; name="files"; filename="a.mp4"\r\n\r\nx\r\n--b--\r\n'
)


class SlowBody:
    """A request whose head and first bytes are sent, and the rest when it is told to."""

    def __init__(self, caller: HttpCaller, path: str, body: bytes, kind: dict[str, str]) -> None:
        url = caller.http.base_url
        fields = {**caller.http.headers, **kind, "Content-Length": str(len(body))}
        head = "".join(f"{name}: {value}\r\n" for name, value in fields.items())
        self._socket = socket.create_connection((url.host, url.port), patient_http.SECONDS)
        self._rest = body[5:]
        start = f"POST {path} HTTP/1.1\r\nHost: {url.host}:{url.port}\r\n{head}\r\n"
        self._socket.sendall(start.encode() + body[:5])
        # Another request is answered after this one was looked at: one loop serves them all.
        caller.balance()

    def finish(self) -> dict[str, Any]:
        """The reply to the whole."""
        with self._socket:
            self._socket.sendall(self._rest)
            answer = b""
            while b"\r\n\r\n" not in answer or not answer.endswith(b"}"):
                more = self._socket.recv(65536)
                if not more:
                    break
                answer += more
        reply: dict[str, Any] = json.loads(answer.partition(b"\r\n\r\n")[2])
        return reply


def begin(caller: HttpCaller, what: str) -> SlowBody:
    """Begin a request that writes something."""
    session = caller.session
    bodies: dict[str, tuple[str, Any]] = {
        "session": ("/api/tasks/me/with-session/nemo_agent", {"task_name": "mine"}),
        "chat": ("/run_sse", caller.turn("add a title 'Hi'")),
        "claim": ("/api/auth/claim-token", {"task_id": "t", "session_id": session}),
        "render": (
            "/api/render/proxy/lambda",
            {"id": "render_1", "sessionId": session, "draft": {"t": []}},
        ),
        "urls": (
            f"/api/upload-video/nemo_agent/me/{session}",
            {"urls": ["http://127.0.0.1:1/a.mp4"], "source_type": "url"},
        ),
    }
    if what == "upload":
        return SlowBody(caller, bodies["urls"][0], UPLOAD, FORM)
    path, body = bodies[what]
    return SlowBody(caller, path, json.dumps(body).encode(), JSON)


def reset(base_url: str) -> None:
    patient_http.post(f"{base_url}{CONTROL}/reset", json={})


def revoke(base_url: str) -> None:
    tokens = patient_http.get(f"{base_url}{CONTROL}/tokens").json()["tokens"]
    for token in tokens:
        patient_http.post(f"{base_url}{CONTROL}/tokens/{token['id']}", json={"revoked": True})


def reset_and_fill(base_url: str) -> None:
    """Begin anew, with a token that nobody may take for the old one."""
    reset(base_url)
    HttpCaller(base_url, "next").connect().http.close()


WRITING = ("session", "chat", "claim", "render", "upload", "urls")


@pytest.mark.slow
@pytest.mark.parametrize("meanwhile", [reset, revoke, reset_and_fill])
def test_a_token_that_goes_while_a_body_comes_writes_nothing(
    base_url: str,
    new_caller: NewCaller,
    subtests: pytest.Subtests,
    meanwhile: Callable[[str], None],
) -> None:
    for number, what in enumerate(WRITING):
        with subtests.test(what):
            caller = new_caller(base_url, f"client-{number}").connect()
            started = begin(caller, what)
            meanwhile(base_url)
            reply = started.finish()
            # What cannot be fetched is refused before anything would be written.
            expected = (1001, 4001) if what in ("urls", "upload") else (1001,)
            assert reply["code"] in expected, reply
            others = patient_http.get(f"{base_url}{CONTROL}/tokens").json()["tokens"]
            assert all(token["balance"]["total"] == 100 for token in others)


def test_a_scope_that_goes_while_a_body_comes_is_missed(
    base_url: str, new_caller: NewCaller
) -> None:
    caller = new_caller(base_url).connect()
    started = begin(caller, "session")
    patient_http.post(f"{base_url}{CONTROL}/tokens/1", json={"scopes": ["read"]})
    assert started.finish()["code"] == 1001


@pytest.mark.slow
def test_an_upload_that_is_good_is_refused_when_its_token_has_gone(
    base_url: str, new_caller: NewCaller, sample: Path
) -> None:
    caller = new_caller(base_url).connect()
    body = UPLOAD.replace(b"\r\n\r\nx\r\n", b"\r\n\r\n" + sample.read_bytes() + b"\r\n")
    path = f"/api/upload-video/nemo_agent/me/{caller.session}"
    started = SlowBody(caller, path, body, FORM)
    revoke(base_url)
    assert started.finish()["code"] == 1001


def test_a_change_of_a_token_that_has_gone_is_404(base_url: str, new_caller: NewCaller) -> None:
    caller = new_caller(base_url).connect()
    body = json.dumps({"credits": 7, "plan": "paid"}).encode()
    started = SlowBody(caller, f"{CONTROL}/tokens/1", body, JSON)
    reset(base_url)
    assert started.finish()["code"] == 404


@pytest.mark.slow
def test_no_id_of_a_token_is_given_twice(servers: ServerFactory, tmp_path: Path) -> None:
    def make(url: str) -> int:
        reply = httpx.post(f"{url}{CONTROL}/tokens", json={}).json()
        return int(reply["id"])

    url = servers.start(data_dir=tmp_path)
    snapshot = patient_http.post(f"{url}{CONTROL}/snapshot").json()
    seen = [make(url), make(url)]
    reset(url)
    seen.append(make(url))
    patient_http.post(f"{url}{CONTROL}/restore", json=snapshot)
    seen.append(make(url))
    servers.stop()
    seen.append(make(servers.start(data_dir=tmp_path)))
    assert seen == [1, 2, 3, 4, 5]
