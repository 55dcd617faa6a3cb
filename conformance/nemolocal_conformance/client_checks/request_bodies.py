"""The bodies of requests: fields that are due, by name and type (SES-1, UPL-1, SSE-1, REN-1)."""

from collections.abc import Callable, Iterator
from typing import Any

from nemolocal_contract.endpoints import APP_NAME

from ..traffic.client_log import ClientLog
from ..traffic.recorded_call import RecordedCall
from .client_check import ClientFinding, client_check, failed, inconclusive, passed

_FORM = "<multipart/form-data"
# What the journal says of a body that is certainly neither a form nor JSON.
_MEDIA = ("<video/", "<audio/", "<image/", "<binary")
_UNSEEN = "the journal does not have the complete body"
_Problem = tuple[str, str]
"""What is wrong with a body: the name of a field, and what is due."""


@client_check("client.body.session", "SES-1")
def session_is_opened_with_a_name(log: ClientLog) -> Iterator[ClientFinding]:
    """A session MUST be created with a `task_name`, and `language`, if present, be a string."""
    return _check_bodies(log, "session", _session_problem)


@client_check("client.body.upload", "UPL-1")
def file_is_sent_as_form_or_url(log: ClientLog) -> Iterator[ClientFinding]:
    """An upload MUST be a multipart form, or JSON with `urls` and `source_type` "url"."""
    return _check_bodies(log, "upload", _upload_problem)


@client_check("client.body.chat", "SSE-1")
def message_names_its_session_and_has_text(log: ClientLog) -> Iterator[ClientFinding]:
    """A message MUST have a `session_id` and a text in `new_message.parts`."""
    return _check_bodies(log, "chat", _chat_problem)


@client_check("client.body.render", "REN-1")
def export_names_its_session_and_draft(log: ClientLog) -> Iterator[ClientFinding]:
    """An export MUST have `id`, `sessionId` and `draft`, and no `output.format` except mp4."""
    return _check_bodies(log, "render", _render_problem)


@client_check("client.body.claim", "AUTH-7")
def claim_names_task_and_session(log: ClientLog) -> Iterator[ClientFinding]:
    """A claim token request MUST have `task_id` and `session_id`."""
    return _check_bodies(log, "claim_token", _claim_problem)


def _check_bodies(
    log: ClientLog, endpoint: str, find_problem: Callable[[RecordedCall], _Problem | None]
) -> Iterator[ClientFinding]:
    for call in log.calls_to(endpoint):
        body = call.entry.request_body
        unread = call.is_body_unread or not call.is_ok or not log.has_endings
        if not body and unread:
            continue  # refused, or lost, before the body was read; or an archive without bodies
        if (body[:1] in ("{", "[") and call.request_json is None) or _is_opaque(body):
            yield inconclusive(_UNSEEN, call)
            continue
        problem = find_problem(call)
        if problem is None:
            yield passed(call)
        else:
            yield failed(problem[0], problem[1], body[:120], call)


def _is_opaque(body: str) -> bool:
    """Whether the journal describes a body that may be JSON: its media type is another one."""
    return body.startswith("<") and not body.startswith((_FORM, *_MEDIA))


def _session_problem(call: RecordedCall) -> _Problem | None:
    body = _fields(call)
    language = body.get("language")
    if not _is_text(body.get("task_name")):
        return "task_name", "a non-empty string"
    return None if language is None or isinstance(language, str) else ("language", "a string")


def _upload_problem(call: RecordedCall) -> _Problem | None:
    if call.entry.request_body.startswith(_FORM):
        return None
    body = _fields(call)
    urls = body.get("urls")
    if not (isinstance(urls, list) and urls and all(map(_is_text, urls))):
        return "the body", "a form, or JSON with urls"
    return None if body.get("source_type") == "url" else ("source_type", "url")


def _chat_problem(call: RecordedCall) -> _Problem | None:
    body = _fields(call)
    new = body.get("new_message")
    parts = new.get("parts") if isinstance(new, dict) else None
    texts = [p.get("text") if isinstance(p, dict) else None for p in _items(parts)]
    if not _is_text(body.get("session_id")):
        return "session_id", "the id of a session"
    if not texts or not all(isinstance(text, str) for text in texts) or not any(texts):
        return "new_message.parts", "a text"
    if body.get("app_name", APP_NAME) != APP_NAME:
        return "app_name", APP_NAME
    return None if _is_text(body.get("user_id", "me")) else ("user_id", "me")


def _render_problem(call: RecordedCall) -> _Problem | None:
    body = _fields(call)
    output = body.get("output")
    for name in ("id", "sessionId"):
        if not _is_text(body.get(name)):
            return name, "an id"
    if not isinstance(body.get("draft"), dict):
        return "draft", "the draft"
    if output is None:
        return None
    if not isinstance(output, dict) or output.get("format", "mp4") != "mp4":
        return "output.format", "mp4"
    return None if _is_text(output.get("quality", "high")) else ("output.quality", "a quality")


def _claim_problem(call: RecordedCall) -> _Problem | None:
    body = _fields(call)
    lacking = [name for name in ("task_id", "session_id") if not _is_text(body.get(name))]
    return (lacking[0], "an id") if lacking else None


def _fields(call: RecordedCall) -> dict[str, Any]:
    return call.request_json if isinstance(call.request_json, dict) else {}


def _items(value: Any) -> list[Any]:
    return value if isinstance(value, list) else []


def _is_text(value: Any) -> bool:
    return isinstance(value, str) and value != ""
