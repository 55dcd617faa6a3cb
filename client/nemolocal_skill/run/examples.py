"""Sends the example phrases of a document as messages, each in a session of its own."""

import uuid
from collections.abc import Iterator
from typing import Literal

import httpx
import msgspec

from nemolocal_client import steps
from nemolocal_client.errors import sanitize_line
from nemolocal_contract import endpoints as wire
from nemolocal_contract.describe import describe_changes
from nemolocal_contract.draft import Draft, draft_from_wire
from nemolocal_contract.endpoints import ChatRequest, Message, Part
from nemolocal_contract.responses import encode_json

from ..parse.document import Skill
from .results import decode_json_or_none, find_field, stream_texts
from .target import SkillRunTarget
from .variables import Prerequisites, SkillVariables

Outcome = Literal["done", "partly", "simulated", "answered", "routed", "failed"]


class ExampleResult(msgspec.Struct, frozen=True):
    """What an example phrase did; `summary` is the answer, or the change if there was none.

    `partly`: a part was not understood. `simulated`: nothing was, and a placeholder shows where the
    edit would be. `answered`: a reply without an edit. `routed`: not for the chat, such
    as an export (CLI-2).
    """

    line: int
    phrase: str
    outcome: Outcome
    summary: str


def play_examples(skill: Skill, target: SkillRunTarget) -> Iterator[ExampleResult]:
    """Send each example phrase to a new session with a clip, and yield what it did."""
    for phrase in skill.examples:
        taken = steps(phrase.text)
        said = " ".join(step.text for step in taken if step.route == "chat")
        if not said:
            summary = f"goes to the {taken[0].route}, not to the chat"
            yield ExampleResult(phrase.line, phrase.text, "routed", summary)
            continue
        try:
            outcome, summary = _say(skill, said, target)
        except httpx.HTTPError as error:
            outcome, summary = "failed", f"no response: {type(error).__name__}"
        yield ExampleResult(phrase.line, phrase.text, outcome, sanitize_line(summary))


def _say(skill: Skill, message: str, target: SkillRunTarget) -> tuple[Outcome, str]:
    """Send a message to a new session with the clip; return what it did, and the answer."""
    attribution = skill.attribution()
    base_url = str(target.http.base_url).rstrip("/")
    variables = SkillVariables(skill, attribution, base_url, target.clip_url, target.clock)
    # A token each: the credits of one are enough for one edit or one generated clip.
    name = f"nemolocal:{skill.name}:{message}"
    variables.values["prerequisite-client"] = str(uuid.uuid5(uuid.NAMESPACE_URL, name))
    prerequisites = Prerequisites(target.http, variables, attribution, target.clip)
    prerequisites.ensure_upload()
    before = _draft(prerequisites)
    request = ChatRequest(str(variables.values.get("session")), Message((Part(message),)))
    reply = prerequisites.send(wire.CHAT, content=encode_json(request))
    understood = target.last_understood()
    body = decode_json_or_none(reply.text)
    if reply.status_code >= 300 or isinstance(body, dict):
        return "failed", str(find_field(body, "message") or f"HTTP {reply.status_code}")
    changes = describe_changes(before, _draft(prerequisites))
    texts = stream_texts(reply.text)
    summary = texts[0] if texts else "; ".join(changes) or "no text, and no change"
    return _outcome(understood, has_changes=bool(changes)), summary


def _outcome(understood: str, *, has_changes: bool) -> Outcome:
    if not has_changes:
        return "answered"
    if understood == "none":
        return "simulated"
    return "partly" if understood == "part" else "done"


def _draft(prerequisites: Prerequisites) -> Draft:
    state = prerequisites.send(wire.STATE)
    draft = find_field(decode_json_or_none(state.text), "draft")
    return draft_from_wire(draft if isinstance(draft, dict) else {})
