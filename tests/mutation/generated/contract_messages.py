"""What the contract says of each endpoint, read from its OpenAPI document."""

import functools
from collections.abc import Iterator
from typing import Any

import msgspec

from nemolocal_contract.openapi import openapi_document

_JSON = "application/json"
# Shapes of other dialects: the server that is mutated speaks the default one.
_OTHER_DIALECTS = frozenset(("Failure", "Detail", "NestedRenderStatus", "TypedEvent"))


class Field(msgspec.Struct, frozen=True):
    """A field of a JSON body: its path in dots, its JSON type, its siblings of that type."""

    path: str
    type: str
    values: tuple[str, ...] = ()
    neighbours: tuple[str, ...] = ()


class Operation(msgspec.Struct, frozen=True):
    """An operation of the contract: its success, its failures, and what a request needs."""

    name: str
    operation: str
    needs_token: bool
    fields: tuple[Field, ...]
    media_type: str
    codes: tuple[int, ...]
    statuses: dict[int, int]
    body: tuple[Field, ...]
    required: tuple[str, ...]
    headers: tuple[str, ...]
    names_in_path: tuple[str, ...]
    is_form: bool
    success: Any


@functools.cache
def operations() -> tuple[Operation, ...]:
    """Return all operations of the contract, in its order."""
    document = openapi_document("")
    return tuple(
        _operation(document, path, method, found)
        for path, methods in document["paths"].items()
        for method, found in methods.items()
    )


@functools.cache
def event_fields() -> tuple[Field, ...]:
    """Return the fields of the data of an event, but for its parts."""
    document = openapi_document("")
    return tuple(_fields(document, document["components"]["schemas"]["AdkEvent"], ""))


def _operation(document: Any, path: str, method: str, found: Any) -> Operation:
    responses = found["responses"]
    success = next(
        body for status, body in responses.items() if status.isdecimal() and int(status) < 300
    )
    content = success["content"]
    media_type = next((kind for kind in content if kind != _JSON), _JSON)
    fields: tuple[Field, ...] = ()
    if media_type == _JSON:
        fields = tuple(_fields(document, content[_JSON]["schema"], ""))
    codes = _failures(responses)
    body = found.get("requestBody", {}).get("content", {})
    schema = _resolved(document, body[_JSON]["schema"]) if body else {}
    return Operation(
        name=found["operationId"],
        operation=f"{method.upper()} {path}",
        needs_token=bool(found["security"]),
        fields=fields,
        media_type=media_type,
        codes=tuple(codes),
        statuses=codes,
        body=tuple(_fields(document, schema, "")) if body else (),
        required=tuple(schema.get("required", ())),
        headers=tuple(_headers(document, found)),
        names_in_path=tuple(one["name"] for one in found["parameters"] if one.get("in") == "path"),
        is_form="multipart/form-data" in body,
        success=content.get(_JSON, {}).get("examples", {}).get("success", {}).get("value"),
    )


def _failures(responses: Any) -> dict[int, int]:
    """Return the codes of the failures with the HTTP status that each has by default."""
    found: dict[int, int] = {}
    for status, response in responses.items():
        examples = response["content"].get(_JSON, {}).get("examples", {})
        for code in examples:
            if code.isdecimal():
                found.setdefault(int(code), int(status))
    return found


def _headers(document: Any, found: Any) -> Iterator[str]:
    known = document["components"]["parameters"]
    for one in found["parameters"]:
        parameter = known[one["$ref"].rpartition("/")[2]] if "$ref" in one else one
        if parameter["in"] == "header":
            yield parameter["name"]


def _resolved(document: Any, schema: Any) -> Any:
    """Return the schema itself: behind references, of the default dialect, without null."""
    while True:
        if "$ref" in schema:
            schema = document["components"]["schemas"][schema["$ref"].rpartition("/")[2]]
        elif "anyOf" in schema:
            schema = next(one for one in schema["anyOf"] if _is_meant(one))
        else:
            return schema


def _is_meant(schema: Any) -> bool:
    name = schema.get("$ref", "").rpartition("/")[2]
    return schema.get("type") != "null" and name not in _OTHER_DIALECTS


def _fields(document: Any, schema: Any, path: str) -> Iterator[Field]:
    schema = _resolved(document, schema)
    named = {name: _resolved(document, one) for name, one in schema.get("properties", {}).items()}
    for name, one in named.items():
        at = f"{path}.{name}" if path else name
        kind = _type(one)
        yield Field(at, kind, tuple(one.get("enum", ())), _neighbours(named, name, kind))
        yield from _fields(document, one, at)
        if kind == "array":
            yield from _fields(document, one["items"], f"{at}[]")


def _type(schema: Any) -> str:
    if "const" in schema:
        return "integer"
    return "string" if "enum" in schema else str(schema.get("type", "object"))


def _neighbours(named: dict[str, Any], name: str, kind: str) -> tuple[str, ...]:
    """Return the other fields of the object with this type, the next one first."""
    alike = [other for other, schema in named.items() if _is_alike(_type(schema), kind)]
    at = alike.index(name)
    return (*alike[at + 1 :], *alike[:at])


def _is_alike(one: str, other: str) -> bool:
    numbers = ("integer", "number")
    return one == other or (one in numbers and other in numbers)
