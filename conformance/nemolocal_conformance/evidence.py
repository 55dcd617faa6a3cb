"""Evidence: HTTP exchanges without secrets, each with a curl command that repeats it."""

import re
import shlex
from collections.abc import Mapping
from typing import Literal

import msgspec

from nemolocal_contract.endpoints import CONTROL_TOKEN
from nemolocal_contract.plurals import pluralize

ResponseEnding = Literal["complete", "cut", "timeout"]

_SHOWN = 2_000
_SECRET_HEADERS = {"authorization", CONTROL_TOKEN.lower(), "cookie", "set-cookie"}
_VARIABLES = {
    "authorization": "Authorization: Bearer $NEMO_TOKEN",
    CONTROL_TOKEN.lower(): f"{CONTROL_TOKEN}: $NEMO_CONTROL_TOKEN",
}
# A token may have several parts, as a JWT has.
_TOKENS = re.compile(r"(?:nmv_[a-z]{1,16}_|clm_)[A-Za-z0-9_~+-]{4,}(?:\.[A-Za-z0-9_~+-]+)*=*")
# JSON may write any character as an escape; quotes and backslashes stay escaped.
_ASCII_ESCAPE = re.compile(r"\\u00(2[13-9a-f]|[346][0-9a-f]|5[0-9abdef]|7[0-9a-e])", re.IGNORECASE)
_NOT_SENT = {"accept-encoding", "connection", "content-length", "host", "user-agent"}


class HttpExchange(msgspec.Struct, frozen=True):
    """One request and its response; bodies are cut at 2,000 characters, tokens are redacted."""

    method: str
    url: str
    request_headers: dict[str, str]
    request_body: str
    status: int
    response_headers: dict[str, str]
    response_body: str
    seconds: float
    ending: ResponseEnding = "complete"

    @property
    def curl(self) -> str:
        """A curl command that repeats the request, with `$NEMO_TOKEN` and the like for secrets."""
        words = ["curl", "-sS", "-N", "-X", self.method, shlex.quote(self.url)]
        for name, value in self.request_headers.items():
            if name.lower() in _NOT_SENT:
                continue
            if name.lower() in _VARIABLES:
                words += ["-H", f'"{_VARIABLES[name.lower()]}"']
            else:
                words += ["-H", shlex.quote(f"{name}: {value}")]
        if self.request_body:
            words += ["--data-binary", shlex.quote(self.request_body)]
        return " ".join(words)


def redact_tokens(text: str) -> str:
    """Replace every string that has the form of a token."""
    return _TOKENS.sub("[token]", text)


def redact_headers(headers: Mapping[str, str]) -> dict[str, str]:
    """Return the headers without secrets."""
    return {
        name: "[secret]" if name.lower() in _SECRET_HEADERS else redact_tokens(value)
        for name, value in headers.items()
    }


def _without_escapes(text: str) -> str:
    """Return JSON with ASCII letters, digits and signs unescaped, so that tokens are found."""
    return _ASCII_ESCAPE.sub(lambda found: chr(int(found[1], 16)), text)


def redact_body(body: bytes) -> str:
    """Return the body as text, cut to a limit; binary bodies are shown by their size."""
    try:
        text = redact_tokens(_without_escapes(body[: 4 * _SHOWN].decode()))
    except UnicodeDecodeError:
        return f"<{pluralize(len(body), 'byte')}>"
    return text if len(text) <= _SHOWN else f"{text[:_SHOWN]}… <{pluralize(len(body), 'byte')}>"
