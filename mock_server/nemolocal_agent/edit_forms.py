"""How edits are written: forms with their readers and keys, and the forms that many edits share."""

from collections.abc import Callable, Mapping
from typing import Any, Literal

import msgspec

from nemolocal_contract.audio_effects import audio_effect_rows

from . import intents
from .edit_keys import EditKeys, NotationError, point
from .intents import Edit

Reader = Callable[[EditKeys], Edit]
SpanPlace = Literal["", "own", "clip"]
_NO_KEYS: Mapping[str, Any] = {}
MS_SCHEMA: Mapping[str, Any] = {"type": "integer", "minimum": 0}
"""The JSON schema of a time or a length."""
SHARE_SCHEMA: Mapping[str, Any] = {"type": ["number", "string"]}
"""The JSON schema of a share: a number, or a fraction such as "1/3"."""
PLACE_SCHEMAS: Mapping[str, Any] = {
    "at_ms": MS_SCHEMA,
    "at_share": SHARE_SCHEMA,
    "at_end": {"type": "boolean"},
}
"""The JSON schemas of the keys of a point of the video, which `place_fields` reads."""


class EditForm(msgspec.Struct, frozen=True):
    """How an edit is written: its reader, and what its keys are, for `edit_schemas`.

    `fields` are the keys whose values are fields of a struct, with the struct and the field;
    `about` is the key of the selector, `has_span` says whether the keys of a span are possible.
    `other` are the JSON schemas of keys that are no fields of their own. `required` are the keys
    that cannot be left out, if the fields of the intent do not say so.
    """

    read: Reader
    intent: type[Edit]
    fields: Mapping[str, tuple[type[msgspec.Struct], str]] = {}
    about: str = ""
    has_span: bool = False
    other: Mapping[str, Mapping[str, Any]] = {}
    required: tuple[str, ...] | None = None

    def __call__(self, keys: EditKeys) -> Edit:
        """Read the edit."""
        return self.read(keys)


def form(
    intent: type[Edit],
    *names: str,
    about: str = "",
    has_span: bool = False,
    of: str = "",
    renamed: Mapping[str, str] = _NO_KEYS,
    other: Mapping[str, Mapping[str, Any]] = _NO_KEYS,
    required: tuple[str, ...] | None = None,
) -> Callable[[Reader], EditForm]:
    """Describe a reader: `names` are fields with the names of their keys, `renamed` others.

    `of` is the field that has the key `of`.
    """
    keys = {name: name for name in names} | dict(renamed) | ({"of": of} if of else {})
    fields = {key: (intent, field) for key, field in keys.items()}
    return lambda read: EditForm(read, intent, fields, about, has_span, other, required)


def plain(intent: type[Edit], *names: str, about: str = "", span: SpanPlace = "") -> EditForm:
    """The form of an intent whose fields have the names of the keys.

    `about` is the key of the selector. `span` is "own" if the intent has a span, "clip" if the span
    is part of the selector.
    """

    def read(keys: EditKeys) -> Edit:
        fields = keys.some(*names)
        if about:
            fields |= keys.about(about, in_span=span == "clip")
        if span == "own":
            fields |= keys.span()
        return msgspec.convert(fields, intent)

    return form(intent, *names, about=about, has_span=bool(span))(read)


def overlay(kind: str) -> EditForm:
    """The form of an overlay."""

    @form(intents.AddOverlay, "position", "width", "opacity", about="upload", has_span=True)
    def read(keys: EditKeys) -> Edit:
        fields = keys.some("position", "width", "opacity") | keys.about("upload") | keys.span()
        return msgspec.convert({"kind": kind, **fields}, intents.AddOverlay)

    return read


def audio_effect(intent: type[Edit], *names: str) -> EditForm:
    """The form of audio effects: `name`, whose sound (`of`), and the clip."""

    @form(intent, *names, of="target", about="clip", has_span=True)
    def read(keys: EditKeys) -> Edit:
        fields = keys.some(*names) | keys.renamed("of", "target")
        edit = msgspec.convert(fields | keys.about("clip", in_span=True), intent)
        if isinstance(edit, intents.ApplyAudioEffect) and edit.amount is not None:
            row = audio_effect_rows().get(edit.name)
            if row is not None and row.amount is None:
                raise NotationError(f"{edit.name} has no amount")
        return edit

    return read


def place_fields(keys: EditKeys) -> dict[str, Any]:
    """The field `at` of `at_ms`, `at_share` or `at_end`, if one is there."""
    for key, value in keys.some("at_ms", "at_share").items():
        return {"at": point(key, value)}
    return {"at": {"before_end": True}} if keys.some("at_end") else {}


def placed(intent: type[Edit], *names: str) -> EditForm:
    """The form of an edit at a point of the video, or after a clip."""
    about = "after_clip" if "selector" in intent.__struct_fields__ else ""

    def read(keys: EditKeys) -> Edit:
        fields = keys.some(*names) | place_fields(keys)
        if about:
            fields |= keys.about(about)
        return msgspec.convert(fields, intent)

    return form(intent, *names, about=about, other=PLACE_SCHEMAS)(read)
