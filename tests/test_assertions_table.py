"""Each assertion of the contract is held by a check, or it is said why none can hold it."""

import copy
from collections.abc import Iterator
from typing import Any

import pytest

import assertion_coverage
import contract_assertions
import write_assertions
from contract_assertions import Assertion

pytestmark = pytest.mark.sources


@pytest.fixture
def _changed_contract(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Forget what was read of the contract, before and after a test that changes it."""
    cached = (
        contract_assertions.contract_assertions,
        contract_assertions.operations,
        assertion_coverage.coverage,
    )
    for one in cached:
        one.cache_clear()
    yield
    monkeypatch.undo()
    for one in cached:
        one.cache_clear()


def test_a_check_holds_each_assertion_or_it_is_said_why_none_can() -> None:
    assert assertion_coverage.problems() == []


def test_table_of_assertions_is_up_to_date() -> None:
    assert write_assertions.main(["--check"]) == 0, "run: python docs/write_assertions.py"


def test_every_family_has_assertions() -> None:
    assert all(found.total() for found in write_assertions.counts().values())
    assert {"token:state:expired:refused", "owner:render:session:foreign"} <= set(
        contract_assertions.contract_assertions()
    )


def changed_document(monkeypatch: pytest.MonkeyPatch, name: str, schema: Any) -> None:
    """Add a field to the balance."""
    document = copy.deepcopy(contract_assertions.document())
    document["components"]["schemas"]["Balance"]["properties"][name] = schema
    monkeypatch.setattr(contract_assertions, "document", lambda: document)


@pytest.mark.usefixtures("_changed_contract")
def test_new_field_without_a_check_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    changed_document(monkeypatch, "debt", {"type": "integer"})
    said = assertion_coverage.problems()
    for aspect in ("present", "type", "range", "truth"):
        missing = f"reply:balance:data.debt:{aspect}: no check holds it"
        assert any(problem.startswith(missing) for problem in said)


@pytest.mark.usefixtures("_changed_contract")
def test_field_that_is_gone_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    held = contract_assertions.Holding(
        "reply", ("balance",), ("data.gone",), ("type",), ("credits.balance.fields",)
    )
    file = contract_assertions.assertion_file()
    changed = contract_assertions.AssertionFile(file.limits, file.statement, (*file.held, held))
    monkeypatch.setattr(assertion_coverage, "assertion_file", lambda: changed)
    assert assertion_coverage.problems() == [
        "reply:balance:data.gone:type: the contract asserts no such thing"
    ]


def test_generated_mutants_are_found_by_their_ids() -> None:
    field = Assertion("reply", "token", "data.credits", "present")
    assert assertion_coverage.generated_mutants_of(field) == (
        "response:POST /api/auth/anonymous-token:success:data.credits:dropped",
        "response:POST /api/auth/anonymous-token:success:data.credits:null",
    )
    event = Assertion("event", "chat", "tool_result", "in-order")
    assert "event:POST /run_sse:tool_result:moved" in assertion_coverage.generated_mutants_of(event)
