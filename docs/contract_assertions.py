"""What the contract asserts, taken apart: a field's type, an endpoint's refusals, and so on.

Most assertions follow from the contract package: its OpenAPI document, its endpoints and the events
of a turn. The statements of each rule and the limits in time are data (`assertions.toml`), and so
is what holds each assertion: checks, or the reason why none can.
"""

import functools
import re
import tomllib
import typing
from collections.abc import Iterator
from itertools import product
from pathlib import Path
from typing import Any, Literal

import msgspec

from nemolocal_contract.endpoints import ATTRIBUTION
from nemolocal_contract.openapi import openapi_document
from nemolocal_contract.responses import ResponseCode, http_status
from nemolocal_contract.turn_events import RawEvent, ToolCall, ToolResult, TurnEvent

FILE = Path(__file__).parent / "assertions.toml"
Family = Literal[
    "reply", "event", "failure", "token", "scope", "attribution", "owner", "request", "limit",
    "rule",
]  # fmt: skip
_JSON = "application/json"
_ASPECTS = {
    "string": "present type form distinct truth",
    "enum": "present value truth",
    "integer": "present type range truth",
    "number": "present type range truth",
    "boolean": "present type truth",
    "object": "present type",
    "array": "present type items",
    "const": "present value",
}
# The failures that the ADK's api_server answers in its own way on the chat.
_OF_ADK = (ResponseCode.SESSION_NOT_FOUND, ResponseCode.BAD_REQUEST)
_TOKEN_FORMS = ("missing", "malformed", "unknown", "expired", "revoked", "claim", "in-query")
_OWNERS = {
    "user": ("own", "foreign"),
    "session": ("own", "foreign", "unknown", "foreign-words"),
    "render": ("own", "foreign", "unknown", "foreign-words"),
}
_KIND_ASPECTS = ("sent", "once", "in-order")


class Assertion(msgspec.Struct, frozen=True):
    """One thing that the contract asserts.

    `at` is an endpoint by its name, or a rule. `part` is a field in dots, a code, a header, a
    scope, a form of token, an owner. `aspect` is what is asserted of it.
    """

    family: Family
    at: str
    part: str
    aspect: str

    @property
    def id(self) -> str:
        """The id, which stays the same as long as the contract does."""
        return ":".join((self.family, self.at, self.part, self.aspect))


class Holding(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What holds assertions: every combination of the lists.

    `checks` hold them, or `reason` says why nobody can check them, or `open` what a check of them
    would take. Nothing is a pattern, so a new field, endpoint or code is never held by accident.
    """

    family: Family
    at: tuple[str, ...]
    part: tuple[str, ...]
    aspect: tuple[str, ...]
    checks: tuple[str, ...] = ()
    reason: str = ""
    open: str = ""

    @property
    def assertions(self) -> Iterator[Assertion]:
        """The assertions that are meant."""
        for at, part, aspect in product(self.at, self.part, self.aspect):
            yield Assertion(self.family, at, part, aspect)


class Statement(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What a rule says beyond the fields, refusals and limits: one sentence, and what holds it."""

    rule: str
    says: str
    checks: tuple[str, ...] = ()
    reason: str = ""
    open: str = ""


class AssertionFile(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The data: limits in time by name, statements of rules, and what holds the others."""

    limits: dict[str, str]
    statement: tuple[Statement, ...]
    held: tuple[Holding, ...]


@functools.cache
def assertion_file() -> AssertionFile:
    """Return the data."""
    return msgspec.convert(tomllib.loads(FILE.read_text(encoding="utf-8")), AssertionFile)


@functools.cache
def contract_assertions() -> dict[str, Assertion]:
    """Return every assertion of the contract by its id, in the order of the families."""
    families = (
        _replies(), _events(), _failures(), _tokens(), _scopes(), _attribution(), _owners(),
        _requests(), _limits(), _statements(),
    )  # fmt: skip
    return {assertion.id: assertion for family in families for assertion in family}


@functools.cache
def document() -> dict[str, Any]:
    """Return the OpenAPI document of the contract, without the control API."""
    return openapi_document("")


@functools.cache
def operations() -> dict[str, tuple[str, dict[str, Any]]]:
    """Return the method with the path template, and the operation, by the name of the endpoint."""
    return {
        operation["operationId"]: (f"{method.upper()} {path}", operation)
        for path, methods in document()["paths"].items()
        for method, operation in methods.items()
    }


def _replies() -> Iterator[Assertion]:
    """The fields of each success, its HTTP status and its type."""
    for name, (_, operation) in operations().items():
        for part in ("http.status", "http.content-type"):
            yield Assertion("reply", name, part, "value")
        content = operation["responses"]["200"]["content"]
        media = next((kind for kind in content if kind != _JSON), None)
        if media is None:
            for schema in _shapes(content[_JSON]["schema"]):
                yield from _of_fields("reply", name, schema)
        else:
            yield Assertion("reply", name, "body", "truth")


def _shapes(schema: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """Return the shapes of a success: one, or that of each dialect."""
    for shape in schema.get("anyOf", [schema]):
        if not shape.get("$ref", "").endswith("/Failure"):
            yield shape


def _of_fields(
    family: Family, at: str, schema: dict[str, Any], path: str = ""
) -> Iterator[Assertion]:
    for part, kind in fields_of(schema, path):
        for aspect in _ASPECTS[kind].split():
            yield Assertion(family, at, part, aspect)


def fields_of(schema: dict[str, Any], path: str = "") -> Iterator[tuple[str, str]]:
    """Return each field of a schema in dots, `[]` being every item, with its type."""
    schema = _resolved(schema)
    for name, held in schema.get("properties", {}).items():
        at, one = f"{path}.{name}".lstrip("."), _resolved(held)
        kind = "const" if "const" in one else "enum" if "enum" in one else one.get("type", "object")
        yield at, kind
        yield from fields_of(one["items"], f"{at}[]") if kind == "array" else fields_of(one, at)


def _resolved(schema: dict[str, Any]) -> dict[str, Any]:
    """Return what stands behind a reference, and beside null."""
    while "$ref" in schema or "anyOf" in schema:
        if "anyOf" in schema:
            schema = next(one for one in schema["anyOf"] if one.get("type") != "null")
        else:
            schema = document()["components"]["schemas"][schema["$ref"].rpartition("/")[2]]
    return schema


def _events() -> Iterator[Assertion]:
    """The kinds of events of a turn, and the fields of an event in both dialects."""
    # Raw events are those of scripted replies, which the contract does not have.
    for kind in (kind for kind in typing.get_args(TurnEvent) if kind is not RawEvent):
        name = re.sub(r"(?<!^)(?=[A-Z])", "_", kind.__name__).lower()
        for aspect in _KIND_ASPECTS:
            yield Assertion("event", "chat", name, aspect)
    schemas = document()["components"]["schemas"]
    yield from _of_fields("event", "chat", schemas["AdkEvent"])
    for aspect in _ASPECTS["string"].split():
        yield Assertion("event", "chat", "content.parts[].text", aspect)
    for tool, struct in (("functionCall", ToolCall), ("functionResponse", ToolResult)):
        for field in msgspec.structs.fields(struct):
            for aspect in _ASPECTS["string" if field.type is str else "object"].split():
                yield Assertion("event", "chat", f"content.parts[].{tool}.{field.name}", aspect)
    yield from _of_fields("event", "chat", schemas["TypedEvent"], "typed")


def _failures() -> Iterator[Assertion]:
    """Each code of each endpoint: that it comes, in which form, with the status of each style."""
    for name, (method, operation) in operations().items():
        for code in _codes(operation):
            aspects = ["code", "body"]
            usual, other = (http_status(code, style) for style in ("envelope", "http"))
            aspects += ["status"] if usual == other else ["status-envelope", "status-http"]
            aspects += ["status-adk"] if name == "chat" and code in _OF_ADK else []
            aspects += ["no-effect"] if method.startswith("POST") else []
            for aspect in aspects:
                yield Assertion("failure", name, str(int(code)), aspect)


def _codes(operation: dict[str, Any]) -> list[ResponseCode]:
    examples = (
        code
        for response in operation["responses"].values()
        for code in response["content"].get(_JSON, {}).get("examples", ())
    )
    return [ResponseCode(code) for code in sorted({int(c) for c in examples if c.isdecimal()})]


def _guarded() -> Iterator[tuple[str, dict[str, Any]]]:
    """The endpoints that need a token."""
    return ((name, one) for name, (_, one) in operations().items() if one["security"])


def _in_path(operation: dict[str, Any]) -> list[str]:
    return [one["name"] for one in operation["parameters"] if one.get("in") == "path"]


def _tokens() -> Iterator[Assertion]:
    """Each form of token that is none, at each endpoint."""
    for name, operation in _guarded():
        for form in (*_TOKEN_FORMS, *(["in-path"] if _in_path(operation) else [])):
            yield Assertion("token", name, form, "refused")


def _scopes() -> Iterator[Assertion]:
    """Each scope at each endpoint: opened, or refused."""
    for name, _ in _guarded():
        for scope in document()["components"]["schemas"]["Scopes"]["items"]["enum"]:
            yield Assertion("scope", name, scope, "decided")


def _attribution() -> Iterator[Assertion]:
    """Each attribution header at each endpoint: needed, or not."""
    for name in operations():
        for header in ATTRIBUTION:
            yield Assertion("attribution", name, header, "decided")


def _owners() -> Iterator[Assertion]:
    """Each id that a request names, and whose it is."""
    for name, operation in _guarded():
        method, _ = operations()[name]
        named = set(_in_path(operation))
        body = operation.get("requestBody", {}).get("content", {}).get(_JSON, {})
        fields = {part for part, _ in fields_of(body["schema"])} if body else set()
        if fields & {"session_id", "sessionId"}:
            named.add("session")
        changes = ("foreign-effect",) if method.startswith("POST") else ()
        for kind, owners in _OWNERS.items():
            if kind in named:
                for owner in (*owners, *changes):
                    yield Assertion("owner", name, kind, owner)


def _requests() -> Iterator[Assertion]:
    """The fields of each request: needed or not, of their type, and read."""
    for name, (_, operation) in operations().items():
        content = operation.get("requestBody", {}).get("content", {})
        for media in content.values():
            schema = _resolved(media["schema"])
            for part, _ in fields_of(schema):
                if part.startswith("draft."):
                    continue  # a reply has the same draft, and REN-9 refuses what is wrong in one
                need = "required" if _is_due(schema, part) else "optional"
                for aspect in (need, "type", "read"):
                    yield Assertion("request", name, part, aspect)


def _is_due(schema: dict[str, Any], part: str) -> bool:
    """Whether an object must have a field, where there is such an object."""
    first, _, rest = part.partition(".")
    name = first.removesuffix("[]")
    if not rest:
        return name in schema.get("required", ())
    held = _resolved(schema["properties"][name])
    return _is_due(_resolved(held["items"]) if first.endswith("[]") else held, rest)


def _limits() -> Iterator[Assertion]:
    """Each limit in time, just before and just after."""
    for name in assertion_file().limits:
        yield from (Assertion("limit", name, "", side) for side in ("before", "after"))


def _statements() -> Iterator[Assertion]:
    for statement in assertion_file().statement:
        yield Assertion("rule", statement.rule, "", statement.says)
