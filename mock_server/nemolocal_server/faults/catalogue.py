"""The catalogue: every fault as a value, with what it takes and the rules that it puts to the test.

Seconds are those of the server's clock. An endpoint is called as in `nemolocal_contract.endpoints`;
the file behind `output.url` is called `file`.
"""

from typing import Annotated, Any, Literal

import msgspec
from msgspec import Meta

from nemolocal_contract.responses import encode_json

from .api_call import CALL_NAMES

Seconds = Annotated[float, Meta(ge=0, le=3600)]
CutMode = Literal["fin", "reset"]


class FaultError(ValueError):
    """A fault that does not exist, or an argument that makes no sense; the message names it."""


class FaultArgs(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The arguments of a fault that has none."""


class AfterEventsArgs(FaultArgs, frozen=True, forbid_unknown_fields=True):
    """`after` events; a reply in one piece is cut in its middle."""

    after: Annotated[int, Meta(ge=0, le=10_000)] = 1


class LateEditArgs(FaultArgs, frozen=True, forbid_unknown_fields=True):
    """The draft changes `seconds` after the stream has closed."""

    seconds: Seconds = 20.0


class StallArgs(FaultArgs, frozen=True, forbid_unknown_fields=True):
    """For `seconds`; from 900 on the server ends the turn (SSE-6)."""

    seconds: Seconds = 900.0


class LateHeartbeatArgs(FaultArgs, frozen=True, forbid_unknown_fields=True):
    """The first sign of life comes after `seconds`."""

    seconds: Seconds = 60.0


class SlowBytesArgs(FaultArgs, frozen=True, forbid_unknown_fields=True):
    """`seconds` between two bytes."""

    seconds: Annotated[float, Meta(ge=0, le=60)] = 0.02


class DropArgs(FaultArgs, frozen=True, forbid_unknown_fields=True):
    """`how` the connection ends."""

    how: CutMode = "fin"


class RetryAfterArgs(FaultArgs, frozen=True, forbid_unknown_fields=True):
    """`retry_after` seconds in the header Retry-After."""

    retry_after: Annotated[int, Meta(ge=0, le=604_800)] = 30


class StuckRenderArgs(FaultArgs, frozen=True, forbid_unknown_fields=True):
    """The `progress` that never moves on, in percent."""

    progress: Annotated[int, Meta(ge=0, le=99)] = 40


class TruncatedDownloadArgs(FaultArgs, frozen=True, forbid_unknown_fields=True):
    """`how` the half file ends; `clean` is a whole reply that is shorter than the file."""

    how: Literal["fin", "reset", "clean"] = "fin"


class Fault(msgspec.Struct, frozen=True):
    """A way in which a backend can go wrong.

    `endpoints` are those whose requests it can befall, `rules` those of the contract that it puts
    to the test. Only `chaotic` faults are played by chance: a client survives them without losing
    its account or its project.
    """

    name: str
    sentence: str
    endpoints: tuple[str, ...]
    rules: tuple[str, ...]
    args: type[FaultArgs] = FaultArgs
    chaotic: bool = False

    def parse_args(self, given: dict[str, Any]) -> FaultArgs:
        """The arguments, those that are missing by default; raises `FaultError` by their name."""
        try:
            return msgspec.convert(given, self.args, strict=False)
        except msgspec.ValidationError as error:
            raise FaultError(f"args of fault {self.name!r}: {error}") from error

    def describe(self) -> dict[str, Any]:
        """What the control interface shows."""
        return {
            "name": self.name,
            "sentence": self.sentence,
            "endpoints": self.endpoints,
            "rules": self.rules,
            "args": msgspec.to_builtins(self.args()),
            "chaotic": self.chaotic,
        }


class ActiveFault(msgspec.Struct, frozen=True):
    """A fault that is in force, with its arguments."""

    name: str
    args: FaultArgs

    def args_json(self) -> str:
        """The arguments as JSON."""
        return encode_json(self.args).decode()


_CHAT = ("chat",)
_FILES = ("render", "file", "render_download")
_WITH_TOKEN = tuple(name for name in CALL_NAMES if name not in ("token", "file"))
_OF_SESSION = ("upload", "chat", "state", "render")

_FAULTS = (
    Fault("silent", "The edit is applied and its stream ends without a word.",
          _CHAT, ("SSE-4", "SSE-5", "CLI-3"), chaotic=True),
    Fault("silent-not-applied", "The stream ends like that of a silent edit, but nothing changed.",
          _CHAT, ("SSE-5", "CRD-2", "CLI-3"), chaotic=True),
    Fault("silent-late", "The stream ends like that of a silent edit; the draft changes later.",
          _CHAT, ("SSE-5", "SSE-7", "CRD-2", "CLI-3"), LateEditArgs, chaotic=True),
    Fault("cut-fin", "The connection is closed in the middle of the reply.",
          CALL_NAMES, ("SSE-4", "SSE-7", "CLI-4"), AfterEventsArgs, chaotic=True),
    Fault("cut-reset", "The connection is reset in the middle of the reply.",
          CALL_NAMES, ("SSE-4", "SSE-7", "CLI-4"), AfterEventsArgs, chaotic=True),
    Fault("stall", "Nothing but heartbeats comes; the server ends the turn after 15 minutes.",
          _CHAT, ("SSE-3", "SSE-6", "CRD-2", "CLI-5"), StallArgs),
    Fault("temporary-issue", 'A last text says "I encountered a temporary issue".',
          _CHAT, ("SSE-9",), chaotic=True),
    Fault("bad-json", "One event of the stream is no JSON.",
          _CHAT, ("SSE-2",), AfterEventsArgs, chaotic=True),
    Fault("split-utf8", "Characters of several bytes are torn apart between two chunks.",
          _CHAT, ("SSE-1",), chaotic=True),
    Fault("split-frames", "Events are torn apart between chunks, their blank line too.",
          _CHAT, ("SSE-1",), chaotic=True),
    Fault("duplicate-event", "Every event but heartbeats comes twice.",
          _CHAT, ("SSE-2",), chaotic=True),
    Fault("slow-bytes", "The reply comes byte by byte.",
          CALL_NAMES, ("SSE-1",), SlowBytesArgs, chaotic=True),
    Fault("commit-then-drop", "The request is carried out, and its reply never arrives.",
          CALL_NAMES, ("SSE-7", "CLI-4"), DropArgs, chaotic=True),
    Fault("rate-limited", "The request is refused with 429 and a Retry-After.",
          CALL_NAMES, ("AUTH-3", "CLI-7"), RetryAfterArgs, chaotic=True),
    Fault("export-blocked", "The export is refused with 402: the plan does not include it.",
          ("render",), ("REN-2", "CLI-7")),
    Fault("token-expired", "The token expires with this request, which is refused with 1001.",
          _WITH_TOKEN, ("AUTH-5", "GEN-3", "CLI-7")),
    Fault("session-lost", "The session is not found: 1002.",
          _OF_SESSION, ("SES-3", "CLI-7")),
    Fault("out-of-credits", "The turn is refused with 2001 before anything is streamed.",
          _CHAT, ("CRD-4", "CLI-7")),
    Fault("out-of-credits-mid-turn", "The stream breaks off with a 2001 and nothing is changed.",
          _CHAT, ("CRD-2", "CRD-4", "CLI-7")),
    Fault("server-error", "The reply is a page of HTML with status 500.",
          CALL_NAMES, ("GEN-1", "GEN-2"), chaotic=True),
    Fault("bad-gateway", "The reply is a page of HTML with status 502, as of a proxy.",
          CALL_NAMES, ("GEN-1", "GEN-2"), chaotic=True),
    Fault("render-fails-once", "The render fails; another one under a new id does not.",
          ("render",), ("REN-5", "REN-6", "CLI-8"), chaotic=True),
    Fault("render-stuck", "The render begins and never ends.",
          ("render",), ("REN-5", "REN-6", "CLI-8"), StuckRenderArgs),
    Fault("duplicate-id", "The render is refused as if its id had been used before.",
          ("render",), ("REN-6", "CLI-8"), chaotic=True),
    Fault("url-gone", "The file behind output.url is gone (404); the fallback download works.",
          ("render", "file"), ("REN-8", "CLI-8"), chaotic=True),
    Fault("truncated-download", "Half of the file arrives.",
          _FILES, ("REN-7", "REN-8", "CLI-8"), TruncatedDownloadArgs, chaotic=True),
    Fault("late-heartbeat", "The first heartbeat comes long after it is due.",
          _CHAT, ("SSE-3", "CLI-5"), LateHeartbeatArgs, chaotic=True),
    Fault("line-separator", "The text has U+2028 and U+0085, which some take for line ends.",
          _CHAT, ("SSE-1",), chaotic=True),
)  # fmt: skip

CATALOGUE: dict[str, Fault] = {fault.name: fault for fault in _FAULTS}


def find_fault(name: str) -> Fault:
    """The fault with this name; raises `FaultError` with those that there are."""
    if name not in CATALOGUE:
        raise FaultError(f"name: no fault is called {name!r}; there are {', '.join(CATALOGUE)}")
    return CATALOGUE[name]
