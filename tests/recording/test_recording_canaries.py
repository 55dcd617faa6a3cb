"""No secret of a client or of a server reaches the file of a recording, however it is spelt.

Every place that the contract does not fix has a secret of its own. The same exchanges with the
redactor switched off show that the search finds each of them.
"""

import base64
import gzip
import json
import re
import secrets
import socket
import string
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import unquote

import pytest

from nemolocal_recording.allowlist_redactor import AllowlistRedactor, KeptPath
from nemolocal_recording.pseudonyms import Pseudonyms
from tests.support.recorder import exchange_bytes, raw_server, running_recorder

LETTERS = string.ascii_lowercase + string.digits
# So much of a secret in a row is a leak.
WINDOW = 8


class Canaries:
    """Secrets by the names of their places."""

    def __init__(self) -> None:
        self.values: dict[str, str] = {}

    def __getitem__(self, place: str) -> str:
        return self.values.setdefault(place, "".join(secrets.choice(LETTERS) for _ in range(20)))

    def number(self, place: str) -> int:
        """A secret number."""
        return int(self.values.setdefault(place, str(secrets.randbelow(10**18) + 10**17)))

    def leaks(self, content: bytes) -> set[str]:
        """The places whose secret is in a content, in any spelling."""
        texts = [text.lower() for text in spellings(content.decode())]
        return {
            place
            for place, value in self.values.items()
            if any(part in text for text in texts for part in windows(value))
        }


def windows(value: str) -> Iterator[str]:
    if value.isdecimal():
        yield value
        return
    for spelt in (value, value[::-1]):
        yield from (spelt[at : at + WINDOW] for at in range(len(spelt) - WINDOW + 1))
    yield value.encode().hex()
    for shift in range(3):
        encoded = base64.b64encode(b"x" * shift + value.encode()).decode().rstrip("=").lower()
        yield encoded[4:-4]


def spellings(text: str) -> Iterator[str]:
    """A file as it is, without percent and JSON escapes, and without what stands between pieces."""
    yield text
    yield unquote(text)
    yield re.sub(r"\\u([0-9a-fA-F]{4})", lambda found: chr(int(found[1], 16)), text)
    yield re.sub(r"[^a-z0-9]", "", text)
    # A text that was written chunk by chunk.
    yield "".join(re.findall(r'"(?:text|data)":"([^"]*)"', text))


class OpenPseudonyms(Pseudonyms):
    """Every id is its own pseudonym."""

    def of(self, value: str) -> str:
        return value


class OpenRedactor(AllowlistRedactor):
    """Redacts nothing."""

    def method(self, method: str) -> str:
        return method

    def path(self, method: str, path: str) -> KeptPath:
        return KeptPath(super().path(method, path).template, path)

    def query(self, query: str) -> list[list[str]]:
        return [pair.split("=") for pair in query.split("&") if pair]

    def headers(self, headers: Any) -> dict[str, str]:
        return dict(headers)

    def other_names(self, headers: Any) -> dict[str, str]:
        return dict.fromkeys(headers, "string")

    def json(self, value: Any) -> Any:
        return value

    def filename(self, name: str) -> str:
        return name

    def url(self, url: str) -> str:
        return url

    def content_type(self, value: str) -> str:
        return value

    def text(self, text: str) -> str:
        return text


def request_bytes(canary: Canaries, number: int) -> bytes:
    """One of the requests, with secrets everywhere."""
    fields = {
        "Host": canary["host"],
        "Authorization": f"Bearer nmv_usr_{canary['token']}",
        "X-Client-Id": canary["client-id"],
        "X-Skill-Source": canary["source"],
        "X-Skill-Version": canary["version"],
        "X-Skill-Platform": canary["platform"],
        "Cookie": f"a={canary['cookie']}",
        "User-Agent": canary["agent"],
        "Retry-After": canary["retry-sent"],
        f"X-{canary['header-name']}": canary["header-value"],
    }
    target, body = "/", b""
    if number == 0:
        target = f"/other/{canary['segment']}/{percent_encoded(canary['escaped'])}"
        target += f"?{canary['name']}={canary['query']}"
        fields["Authorization"] = f"Basic {base64.b64encode(canary['basic'].encode()).decode()}"
        fields["Content-Type"] = f"text/{canary['type']}; charset={canary['charset']}"
        body = canary["text-body"].encode()
    elif number == 1:
        session, user = canary["session"], canary["user"]
        target = f"/api/state/nemo_agent/{user}/{session}/latest?token={canary['token-in-query']}"
    elif number == 2:
        target = "/api/render/proxy/lambda"
        fields["Content-Type"] = "application/json"
        body = json.dumps(json_value(canary, "sent")).encode()
    elif number == 3:
        target = f"/api/upload-video/nemo_agent/me/{canary['session-of-upload']}"
        fields["Content-Type"] = f"multipart/form-data; boundary={canary['boundary']}"
        body = form(canary)
    elif number == 4:
        target = f"/api/render/proxy/{canary['render']}/download"
        fields["Content-Type"] = "application/json"
        body = f'{{"not": "json {canary["half-json"]}'.encode()
    else:
        target = "/run_sse"
        fields["Content-Type"], fields["Content-Encoding"] = "application/json", "gzip"
        body = gzip.compress(json.dumps({"text": canary["gzip-sent"]}).encode())
    head = "".join(f"{name}: {value}\r\n" for name, value in fields.items())
    method = "POST" if body else "GET"
    size = f"Content-Length: {len(body)}\r\n" if body else ""
    return f"{method} {target} HTTP/1.1\r\n{head}{size}\r\n".encode() + body


def percent_encoded(text: str) -> str:
    return "".join(f"%{ord(character):02x}" for character in text)


def json_value(canary: Canaries, where: str) -> dict[str, Any]:
    """A value with a secret under every kind of key, in every type that can hold one."""
    return {
        "code": 1001,
        "message": f"it was {canary[where + '-message']}",
        "status": canary[where + "-enumeration"],
        "type": canary[where + "-event-type"],
        "id": canary[where + "-id"],
        "expires_at": canary[where + "-time"],
        "ratio": canary[where + "-ratio"],
        "filename": f"{canary[where + '-filename']}.{canary[where + '-suffix']}",
        "cdn_url": f"https://{canary[where + '-login']}@cdn.example/{canary[where + '-url-path']}"
        f"/x.mp4?{canary[where + '-url-query']}#{canary[where + '-fragment']}",
        "url": canary[where + "-no-url"],
        "data": {
            "token": f"nmv_usr_{canary[where + '-json-token']}",
            "user_id": canary[where + "-user"],
            "name": canary[where + "-tool"],
            "task_name": canary[where + "-task"],
            "language": canary[where + "-language"],
            canary[where + "-key"]: canary[where + "-unknown"],
            "meta": {"id": [canary[where + "-nested"]], canary[where + "-deep-key"]: {}},
            "phone": canary.number(where + "-digits"),
        },
        "t": [{"n": canary[where + "-track"], "sg": [{"txt": canary[where + "-title"]}]}],
    }


def form(canary: Canaries) -> bytes:
    boundary = canary["boundary"]
    return (
        f'--{boundary}\r\nContent-Disposition: form-data; name="files"; '
        f'filename="{canary["upload-name"]}.{canary["upload-suffix"]}"\r\n'
        f"Content-Type: video/{canary['part-type']}\r\nX-Note: {canary['part-header']}\r\n\r\n"
        f"{canary['content']}\r\n"
        f'--{boundary}\r\nContent-Disposition: form-data; name="{canary["field"]}"\r\n\r\n'
        f"{canary['field-value']}\r\n--{boundary}--\r\n"
    ).encode()


def response(canary: Canaries, number: int) -> tuple[dict[str, str], bytes]:
    """The headers and the body of the response to a request."""
    fields = {
        "Set-Cookie": canary["set-cookie"],
        "Location": f"https://cdn.example/{canary['location']}",
        "Content-Disposition": f'attachment; filename="{canary["disposition"]}"',
        "Retry-After": canary["retry"],
        "Allow": canary["allow"].upper(),
        "Date": canary["date"],
        f"X-{canary['reply-header']}": canary["reply-value"],
    }
    if number == 0:
        return {**fields, "Content-Type": "text/html"}, f"<p>{canary['html']}".encode()
    if number == 1:
        content = json.dumps(json_value(canary, "got")).encode()
        return {**fields, "Content-Type": f"application/json; x={canary['parameter']}"}, content
    if number == 2:
        content = gzip.compress(json.dumps({"message": canary["gzip-got"]}).encode())
        zipped = {"Content-Type": "application/json", "Content-Encoding": "gzip"}
        return {**fields, **zipped}, content
    if number == 3:
        packed = {"Content-Type": "application/json", "Content-Encoding": "br"}
        return {**fields, **packed}, canary["brotli"].encode()
    if number == 4:
        return {**fields, "Content-Type": "video/mp4"}, canary["media"].encode()
    return {**fields, "Content-Type": "text/event-stream"}, stream(canary)


def stream(canary: Canaries) -> bytes:
    event = {
        "author": canary["author"],
        "content": {"parts": [{"text": f"你好 {canary['sse-text']}"}, {canary["sse-key"]: 1}]},
    }
    return (
        f": {canary['comment']}\nevent: {canary['event-name']}\nid: {canary['event-id']}\n"
        f"retry: 5\nother: {canary['sse-field']}\ndata: {json.dumps(event)}\n\n"
        f"data: {canary['sse-line']}\n\n"
        f'data: {{"type":"text","content":"{canary["torn"]}'
    ).encode()


KINDS = 6
# What is in no file even where nothing is redacted: it is never kept.
NEVER_KEPT = {
    "text-body", "half-json", "content", "field-value", "part-header", "brotli", "media", "html",
    "comment", "sse-field", "sse-line", "torn", "reason",
}  # fmt: skip


@pytest.mark.parametrize("size", [1, 7, 100_000])
@pytest.mark.parametrize("redacting", [True, False])
def test_secrets_are_in_no_file(redacting: bool, size: int, tmp_path: Path) -> None:
    canary = Canaries()
    canaries_of_responses = [response(canary, number) for number in range(KINDS)]
    answers = iter(canaries_of_responses)

    def answer(connection: socket.socket) -> None:
        fields, body = next(answers)
        head = "".join(f"{name}: {value}\r\n" for name, value in fields.items())
        chunked = f"HTTP/1.1 302 {canary['reason']}\r\n{head}Transfer-Encoding: chunked\r\n\r\n"
        pieces = [body[at : at + size] for at in range(0, len(body), size)]
        framed = b"".join(b"%x\r\n%b\r\n" % (len(piece), piece) for piece in pieces)
        connection.sendall(chunked.encode() + framed + b"0\r\n\r\n")

    redactor = AllowlistRedactor(Pseudonyms()) if redacting else OpenRedactor(OpenPseudonyms())
    path = tmp_path / "recording.jsonl"
    with (
        raw_server(answer) as server,
        running_recorder(server.base_url, path, redactor=redactor) as recorder,
    ):
        for number in range(KINDS):
            exchange_bytes(recorder.address, request_bytes(canary, number))
    exchanges = recorder.exchanges()
    assert [one.ending for one in exchanges] == ["clean"] * KINDS
    assert len(canary.values) > 80
    written = b"".join(file.read_bytes() for file in tmp_path.iterdir())
    found = canary.leaks(written)
    if redacting:
        assert found == set()
    else:
        assert canary.values.keys() - found == NEVER_KEPT


def test_tokens_are_replaced_even_where_texts_are_kept(tmp_path: Path) -> None:
    canary = Canaries()
    said = {"new_message": {"parts": [{"text": f"hello, I am nmv_usr_{canary['token']}"}]}}
    body = json.dumps(said).encode()
    request = (
        f"POST /run_sse?token=nmv_usr_{canary['token']} HTTP/1.1\r\nHost: x\r\n"
        f"Authorization: Bearer {canary['manual token']}\r\nContent-Type: application/json\r\n"
        f"Content-Length: {len(body)}\r\n\r\n"
    ).encode() + body
    path = tmp_path / "recording.jsonl"
    redactor = AllowlistRedactor(Pseudonyms(), keep_text=True)
    with (
        raw_server(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n") as server,
        running_recorder(server.base_url, path, redactor=redactor) as recorder,
    ):
        exchange_bytes(recorder.address, request)
    assert canary.leaks(path.read_bytes()) == set()
    (exchange,) = recorder.exchanges()
    assert exchange.sent_json["new_message"]["parts"][0]["text"].startswith("hello, I am nmv_usr_")
    assert exchange.request.token_in_url
