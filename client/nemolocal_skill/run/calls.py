"""The calls of a document: its curl commands, and the calls that only its text describes."""

import re
from collections.abc import Iterator

import msgspec

from nemolocal_contract.endpoints import (
    APP_NAME,
    ATTRIBUTION,
    AUTHORIZATION,
    CLIENT_ID,
    CURRENT_USER,
    endpoints,
)

from ..model import EndpointMention
from ..parse.curl import CurlCommand
from ..parse.document import Skill
from ..parse.endpoint_mentions import endpoint_name, url_path
from ..parse.shell_words import ShellWord
from ..parse.templates import (
    Placeholder,
    Template,
    template_from_path,
    template_from_text,
    template_from_word,
)

# The order of the workflow, for documents without commands.
WORKFLOW = ("token", "session", "upload", "chat", "state", "balance", "render", "render_status")
# Called where the document describes them.
_FURTHER = ("claim_token", "render_download")
_JSON = "application/json"
_FORM = "application/x-www-form-urlencoded"
# The value of each field, for documents that name the fields but show no body.
_FIELDS: dict[str, tuple[tuple[str, Template], ...]] = {
    "session": (("task_name", ('"project"',)), ("language", ('"', Placeholder("lang"), '"'))),
    "chat": (
        ("app_name", (f'"{APP_NAME}"',)),
        ("user_id", (f'"{CURRENT_USER}"',)),
        ("session_id", ('"', Placeholder("sid"), '"')),
        ("new_message", ('{"parts":[{"text":"', Placeholder("msg"), '"}]}')),
    ),
    "claim_token": (
        ("task_id", ('"', Placeholder("task_id"), '"')),
        ("session_id", ('"', Placeholder("sid"), '"')),
    ),
    "render": (
        ("id", ('"render_', Placeholder("ts"), '"')),
        ("sessionId", ('"', Placeholder("sid"), '"')),
        ("draft", (Placeholder("draft"),)),
    ),
}


class FormField(msgspec.Struct, frozen=True):
    """A field of a multipart body: a file, or a text."""

    field: str
    value: Template
    is_file: bool


class SkillCall(msgspec.Struct, frozen=True):
    """A call of a document, with placeholders for values of earlier responses.

    `name` is the contract's endpoint, "" for any other. `about` is what the document says about the
    endpoint. `notes` say what is missing in the document.
    """

    line: int
    name: str
    method: str
    url: Template
    headers: tuple[tuple[str, Template], ...]
    about: str
    body: Template = ()
    form_fields: tuple[FormField, ...] = ()
    notes: tuple[str, ...] = ()


def plan_calls(skill: Skill) -> tuple[SkillCall, ...]:
    """Return the calls in their order: the commands, then what only the text describes."""
    commands = [_call_from_command(skill, curl) for curl in skill.commands if curl.url]
    described = {use.name for use in skill.endpoints} - {call.name for call in commands}
    whole = WORKFLOW if skill.endpoints and not skill.commands else ()
    rest = [name for name in (*WORKFLOW, *_FURTHER) if name in described or name in whole]
    return (*commands, *(_call_from_text(skill, name) for name in rest))


def _text_about(skill: Skill, name: str) -> str:
    return " ".join(use.about for use in skill.endpoints if use.name == name and name)


def _call_from_command(skill: Skill, curl: CurlCommand) -> SkillCall:
    headers = [(n, t) for given in curl.with_role("header") for n, t in _header(given.word)]
    named = {name.lower() for name, _ in headers}
    bodies = [given for given in curl.bodies if not _is_file(given.word.text, given.role)]
    if curl.bodies and "content-type" not in named:
        kind = _JSON if curl.with_role("json") else _FORM
        headers.append(("Content-Type", (kind,)))
    parts = [template_from_word(given.word) for given in bodies]
    body = tuple(part for n, t in enumerate(parts) for part in (("&", *t) if n else t))
    name = endpoint_name(curl.method, url_path(curl.url))
    return SkillCall(
        curl.line, name, curl.method, template_from_word(_url_word(curl)), tuple(headers),
        _text_about(skill, name), body, tuple(_forms(curl)),
    )  # fmt: skip


def _url_word(curl: CurlCommand) -> ShellWord:
    return next(given.word for given in curl.with_role("url") if given.word.text == curl.url)


def _is_file(text: str, role: str) -> bool:
    return text.startswith("@") and role != "raw"


def _header(word: ShellWord) -> Iterator[tuple[str, Template]]:
    template = template_from_word(word)
    first = template[0] if template else ""
    if not isinstance(first, str) or ":" not in first:
        return
    name, _, rest = first.partition(":")
    value = (rest.lstrip(), *template[1:])
    if name.strip() and any(part if isinstance(part, str) else True for part in value):
        yield name.strip(), value


def _forms(curl: CurlCommand) -> Iterator[FormField]:
    for given in curl.with_role("form", "text_form"):
        field, _, value = given.word.text.partition("=")
        is_file = value.lstrip('"').startswith("@") and given.role == "form"
        yield FormField(field, template_from_text(value), is_file)


def _call_from_text(skill: Skill, name: str) -> SkillCall:
    """Return a call with only the headers and the body that the text states."""
    uses = [use for use in skill.endpoints if use.name == name]
    use = max(uses, key=lambda use: (len("".join(use.bodies)), bool(use.about)), default=None)
    endpoint = endpoints()[name]
    notes: list[str] = []
    if use is None:
        notes.append("the document does not name this endpoint: using the contract's path")
        filled = endpoint.template.replace("{user}", CURRENT_USER)
        use = EndpointMention(endpoint.method, filled, 0, 0, "", (), name)
    about = _text_about(skill, name)
    forms: tuple[FormField, ...] = ()
    body: Template = ()
    if name == "upload" and re.search(r"multipart|-F\b|files=@|^$", about, re.IGNORECASE):
        forms = (FormField("files", ("@/path",), is_file=True),)
    elif endpoint.method == "POST":
        body = _stated_body(name, use, about, notes)
    headers = tuple(_stated_headers(skill, name, about, body))
    return SkillCall(
        use.line, name, endpoint.method, template_from_path(use.path), headers, about, body, forms,
        notes=tuple(notes),
    )  # fmt: skip


def _stated_body(name: str, use: EndpointMention, about: str, notes: list[str]) -> Template:
    """Return the body in the text, else one with the fields in the text, else the contract's."""
    if use.bodies:
        return template_from_text(use.bodies[0])
    fields = _FIELDS.get(name, ())
    named = tuple(field for field in fields if re.search(rf"\b{field[0]}\b", about))
    if fields and not named:
        notes.append("the document shows no body: sending the contract's")
    parts: list[str | Placeholder] = []
    for field, value in named or fields:
        parts += [", " if parts else "{", f'"{field}":', *value]
    return (*parts, "}") if parts else ()


def _stated_headers(
    skill: Skill, name: str, about: str, body: Template
) -> Iterator[tuple[str, Template]]:
    text = "\n".join(skill.lines)
    if name == "token":
        if CLIENT_ID.lower() in text.lower():
            yield CLIENT_ID, (Placeholder("uuid"),)
    elif re.search(r"\bbearer\b", text, re.IGNORECASE):
        yield AUTHORIZATION, ("Bearer ", Placeholder("token"))
    for header in ATTRIBUTION if name != "token" else ():
        if header.lower() in text.lower():
            yield header, (Placeholder(header.removeprefix("X-")),)
    if name == "chat" and "text/event-stream" in about:
        yield "Accept", ("text/event-stream",)
    if body:
        yield "Content-Type", (_JSON,)
