"""Requests made up by Schemathesis from the OpenAPI document, and its judgement of the replies.

To import it costs seconds: only the tests that need it do, when they run.
"""

import functools
from typing import Any

from hypothesis import HealthCheck, given, settings, strategies as st
from schemathesis import Case, GenerationMode, openapi
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
    status_code_conformance,
)
from schemathesis.specs.openapi.schemas import OpenApiSchema

from nemolocal_contract.openapi import openapi_document
from tests.support.http_caller import HttpCaller

# Not the checks that bad input must be refused with a 4xx: the contract answers many failures
# with 200 and a code (GEN-2), and takes fields that it does not know.
CHECKS = [
    not_a_server_error,
    status_code_conformance,
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
]


@functools.cache
def document() -> OpenApiSchema:
    return openapi.from_dict(openapi_document("0", "http://localhost"))


def fuzz(caller: HttpCaller, operation_id: str, valid: bool, examples: int) -> None:
    """Call an operation with input that fits its schema, or with some that does not.

    Fails where the server does, and where it does not answer as the document says.
    """
    operation = document().find_operation_by_id(operation_id)
    mode = GenerationMode.POSITIVE if valid else GenerationMode.NEGATIVE

    @settings(max_examples=examples, deadline=None, suppress_health_check=list(HealthCheck))
    @given(operation.as_strategy(generation_mode=mode), st.booleans())
    def conforms(case: Case[Any], with_real_ids: bool) -> None:
        if with_real_ids:
            put_real_ids(case, caller)
        response = case.call(base_url=str(caller.http.base_url), headers=dict(caller.http.headers))
        case.validate_response(response, checks=CHECKS)

    conforms()


def put_real_ids(case: Case[Any], caller: HttpCaller) -> None:
    """Ids that are right get further than ids that are made up."""
    known = {"user": "me", "session": caller.session, "token": "1", "version": "1"}
    if isinstance(case.path_parameters, dict):
        case.path_parameters.update(
            {key: known[key] for key in case.path_parameters if key in known}
        )
    if isinstance(case.body, dict):
        for key in ("session_id", "sessionId"):
            if key in case.body:
                case.body[key] = caller.session
