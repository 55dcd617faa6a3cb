"""The OpenAPI 3.1 document of the contract and of the control API of a local server.

What is said of each operation is data (`openapi.toml`); schemas come from the Python types, methods
and paths from the endpoints, and every operation names its rules (`x-rule`, `x-rules`). The rules
themselves, with level, grade and sources, are under `x-rules` of the document: what is graded A is
assumed, and every schema that rests on it says so.
"""

import functools
import re
import tomllib
from collections.abc import Iterable
from importlib.resources import files
from inspect import cleandoc
from typing import Any

import msgspec

from . import control_api, journal, responses
from .endpoints import (
    CHAT,
    CLOUD_BASE_URL,
    CONTROL_PREFIX,
    CONTROL_TOKEN,
    HEALTH,
    ChatRequest,
    ClaimRequest,
    Endpoint,
    RenderRequest,
    SessionRequest,
    UrlUploadRequest,
    endpoints,
)
from .media import ACCEPTED_EXTENSIONS_TEXT
from .responses import ResponseCode, decode_json, encode_json, failure, http_status
from .rules import rules

_SCHEMAS = "#/components/schemas/"
_JSON = "application/json"
_STREAM = "text/event-stream"
_ATTRIBUTION = ("SkillSource", "SkillVersion", "SkillPlatform")
_TYPES = (
    SessionRequest, ClaimRequest, UrlUploadRequest,
    ChatRequest, RenderRequest,
    responses.TokenReply, responses.ClaimReply, responses.SessionReply, responses.UploadReply,
    responses.Balance, responses.StateReply, responses.RenderStatus,
    control_api.Health, control_api.EffectiveSettings,
    control_api.SessionList, control_api.SessionDetail, control_api.DraftVersionDetail,
    control_api.DraftChanges, control_api.RenderList, control_api.RenderDetail,
    control_api.Changes,
    control_api.SnapshotId, control_api.SnapshotList, control_api.ResetRequest, control_api.Cleared,
    journal.Entry, journal.Summary,
)  # fmt: skip
_FAILURES = {
    ResponseCode.BAD_REQUEST: "body: Object missing required field `task_name`",
    ResponseCode.EXPORT_BLOCKED: "Register or upgrade your plan to unlock export.",
    ResponseCode.NOT_FOUND: "Not Found",
    ResponseCode.RATE_LIMITED: "This X-Client-Id already has a token for this week.",
    ResponseCode.BAD_TOKEN: "Token is missing, invalid or expired: get a new one",
    ResponseCode.SESSION_NOT_FOUND: "Session not found: 1234567890123456789",
    ResponseCode.NO_CREDITS: "Not enough credits: this needs 50, you have 0.",
    ResponseCode.UNSUPPORTED_FILE: f"Unsupported file. Accepted: {ACCEPTED_EXTENSIONS_TEXT}",
    ResponseCode.FILE_TOO_LARGE: "File too large: compress or trim it, then upload again",
}
_CONTROL_SCHEME = {
    "type": "apiKey",
    "in": "header",
    "name": CONTROL_TOKEN,
    "description": "Needed on a server that others than its own machine can reach",
}
# The statuses of the chat with `errors=adk`, the failures of ADK's api_server (GEN-2).
_ADK_STATUS = (404, 422)


class _Operation(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    tag: str
    summary: str
    rules: tuple[str, ...] = ()
    open: bool = False
    parameters: tuple[str, ...] = ()
    body: str = ""
    example: dict[str, Any] = {}
    form: bool = False
    data: str = ""
    reply: dict[str, Any] = {}
    plain: tuple[str, ...] = ()
    media: str = ""
    missing: str = ""
    lines: str = ""
    status: int = 200
    codes: tuple[ResponseCode, ...] = ()


class _OperationFile(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    operation: dict[str, _Operation]
    parameter: dict[str, dict[str, Any]]
    path: dict[str, dict[str, Any]]
    schema: dict[str, dict[str, Any]]


def openapi_document(version: str, server_url: str = CLOUD_BASE_URL) -> dict[str, Any]:
    """Return the document as JSON values; `version` is that of this project.

    With the `server_url` of a local server it includes the control API.
    """
    operations = _select_operations(with_control=server_url != CLOUD_BASE_URL)
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "NemoVideo, as Nemo Local understands it",
            "version": version,
            "description": cleandoc(__doc__),
            "license": {"name": "MIT", "identifier": "MIT"},
        },
        "servers": [{"url": server_url}],
        "tags": [{"name": tag} for tag in dict.fromkeys(o.tag for o in operations.values())],
        "paths": _paths(operations),
        "components": {
            "securitySchemes": {
                "token": {"type": "http", "scheme": "bearer"},
                **({"control": _CONTROL_SCHEME} if server_url != CLOUD_BASE_URL else {}),
            },
            "parameters": _data().parameter,
            "schemas": _schemas(),
        },
        "x-rules": _rules(operations),
    }


def _select_operations(*, with_control: bool) -> dict[str, _Operation]:
    return {
        name: operation
        for name, operation in _data().operation.items()
        if with_control or not endpoints()[name].template.startswith(CONTROL_PREFIX)
    }


def _rules(operations: dict[str, _Operation]) -> dict[str, Any]:
    named = {rule for name, operation in operations.items() for rule in _rule_ids(name, operation)}
    return {id: msgspec.to_builtins(rule) for id, rule in rules().items() if id in named}


@functools.cache
def _data() -> _OperationFile:
    text = files(__package__).joinpath("openapi.toml").read_text(encoding="utf-8")
    return msgspec.convert(tomllib.loads(text), _OperationFile)


@functools.cache
def _schemas() -> dict[str, Any]:
    """Return the schemas of the types and those of the TOML file."""
    _, components = msgspec.json.schema_components(_TYPES, ref_template=_SCHEMAS + "{name}")
    schemas: dict[str, Any] = decode_json(encode_json(components))  # tuples become arrays
    for schema in schemas.values():
        schema["description"] = cleandoc(schema["description"])
    for holder in ("RenderRequest", "State"):  # any object to the types, a timeline to a reader
        schemas[holder]["properties"]["draft"] = _ref("Draft")
    return {**schemas, **_data().schema}


def _paths(operations: dict[str, _Operation]) -> dict[str, Any]:
    paths: dict[str, Any] = {}
    for name, operation in operations.items():
        endpoint = endpoints()[name]
        path = paths.setdefault(endpoint.template, {})
        path[endpoint.method.lower()] = _operation(name, endpoint, operation)
    return paths


def _operation(name: str, endpoint: Endpoint, operation: _Operation) -> dict[str, Any]:
    entry: dict[str, Any] = {
        "operationId": name,
        "tags": [operation.tag],
        "summary": operation.summary,
        "x-rule": endpoint.rule,
        "x-rules": _rule_ids(name, operation),
        "security": _security(endpoint, operation),
        "parameters": _parameters(endpoint, operation),
        "responses": _responses(endpoint, operation),
    }
    if operation.body:
        entry["requestBody"] = {"required": True, "content": _request_content(operation)}
    return entry


def _security(endpoint: Endpoint, operation: _Operation) -> list[dict[str, list[str]]]:
    if endpoint.template.startswith(CONTROL_PREFIX) and endpoint != HEALTH:
        return [{}, {"control": []}]
    return [] if operation.open else [{"token": []}]


def _rule_ids(name: str, operation: _Operation) -> list[str]:
    """Return the rules of an operation, then those of every call with a token."""
    endpoint = endpoints()[name]
    of_contract = not endpoint.template.startswith(CONTROL_PREFIX)
    always = ("GEN-1", "GEN-2", "GEN-4", "GEN-5", "GEN-6") if of_contract else ("GEN-6",)
    with_token = () if operation.open else ("GEN-3",)
    return list(dict.fromkeys((endpoint.rule, *operation.rules, *with_token, *always)))


def _parameters(endpoint: Endpoint, operation: _Operation) -> list[dict[str, Any]]:
    in_path = [
        {
            "name": name,
            "in": "path",
            "required": True,
            "schema": {"type": "string"},
            **_data().path[name],
        }
        for name in re.findall(r"\{(\w+)\}", endpoint.template)
    ]
    attribution = () if operation.tag == "Control" else _ATTRIBUTION
    others = (*operation.parameters, *attribution)
    return in_path + [{"$ref": f"#/components/parameters/{name}"} for name in others]


def _request_content(operation: _Operation) -> dict[str, Any]:
    content: dict[str, Any] = {}
    if operation.form:
        content["multipart/form-data"] = {"schema": _ref("Files")}
    content[_JSON] = {"schema": _ref(operation.body), "example": operation.example}
    return content


def _responses(endpoint: Endpoint, operation: _Operation) -> dict[str, Any]:
    """Return the success and, by status, the failures of both styles (GEN-2)."""
    codes = operation.codes if operation.open else (ResponseCode.BAD_TOKEN, *operation.codes)
    by_status: dict[int, list[ResponseCode]] = {operation.status: []}
    for code in codes:
        for style in ("envelope", "http"):
            failing = by_status.setdefault(http_status(code, style), [])
            if code not in failing:
                failing.append(code)
    by_code = {
        str(status): _failures(codes, adk=endpoint == CHAT and status in _ADK_STATUS)
        for status, codes in sorted(by_status.items())
    }
    if endpoint == CHAT:
        by_code["422"] = _failures([], adk=True)
    if operation.missing:
        content = {operation.missing: _media(operation.missing)}
        by_code["404"] = {"description": "Nothing is there", "content": content}
    by_code[str(operation.status)] = _success(operation, by_status[operation.status])
    return {**by_code, "default": _failures([], adk=False)}


def _success(operation: _Operation, codes: list[ResponseCode]) -> dict[str, Any]:
    shapes = [_ref(name) for name in operation.plain]
    if operation.data:
        shapes = [_envelope(operation.data)]
    content: dict[str, Any] = {}
    if operation.media:
        content[operation.media] = _media(operation.media)
    if operation.lines:
        content[operation.lines] = {"schema": {"type": "string"}}
    if shapes or codes:
        examples = _examples(codes)
        if operation.reply:
            examples["success"] = {"value": {"code": 0, "data": operation.reply}}
        content[_JSON] = {"schema": _any([*shapes, *([_ref("Failure")] if codes else [])])}
        if examples:
            content[_JSON]["examples"] = examples
    failing = f", or failure {_listed(codes)}" if codes else ""
    return {"description": f"Success{failing}", "content": content}


def _failures(codes: Iterable[ResponseCode], *, adk: bool) -> dict[str, Any]:
    codes = list(codes)
    shapes = [_ref("Failure"), *([_ref("Detail")] if adk else [])]
    content: dict[str, Any] = {"schema": _any(shapes)}
    if codes:
        content["examples"] = _examples(codes)
    description = f"Failure {_listed(codes)}".strip()
    return {"description": description, "content": {_JSON: content}}


def _examples(codes: Iterable[ResponseCode]) -> dict[str, Any]:
    return {str(int(code)): {"value": failure(code, _FAILURES[code])} for code in codes}


def _listed(codes: Iterable[ResponseCode]) -> str:
    return ", ".join(str(int(code)) for code in codes)


def _media(kind: str) -> dict[str, Any]:
    if kind == _STREAM:
        return {"schema": _ref("StreamEvent")}
    return {"schema": {"type": "string"}} if kind.startswith("text/") else {}


def _envelope(name: str) -> dict[str, Any]:
    return {
        "type": "object",
        "required": ["code", "data"],
        "properties": {"code": {"const": 0}, "data": _ref(name)},
    }


def _any(schemas: list[dict[str, Any]]) -> dict[str, Any]:
    return schemas[0] if len(schemas) == 1 else {"anyOf": schemas}


def _ref(name: str) -> dict[str, Any]:
    return {"$ref": _SCHEMAS + name}
