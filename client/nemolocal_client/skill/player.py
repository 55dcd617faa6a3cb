"""Makes the calls of a document on a server, without a shell, and hears the answers out."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import httpx
import msgspec

from nemolocal_contract.clock import Clock
from nemolocal_contract.codes import Code
from nemolocal_contract.endpoints import CLOUD_BASE_URL

from ..errors import one_line
from ..exchange import encode_headers
from .answers import Answer, Received, code_of, find_field, json_of, judge
from .calls import SkillCall, plan_calls
from .mentions import path_of
from .preparation import Preparation
from .reader import Skill
from .templates import Template, fill, fill_json
from .values import Values

# A render takes as long as it takes: it is asked for twice a second, for ten minutes.
_POLL_SECONDS, _POLLS = 0.5, 1200
_OF_A_RENDER = ("render_status", "render_cancel", "render_download")
_UNDER_WAY = ("pending", "processing")


class Stage(msgspec.Struct, frozen=True):
    """Where a document is played.

    `http` has the server's base URL and no headers of its own; `clip` is the file for every
    upload, and `fixture` the URL of one; `rules` says which rules the last request touched.
    """

    http: httpx.Client
    clip: Path
    fixture: str
    clock: Clock
    rules: Callable[[], tuple[str, ...]]


def play_skill(skill: Skill, stage: Stage) -> Iterator[Answer]:
    """The answers to the calls of a document, as they come."""
    return _Player(skill, stage).play()


class _Player:
    def __init__(self, skill: Skill, stage: Stage) -> None:
        self._skill = skill
        self._stage = stage
        attribution = skill.attribution()
        encode_headers(attribution.headers())
        base_url = str(stage.http.base_url).rstrip("/")
        self._values = Values(skill, attribution, base_url, stage.fixture, stage.clock)
        self._preparation = Preparation(stage.http, self._values, attribution, stage.clip)

    def play(self) -> Iterator[Answer]:
        for number, call in enumerate(plan_calls(self._skill), 1):
            yield self._answer(number, call)

    def _answer(self, number: int, call: SkillCall) -> Answer:
        self._values.unset.clear()
        self._preparation.prepare(call)
        url = self._url(call)
        shown = one_line(f"{call.method} {url.partition('?')[0]}")
        if not url.startswith("/"):
            told = "not called: it is no address of the API"
            return Answer(number, call.line, shown, 0, None, True, told)
        if call.name in _OF_A_RENDER and "render" not in self._values.known:
            told = "not called: no render was accepted before it"
            return Answer(number, call.line, shown, 0, None, False, told)
        received = self._send(call, url)
        as_said, told = judge(self._skill, call, received)
        code = code_of(received)
        if code == Code.OK:
            self._preparation.learn(call, json_of(received.text))
        unset = (f"{name} is set nowhere" for name in dict.fromkeys(self._values.unset))
        notes = (*call.notes, *self._preparation.notes, *unset)
        rules = self._stage.rules()
        return Answer(number, call.line, shown, received.status, code, as_said, told, rules, notes)

    def _url(self, call: SkillCall) -> str:
        """Path and query on the server; the URL itself where it belongs to somebody else."""
        filled = fill(call.url, lambda name: self._values.lookup(name, "path"))
        own = (str(self._values.known["base"]), *(b.url for b in self._skill.base_urls))
        for origin in (*own, CLOUD_BASE_URL):
            if filled.startswith(f"{origin}/"):
                return filled[len(origin) :]
        # An unknown variable before the path is nothing to a shell, and the base to its author.
        return path_of(filled) if filled.startswith(("$", "<")) else filled

    def _send(self, call: SkillCall, url: str) -> Received:
        self._values.renders += call.name == "render"
        lookup = self._values.lookup
        # As curl sends them: bytes, whatever the alphabet.
        headers = {
            name.encode(): self._header(name, value).encode() for name, value in call.headers
        }
        with self._stage.clip.open("rb") as clip:
            sent: dict[str, Any] = {"content": self._body(call) or None}
            if call.forms:
                file = (self._stage.clip.name, clip)
                sent = {
                    "files": [
                        (form.field, file if form.is_file else (None, fill(form.value, lookup)))
                        for form in call.forms
                    ]
                }
            received = self._exchange(call.method, url, headers, sent)
        return self._follow(call, url, headers, received)

    def _header(self, name: str, value: Template) -> str:
        return fill(value, lambda hole: self._values.lookup(hole, name)).strip()

    def _follow(
        self, call: SkillCall, url: str, headers: dict[bytes, bytes], received: Received
    ) -> Received:
        """Ask for a render until it has ended, as the document would."""
        for _ in range(_POLLS if call.name == "render_status" else 0):
            if find_field(json_of(received.text), "status") not in _UNDER_WAY:
                break
            self._stage.clock.wait(_POLL_SECONDS)
            received = self._exchange(call.method, url, headers, {})
        return received

    def _body(self, call: SkillCall) -> str:
        """The body; where it is in a file of the user's nothing is sent."""
        text = "".join(part for part in call.body if isinstance(part, str)).lstrip()
        filled = fill_json if text.startswith(("{", "[")) else fill
        return filled(call.body, self._values.lookup)

    def _exchange(
        self, method: str, url: str, headers: dict[bytes, bytes], sent: dict[str, Any]
    ) -> Received:
        try:
            reply = self._stage.http.request(method, url, headers=headers, **sent)
        except (httpx.HTTPError, httpx.InvalidURL, ValueError) as error:
            return Received(0, "", f"no answer: {type(error).__name__}")
        kind = reply.headers.get("content-type", "").partition(";")[0]
        return Received(reply.status_code, kind, reply.text)
