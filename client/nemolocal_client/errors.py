"""Everything that can go wrong, as one tree; each error is one line and says the way out.

NemoError
├── BackendError            the backend said no, with a code of the contract
│   ├── BadToken            1001
│   ├── SessionNotFound     1002
│   ├── OutOfCredits        2001
│   ├── UnsupportedFile     4001
│   │   └── CannotFetch     4001 for a URL
│   ├── FileTooLarge        4002
│   ├── BadRequest          400
│   ├── ExportBlocked       402
│   └── RateLimited         429
├── BadReply                the backend said something that the contract does not know
├── TransportFailed
│   ├── CannotConnect       nothing was sent
│   │   └── ServerLost      the server was there before
│   └── ConnectionCut       what was sent may have been received
├── StreamTimeout           a turn took too long (CLI-5)
├── TurnFailed              a turn changed nothing (CLI-3, CLI-4)
├── NothingToExport         the timeline is empty (STA-3)
├── BadAttribution          a header of the skill cannot be sent (CLI-1)
├── BadText                 a text of the caller cannot be sent
├── RenderFailed            the export did not complete (CLI-8)
├── DownloadFailed          the file did not arrive whole
└── FileProblem             a local file cannot be read or written
"""

import re

from nemolocal_contract.media import ACCEPTED_EXTENSIONS_TEXT
from nemolocal_contract.text_escaping import escape_controls

_MESSAGE_MAX = 300
# How the local server begins where it was the network that failed, and no kind of file.
_NOT_FETCHED = "Cannot fetch "
_TOKENS = re.compile(r"\b(?:nmv_usr_|clm_)[\w.-]+|(?i:\bbearer\s+)\S+")


def sanitize_line(text: str) -> str:
    """Somebody else's words, fit for an error line: one line, bounded, without tokens (CLI-9)."""
    line = escape_controls(_TOKENS.sub("…", " ".join(text.split())))
    return line if len(line) <= _MESSAGE_MAX else line[: _MESSAGE_MAX - 1] + "…"


class NemoError(Exception):
    """A failure: `code` of the contract (None where there is none), `message`, `remedy`."""

    code: int | None = None
    message = "the call failed"
    remedy = "try again"

    def __init__(
        self, message: str = "", *, remedy: str | None = None, code: int | None = None
    ) -> None:
        self.message = sanitize_line(message).rstrip(".") or self.message
        self.remedy = self.remedy if remedy is None else sanitize_line(remedy)
        self.code = self.code if code is None else code
        super().__init__(f"{self.message}: {self.remedy}")

    def replace_remedy(self, remedy: str) -> None:
        """Another way out, from whoever knows this server better."""
        self.remedy = sanitize_line(remedy)
        self.args = (f"{self.message}: {self.remedy}",)


class BackendError(NemoError):
    """The backend refused, with a code of the contract."""


class BadToken(BackendError):
    """1001: no, a wrong or an expired token."""

    code = 1001
    message = "the token is not accepted"
    remedy = "set NEMO_TOKEN to a valid one, or unset it to get a free one"


class SessionNotFound(BackendError):
    """1002: no such session of this token."""

    code = 1002
    message = "the session is not known here"
    remedy = "open a new session and upload again"

    @classmethod
    def gone(cls, session_id: str) -> "SessionNotFound":
        """1002 for a session that was there before: who it was of, and what it was, is the same."""
        return cls(
            f"session {session_id} is gone (unused for too long, reset, or lost with its token)"
        )


class OutOfCredits(BackendError):
    """2001: `registration_url` is where an anonymous user registers, "" if registered."""

    code = 2001
    message = "not enough credits"
    remedy = "top up credits in your account"

    def __init__(self, message: str = "", *, user_id: str = "") -> None:
        link = re.search(r"https?://[^\s\"'<>)]+", message)
        self.registration_url = link.group().rstrip(".,;") if link else ""
        anonymous = user_id.startswith("anon_") or "bind=" in self.registration_url
        super().__init__(
            self.message, remedy=self._registration_remedy(user_id) if anonymous else None
        )

    def _registration_remedy(self, user_id: str) -> str:
        where = self.registration_url or f"the NemoVideo site, with ?bind={user_id} in the address"
        return f"register at {where}"


class UnsupportedFile(BackendError):
    """4001: a file of a kind that is not accepted (UPL-3)."""

    code = 4001
    message = "the file is not supported"
    remedy = f"use one of {ACCEPTED_EXTENSIONS_TEXT}"

    def __init__(self, message: str = "") -> None:
        # The backend may have listed them itself (UPL-3), or have said what else is wrong.
        listed, hollow = ACCEPTED_EXTENSIONS_TEXT in message, "is empty" in message
        remedy = "replace the file, or convert it" if listed else None
        super().__init__(message, remedy="name another file" if hollow else remedy)


class CannotFetch(UnsupportedFile):
    """4001 for a URL: it is refused, does not answer, or is of no file that is accepted (UPL-6)."""

    message = "the URL cannot be fetched"
    remedy = "check the URL, or download the file and upload that"

    def __init__(self, message: str = "") -> None:
        remedy = self.remedy
        if ACCEPTED_EXTENSIONS_TEXT in message:
            remedy = "name the URL of such a file, or download it and upload that"
        elif _NOT_FETCHED not in message:
            remedy += f"; accepted are {ACCEPTED_EXTENSIONS_TEXT}"
        BackendError.__init__(self, message, remedy=remedy)


class FileTooLarge(BackendError):
    """4002: a file over the limit of the skill (UPL-4)."""

    code = 4002
    message = "the file is too large"
    remedy = "compress or trim it first"

    @classmethod
    def from_proxy(cls, server: str) -> "FileTooLarge":
        """413 without an envelope: not the backend said it, but what stands before it."""
        name = f" ({server})" if server else ""
        return cls(
            f"a proxy or web server in front of the backend{name} refused the upload as too large: "
            "HTTP 413",
            remedy="raise its limit (nginx: client_max_body_size), or compress or trim the file",
        )


class BadRequest(BackendError):
    """400: the request is not what the backend takes."""

    code = 400
    message = "the request is not accepted"
    remedy = "correct it and try again"


class ExportBlocked(BackendError):
    """402: the plan does not export; never a matter of the balance (CLI-7)."""

    code = 402
    message = "export is blocked on this plan"
    remedy = "register or upgrade your plan to unlock export"


class RateLimited(BackendError):
    """429: too often, twice."""

    code = 429
    message = "too many requests"
    remedy = "wait a few minutes, then try again"


def with_token_remedy(limited: RateLimited) -> RateLimited:
    """The refusal of a second token in a week (AUTH-3), with the way out at who refused it."""
    if "token" not in limited.message.lower():
        return limited
    if "local server" not in limited.message:
        remedy = "set NEMO_TOKEN to one that you have, or come back when the 7 days are over"
    elif "address_limit" in limited.message:
        remedy = "let it have a higher limit"
    else:
        remedy = "take a new client id (--no-keep-token, in Python MemoryProfile())"
    # Only where the server says that it can be had from here.
    for said, way in (("/reset begins anew", "reset it"), ("each run", "run it again")):
        remedy += f", or {way}" if said in limited.message else ""
    return RateLimited(limited.message, remedy=remedy)


TRY_AGAIN = "try again in a minute"
# What helps where something else than the backend answered.
PROXY_REMEDIES = {
    401: "something in front of the backend wants a login: check the base URL",
    403: "something in front of the backend forbids it: check the base URL and your network",
    404: "check the base URL: there is no such backend",
    405: "check the base URL: there is no such backend",
    407: "log in at your proxy (HTTPS_PROXY), or go without it",
    502: f"the backend does not answer its proxy: {TRY_AGAIN}",
    503: f"the backend is not ready: {TRY_AGAIN}",
    504: f"the backend does not answer its proxy: {TRY_AGAIN}",
}


class BadReply(NemoError):
    """A reply outside the contract: an HTML page, broken JSON, a missing field."""

    message = "the backend gave an unreadable reply"
    remedy = f"{TRY_AGAIN}, and check the base URL if it stays"

    @classmethod
    def from_proxy(cls, call: str, status: int) -> "BadReply":
        """A failure without JSON: what stands before the backend said it."""
        return cls(f"{call} answered HTTP {status} without JSON", remedy=PROXY_REMEDIES.get(status))


class TransportFailed(NemoError):
    """The network, not the backend."""


class CannotConnect(TransportFailed):
    """No connection: nothing was sent.

    `origin` is where to; `refused`: its machine answers, but nothing listens there.
    """

    message = "cannot connect"
    remedy = "check the address and the network; a local server starts with `nemolocal serve`"

    def __init__(
        self,
        message: str = "",
        *,
        remedy: str | None = None,
        origin: str = "",
        refused: bool = False,
    ) -> None:
        self.origin = origin
        self.refused = refused
        super().__init__(message, remedy=remedy)


class ServerLost(CannotConnect):
    """The server answered before, is gone, and did not come back; nothing of the call was sent."""

    message = "lost the server"
    remedy = "try again when it runs; a local server starts with `nemolocal serve`"


class ConnectionCut(TransportFailed):
    """The connection broke or went silent after the request had started.

    `gone`: nothing listens there any more.
    """

    message = "the connection was cut"
    remedy = "look at the state before you repeat it, the backend may have done it"

    def __init__(self, message: str = "", *, remedy: str | None = None, gone: bool = False) -> None:
        self.gone = gone
        way = (
            "start it again (a local one with `nemolocal serve`), then look at the state before "
            "you repeat it"
        )
        super().__init__(message, remedy=way if gone and remedy is None else remedy)


class StreamTimeout(NemoError):
    """A turn beyond the limits of CLI-5."""

    message = "the turn timed out"
    remedy = "it may still finish: look at the status in a while, and do not send it again yet"


class TurnFailed(NemoError):
    """A turn after which nothing had changed; `heard` is what the backend said before."""

    message = "nothing on the timeline changed"
    remedy = "say it in other words, as one concrete instruction"

    def __init__(
        self, message: str = "", *, remedy: str | None = None, heard: tuple[str, ...] = ()
    ) -> None:
        super().__init__(message, remedy=remedy)
        self.heard = heard


class NothingToExport(NemoError):
    """No track has a segment (STA-3)."""

    message = "the timeline is empty"
    remedy = "upload a file and ask for an edit first"


class BadAttribution(NemoError):
    """An attribution header holds what no header can carry (CLI-1): nothing was sent."""

    message = "the attribution cannot be sent"
    remedy = "make it one line of text"


class BadText(NemoError):
    """A text that cannot be sent as UTF-8, such as half of a character: nothing was sent."""

    message = "the text cannot be sent"
    remedy = "write it anew, as UTF-8"


class RenderFailed(NemoError):
    """The export did not complete."""

    message = "the export failed"
    remedy = "export again in a minute; the timeline is kept"


class DownloadFailed(NemoError):
    """The file did not arrive whole."""

    message = "the download did not complete"
    remedy = "export again, it is free; the timeline is kept"


class FileProblem(NemoError):
    """A local file cannot be read or written."""

    message = "the file cannot be used"
    remedy = "choose another path"
