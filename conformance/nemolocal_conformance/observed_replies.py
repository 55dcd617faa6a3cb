"""Watches every reply of a run: its form, and whether it agrees with the replies before it.

A check looks at the reply that it asked for. What holds of all of them (a field is there, an id is
new, an owner stays the same) is watched here, whichever check asked, and told by the checks of
`server_checks.replies`.
"""

import contextlib
from collections.abc import Iterable
from typing import Any

import httpx
import msgspec

from nemolocal_contract.endpoints import CONTROL_PREFIX, find_endpoint, parse_bearer_token
from nemolocal_contract.responses import ResponseCode, decode_json, http_status

from .render_replies import flatten_render
from .reply_consistency import ReplyConsistency
from .reply_forms import REPLY_FORMS, is_missing, is_text, is_whole, values_at
from .reply_violation import ReplyViolation
from .stream_forms import StreamWatch
from .target import TargetResponse

_OK = 200
_SUCCESS, _BROKEN = range(200, 300), 500
_JSON, _STREAM = "application/json", "text/event-stream"
_RENDERS = ("render", "render_status", "render_cancel")
_FILES = {"render_download": "video/mp4", "claim_page": "text/html"}
_STYLES = ("envelope", "http")
# The statuses of a refusal in the words of ADK (GEN-2).
_ADK_STATUSES = (404, 422)
_KNOWN = frozenset(int(code) for code in ResponseCode if code)
# So many violations of a kind are kept; more would say the same.
_MOST_KEPT = 20


class ObservedRequest(msgspec.Struct, frozen=True):
    """A request as the watch needs it: lower-case headers, the JSON of its body or None."""

    method: str
    path: str
    headers: dict[str, str]
    body: Any

    @classmethod
    def of(cls, request: httpx.Request) -> "ObservedRequest":
        """Return what the watch needs of a request."""
        headers = {name.lower(): value for name, value in request.headers.items()}
        body = None
        if headers.get("content-type", "").startswith(_JSON):
            with contextlib.suppress(httpx.RequestNotRead):  # it was streamed
                body = _json_of(request.content)
        return cls(request.method, request.url.path, headers, body)

    @property
    def token(self) -> str:
        """The bearer token, "" if there is none."""
        return parse_bearer_token(self.headers.get("authorization")) or ""


class ObservedReplies:
    """The violations that the replies of a run have shown."""

    def __init__(self) -> None:
        self.violations: list[ReplyViolation] = []
        self._styles = set(_STYLES)
        self._consistency = ReplyConsistency()
        self._streams = StreamWatch()

    def find(
        self, rules: Iterable[str], endpoints: Iterable[str], *, assumed: bool = False
    ) -> list[ReplyViolation]:
        """Return the violations of these rules at these endpoints, assumed ones or others."""
        about, names = set(rules), set(endpoints)
        return [
            one
            for one in self.violations
            if one.rule in about and one.endpoint in names and one.assumed == assumed
        ]

    def observe(self, sent: httpx.Request, response: TargetResponse) -> None:
        """Watch one exchange; a reply that did not end cleanly says nothing."""
        self.watch(ObservedRequest.of(sent), response)

    def watch(self, request: ObservedRequest, response: TargetResponse) -> None:
        """Watch one exchange by what is known of its request."""
        found = find_endpoint(request.method, request.path)
        if found is None or response.ending != "complete" or not response.status:
            return
        name, endpoint = found
        if endpoint.template.startswith(CONTROL_PREFIX):
            return
        kept = [one for one in self.violations if one.endpoint == name]
        for violation in self._violations(name, request, response):
            if violation not in kept and len(kept) < _MOST_KEPT:
                kept.append(violation)
                self.violations.append(violation)

    def _violations(
        self, name: str, request: ObservedRequest, response: TargetResponse
    ) -> Iterable[ReplyViolation]:
        kind = response.headers.get("content-type", "").partition(";")[0].strip().lower()
        if name in _FILES and response.status in _SUCCESS and kind != _JSON:
            if "range" not in request.headers:
                yield from _head(name, response, _FILES[name])
            return
        if name == "chat" and (kind == _STREAM or response.body[:5] == b"data:"):
            yield from _head(name, response, _STREAM)
            yield from self._streams.violations(response)
            return
        body = _json_of(response.body)
        if name == "claim_page" or _is_adk_refusal(name, response, body):
            return
        if response.status >= _BROKEN and not isinstance(body, dict):
            return  # what stands before the server says so, in its own words
        if _is_refusal(response, body):
            yield from self._refusal(name, response, body)
        elif name not in _FILES and name != "chat":
            yield from _head(name, response, _JSON)
            yield from self._success(name, request, body)

    def _refusal(self, name: str, response: TargetResponse, body: Any) -> Iterable[ReplyViolation]:
        """Yield what is wrong with a failure (GEN-1, GEN-2)."""
        yield from _media_type(name, response, _JSON)
        code = body.get("code") if isinstance(body, dict) else None
        if not is_whole(code) or code not in _KNOWN:
            yield ReplyViolation(name, "GEN-1", "code of a failure", "a known code", code)
            return
        if not is_text(body.get("message")):
            yield ReplyViolation(
                name, "GEN-1", "message", "a non-empty string", body.get("message")
            )
        if body.get("data", code) is not None:
            held = body.get("data", "nothing")
            yield ReplyViolation(name, "GEN-1", "data of a failure", "null", held)
        yield from self._status(name, ResponseCode(int(code)), response.status)

    def _status(self, name: str, code: ResponseCode, status: int) -> Iterable[ReplyViolation]:
        """Yield a status that is not that of the code in the style of the failures before."""
        by_style = {style: http_status(code, style) for style in _STYLES}
        fitting = {style for style, due in by_style.items() if due == status}
        if self._styles & fitting:
            self._styles &= fitting
            return
        allowed = sorted({by_style[style] for style in self._styles})
        what = f"the HTTP status of {int(code)}"
        yield ReplyViolation(name, "GEN-2", what, f"one of {allowed}", status)

    def _success(self, name: str, request: ObservedRequest, body: Any) -> Iterable[ReplyViolation]:
        if name in _RENDERS:
            body = flatten_render(body) if isinstance(body, dict) else body
        elif isinstance(body, dict) and (not is_whole(body.get("code")) or body["code"]):
            yield ReplyViolation(name, "GEN-1", "code of a success", "0", body.get("code"))
        held = body.get("data", body) if isinstance(body, dict) else body
        if not isinstance(held, dict) or (name not in _RENDERS and held is body):
            yield ReplyViolation(name, "GEN-1", "a success", "an object in data", repr(body)[:200])
            return
        broken = list(_forms(name, body))
        yield from broken
        if not broken:  # what has another form cannot be compared
            yield from self._consistency.violations(name, request, body)


def _json_of(body: bytes) -> Any:
    try:
        return decode_json(body)
    except (msgspec.DecodeError, RecursionError):
        return None


def _is_adk_refusal(name: str, response: TargetResponse, body: Any) -> bool:
    in_words = isinstance(body, dict) and "detail" in body
    return name == "chat" and in_words and response.status in _ADK_STATUSES


def _is_refusal(response: TargetResponse, body: Any) -> bool:
    if response.status not in _SUCCESS:
        return True
    if not isinstance(body, dict):
        return False
    # A success has `data`, or is a render.
    nothing_held = "message" in body and body.get("data") is None and "status" not in body
    return bool(body.get("code")) or nothing_held


def _head(name: str, response: TargetResponse, media_type: str) -> Iterable[ReplyViolation]:
    """Yield what is wrong with the status and the media type of a success."""
    if response.status != _OK:
        what = "the HTTP status of a success"
        yield ReplyViolation(name, "GEN-1", what, "200", response.status, assumed=True)
    is_assumed = media_type not in (_JSON, _STREAM)
    yield from _media_type(name, response, media_type, assumed=is_assumed)


def _media_type(
    name: str, response: TargetResponse, media_type: str, *, assumed: bool = False
) -> Iterable[ReplyViolation]:
    said = response.headers.get("content-type", "")
    if said.partition(";")[0].strip().lower() != media_type:
        yield ReplyViolation(name, "GEN-1", "content-type", media_type, said, assumed)


def _forms(name: str, body: dict[str, Any]) -> Iterable[ReplyViolation]:
    """Yield the fields that do not have the form of the contract."""
    for field in REPLY_FORMS.get(name, ()):
        for value in values_at(body, field.path):
            if is_missing(value):
                if not field.optional:
                    yield ReplyViolation(name, field.rule, field.path, "present", "nothing")
            elif not field.form.holds(value):
                yield ReplyViolation(name, field.rule, field.path, field.form.words, value)
