"""The catalogue of faults, with their arguments and the rules that they test; how to arm one.

Seconds are those of the server's clock. Endpoints have the names of `nemolocal_contract.endpoints`;
the file behind `output.url` is `file`.
"""

from typing import Annotated, Any, Literal

import msgspec
from msgspec import Meta

from nemolocal_contract.responses import encode_json

from ..data.tokens import TokenRecord

ENDPOINT_NAMES = (
    "token", "claim_token", "session", "upload", "chat", "balance", "state",
    "render", "render_status", "render_cancel", "render_download",
)  # fmt: skip
FILE = "file"
CALL_NAMES = (*ENDPOINT_NAMES, FILE)

Seconds = Annotated[float, Meta(ge=0, le=3600)]
CutMode = Literal["fin", "reset"]


class FaultError(ValueError):
    """A fault that does not exist, or an invalid argument; the message names it."""


class FaultArgs(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """No arguments."""


class AfterEventsArgs(FaultArgs, frozen=True, forbid_unknown_fields=True):
    """After so many events; a response that is not a stream is cut in its middle."""

    after: Annotated[int, Meta(ge=0, le=10_000)] = 1


class LateEditArgs(FaultArgs, frozen=True, forbid_unknown_fields=True):
    """The draft changes `seconds` after the stream has closed."""

    seconds: Seconds = 20.0


class StallArgs(FaultArgs, frozen=True, forbid_unknown_fields=True):
    """The stall lasts `seconds`; from 900 on the server ends the turn (SSE-6)."""

    seconds: Seconds = 900.0


class LateHeartbeatArgs(FaultArgs, frozen=True, forbid_unknown_fields=True):
    """The first heartbeat comes after `seconds`."""

    seconds: Seconds = 60.0


class SlowBytesArgs(FaultArgs, frozen=True, forbid_unknown_fields=True):
    """There are `seconds` between two bytes."""

    seconds: Annotated[float, Meta(ge=0, le=60)] = 0.02


class DropArgs(FaultArgs, frozen=True, forbid_unknown_fields=True):
    """How the connection ends."""

    how: CutMode = "fin"


class RetryAfterArgs(FaultArgs, frozen=True, forbid_unknown_fields=True):
    """`retry_after` seconds in the header Retry-After."""

    retry_after: Annotated[int, Meta(ge=0, le=604_800)] = 30


class StuckRenderArgs(FaultArgs, frozen=True, forbid_unknown_fields=True):
    """The progress at which the render stops, in percent."""

    progress: Annotated[int, Meta(ge=0, le=99)] = 40


class TruncatedDownloadArgs(FaultArgs, frozen=True, forbid_unknown_fields=True):
    """How the half file ends; `clean` is a complete response that is shorter than the file."""

    how: Literal["fin", "reset", "clean"] = "fin"


class Fault(msgspec.Struct, frozen=True):
    """A way in which a backend can fail.

    `endpoints` are those whose requests it can hit, `rules` those of the contract that it tests.
    Only `chaotic` faults are injected at random: a client survives them without losing its account
    or its project.
    """

    name: str
    sentence: str
    endpoints: tuple[str, ...]
    rules: tuple[str, ...]
    args: type[FaultArgs] = FaultArgs
    chaotic: bool = False

    def parse_args(self, given: dict[str, Any]) -> FaultArgs:
        """Return the arguments with their defaults; raises `FaultError` with the field."""
        try:
            return msgspec.convert(given, self.args, strict=False)
        except msgspec.ValidationError as error:
            raise FaultError(f"args of fault {self.name!r}: {error}") from error

    def describe(self) -> dict[str, Any]:
        """Return what the control API shows."""
        return {
            "name": self.name,
            "sentence": self.sentence,
            "endpoints": self.endpoints,
            "rules": self.rules,
            "args": msgspec.to_builtins(self.args()),
            "chaotic": self.chaotic,
        }


class ActiveFault(msgspec.Struct, frozen=True):
    """A fault that hits a call, with its arguments."""

    name: str
    args: FaultArgs

    def args_json(self) -> str:
        return encode_json(self.args).decode()


_CHAT = ("chat",)
_FILES = ("render", "file", "render_download")
_WITH_TOKEN = tuple(name for name in CALL_NAMES if name not in ("token", "file"))
_OF_SESSION = ("upload", "chat", "state", "render")

_FAULTS = (
    Fault("silent", "The edit is applied, and its stream ends without a text.",
          _CHAT, ("SSE-4", "SSE-5", "CLI-3"), chaotic=True),
    Fault("silent-not-applied", "The stream ends like that of a silent edit, but nothing changes.",
          _CHAT, ("SSE-5", "CRD-2", "CLI-3"), chaotic=True),
    Fault("silent-late", "The stream ends like that of a silent edit; the draft changes later.",
          _CHAT, ("SSE-5", "SSE-7", "CRD-2", "CLI-3"), LateEditArgs, chaotic=True),
    Fault("cut-fin", "The connection is closed in the middle of the response.",
          CALL_NAMES, ("SSE-4", "SSE-7", "CLI-4"), AfterEventsArgs, chaotic=True),
    Fault("cut-reset", "The connection is reset in the middle of the response.",
          CALL_NAMES, ("SSE-4", "SSE-7", "CLI-4"), AfterEventsArgs, chaotic=True),
    Fault("stall", "Only heartbeats are sent; the server ends the turn after 15 minutes.",
          _CHAT, ("SSE-3", "SSE-6", "CRD-2", "CLI-5"), StallArgs),
    Fault("temporary-issue", 'A last text says "I encountered a temporary issue".',
          _CHAT, ("SSE-9",), chaotic=True),
    Fault("bad-json", "One event of the stream is not valid JSON.",
          _CHAT, ("SSE-2",), AfterEventsArgs, chaotic=True),
    Fault("split-utf8", "Multi-byte characters are split between two chunks.",
          _CHAT, ("SSE-1",), chaotic=True),
    Fault("split-frames", "Events are split between chunks, also within their blank line.",
          _CHAT, ("SSE-1",), chaotic=True),
    Fault("duplicate-event", "Every event except heartbeats is sent twice.",
          _CHAT, ("SSE-2",), chaotic=True),
    Fault("slow-bytes", "The response is sent byte by byte.",
          CALL_NAMES, ("SSE-1",), SlowBytesArgs, chaotic=True),
    Fault("commit-then-drop", "The request is executed, but its response never arrives.",
          CALL_NAMES, ("SSE-7", "CLI-4"), DropArgs, chaotic=True),
    Fault("rate-limited", "The request is refused with 429 and Retry-After.",
          CALL_NAMES, ("AUTH-3", "CLI-7"), RetryAfterArgs, chaotic=True),
    Fault("export-blocked", "The export is refused with 402: the plan does not include it.",
          ("render",), ("REN-2", "CLI-7")),
    Fault("token-expired", "The token expires with this request, which is refused with 1001.",
          _WITH_TOKEN, ("AUTH-5", "GEN-3", "CLI-7")),
    Fault("session-lost", "The session is not found: 1002.",
          _OF_SESSION, ("SES-3", "CLI-7")),
    Fault("out-of-credits", "The turn is refused with 2001 before anything is streamed.",
          _CHAT, ("CRD-4", "CLI-7")),
    Fault("out-of-credits-mid-turn", "The stream ends with a 2001, and nothing changes.",
          _CHAT, ("CRD-2", "CRD-4", "CLI-7")),
    Fault("server-error", "The response is an HTML page with status 500.",
          CALL_NAMES, ("GEN-1", "GEN-2"), chaotic=True),
    Fault("bad-gateway", "The response is an HTML page with status 502, like that of a proxy.",
          CALL_NAMES, ("GEN-1", "GEN-2"), chaotic=True),
    Fault("render-fails-once", "The render fails; a second one with a new id does not.",
          ("render",), ("REN-5", "REN-6", "CLI-8"), chaotic=True),
    Fault("render-stuck", "The render begins and never ends.",
          ("render",), ("REN-5", "REN-6", "CLI-8"), StuckRenderArgs),
    Fault("duplicate-id", "The render is refused as if its id had been used before.",
          ("render",), ("REN-6", "CLI-8"), chaotic=True),
    Fault("url-gone", "The file behind output.url is gone (404); the fallback download works.",
          ("render", "file"), ("REN-8", "CLI-8"), chaotic=True),
    Fault("truncated-download", "Half of the file arrives.",
          _FILES, ("REN-7", "REN-8", "CLI-8"), TruncatedDownloadArgs, chaotic=True),
    Fault("late-heartbeat", "The first heartbeat is sent long after it is due.",
          _CHAT, ("SSE-3", "CLI-5"), LateHeartbeatArgs, chaotic=True),
    Fault("line-separator", "The text has U+2028 and U+0085, which some take for line ends.",
          _CHAT, ("SSE-1",), chaotic=True),
)  # fmt: skip

CATALOGUE: dict[str, Fault] = {fault.name: fault for fault in _FAULTS}


def find_fault(name: str) -> Fault:
    """Return the fault with this name; raises `FaultError` with the known names."""
    if name not in CATALOGUE:
        raise FaultError(f"name: unknown fault {name!r}; choose from {', '.join(CATALOGUE)}")
    return CATALOGUE[name]


class ApiCall(msgspec.Struct, frozen=True):
    """A request to an endpoint; fields that are not known are empty."""

    endpoint: str
    token: TokenRecord | None = None
    client_id: str = ""
    session: str = ""
    message: str = ""
    render: str = ""
    file: str = ""


class FaultMatch(msgspec.Struct, frozen=True, omit_defaults=True, forbid_unknown_fields=True):
    """Which calls a fault hits: those that match all given fields; `message` may be a substring.

    A fault with a token, user or client never hits a call of another one.
    """

    token_id: Annotated[int | None, Meta(description="number of the token")] = None
    user_id: Annotated[str | None, Meta(description="id of the user")] = None
    client_id: Annotated[str | None, Meta(description="X-Client-Id of the token")] = None
    endpoint: Annotated[str | None, Meta(description="name of the endpoint, such as chat")] = None
    session: Annotated[str | None, Meta(description="id of the session")] = None
    message: Annotated[str | None, Meta(description="a part of the message")] = None
    render: Annotated[str | None, Meta(description="id of the render")] = None

    def matches(self, call: ApiCall) -> bool:
        token = call.token
        return (
            self.token_id in (None, token.id if token else None)
            and self.user_id in (None, token.user_id if token else None)
            and self.client_id in (None, call.client_id)
            and self.endpoint in (None, call.endpoint)
            and self.session in (None, call.session)
            and self.render in (None, call.render)
            and (self.message is None or self.message in call.message)
        )


class FaultSpec(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A fault to arm: the first `skip` matches pass, the next `times` are hit; 0 is all of them."""

    name: Annotated[str, Meta(description="name of the fault")]
    match: Annotated[FaultMatch, Meta(description="requests that it hits; all by default")] = (
        FaultMatch()
    )
    times: Annotated[int, Meta(ge=0, description="number of requests that it hits; 0 is all")] = 1
    skip: Annotated[int, Meta(ge=0, description="number of matching requests that pass first")] = 0
    args: Annotated[dict[str, Any], Meta(description="arguments of the fault")] = {}

    def resolve(self) -> tuple[Fault, ActiveFault]:
        """Return the fault and its validated form; raises `FaultError` with the field."""
        fault = find_fault(self.name)
        endpoint = self.match.endpoint
        if endpoint is not None and endpoint not in CALL_NAMES:
            raise FaultError(
                f"match.endpoint: unknown endpoint {endpoint!r}; "
                f"choose from {', '.join(CALL_NAMES)}"
            )
        if endpoint is not None and endpoint not in fault.endpoints:
            raise FaultError(
                f"match.endpoint: fault {fault.name!r} cannot hit {endpoint!r}, "
                f"only {', '.join(fault.endpoints)}"
            )
        return fault, ActiveFault(fault.name, fault.parse_args(self.args))
