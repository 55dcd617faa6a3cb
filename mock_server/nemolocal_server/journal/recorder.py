"""The middleware that copies what passes by and writes an entry for each exchange."""

from types import TracebackType
from typing import Any

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from nemolocal_contract.clock import Clock
from nemolocal_contract.codes import Code
from nemolocal_contract.endpoints import CONTROL, find_endpoint
from nemolocal_contract.headers import ANONYMOUS_TOKEN_PREFIX, AUTHORIZATION, bearer_token
from nemolocal_contract.journal import Ending, Entry

from ..caller import caller_of
from .bodies import BodyCopy
from .records import Journal
from .redaction import Redactor
from .truth import CLOSE, CUT, FAULTS, begin_truth
from .verdict import code_of, rules_touched

_MOST_CHUNKS = 1000
_STREAM = "text/event-stream"


class JournalMiddleware:
    """Writes an entry for every request that is not the control interface's."""

    def __init__(self, app: ASGIApp, journal: Journal, clock: Clock) -> None:
        self._app = app
        self._journal = journal
        self._clock = clock

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or scope["path"].startswith(CONTROL):
            await self._app(scope, receive, send)
            return
        with _Exchange(scope, receive, send, self._journal, self._clock) as exchange:
            await self._app(scope, exchange.receive, exchange.send)


class _Exchange:
    """One request and its response, copied on the way."""

    def __init__(
        self, scope: Scope, receive: Receive, send: Send, journal: Journal, clock: Clock
    ) -> None:
        self._scope = scope
        self._receive = receive
        self._send = send
        self._journal = journal
        self._clock = clock
        self._truth = begin_truth(scope, journal.evidence)
        self._started = clock.time()
        self._request, self._response = BodyCopy(), BodyCopy()
        self._status = 0
        self._headers: dict[str, str] = {}
        self._chunks: list[tuple[float, int]] = []
        self._gone = self._complete = self._closed = False
        scope[CLOSE] = self._close

    async def receive(self) -> Message:
        message = await self._receive()
        self._request.add(message.get("body", b""))
        self._gone = self._gone or message["type"] == "http.disconnect"
        return message

    async def send(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            self._status = message["status"]
            self._headers = _headers(message["headers"])
        else:
            self._add(message.get("body", b""))
            if not message.get("more_body"):
                self._complete = True
                self._close()  # before the client sees the end: what it asks next finds the entry
        await self._send(message)

    def _add(self, chunk: bytes) -> None:
        self._response.add(chunk)
        if chunk and len(self._chunks) < _MOST_CHUNKS and self._is_stream:
            self._chunks.append((round(self._clock.time() - self._started, 3), len(chunk)))

    @property
    def _is_stream(self) -> bool:
        return self._headers.get("content-type", "").startswith(_STREAM)

    def __enter__(self) -> "_Exchange":
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if isinstance(error, Exception) and not self._status and not self._gone:
            # A defect: Starlette answers it outside of us, once we have let it pass.
            self._status, self._complete = int(Code.INTERNAL), True
        self._close()

    def _close(self) -> None:
        """Write the entry, once."""
        if not self._closed:
            self._closed = True
            self._journal.add(self._entry())

    def _entry(self) -> Entry:
        sent = _headers(self._scope["headers"])
        redactor = Redactor(sent.get(AUTHORIZATION.lower(), ""))
        received = self._response.text(self._headers.get("content-type", ""), redactor)
        return Entry(
            started=self._started,
            ended=self._clock.time(),
            ending=self._ending(),
            request_headers=redactor.headers(sent),
            request_body=self._request.text(sent.get("content-type", ""), redactor),
            request_size=self._request.size,
            response_headers=redactor.headers(self._headers),
            response_body=received,
            response_size=self._response.size,
            chunks=tuple(self._chunks),
            **self._meaning(sent, received, redactor),
            **self._truth_behind(),
        )

    def _meaning(self, sent: dict[str, str], received: str, redactor: Redactor) -> dict[str, Any]:
        """What was asked of whom, and what the reply comes to."""
        method, url = self._scope["method"], _url(self._scope)
        name, endpoint = find_endpoint(method, self._scope["path"]) or (None, None)
        code = code_of(self._status, self._headers.get("content-type", ""), received)
        return {
            "method": method,
            "url": redactor.url(url),
            "endpoint": name,
            "status": self._status,
            "code": code,
            "rules": rules_touched(endpoint, code, sent, token_in_url=_bears_token(url, sent)),
        }

    def _truth_behind(self) -> dict[str, Any]:
        """What no byte of the exchange says."""
        truth, token = self._truth, caller_of(self._scope)
        return {
            "faults": tuple(self._scope.get(FAULTS, ())),
            "token_id": token.id if token else None,
            "user_id": token.user_id if token else None,
            "session_id": truth.session_id,
            "render_id": truth.render_id,
            "turn": truth.turn,
            "credits_before": truth.credits_before,
            "credits_after": truth.credits_after,
            "draft_before": truth.draft_before,
            "draft_after": truth.draft_after,
        }

    def _ending(self) -> Ending:
        if self._complete:
            return "complete"
        if CUT in self._scope:
            return "cut by fault"
        return "cut by client" if self._gone else "cut by server"


def _url(scope: Scope) -> str:
    query = scope["query_string"].decode(errors="replace")
    path = str(scope["path"])
    return f"{path}?{query}" if query else path


def _bears_token(url: str, headers: dict[str, str]) -> bool:
    """GEN-5; a claim token may stand in the link that it is made for."""
    own = bearer_token(headers.get(AUTHORIZATION.lower()))
    return ANONYMOUS_TOKEN_PREFIX in url or (own is not None and own in url)


def _headers(pairs: list[tuple[bytes, bytes]]) -> dict[str, str]:
    """Headers by lower-case name; the values of one that stands twice are joined."""
    headers: dict[str, str] = {}
    for raw_name, raw_value in pairs:
        name, value = raw_name.decode("latin-1").lower(), raw_value.decode("latin-1")
        headers[name] = f"{headers[name]}, {value}" if name in headers else value
    return headers
