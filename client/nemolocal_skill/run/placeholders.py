"""Finds what a placeholder stands for by its place, if its name does not say it.

`<whatever>` is a session in `/api/state/nemo_agent/me/<whatever>/latest`, and a message in
`"text":"<whatever>"`. What stays unknown is reported: a call with a hole in it says nothing.
"""

import re
from collections.abc import Callable

import msgspec

from nemolocal_contract.endpoints import AUTHORIZATION, CLIENT_ID, endpoints

from ..parse.templates import Placeholder, Template
from .calls import SkillCall

_BY_HEADER = {AUTHORIZATION.lower(): "token", CLIENT_ID.lower(): "client"}
_BY_FIELD = {
    "session_id": "session",
    "sessionId": "session",
    "task_id": "task",
    "user_id": "user",
    "text": "message",
    "id": "ts",
    "draft": "draft",
    "language": "language",
    "urls": "url",
}
# The field before a value in a JSON body.
_FIELD = re.compile(r"\"(\w{1,40})\"\s{0,3}:\s{0,3}[\[\"\s\w]{0,20}$")
# Marks a placeholder in a path while its segments are counted.
_MARK = "\x00"


def bind_placeholders(
    call: SkillCall, is_known: Callable[[str, str], bool]
) -> tuple[SkillCall, tuple[str, ...]]:
    """Rename unknown placeholders by their place; also return the names that stay unknown.

    `is_known(name, place)` says whether the name alone has a meaning. An unknown `$NAME` is left as
    it is, since a shell replaces it by nothing.
    """
    unknown: list[str] = []

    def bind(template: Template, place: str, meanings: dict[int, str]) -> Template:
        parts: list[str | Placeholder] = []
        for number, part in enumerate(template):
            if isinstance(part, str) or is_known(part.name, place):
                parts.append(part)
            elif meaning := meanings.get(number, ""):
                parts.append(Placeholder(meaning))
            else:
                parts.append(part)
                if part.is_required:
                    unknown.append(part.name)
        return tuple(parts)

    bound = msgspec.structs.replace(
        call,
        url=bind(call.url, "path", _meanings_in_path(call)),
        headers=tuple(
            (name, bind(value, name, _everywhere(value, _BY_HEADER.get(name.lower(), ""))))
            for name, value in call.headers
        ),
        body=bind(call.body, "", _meanings_in_body(call.body)),
        form_fields=tuple(
            form if form.is_file else msgspec.structs.replace(form, value=bind(form.value, "", {}))
            for form in call.form_fields
        ),
    )
    return bound, tuple(dict.fromkeys(unknown))


def _everywhere(template: Template, meaning: str) -> dict[int, str]:
    return dict.fromkeys(range(len(template)), meaning)


def _meanings_in_path(call: SkillCall) -> dict[int, str]:
    """Return what the contract's path has in the place of each placeholder, from the end."""
    if call.name not in endpoints():
        return {}
    marked = "".join(
        part if isinstance(part, str) else f"{_MARK}{number}{_MARK}"
        for number, part in enumerate(call.url)
    )
    pairs = zip(
        reversed(marked.partition("?")[0].split("/")),
        reversed(endpoints()[call.name].template.split("/")),
        strict=False,
    )
    return {
        int(given.strip(_MARK)): wanted.strip("{}")
        for given, wanted in pairs
        if wanted.startswith("{") and re.fullmatch(rf"{_MARK}\d+{_MARK}", given)
    }


def _meanings_in_body(body: Template) -> dict[int, str]:
    meanings: dict[int, str] = {}
    for number, part in enumerate(body[1:], 1):
        before = body[number - 1]
        if isinstance(part, Placeholder) and isinstance(before, str):
            field = _FIELD.search(before[-80:])
            meanings[number] = _BY_FIELD.get(field[1], "") if field else ""
    return meanings
