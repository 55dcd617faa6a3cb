"""The server answers as its OpenAPI document says: fuzzed by Schemathesis over a real socket."""

import functools
from typing import Any

import httpx
import msgspec
import pytest
import schemathesis
from hypothesis import HealthCheck, given, settings, strategies as st
from schemathesis import Case, GenerationMode
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
    status_code_conformance,
)
from schemathesis.specs.openapi.schemas import OpenApiSchema

from nemolocal_contract.openapi import openapi_document
from nemolocal_server.dialect import Dialect
from nemolocal_server.endpoints.clocks import Advance
from nemolocal_server.endpoints.faults import LoadRequest
from nemolocal_server.endpoints.manual_tokens import TokenChange
from nemolocal_server.faults.arming import Match, Order
from nemolocal_server.tokens import NewToken
from tests.support.http_caller import HttpCaller, NewCaller
from tests.support.profiles import examples

DOCUMENT = "/__nemolocal__/openapi.json"
# Not the checks that bad input must be refused with a 4xx: the contract answers many failures
# with 200 and a code (GEN-2), and takes fields that it does not know.
CHECKS = [
    not_a_server_error,
    status_code_conformance,
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
]
EXAMPLES = examples(3, 50)
OPERATIONS = [
    operation
    for methods in openapi_document("0", "http://localhost")["paths"].values()
    for operation in methods.values()
]
CASES = [(operation["operationId"], GenerationMode.POSITIVE) for operation in OPERATIONS] + [
    (operation["operationId"], GenerationMode.NEGATIVE)
    for operation in OPERATIONS
    if "requestBody" in operation
]


def test_the_server_serves_the_document_with_its_own_address(base_url: str) -> None:
    document = httpx.get(base_url + DOCUMENT).json()
    assert (document["openapi"], document["servers"]) == ("3.1.0", [{"url": base_url}])


@functools.cache
def document() -> OpenApiSchema:
    return schemathesis.openapi.from_dict(openapi_document("0", "http://localhost"))


@pytest.mark.parametrize(("name", "mode"), CASES)
def test_no_input_makes_it_fail_or_break_its_word(
    base_url: str, new_caller: NewCaller, name: str, mode: GenerationMode
) -> None:
    operation = document().find_operation_by_id(name)
    caller = new_caller(base_url).connect()

    @settings(max_examples=EXAMPLES, deadline=None, suppress_health_check=list(HealthCheck))
    @given(operation.as_strategy(generation_mode=mode), st.booleans())
    def conforms(case: Case[Any], at_home: bool) -> None:
        if at_home:
            go_home(case, caller)
        response = case.call(base_url=base_url, headers=dict(caller.http.headers))
        case.validate_response(response, checks=CHECKS)

    conforms()


def go_home(case: Case[Any], caller: HttpCaller) -> None:
    """Ids that are right get further than ids that are made up."""
    known = {"user": "me", "session": caller.session, "token": "1"}
    if isinstance(case.path_parameters, dict):
        case.path_parameters.update(
            {key: known[key] for key in case.path_parameters if key in known}
        )
    if isinstance(case.body, dict):
        for key in ("session_id", "sessionId"):
            if key in case.body:
                case.body[key] = caller.session


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        ("NewToken", NewToken),
        ("TokenChange", TokenChange),
        ("Dialect", Dialect),
        ("ClockAdvance", Advance),
        ("FaultMatch", Match),
        ("FaultOrder", Order),
        ("ScenarioLoad", LoadRequest),
    ],
)
def test_schemas_written_by_hand_have_the_fields_of_their_types(
    name: str, kind: type[msgspec.Struct]
) -> None:
    written = openapi_document("0")["components"]["schemas"][name]
    fields = msgspec.structs.fields(kind)
    assert set(written["properties"]) == {field.encode_name for field in fields}
    assert set(written.get("required", ())) == {f.encode_name for f in fields if f.required}
    assert written["additionalProperties"] is False
