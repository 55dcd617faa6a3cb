"""JSON schemas of the notation of edits, so that a language model can call edits as tools.

They are made of the forms in `edit_notation`, the fields of the intents, and the tables of looks,
effects and sounds: whatever those gain is here without another line.
"""

import functools
import inspect
from collections.abc import Callable, Iterable, Mapping
from typing import Any

import msgspec

from nemolocal_contract.audio_effects import audio_effect_rows, sound_rows
from nemolocal_contract.effect_presets import effect_presets
from nemolocal_contract.effects import EFFECTS, PresetEffect

from .edit_forms import EditForm
from .edit_keys import SPAN_KEYS
from .edit_notation import EDITS
from .intents import (
    AddMusic,
    AddSound,
    ApplyAudioEffect,
    ApplyEffect,
    Edit,
    Generate,
    RemoveAudioEffects,
    RemoveEffects,
    RemoveSounds,
)

Schema = dict[str, Any]

_NUMBER_OR_NAME = {"clip": "clip", "after_clip": "clip", "title": "title", "upload": "upload"}
_ANNOTATIONS = ("title", "default", "description")


class EditSchema(msgspec.Struct, frozen=True):
    """An edit as a tool: its name in the notation, what it does, and the schema of its keys."""

    name: str
    description: str
    parameters: Schema


def edit_schemas(moods: Iterable[str], scenes: Iterable[str]) -> tuple[EditSchema, ...]:
    """Return all edits, with the `moods` of music and the `scenes` of clips that can be made."""
    names: Mapping[tuple[type[Edit], str], Iterable[str]] = {
        (AddMusic, "mood"): moods,
        (Generate, "scene"): scenes,
        **{key: names_of() for key, names_of in _NAMES.items()},
    }
    aliases: set[int] = set()
    schemas = []
    for name, form in EDITS.items():
        if id(form) not in aliases:  # "aspect" is the same as "set-aspect"
            schemas.append(EditSchema(name, _description(form), _parameters(form, names)))
        aliases.add(id(form))
    return tuple(schemas)


def _effect_types() -> list[str]:
    return [*EFFECTS, *effect_presets()]


_NAMES: dict[tuple[type[Edit], str], Callable[[], Iterable[str]]] = {
    (ApplyAudioEffect, "name"): audio_effect_rows,
    (RemoveAudioEffects, "name"): audio_effect_rows,
    (AddSound, "name"): sound_rows,
    (RemoveSounds, "name"): sound_rows,
    (RemoveEffects, "type"): _effect_types,
}


def _description(form: EditForm) -> str:
    """The first paragraph of what the intent is; none where Python leaves docstrings out."""
    return " ".join((inspect.getdoc(form.intent) or "").partition("\n\n")[0].split())


def _parameters(form: EditForm, names: Mapping[tuple[type[Edit], str], Iterable[str]]) -> Schema:
    properties: Schema = {}
    required = list(form.required or ())
    for key, (struct, field) in form.fields.items():
        properties[key] = dict(_fields(struct)[field])
        if (form.intent, field) in names:
            properties[key] = {"type": "string", "enum": list(names[form.intent, field])}
        if form.required is None and _is_required(struct, field):
            required.append(key)
    if form.intent is ApplyAudioEffect:
        properties["amount"]["description"] = f"only of {', '.join(_audio_amounts())}"
    if form.intent is ApplyEffect:
        properties["type"] = {"type": "string", "enum": _effect_types()}
        properties |= _effect_fields()
        required.append("type")
    properties |= {key: dict(schema) for key, schema in form.other.items()}
    if form.about:
        noun = _NUMBER_OR_NAME[form.about]
        text = f"number of the {noun} (-1 is the last) or a part of its name"
        properties[form.about] = {"type": ["integer", "string"], "description": text}
    if form.has_span:
        properties |= {key: _span_schema(key) for key in SPAN_KEYS}
    return {
        "type": "object",
        "properties": properties,
        "required": required,
        "additionalProperties": False,
    }


def _audio_amounts() -> list[str]:
    """The audio effects that have an amount, with its range."""
    return [
        f"{name} ({row.amount.low:g} to {row.amount.high:g} {row.amount.unit})"
        for name, row in audio_effect_rows().items()
        if row.amount is not None
    ]


def _span_schema(key: str) -> Schema:
    if key == "throughout":
        return {"type": "boolean"}
    return {"type": ["number", "string"] if key.endswith("_share") else "integer"}


@functools.cache
def _fields(struct: type[msgspec.Struct]) -> Mapping[str, Schema]:
    """The schemas of the fields of a struct that need no other struct."""
    _, parts = msgspec.json.schema_components([struct])
    return {name: _simple(field) for name, field in parts[struct.__name__]["properties"].items()}


def _simple(schema: Schema) -> Schema:
    """The schema of a key: it may be left out, so null is no value of its own."""
    schema = {key: value for key, value in schema.items() if key not in _ANNOTATIONS}
    if "anyOf" in schema:
        some = [part for part in schema["anyOf"] if part.get("type") != "null"]
        return _simple(some[0]) if len(some) == 1 else {"anyOf": some}
    if "enum" in schema:
        values = [value for value in schema["enum"] if value is not None]
        # Not every endpoint takes an enum without a type.
        kind = "integer" if isinstance(values[0], int) else "string"
        return {"type": kind, "enum": values}
    return schema


def _is_required(struct: type[msgspec.Struct], field: str) -> bool:
    found = next(one for one in msgspec.structs.fields(struct) if one.name == field)
    return found.required and found.default_factory is msgspec.NODEFAULT


def _effect_fields() -> Schema:
    """The fields of all effects; one that several have accepts what any of them accepts."""
    found: dict[str, list[Schema]] = {}
    users: dict[str, list[str]] = {}
    for name, effect in {**EFFECTS, "looks": PresetEffect}.items():
        for field, schema in _fields(effect).items():
            if field not in ("type", "name"):
                schemas = found.setdefault(field, [])
                schemas += [schema] if schema not in schemas else []
                users.setdefault(field, []).append(name)
    return {
        field: {
            **(schemas[0] if len(schemas) == 1 else {"anyOf": schemas}),
            "description": f"of {', '.join(users[field])}",
        }
        for field, schemas in found.items()
    }
