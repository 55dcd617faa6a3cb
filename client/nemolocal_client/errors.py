"""All errors of the client. Each message is one line and ends with what to do.

NemoError
├── BackendError            the backend refused the call with a code of the contract
│   ├── BadToken            1001
│   ├── SessionNotFound     1002
│   ├── OutOfCredits        2001
│   ├── UnsupportedFile     4001
│   │   └── CannotFetch     4001 for a URL
│   ├── FileTooLarge        4002
│   ├── BadRequest          400
│   ├── ExportBlocked       402
│   └── RateLimited         429
├── BadReply                the response does not follow the contract
├── TransportFailed
│   ├── CannotConnect       nothing was sent
│   │   └── ServerLost      the server responded before
│   └── ConnectionCut       the request may have been received
├── StreamTimeout           a turn took too long (CLI-5)
├── TurnFailed              a turn changed nothing (CLI-3, CLI-4)
├── NothingToExport         the timeline is empty (STA-3)
├── BadAttribution          an attribution header cannot be sent (CLI-1)
├── BadText                 a text of the caller cannot be sent
├── RenderFailed            the export did not complete (CLI-8)
├── DownloadFailed          the file did not arrive completely
└── FileProblem             a local file cannot be read or written
"""

import re

from nemolocal_contract.media import ACCEPTED_EXTENSIONS_TEXT
from nemolocal_contract.text_escaping import escape_controls

from .deprecation import DeprecatedName

_MESSAGE_MAX = 300
# The local server begins its message like this if the network failed, not the file type.
_NOT_FETCHED = "Cannot fetch "
_TOKENS = re.compile(r"\b(?:nmv_usr_|clm_)[\w.-]+|(?i:\bbearer\s+)\S+")
TRY_AGAIN = "try again in a minute"
# Remedies if something other than the backend responded.
PROXY_REMEDIES = {
    401: "something in front of the backend requires a login: check the base URL",
    403: "something in front of the backend denies access: check the base URL and your network",
    404: "check the base URL: no backend responds there",
    405: "check the base URL: no backend responds there",
    407: "log in to your proxy (HTTPS_PROXY), or unset it",
    502: f"the backend does not answer its proxy: {TRY_AGAIN}",
    503: f"the backend is not ready: {TRY_AGAIN}",
    504: f"the backend does not answer its proxy: {TRY_AGAIN}",
}


def sanitize_line(text: str) -> str:
    """Return a text of others on one line, bounded and without tokens (CLI-9)."""
    line = escape_controls(_TOKENS.sub("…", " ".join(text.split())))
    return line if len(line) <= _MESSAGE_MAX else line[: _MESSAGE_MAX - 1] + "…"


class NemoError(Exception):
    """An error with `message`, `remedy` and the `code` of the contract, None if there is none."""

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
        """Replace the remedy, for callers that know more about the server."""
        self.remedy = sanitize_line(remedy)
        self.args = (f"{self.message}: {self.remedy}",)

    advise = DeprecatedName("replace_remedy")


class BackendError(NemoError):
    """The backend refused, with a code of the contract."""


class BadToken(BackendError):
    """1001: the token is missing, wrong or expired."""

    code = 1001
    message = "the token is not accepted"
    remedy = "set NEMO_TOKEN to a valid one, or unset it to get a free one"


class SessionNotFound(BackendError):
    """1002: this token has no such session."""

    code = 1002
    message = "session not found"
    remedy = "open a new session and upload again"

    @classmethod
    def gone(cls, session_id: str) -> "SessionNotFound":
        """Return the error for a session that existed before."""
        return cls(
            f"session {session_id} no longer exists (it expired, was reset, or its token is gone)"
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
        # The backend may have listed the accepted types itself (UPL-3).
        remedy = "replace or convert the file" if ACCEPTED_EXTENSIONS_TEXT in message else None
        is_empty = "is empty" in message
        super().__init__(message, remedy="choose another file" if is_empty else remedy)


class CannotFetch(UnsupportedFile):
    """4001 for a URL: it is refused, does not respond, or is not an accepted file (UPL-6)."""

    message = "the URL cannot be fetched"
    remedy = "check the URL, or download the file and upload that"

    def __init__(self, message: str = "") -> None:
        remedy = self.remedy
        if ACCEPTED_EXTENSIONS_TEXT in message:
            remedy = "use the URL of such a file, or download it and upload that"
        elif _NOT_FETCHED not in message:
            remedy += f"; accepted types: {ACCEPTED_EXTENSIONS_TEXT}"
        BackendError.__init__(self, message, remedy=remedy)


class FileTooLarge(BackendError):
    """4002: a file over the limit of the skill (UPL-4)."""

    code = 4002
    message = "the file is too large"
    remedy = "compress or trim it first"

    @classmethod
    def from_proxy(cls, server: str) -> "FileTooLarge":
        """Return the error for a 413 without an envelope, which a proxy sent."""
        name = f" ({server})" if server else ""
        return cls(
            f"a proxy or web server in front of the backend{name} rejected the upload with "
            "HTTP 413",
            remedy="raise its limit (nginx: client_max_body_size), or compress or trim the file",
        )


class BadRequest(BackendError):
    """400: the backend does not accept the request."""

    code = 400
    message = "the request is not accepted"
    remedy = "correct it and try again"


class ExportBlocked(BackendError):
    """402: the plan does not allow exports; this is never about the balance (CLI-7)."""

    code = 402
    message = "export is blocked on this plan"
    remedy = "register or upgrade your plan to unlock export"


class RateLimited(BackendError):
    """429: too many requests, also after a pause."""

    code = 429
    message = "too many requests"
    remedy = "wait a few minutes, then try again"


def with_token_remedy(limited: RateLimited) -> RateLimited:
    """Add the remedy to the refusal of a second token within a week (AUTH-3)."""
    if "token" not in limited.message.lower():
        return limited
    if "local server" not in limited.message:
        remedy = "set NEMO_TOKEN to a token that you have, or try again when the 7 days are over"
    elif "address_limit" in limited.message:
        remedy = "raise its address_limit"
    else:
        remedy = "use a new client id (--no-keep-token, in Python MemoryProfile())"
    # Only if the server says that this client can do it.
    for hint, way in (("/reset begins anew", "reset the server"), ("each run", "run it again")):
        remedy += f", or {way}" if hint in limited.message else ""
    return RateLimited(limited.message, remedy=remedy)


class BadReply(NemoError):
    """A response outside the contract: an HTML page, invalid JSON, a missing field."""

    message = "the backend sent an invalid response"
    remedy = f"{TRY_AGAIN}; if the error persists, check the base URL"

    @classmethod
    def from_proxy(cls, call: str, status: int) -> "BadReply":
        """Return the error for a response without JSON, which a proxy sent."""
        return cls(f"{call} returned HTTP {status} without JSON", remedy=PROXY_REMEDIES.get(status))


class TransportFailed(NemoError):
    """The network failed, not the backend."""


class CannotConnect(TransportFailed):
    """There is no connection: nothing was sent.

    `origin` is the server's. `refused`: its machine responds, but nothing listens on the port.
    """

    message = "cannot connect"
    remedy = "check the address and the network; start a local server with `nemolocal serve`"

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
    """The server responded before, is gone, and did not come back; the call was not sent."""

    message = "lost the server"
    remedy = "try again when it is running; start a local server with `nemolocal serve`"


class ConnectionCut(TransportFailed):
    """The connection was lost after the request had started.

    `gone`: the server no longer listens.
    """

    message = "the connection was lost"
    remedy = "check the state before you retry, since the backend may have done it"

    def __init__(self, message: str = "", *, remedy: str | None = None, gone: bool = False) -> None:
        self.gone = gone
        restart = (
            "restart the server (a local one with `nemolocal serve`), then check the state "
            "before you retry"
        )
        super().__init__(message, remedy=restart if gone and remedy is None else remedy)


class StreamTimeout(NemoError):
    """A turn exceeded the limits of CLI-5."""

    message = "the turn timed out"
    remedy = "it may still finish: check the status later, and do not send the message again yet"


class TurnFailed(NemoError):
    """A turn changed nothing; `heard` are the texts that the backend sent."""

    message = "nothing on the timeline changed"
    remedy = "rephrase it as one concrete instruction"

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
    """An attribution header contains a character that headers do not allow (CLI-1).

    Nothing was sent.
    """

    message = "the attribution is invalid"
    remedy = "use a single line of text"


class BadText(NemoError):
    """A text cannot be sent as UTF-8, such as a lone surrogate: nothing was sent."""

    message = "the text is not valid Unicode"
    remedy = "write it again, as UTF-8"


class RenderFailed(NemoError):
    """The export did not complete."""

    message = "the export failed"
    remedy = "export again in a minute; the timeline is kept"


class DownloadFailed(NemoError):
    """The file did not arrive completely."""

    message = "the download did not complete"
    remedy = "export again, it is free; the timeline is kept"


class FileProblem(NemoError):
    """A local file cannot be read or written."""

    message = "the file cannot be used"
    remedy = "choose another path"
