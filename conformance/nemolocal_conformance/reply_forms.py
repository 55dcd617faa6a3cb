"""The form of each field of each reply of the contract: its type, its range, what it begins with.

A value that the contract leaves open has no form here, and a further field is nobody's business.
"""

import re
from collections.abc import Callable, Iterator
from datetime import datetime
from typing import Any

import msgspec

from nemolocal_contract.endpoints import (
    ANONYMOUS_TOKEN_PREFIX,
    ANONYMOUS_USER_PREFIX,
    CLAIM_TOKEN_PREFIX,
)

Holds = Callable[[Any], bool]
_UTC = re.compile(r"(?:[Zz]|[+-]00:?00)$")
CLAIM_LIFETIME = 604_800


class Form(msgspec.Struct, frozen=True):
    """What a value must be, in words and as a test."""

    words: str
    holds: Holds


class FieldForm(msgspec.Struct, frozen=True):
    """The form of the field at a path, `[]` being every item; `optional` ones may be missing."""

    rule: str
    path: str
    form: Form
    optional: bool = False


def is_number(value: Any) -> bool:
    """Whether a JSON value is a number; true and false are none."""
    return type(value) in (int, float)


def is_whole(value: Any) -> bool:
    """Whether a JSON value is a whole number: 50.0 is."""
    return type(value) is int or (type(value) is float and value.is_integer())


def is_text(value: Any) -> bool:
    """Whether a JSON value is a text with something in it."""
    return isinstance(value, str) and bool(value.strip())


def _is_utc_time(value: Any) -> bool:
    if not isinstance(value, str) or not _UTC.search(value):
        return False
    try:
        datetime.fromisoformat(_UTC.sub("+00:00", value))
    except ValueError:
        return False
    return True


def _starting(prefix: str) -> Form:
    return Form(
        f"a string that begins with {prefix}",
        lambda value: is_text(value) and value.startswith(prefix) and value != prefix,
    )


TEXT = Form("a non-empty string", is_text)
STRING = Form("a string", lambda value: isinstance(value, str))
OBJECT = Form("an object", lambda value: isinstance(value, dict))
OBJECTS = Form(
    "a list of objects",
    lambda value: isinstance(value, list) and all(isinstance(one, dict) for one in value),
)
WHOLE = Form("a whole number, not below 0", lambda value: is_whole(value) and value >= 0)
NUMBER = Form("a number, not below 0", lambda value: is_number(value) and value >= 0)
POSITIVE = Form("a number above 0", lambda value: is_number(value) and value > 0)
_PERCENT = Form("a whole number from 0 to 100", lambda value: is_whole(value) and 0 <= value <= 100)
_SHARE = Form("a number from 0 to 1", lambda value: is_number(value) and 0 <= value <= 1)


def _one_of(*allowed: object) -> Form:
    return Form(
        f"one of {', '.join(map(repr, allowed))}",
        lambda value: value in allowed and value is not True,
    )


_OR_NULL = Form("an object", lambda value: value is None or isinstance(value, dict))
_TEXT_OR_NULL = Form("a non-empty string", lambda value: value is None or is_text(value))
_RENDER = (
    FieldForm("REN-4", "id", TEXT),
    FieldForm("REN-4", "status", _one_of("pending", "processing", "completed", "failed")),
    FieldForm("REN-4", "progress", _PERCENT),
    FieldForm("REN-4", "output", _OR_NULL, optional=True),
    FieldForm("REN-4", "error", _TEXT_OR_NULL, optional=True),
    FieldForm("REN-4", "output.url", TEXT, optional=True),
    FieldForm("REN-4", "output.duration", POSITIVE, optional=True),
    FieldForm(
        "REN-4",
        "output.size",
        Form("a whole number above 0", lambda v: is_whole(v) and v > 0),
        True,
    ),
)
_FILE_TYPES = _one_of("video", "image", "audio")

REPLY_FORMS: dict[str, tuple[FieldForm, ...]] = {
    "token": (
        FieldForm("AUTH-1", "data.token", _starting(ANONYMOUS_TOKEN_PREFIX)),
        FieldForm("AUTH-1", "data.credits", WHOLE),
        FieldForm("AUTH-1", "data.user_id", _starting(ANONYMOUS_USER_PREFIX)),
        FieldForm("AUTH-1", "data.expires_at", Form("an ISO 8601 time in UTC", _is_utc_time)),
    ),
    "claim_token": (
        FieldForm("AUTH-7", "data.claim_token", _starting(CLAIM_TOKEN_PREFIX)),
        FieldForm("AUTH-7", "data.expires_in", _one_of(CLAIM_LIFETIME)),
    ),
    "session": tuple(
        FieldForm("SES-1", f"data.{name}", TEXT) for name in ("session_id", "task_id", "user_id")
    ),
    "upload": (
        FieldForm("UPL-2", "data.session_state_applied", Form("true", lambda v: v is True)),
        FieldForm("UPL-2", "data.files", OBJECTS),
        FieldForm("UPL-2", "data.files[].filename", TEXT),
        FieldForm("UPL-2", "data.files[].file_type", _FILE_TYPES),
        FieldForm("UPL-2", "data.files[].cdn_url", TEXT),
        FieldForm("UPL-2", "data.files[].hash", TEXT),
    ),
    "balance": tuple(
        FieldForm("CRD-1", f"data.{name}", WHOLE) for name in ("available", "frozen", "total")
    ),
    "state": (
        *(
            FieldForm("STA-1", f"data.{name}", TEXT)
            for name in ("session_id", "task_id", "user_id")
        ),
        FieldForm("STA-1", "data.task_name", STRING),
        FieldForm("STA-1", "data.state", OBJECT),
        FieldForm("STA-1", "data.state.draft", OBJECT),
        FieldForm("STA-1", "data.state.video_infos", OBJECTS),
        FieldForm("STA-1", "data.state.generated_media", OBJECTS),
        FieldForm("STA-1", "data.state.canvas_config", OBJECT),
        FieldForm("STA-1", "data.state.canvas_config.width", WHOLE),
        FieldForm("STA-1", "data.state.canvas_config.height", WHOLE),
        FieldForm("STA-1", "data.state.canvas_config.ratio", STRING),
        FieldForm("STA-2", "data.state.draft.t", OBJECTS),
        FieldForm("STA-2", "data.state.draft.d", NUMBER),
        FieldForm("STA-2", "data.state.draft.m", OBJECT, optional=True),
        FieldForm("STA-2", "data.state.draft.t[].tt", _one_of(0, 1, 7)),
        FieldForm("STA-2", "data.state.draft.t[].sg", OBJECTS),
        FieldForm("STA-2", "data.state.draft.t[].m", OBJECT, optional=True),
        *(
            FieldForm("STA-4", f"data.state.draft.t[].{path}", form)
            for path, form in {
                "id": TEXT,
                "n": STRING,
                "sg[].id": TEXT,
                "sg[].s": NUMBER,
                "sg[].d": POSITIVE,
            }.items()
        ),
        *(
            FieldForm("STA-4", f"data.state.draft.t[].sg[].{path}", form, optional=True)
            for path, form in {
                "src": TEXT,
                "ss": NUMBER,
                "sp": POSITIVE,
                "v": _SHARE,
                "txt": STRING,
                "st": OBJECT,
                "fi": NUMBER,
                "fo": NUMBER,
                "tr": OBJECT,
                "fx": OBJECTS,
                "m": OBJECT,
            }.items()
        ),
    ),
    "render": _RENDER,
    "render_status": _RENDER,
    "render_cancel": _RENDER,
}
"""Endpoint → the forms of the fields of a success; renders as one flat object."""

_MISSING = object()


def values_at(body: Any, path: str) -> Iterator[Any]:
    """Return the values at a path in dots, `[]` being every item.

    A field that an object lacks is told by `is_missing`; where no object is, there is nothing.
    """
    name, _, rest = path.partition(".")
    held = name.removesuffix("[]")
    if not isinstance(body, dict):
        return
    value = body.get(held, _MISSING)
    if not rest and not name.endswith("[]"):
        yield value
    elif not name.endswith("[]"):
        yield from values_at(value, rest)
    elif isinstance(value, list):
        for item in value:
            yield from values_at(item, rest)


def is_missing(value: object) -> bool:
    """Whether a value of `values_at` stands for a field that is missing."""
    return value is _MISSING
