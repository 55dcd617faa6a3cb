"""The JSON schemas of edits accept what the notation accepts, and no key that it refuses."""

import json
import tomllib
from typing import Any

import pytest
from jsonschema import Draft202012Validator

from nemolocal_agent.edit_keys import NotationError
from nemolocal_agent.edit_notation import EDITS, read_edit
from nemolocal_agent.edit_schemas import EditSchema, edit_schemas
from nemolocal_contract.effect_presets import effect_presets
from tests.support.phrases import phrase_files

SCHEMAS = {schema.name: schema for schema in edit_schemas(["calm"], ["city"])}
# In the fixtures, the names of what the renderer makes are of no interest.
MADE_NAMES = ("mood", "scene")


def examples(schema: dict[str, Any]) -> list[Any]:
    """Values that the schema of a key describes, one of each of its types."""
    if "enum" in schema:
        return [schema["enum"][0]]
    if "anyOf" in schema:
        return [value for part in schema["anyOf"] for value in examples(part)]
    kinds = schema["type"] if isinstance(schema["type"], list) else [schema["type"]]
    low = schema.get("minimum", 1)
    plain = {"integer": low, "number": max(low, 0.5), "string": "1/2", "boolean": True}
    return [
        examples(schema["items"]) if kind == "array"
        else {key: examples(part)[0] for key, part in schema.get("properties", {}).items()}
        if kind == "object" else plain[kind]
        for kind in kinds
    ]  # fmt: skip


def find_refusal(table: dict[str, Any]) -> str:
    try:
        read_edit(table)
    except NotationError as error:
        return str(error)
    return ""


def validator(name: str) -> Draft202012Validator:
    parameters = json.loads(json.dumps(SCHEMAS[name].parameters))
    for key in MADE_NAMES:
        if key in parameters["properties"]:
            parameters["properties"][key] = {"type": "string"}
    return Draft202012Validator(parameters)


def test_every_edit_of_the_fixtures_fits_its_schema() -> None:
    tables = [
        table
        for file in phrase_files()
        for phrase in tomllib.loads(file.read_text("utf-8"))["phrase"]
        for table in phrase.get("want", ())
    ]
    validators = {name: validator(name) for name in SCHEMAS}
    seen = set()
    # Each once: the phrases repeat them.
    for table in {json.dumps(table, sort_keys=True): table for table in tables}.values():
        name = "set-aspect" if table["edit"] == "aspect" else table["edit"]
        seen.add(name)
        given = {key: value for key, value in table.items() if key != "edit"}
        errors = [error.message for error in validators[name].iter_errors(given)]
        assert not errors, (table, errors)
    assert len(seen) > 0.9 * len(SCHEMAS)


@pytest.mark.parametrize("schema", SCHEMAS.values(), ids=lambda schema: schema.name)
def test_no_schema_has_a_key_that_the_notation_refuses(schema: EditSchema) -> None:
    Draft202012Validator.check_schema(schema.parameters)
    assert schema.description
    for key, part in schema.parameters["properties"].items():
        for value in examples(part):
            refusal = find_refusal({"edit": schema.name, key: value})
            assert f"takes no {key}" not in refusal


def test_all_edits_and_names_are_offered_once() -> None:
    assert set(SCHEMAS) == set(EDITS) - {"aspect"}
    types = SCHEMAS["add-effect"].parameters["properties"]["type"]["enum"]
    assert {"rotate", "blur", *effect_presets()} <= set(types)
    assert len(types) == len(set(types))
    effect = SCHEMAS["add-effect"].parameters["properties"]
    assert effect["degrees"]["enum"] == [90, 180, 270]
    assert SCHEMAS["add-music"].parameters["properties"]["mood"]["enum"] == ["calm"]
    assert SCHEMAS["generate"].parameters["required"] == ["scene", "seconds"]
    assert SCHEMAS["set-aspect"].parameters["required"] == []
    # Nothing refers to another schema: small models and some endpoints do not follow references.
    assert "$ref" not in json.dumps([schema.parameters for schema in SCHEMAS.values()])


def test_a_place_of_a_watermark_and_the_sound_of_an_upload_are_checked() -> None:
    with pytest.raises(NotationError, match="<= 1"):
        read_edit({"edit": "remove-watermark", "x": 7})
    with pytest.raises(NotationError, match="Expected `str`"):
        read_edit({"edit": "replace-sound", "upload": 1})
    with pytest.raises(NotationError, match="upload is missing"):
        read_edit({"edit": "replace-sound"})


def test_an_audio_effect_without_an_amount_takes_none() -> None:
    """Its reader refuses what the edit could not be made with."""
    with pytest.raises(NotationError, match="mono has no amount"):
        read_edit({"edit": "audio-effect", "name": "mono", "amount": 0.5})
    assert read_edit({"edit": "audio-effect", "name": "bass", "amount": 3})
    amount = SCHEMAS["audio-effect"].parameters["properties"]["amount"]["description"]
    assert "bass (" in amount
    assert "mono" not in amount
