"""Sends the example phrases of a document as messages, each in a session of its own."""

import uuid
from collections.abc import Iterator
from typing import Literal

import msgspec

from nemolocal_client.errors import sanitize_line
from nemolocal_contract import endpoints as wire
from nemolocal_contract.describe import describe_changes
from nemolocal_contract.draft import Draft, draft_from_wire
from nemolocal_contract.endpoints import ChatRequest, Message, Part
from nemolocal_contract.responses import encode_json

from ..model import ExamplePhrase
from ..parse.document import Skill
from .results import decode_json_or_none, find_field, stream_texts
from .target import SkillRunTarget
from .variables import Prerequisites, SkillVariables

Outcome = Literal["done", "partly", "simulated", "answered", "failed"]


class ExampleResult(msgspec.Struct, frozen=True):
    """What an example phrase did; `summary` is the answer, or the change if there was none.

    `partly`: a part was not understood. `simulated`: nothing was, and a placeholder shows where the
    edit would be. `answered`: a reply without an edit.
    """

    line: int
    phrase: str
    outcome: Outcome
    summary: str


def play_examples(skill: Skill, target: SkillRunTarget) -> Iterator[ExampleResult]:
    """Send each example phrase to a new session with a clip, and yield what it did."""
    for phrase in skill.examples:
        yield _play(skill, phrase, target)


def _play(skill: Skill, phrase: ExamplePhrase, target: SkillRunTarget) -> ExampleResult:
    attribution = skill.attribution()
    base_url = str(target.http.base_url).rstrip("/")
    variables = SkillVariables(skill, attribution, base_url, target.clip_url, target.clock)
    # A token each: the credits of one are enough for one edit or one generated clip.
    name = f"nemolocal:{skill.name}:{phrase.text}"
    variables.values["prerequisite-client"] = str(uuid.uuid5(uuid.NAMESPACE_URL, name))
    prerequisites = Prerequisites(target.http, variables, attribution, target.clip)
    prerequisites.ensure_upload()
    before = _draft(prerequisites)
    message = ChatRequest(str(variables.values.get("session")), Message((Part(phrase.text),)))
    reply = prerequisites.send(wire.CHAT, content=encode_json(message))
    understood = target.last_understood()
    body = decode_json_or_none(reply.text)
    if reply.status_code >= 300 or isinstance(body, dict):
        said = find_field(body, "message") or f"HTTP {reply.status_code}"
        return ExampleResult(phrase.line, phrase.text, "failed", sanitize_line(str(said)))
    changes = describe_changes(before, _draft(prerequisites))
    texts = stream_texts(reply.text)
    summary = texts[0] if texts else "; ".join(changes) or "no text, and no change"
    outcome = _outcome(understood, has_changes=bool(changes))
    return ExampleResult(phrase.line, phrase.text, outcome, sanitize_line(summary))


def _outcome(understood: str, *, has_changes: bool) -> Outcome:
    if not has_changes:
        return "answered"
    return {"part": "partly", "none": "simulated"}.get(understood, "done")  # type: ignore[return-value]


def _draft(prerequisites: Prerequisites) -> Draft:
    state = prerequisites.send(wire.STATE)
    draft = find_field(decode_json_or_none(state.text), "draft")
    return draft_from_wire(draft if isinstance(draft, dict) else {})
