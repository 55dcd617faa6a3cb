"""An exchange as evidence: what went over the wire, without secrets, and how to repeat it."""

import re
import shlex
from collections.abc import Mapping
from typing import Literal

import msgspec

from nemolocal_contract.headers import CONTROL_TOKEN

ResponseEnding = Literal["complete", "cut", "timeout"]

_SHOWN = 2_000
_SECRET_HEADERS = {"authorization", CONTROL_TOKEN.lower(), "cookie", "set-cookie"}
_VARIABLES = {
    "authorization": "Authorization: Bearer $NEMO_TOKEN",
    CONTROL_TOKEN.lower(): f"{CONTROL_TOKEN}: $NEMO_CONTROL_TOKEN",
}
_TOKENS = re.compile(r"(?:nmv_[a-z]{1,16}_|clm_)[A-Za-z0-9_-]{4,}")
_NOT_SENT = {"accept-encoding", "connection", "content-length", "host", "user-agent"}


class HttpExchange(msgspec.Struct, frozen=True):
    """One request and what came back; bodies are cut at 2,000 characters, tokens are replaced."""

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
        """A command that does it again, with `$NEMO_TOKEN` and the like for secrets."""
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
    """The text with every token of the contract's shapes replaced."""
    return _TOKENS.sub("[token]", text)


def redact_headers(headers: Mapping[str, str]) -> dict[str, str]:
    """Headers as evidence: no secret stays."""
    return {
        name: "[secret]" if name.lower() in _SECRET_HEADERS else redact_tokens(value)
        for name, value in headers.items()
    }


def redact_body(body: bytes) -> str:
    """A body as evidence: text, cut; what is no text is told by its size."""
    try:
        text = redact_tokens(body[: 4 * _SHOWN].decode())
    except UnicodeDecodeError:
        return f"<{len(body)} bytes>"
    return text if len(text) <= _SHOWN else f"{text[:_SHOWN]}… <{len(body)} bytes>"
