"""The bodies of a document against what the contract takes (SES-1, UPL-1, SSE-1, REN-1)."""

import re
from collections.abc import Iterator
from typing import get_args

import msgspec

from nemolocal_contract.media import Resolution
from nemolocal_contract.responses import decode_json

from ..model import EndpointMention, RawFinding
from ..parse.curl import CurlCommand
from ..parse.document import Skill
from ..parse.endpoint_mentions import find_json_objects
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
# A value between two pieces of a body in single quotes: '{"session_id":"'"$SID"'"}'.
_SPLICED = re.compile(r"'\"?(\$\{?\w{1,40}\}?|\$\([^()\n]{0,200}\))\"?'")
# What an upload is called in a program: files={"file": f}.
_FILES = re.compile(r"\bfiles\s?=\s?[{\[(]{1,3}\s?[\"'](\w{1,40})")
# Which endpoint a body is for that stands by itself.
_ENDPOINT_MARKERS = {
    '"urls"': "upload",
    '"source_type"': "upload",
    '"new_message"': "chat",
    '"newMessage"': "chat",
    '"draft":': "render",
    '"task_name"': "session",
}
# Languages in which a body is put together, and not written down.
_CODE = frozenset("python py javascript js typescript ts node go ruby php powershell".split())
_QUALITIES = ("low", "medium", "high")


def check_command_body(skill: Skill, curl: CurlCommand, name: str) -> Iterator[RawFinding]:
    """What is wrong with the body of a command to this endpoint."""
    for given in curl.bodies:
        text = given.word.text
        if given.role == "urlencoded" or text.startswith("@") or name not in _MISSPELLED_FIELDS:
            continue
        where = (given.word.line, curl.last_line)
        template = template_from_word(given.word)
        if not any(isinstance(part, str) and part.strip() for part in template):
            # Another program makes it: $(jq -n …), $BODY.
            yield from _check_spelling(skill, name, text, where)
            continue
        body = _decode(template)
        if not isinstance(body, dict):
            said = "the body is no JSON object"
            yield RawFinding("skill.fields.json", given.word.line, said, given.word.column)
        else:
            yield from _check(skill, name, body, where)


def program_lines(skill: Skill) -> frozenset[int]:
    """The lines in another language than that of a shell."""
    blocks = find_code_blocks(skill.lines, skill.body_line)
    code = (block for block in blocks if block.language in _CODE)
    return frozenset(n for block in code for n in range(block.line, block.line + len(block.lines)))


def check_documented_bodies(
    skill: Skill, use: EndpointMention, code: frozenset[int]
) -> Iterator[RawFinding]:
    """What is wrong with the bodies that the text states; replies are left alone."""
    form = _FILES.search(use.about) if use.name == "upload" and use.line in code else None
    if form is not None and form[1] != "files":
        said = f"the form field is {form[1]}, and must be files"
        yield RawFinding(
            "skill.fields.form", use.line, said, _column(skill, use.line, form.group())
        )
    for text in use.bodies if use.name in _MISSPELLED_FIELDS else ():
        if use.line in code:
            yield from _check_spelling(skill, use.name, text, (use.line, use.line))
            continue
        body = _decode(template_from_text(_SPLICED.sub(r"\1", text)))
        if not isinstance(body, dict):
            said = "the body is no JSON object"
            yield RawFinding(
                "skill.fields.json", use.line, said, _column(skill, use.line, text[:20])
            )
        elif not body.keys() & _RESPONSE_FIELDS:
            yield from _check(skill, use.name, body, (use.line, use.line))


def check_unattached_bodies(skill: Skill, code: frozenset[int]) -> Iterator[RawFinding]:
    """The same for bodies that stand by themselves: what they are for shows in their fields."""
    taken = {use.line for use in skill.endpoints}
    for curl in skill.commands:
        taken |= set(range(curl.line, curl.last_line + 1))
    for number in range(skill.body_line, len(skill.lines) + 1):
        line = skill.lines[number - 1]
        if number in taken or "{" not in line:
            continue
        for text in find_json_objects(line):
            if '{"' not in text:
                # A program's own way to write it: jq -n '{id:$id,draft:$d}'.
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
    """The same for a body that is no JSON yet: only the names of its fields can be judged."""
    for key, right in _MISSPELLED_FIELDS.get(name, {}).items():
        telling = "_" in key or not key.islower()
        named = telling and re.search(rf"(?<![\w$.-])[\"']?{key}[\"']?\s?[:=](?!=)", text)
        if named:
            line, column = _position(skill, where, key)
            said = f"the field {key} must be {right}"
            yield RawFinding("skill.fields.case", line, said, column)


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
    if name == "chat" and isinstance(message := body.get("new_message"), dict | str):
        parts = message.get("parts") if isinstance(message, dict) else None
        if not isinstance(parts, list):
            line, column = _position(skill, where, '"new_message"')
            said = 'new_message must be {"parts":[{"text":"…"}]}'
            yield RawFinding("skill.fields.missing", line, said, column)
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
            said = f"output.{key} is {value!r}, and there is {', '.join(allowed)}"
            yield RawFinding("skill.fields.output", line, said, column)


def _position(skill: Skill, where: tuple[int, int], text: str) -> tuple[int, int]:
    """Line and column of a text in these lines; the first line where it is not to be found."""
    for line in range(where[0], where[1] + 1):
        for spelled in (text, text.replace('"', '\\"')):
            column = _column(skill, line, spelled)
            if column:
                return line, column
    return where[0], 0


def _column(skill: Skill, line: int, text: str) -> int:
    return skill.lines[line - 1].find(text) + 1 if line <= len(skill.lines) else 0
