"""The server answers as its OpenAPI document says: fuzzed by Schemathesis over a real socket."""

import msgspec
import pytest

from nemolocal_contract.openapi import openapi_document
from nemolocal_server.api.control.fault_endpoints import LoadScenarioRequest
from nemolocal_server.api.control.server_endpoints import AdvanceRequest
from nemolocal_server.api.control.token_admin_endpoints import TokenChange
from nemolocal_server.data.tokens import NewToken
from nemolocal_server.dialect import Dialect
from nemolocal_server.faults.catalogue import FaultMatch, FaultSpec
from nemolocal_server.scripted_replies.reply_spec import ReplyMatch, ReplySpec, ReplyTool
from tests.support import patient_http
from tests.support.http_caller import HttpCaller
from tests.support.profiles import examples

DOCUMENT = "/__nemolocal__/openapi.json"
EXAMPLES = examples(3, 10)
OPERATIONS = [
    operation
    for methods in openapi_document("0", "http://localhost")["paths"].values()
    for operation in methods.values()
    # A stream without an end.
    if operation["operationId"] != "events"
]
# Each with input that fits its schema, and with some that does not.
CASES = [(operation["operationId"], True) for operation in OPERATIONS] + [
    (operation["operationId"], False) for operation in OPERATIONS if "requestBody" in operation
]
SOME = [("balance", True), ("session", True), ("session", False), ("chat", False)]


def test_the_server_serves_the_document_with_its_own_address(base_url: str) -> None:
    document = patient_http.get(base_url + DOCUMENT).json()
    assert (document["openapi"], document["servers"]) == ("3.1.0", [{"url": base_url}])


def fuzz(caller: HttpCaller, operation_id: str, valid: bool) -> None:
    from tests.support import openapi_fuzz

    openapi_fuzz.fuzz(caller, operation_id, valid, EXAMPLES)


@pytest.mark.slow
@pytest.mark.hypothesis
@pytest.mark.parametrize(("operation_id", "valid"), CASES)
def test_no_input_makes_it_fail_or_break_its_word(
    caller: HttpCaller, operation_id: str, valid: bool
) -> None:
    fuzz(caller, operation_id, valid)


@pytest.mark.slow
def test_no_input_makes_these_fail_or_break_their_word(
    caller: HttpCaller, subtests: pytest.Subtests
) -> None:
    for operation_id, valid in SOME:
        with subtests.test(operation=operation_id, valid=valid):
            fuzz(caller, operation_id, valid)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("name", "kind"),
    [
        ("NewToken", NewToken),
        ("TokenChange", TokenChange),
        ("Dialect", Dialect),
        ("ClockAdvance", AdvanceRequest),
        ("FaultMatch", FaultMatch),
        ("FaultOrder", FaultSpec),
        ("ScenarioLoad", LoadScenarioRequest),
        ("ReplyMatch", ReplyMatch),
        ("ReplyTool", ReplyTool),
        ("ScriptedReply", ReplySpec),
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
