"""The OpenAPI document: valid, complete, honest about its rules, and its examples are true."""

from typing import Any

import msgspec
import pytest
from jsonschema import Draft202012Validator
from openapi_spec_validator import validate

from nemolocal_contract.endpoints import CLOUD_BASE_URL, CONTROL_PREFIX, endpoints
from nemolocal_contract.openapi import openapi_document
from nemolocal_contract.responses import RenderDialect, RenderOutput, RenderStatus, encode_render
from nemolocal_contract.rules import rules
from nemolocal_contract.turn_events import SseDialect, SseParser, Text, ToolCall, TurnEventEncoder

LOCAL = openapi_document("0.0.0", "http://127.0.0.1:8787")
OPERATIONS = [
    (path, method, operation)
    for path, methods in LOCAL["paths"].items()
    for method, operation in methods.items()
]


def validator(schema: dict[str, Any]) -> Draft202012Validator:
    return Draft202012Validator({**schema, "components": LOCAL["components"]})


@pytest.mark.slow
def test_the_document_is_valid_openapi_3_1() -> None:
    validate(LOCAL)
    validate(openapi_document("0.0.0"))


def test_every_endpoint_is_in_it_by_its_name() -> None:
    reported = {operation["operationId"]: (m.upper(), path) for path, m, operation in OPERATIONS}
    assert reported == {name: (e.method, e.template) for name, e in endpoints().items()}


def test_the_document_of_the_cloud_leaves_the_control_api_out() -> None:
    document = openapi_document("0.0.0")
    assert document["servers"] == [{"url": CLOUD_BASE_URL}]
    assert not [path for path in document["paths"] if path.startswith(CONTROL_PREFIX)]
    assert "Control" not in [tag["name"] for tag in document["tags"]]


def test_every_operation_names_its_rules_and_they_stand_in_the_document() -> None:
    for _, _, operation in OPERATIONS:
        assert operation["x-rule"] == operation["x-rules"][0]
        assert set(operation["x-rules"]) <= set(LOCAL["x-rules"])
    for name, rule in LOCAL["x-rules"].items():
        assert rule == msgspec.to_builtins(rules()[name])
    untold = {name for name in rules() if not name.startswith("CLI")} - set(LOCAL["x-rules"])
    assert untold == {"AUTH-8", "STA-5"}  # both are what a client does


def contents(operation: dict[str, Any]) -> list[dict[str, Any]]:
    bodies = [operation.get("requestBody", {}), *operation["responses"].values()]
    return [content for body in bodies for content in body.get("content", {}).values()]


@pytest.mark.slow
def test_every_example_is_what_its_schema_says() -> None:
    checked = 0
    for _, _, operation in OPERATIONS:
        for content in contents(operation):
            named = [example["value"] for example in content.get("examples", {}).values()]
            for example in [*named, *([content["example"]] if "example" in content else [])]:
                validator(content["schema"]).validate(example)
                checked += 1
    assert checked > 60


def test_only_the_token_call_and_pages_need_no_token() -> None:
    free = {operation["operationId"] for _, _, operation in OPERATIONS if not operation["security"]}
    of_contract = {
        name for name, e in endpoints().items() if not e.template.startswith(CONTROL_PREFIX)
    }
    assert free & of_contract == {"token", "claim_page"}


@pytest.mark.slow
@pytest.mark.parametrize("dialect", ["flat", "nested"])
def test_render_replies_are_what_the_document_says(dialect: RenderDialect) -> None:
    schema = LOCAL["components"]["schemas"][
        "RenderStatus" if dialect == "flat" else "NestedRenderStatus"
    ]
    done = RenderStatus("r", "completed", 100, RenderOutput("http://x/y.mp4", 2.0, 9))
    for status in (done, RenderStatus("r", "pending"), RenderStatus("r", "failed", 1, error="e")):
        validator(schema).validate(encode_render(status, dialect))


@pytest.mark.slow
@pytest.mark.parametrize(("dialect", "name"), [("adk", "AdkEvent"), ("typed", "TypedEvent")])
def test_events_are_what_the_document_says(dialect: SseDialect, name: str) -> None:
    encoder = TurnEventEncoder(dialect, "e-1", lambda: "id", lambda: 1.5)
    for event in (Text("hi"), ToolCall("1", "edit", {})):
        (frame,) = SseParser().feed(encoder.encode(event))
        schema = LOCAL["components"]["schemas"][name]
        validator(schema).validate(msgspec.json.decode(frame.data))


def test_failures_stand_under_the_status_of_both_styles() -> None:
    upload = LOCAL["paths"]["/api/upload-video/nemo_agent/{user}/{session}"]["post"]["responses"]
    assert set(upload) == {"200", "400", "401", "404", "413", "415", "default"}
    assert "1001, 1002, 4001, 4002" in upload["200"]["description"]
    chat = LOCAL["paths"]["/run_sse"]["post"]["responses"]
    assert {"200", "402", "404", "422"} <= set(chat)
