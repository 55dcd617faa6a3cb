"""Makes the calls of a document on a server, without a shell, and evaluates the responses."""

from collections.abc import Iterator
from typing import Any

import httpx

from nemolocal_client.errors import sanitize_line
from nemolocal_client.httpx_adapter import encode_headers
from nemolocal_contract.endpoints import CLIENT_ID, CLOUD_BASE_URL
from nemolocal_contract.responses import ResponseCode

from ..parse.document import Skill
from ..parse.endpoint_mentions import url_path
from ..parse.templates import Template, fill_json_template, fill_template
from .calls import SkillCall, plan_calls
from .placeholders import bind_placeholders
from .results import (
    ReceivedResponse,
    SkillCallResult,
    decode_json_or_none,
    evaluate_response,
    find_field,
    response_code,
)
from .target import SkillRunTarget
from .variables import Prerequisites, SkillVariables

# A render is polled twice a second, for ten minutes.
_POLL_SECONDS, _POLLS = 0.5, 1200
_RENDER_ENDPOINTS = ("render_status", "render_cancel", "render_download")
_UNFINISHED = ("pending", "processing")


def run_skill(skill: Skill, target: SkillRunTarget) -> Iterator[SkillCallResult]:
    """Make the calls of a document and yield each result."""
    return _SkillRunner(skill, target).run()


class _SkillRunner:
    def __init__(self, skill: Skill, target: SkillRunTarget) -> None:
        self._skill = skill
        self._target = target
        attribution = skill.attribution()
        encode_headers(attribution.headers())
        base_url = str(target.http.base_url).rstrip("/")
        self._variables = SkillVariables(
            skill, attribution, base_url, target.clip_url, target.clock
        )
        self._prerequisites = Prerequisites(target.http, self._variables, attribution, target.clip)
        # The number of the call that got a token, 0 for none.
        self._token_call = 0

    def run(self) -> Iterator[SkillCallResult]:
        for number, call in enumerate(plan_calls(self._skill), 1):
            yield self._run_call(number, call)

    def _run_call(self, number: int, call: SkillCall) -> SkillCallResult:
        self._variables.unset.clear()
        call, unknown = bind_placeholders(call, self._variables.is_known)
        self._prerequisites.ensure_for(call)
        url = self._url(call)
        shown = sanitize_line(f"{call.method} {url.partition('?')[0]}")
        if unknown:
            names = ", ".join(f"<{name}>" for name in unknown)
            summary = sanitize_line(
                f"not called: the document does not say what {names} stands for: use the name of "
                "the value, such as <session_id>"
            )
            return SkillCallResult(number, call.line, shown, 0, None, False, summary)
        if call.name == "token" and self._token_call and _has_client_id(call):
            summary = f"not called again: the token of call {self._token_call} is valid for 7 days"
            return SkillCallResult(number, call.line, shown, 0, None, True, summary)
        if not url.startswith("/"):
            summary = "not called: not a URL of the API"
            return SkillCallResult(number, call.line, shown, 0, None, True, summary)
        if call.name in _RENDER_ENDPOINTS and "render" not in self._variables.values:
            summary = "not called: no render was accepted before"
            return SkillCallResult(number, call.line, shown, 0, None, False, summary)
        received = self._send(call, url)
        as_said, summary = evaluate_response(self._skill, call, received)
        code = response_code(received)
        if code == ResponseCode.OK:
            self._prerequisites.record_response(call, decode_json_or_none(received.text))
            self._token_call = number if call.name == "token" else self._token_call
        unset = (f"{name} is not set" for name in dict.fromkeys(self._variables.unset))
        notes = (*call.notes, *self._prerequisites.notes, *unset)
        rules = self._target.last_request_rules()
        return SkillCallResult(
            number, call.line, shown, received.status, code, as_said, summary, rules, notes
        )

    def _url(self, call: SkillCall) -> str:
        """Return path and query on the server, or the whole URL of another host."""
        filled = fill_template(call.url, lambda name: self._variables.lookup(name, "path"))
        own = (str(self._variables.values["base"]), *(b.url for b in self._skill.base_urls))
        for origin in (*own, CLOUD_BASE_URL):
            if filled.startswith(f"{origin}/"):
                return filled[len(origin) :]
        # An unknown variable before the path is empty for a shell, but its author means the base.
        return url_path(filled) if filled.startswith(("$", "<")) else filled

    def _send(self, call: SkillCall, url: str) -> ReceivedResponse:
        self._variables.render_count += call.name == "render"
        lookup = self._variables.lookup
        # As curl sends them: UTF-8 bytes.
        headers = {
            name.encode(): self._header(name, value).encode() for name, value in call.headers
        }
        with self._target.clip.open("rb") as clip:
            sent: dict[str, Any] = {"content": self._body(call) or None}
            if call.form_fields:
                file = (self._target.clip.name, clip)
                sent = {
                    "files": [
                        (
                            form.field,
                            file if form.is_file else (None, fill_template(form.value, lookup)),
                        )
                        for form in call.form_fields
                    ]
                }
            received = self._request(call.method, url, headers, sent)
        return self._poll_render(call, url, headers, received)

    def _header(self, name: str, value: Template) -> str:
        return fill_template(value, lambda hole: self._variables.lookup(hole, name)).strip()

    def _poll_render(
        self, call: SkillCall, url: str, headers: dict[bytes, bytes], received: ReceivedResponse
    ) -> ReceivedResponse:
        """Poll a render until it ends, as the document would."""
        for _ in range(_POLLS if call.name == "render_status" else 0):
            if find_field(decode_json_or_none(received.text), "status") not in _UNFINISHED:
                break
            self._target.clock.wait(_POLL_SECONDS)
            received = self._request(call.method, url, headers, {})
        return received

    def _body(self, call: SkillCall) -> str:
        """Return the body; "" if the document reads it from a file."""
        text = "".join(part for part in call.body if isinstance(part, str)).lstrip()
        filled = fill_json_template if text.startswith(("{", "[")) else fill_template
        return filled(call.body, self._variables.lookup)

    def _request(
        self, method: str, url: str, headers: dict[bytes, bytes], sent: dict[str, Any]
    ) -> ReceivedResponse:
        try:
            reply = self._target.http.request(method, url, headers=headers, **sent)
        except (httpx.HTTPError, httpx.InvalidURL, ValueError) as error:
            return ReceivedResponse(0, "", f"no response: {type(error).__name__}")
        kind = reply.headers.get("content-type", "").partition(";")[0]
        return ReceivedResponse(reply.status_code, kind, reply.text)


def _has_client_id(call: SkillCall) -> bool:
    return any(name.lower() == CLIENT_ID.lower() for name, _ in call.headers)
