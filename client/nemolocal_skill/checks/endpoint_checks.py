"""Checks the endpoints of a document and their bodies (SES-1, UPL-1, SSE-1, REN-1)."""

import re
from collections.abc import Iterator
from typing import get_args

import msgspec

from nemolocal_contract.endpoints import endpoints
from nemolocal_contract.generations import GENERATION_2, find_generation_2
from nemolocal_contract.media import Resolution
from nemolocal_contract.responses import decode_json

from ..model import EndpointMention, RawFinding
from ..parse.curl import CurlCommand
from ..parse.document import Skill
from ..parse.endpoint_mentions import (
    PATH_PLACEHOLDER,
    endpoint_name,
    find_json_objects,
    is_endpoint_prefix,
)
from ..parse.markdown import find_code_blocks
from ..parse.templates import Template, fill_json_template, template_from_text, template_from_word

_REQUIRED_FIELDS = {
    "chat": ("session_id", "new_message"),
    "render": ("id", "sessionId", "draft"),
    "upload": ("urls", "source_type"),
    "claim_token": ("task_id", "session_id"),
}
_MISSPELLED_FIELDS = {
    "session": {"taskName": "task_name"},
    "chat": {
        "sessionId": "session_id",
        "newMessage": "new_message",
        "appName": "app_name",
        "userId": "user_id",
        "message": "new_message",
    },
    "render": {"session_id": "sessionId", "render_id": "id", "renderId": "id"},
    "upload": {"sourceType": "source_type", "url": "urls"},
    "claim_token": {"taskId": "task_id", "sessionId": "session_id"},
}
_RESPONSE_FIELDS = frozenset(("code", "data", "success"))
# A value between two parts of a body in single quotes: '{"session_id":"'"$SID"'"}'.
_SPLICED = re.compile(r"'\"?(\$\{?\w{1,40}\}?|\$\([^()\n]{0,200}\))\"?'")
# The form field of an upload in a program: files={"file": f}.
_FILES = re.compile(r"\bfiles\s?=\s?[{\[(]{1,3}\s?[\"'](\w{1,40})")
# The endpoint of a body without a request, by its fields.
_ENDPOINT_MARKERS = {
    '"urls"': "upload",
    '"source_type"': "upload",
    '"new_message"': "chat",
    '"newMessage"': "chat",
    '"draft":': "render",
    '"task_name"': "session",
}
# Languages of code that builds a body.
_CODE = frozenset("python py javascript js typescript ts node go ruby php powershell".split())
# The output of a render in code, and its values that are no variables.
_OUTPUT = re.compile(r"(?<![\w$.-])[\"']?output[\"']?\s?[:=]\s?\{([^{}\n]{0,200})")
_LITERAL = re.compile(
    r"(?<![\w$.-])[\"']?(format|quality|resolution)[\"']?\s?[:=]\s?[\"']([\w.-]{1,20})[\"']"
)
_QUALITIES = ("low", "medium", "high")
_WORKFLOW = ("token", "session", "upload", "chat", "balance", "state", "render", "render_status")
_LOOPBACK = ("http://127.0.0.1", "http://localhost")


def check_command_body(skill: Skill, curl: CurlCommand, name: str) -> Iterator[RawFinding]:
    """Check the body of a command to this endpoint."""
    for given in curl.bodies:
        text = given.word.text
        if given.role == "urlencoded" or text.startswith("@") or name not in _MISSPELLED_FIELDS:
            continue
        where = (given.word.line, curl.last_line)
        template = template_from_word(given.word)
        if not any(isinstance(part, str) and part.strip() for part in template):
            # Another program builds it: $(jq -n …), $BODY.
            yield from _check_spelling(skill, name, text, where)
            continue
        body = _decode(template)
        if not isinstance(body, dict):
            message = "the body is not a JSON object"
            yield RawFinding("skill.fields.json", given.word.line, message, given.word.column)
        else:
            yield from _check(skill, name, body, where)


def program_lines(skill: Skill) -> frozenset[int]:
    """Return the lines of code blocks in languages other than shell."""
    blocks = find_code_blocks(skill.lines, skill.body_line)
    code = (block for block in blocks if block.language in _CODE)
    return frozenset(n for block in code for n in range(block.line, block.line + len(block.lines)))


def check_documented_bodies(
    skill: Skill, use: EndpointMention, code: frozenset[int]
) -> Iterator[RawFinding]:
    """Check the request bodies in the text; bodies of responses are ignored."""
    form = _FILES.search(use.about) if use.name == "upload" and use.line in code else None
    if form is not None and form[1] != "files":
        message = f"the form field is {form[1]}, but must be files"
        yield RawFinding(
            "skill.fields.form", use.line, message, _column(skill, use.line, form.group())
        )
    for text in use.bodies if use.name in _MISSPELLED_FIELDS else ():
        if use.line in code:
            yield from _check_spelling(skill, use.name, text, (use.line, use.line))
            continue
        body = _decode(template_from_text(_SPLICED.sub(r"\1", text)))
        if not isinstance(body, dict):
            message = "the body is not a JSON object"
            yield RawFinding(
                "skill.fields.json", use.line, message, _column(skill, use.line, text[:20])
            )
        elif not body.keys() & _RESPONSE_FIELDS:
            yield from _check(skill, use.name, body, (use.line, use.line))


def check_unattached_bodies(skill: Skill, code: frozenset[int]) -> Iterator[RawFinding]:
    """Check bodies without a request, whose fields tell the endpoint."""
    taken = {use.line for use in skill.endpoints}
    for curl in skill.commands:
        taken |= set(range(curl.line, curl.last_line + 1))
    for number in range(skill.body_line, len(skill.lines) + 1):
        line = skill.lines[number - 1]
        if number in taken or "{" not in line:
            continue
        for text in find_json_objects(line):
            if '{"' not in text:
                # Not JSON, but code: jq -n '{id:$id,draft:$d}'.
                names = (
                    n for mark, n in _ENDPOINT_MARKERS.items() if mark.strip('":') + ":" in text
                )
                yield from _check_spelling(skill, next(names, ""), text, (number, number))
                continue
            name = next((name for mark, name in _ENDPOINT_MARKERS.items() if mark in text), "")
            use = EndpointMention("", f"/{name}", number, 1, "", (text,), name)
            yield from check_documented_bodies(skill, use, code)


def _check_spelling(
    skill: Skill, name: str, text: str, where: tuple[int, int]
) -> Iterator[RawFinding]:
    """Check code that builds a body: the names of its fields, and an output in plain text."""
    for key, right in _MISSPELLED_FIELDS.get(name, {}).items():
        is_distinct = "_" in key or not key.islower()
        if is_distinct and re.search(rf"(?<![\w$.-])[\"']?{key}[\"']?\s?[:=](?!=)", text):
            line, column = _position(skill, where, key)
            message = f"the field {key} must be {right}"
            yield RawFinding("skill.fields.case", line, message, column)
    output = _OUTPUT.search(text) if name == "render" else None
    if output is not None:
        yield from _check_output(skill, dict(_LITERAL.findall(output[1])), where)


def _decode(template: Template) -> object:
    try:
        return decode_json(
            fill_json_template(template, lambda name: {} if "draft" in name else "x")
        )
    except (msgspec.DecodeError, RecursionError):
        return None


def _check(
    skill: Skill, name: str, body: dict[str, object], where: tuple[int, int]
) -> Iterator[RawFinding]:
    wrong = {key: right for key, right in _MISSPELLED_FIELDS[name].items() if key in body}
    for key, right in wrong.items():
        line, column = _position(skill, where, f'"{key}"')
        yield RawFinding("skill.fields.case", line, f"the field {key} must be {right}", column)
    line, column = _position(skill, where, "{")
    for key in _REQUIRED_FIELDS.get(name, ()):
        if key not in body and key not in wrong.values():
            yield RawFinding("skill.fields.missing", line, f"the field {key} is missing", column)
    if name == "chat" and isinstance(new_message := body.get("new_message"), dict | str):
        parts = new_message.get("parts") if isinstance(new_message, dict) else None
        if not isinstance(parts, list):
            line, column = _position(skill, where, '"new_message"')
            message = 'new_message must be {"parts":[{"text":"…"}]}'
            yield RawFinding("skill.fields.missing", line, message, column)
    if name == "render":
        yield from _check_output(skill, body.get("output"), where)


def _check_output(skill: Skill, output: object, where: tuple[int, int]) -> Iterator[RawFinding]:
    if not isinstance(output, dict):
        return
    for key, allowed in (
        ("format", ("mp4",)),
        ("quality", _QUALITIES),
        ("resolution", get_args(Resolution)),
    ):
        value = output.get(key)
        if value is not None and value not in allowed and value != "x":
            line, column = _position(skill, where, f'"{key}"')
            message = f"output.{key} is {value!r}, allowed: {', '.join(allowed)}"
            yield RawFinding("skill.fields.output", line, message, column)


def _position(skill: Skill, where: tuple[int, int], text: str) -> tuple[int, int]:
    """Return line and column of a text in these lines; the first line if it is not found."""
    for line in range(where[0], where[1] + 1):
        for spelled in (text, text.replace('"', '\\"')):
            column = _column(skill, line, spelled)
            if column:
                return line, column
    return where[0], 0


def _column(skill: Skill, line: int, text: str) -> int:
    return skill.lines[line - 1].find(text) + 1 if line <= len(skill.lines) else 0


def check_endpoints(skill: Skill) -> Iterator[RawFinding]:
    """Check paths, methods and bodies, missing endpoints, and several hosts."""
    code = program_lines(skill)
    commanded = {curl.line for curl in skill.commands}
    for use in skill.endpoints:
        yield from _check_use(skill, use)
        if use.line not in commanded:
            yield from check_documented_bodies(skill, use, code)
    yield from check_unattached_bodies(skill, code)
    named = {use.name or endpoint_name("", use.path) for use in skill.endpoints}
    missing = [name for name in _WORKFLOW if name not in named]
    if missing:
        known = endpoints()
        paths = ", ".join(f"{known[name].method} {known[name].template}" for name in missing)
        yield RawFinding("skill.endpoint.missing", 0, f"not documented: {paths}")
    yield from _check_hosts(skill)


def _check_use(skill: Skill, use: EndpointMention) -> Iterator[RawFinding]:
    if use.name or ".." in use.path:
        return
    right = endpoint_name("", use.path)
    if right:
        if _is_reported_elsewhere(skill, use):
            return
        method = endpoints()[right].method
        message = f"{use.path} is called with {use.method}, but its method is {method}"
        yield RawFinding("skill.endpoint.method", use.line, message, use.column)
    elif find_generation_2(PATH_PLACEHOLDER.sub("x", use.path.rstrip("/"))):
        message = f"{use.path} belongs to {GENERATION_2}"
        yield RawFinding("skill.endpoint.generation", use.line, message, use.column)
    elif use.method or not is_endpoint_prefix(use.path):
        message = f"the contract has no {use.method} {use.path}".replace("  ", " ")
        yield RawFinding("skill.endpoint.unknown", use.line, message, use.column)


def _is_reported_elsewhere(skill: Skill, use: EndpointMention) -> bool:
    """A body that turns a GET into a POST is another finding."""
    return any(
        curl.line == use.line and curl.bodies and not curl.with_role("method")
        for curl in skill.commands
    )


def _check_hosts(skill: Skill) -> Iterator[RawFinding]:
    hosts = [base for base in skill.base_urls if not base.url.startswith(_LOOPBACK)]
    for base in hosts:
        if base.url != hosts[0].url:
            message = f"{base.url} here, but {hosts[0].url} on line {hosts[0].line}"
            yield RawFinding("skill.endpoint.base-url", base.line, message, base.column)
            return
