"""A recorded request as code that sends it again: a curl line for bash, and Python with httpx.

The journal has no tokens: the code takes one from the variable `NEMO_TOKEN`.
"""

import json
import re
import shlex
from urllib.parse import quote

import msgspec

from nemolocal_contract.endpoints import AUTHORIZATION, CONTROL_TOKEN
from nemolocal_contract.journal import Entry

TOKEN_VARIABLE = "NEMO_TOKEN"
REDACTED = "[token]"
# curl and httpx set these themselves, for the connection that they open.
_CONNECTION_HEADERS = frozenset(
    (
        "accept-encoding",
        "connection",
        "content-length",
        "cookie",
        "expect",
        "host",
        "keep-alive",
        "transfer-encoding",
        "upgrade",
        CONTROL_TOKEN.lower(),
    )
)
_MULTIPART = "multipart/"
# Bodies that the journal describes instead of keeping them.
_DESCRIBED = re.compile(r"<[^<>\n]*: \d+ bytes[^\n]*>\Z")
_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028-\u202e\u2066-\u2069]")


class RecordedBody(msgspec.Struct, frozen=True):
    """What is left of the body of a request: `text` if all of it is known.

    `problem` is the key of a text that says what is missing, "" if nothing is.
    """

    text: str = ""
    problem: str = ""


def recorded_body(entry: Entry) -> RecordedBody:
    """Return the body of a request, or why it is not known."""
    if entry.request_headers.get("content-type", "").startswith(_MULTIPART):
        return RecordedBody(problem="body_is_upload")
    if _DESCRIBED.match(entry.request_body):
        return RecordedBody(problem="body_is_binary")
    if REDACTED in entry.request_body:
        return RecordedBody(entry.request_body, "body_has_token")
    if len(entry.request_body.encode("utf-8", "replace")) < entry.request_size:
        return RecordedBody(entry.request_body, "body_is_cut")
    return RecordedBody(entry.request_body)


def write_curl(entry: Entry, base_url: str) -> str:
    """Return a curl command for bash, without the parts of the body that are not known."""
    body = recorded_body(entry)
    lines = [f"curl {_options(entry)} {_quote(base_url + _target(entry))}"]
    for name, value in _headers(entry):
        if name == AUTHORIZATION.lower():
            lines.append(f'-H "Authorization: Bearer ${TOKEN_VARIABLE}"')
        elif not (body.problem == "body_is_upload" and name == "content-type"):
            lines.append(f"-H {_quote(f'{name}: {value}' if value else f'{name};')}")
    if body.problem == "body_is_upload":
        lines.append("-F files=@FILE")
    elif body.text:
        lines.append(f"--data-raw {_quote(body.text)}")
    return " \\\n  ".join(lines)


def write_httpx(entry: Entry, base_url: str) -> str:
    """Return a Python program that sends the request and prints the response."""
    body = recorded_body(entry)
    needs_token = AUTHORIZATION.lower() in entry.request_headers
    lines = ["import os", "", "import httpx", ""] if needs_token else ["import httpx", ""]
    lines.append("headers = {")
    for name, value in _headers(entry):
        if name == AUTHORIZATION.lower():
            lines.append(f"    {_literal(name)}: f\"Bearer {{os.environ['{TOKEN_VARIABLE}']}}\",")
        elif not (body.problem == "body_is_upload" and name == "content-type"):
            lines.append(f"    {_literal(name)}: {_literal(value)},")
    lines.append("}")
    arguments = [
        f"    {_literal(entry.method)},",
        f"    {_literal(base_url + _target(entry))},",
        "    headers=headers,",
    ]
    if body.problem == "body_is_upload":
        arguments.append('    files={"files": open("FILE", "rb")},')
    elif body.text:
        arguments.append(f"    content={_literal(body.text)}.encode(),")
    arguments.append("    timeout=None,")
    lines += ["with httpx.stream(", *arguments, ") as response:"]
    lines += ["    print(response.status_code)", "    for text in response.iter_text():"]
    lines.append('        print(text, end="")')
    return "\n".join(lines)


def _options(entry: Entry) -> str:
    """Return the options: no progress, no globbing of the URL, and each event as it arrives."""
    method = "-I" if entry.method == "HEAD" else f"-X {_quote(entry.method)}"
    return f"-sSgN {method}{' --path-as-is' if '/.' in entry.url else ''}"


def _target(entry: Entry) -> str:
    """Return path and query; the journal has the path decoded."""
    path, mark, query = entry.url.partition("?")
    path = quote(path, safe="/:@!$&'()*+,;=~", errors="surrogatepass")
    return f"{'' if path.startswith('/') else '/'}{path}{mark}{query}"


def _headers(entry: Entry) -> list[tuple[str, str]]:
    return [
        (name, value)
        for name, value in entry.request_headers.items()
        if name not in _CONNECTION_HEADERS
    ]


def _quote(text: str) -> str:
    """Quote for bash; control characters are written as escapes, so that a terminal is safe."""
    if not _CONTROL.search(text):
        return shlex.quote(text)
    escaped = text.replace("\\", "\\\\").replace("'", "\\'")
    return f"$'{_CONTROL.sub(_escape, escaped)}'"


def _escape(match: re.Match[str]) -> str:
    return {"\n": "\\n", "\t": "\\t", "\r": "\\r"}.get(
        match[0], "".join(f"\\x{byte:02x}" for byte in match[0].encode())
    )


def _literal(text: str) -> str:
    """Return a Python string with double quotes, in ASCII where a character cannot be seen."""
    return _CONTROL.sub(
        lambda found: f"\\u{ord(found[0]):04x}", json.dumps(text, ensure_ascii=False)
    )
