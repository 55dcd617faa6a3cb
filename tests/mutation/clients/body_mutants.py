"""Client mutants whose requests have a wrong body."""

from collections.abc import Callable
from typing import Any

import msgspec

from nemolocal_client.operations import Flow, HttpCall, OpenStream, Operation
from nemolocal_contract.responses import decode_json, encode_json

from . import client_scenarios
from .client_mutant import ClientMutant, OnApplied
from .client_scenarios import MutationScenario
from .flow_rewriting import Memory, endpoint_of, operation_mutant

ChangeBody = Callable[[dict[str, Any]], dict[str, Any]]


def _body_mutant(
    id: str, rule: str, scenario: MutationScenario, endpoint: str, sentence: str, change: ChangeBody
) -> ClientMutant:
    """Make a mutant that changes the JSON body of the calls to an endpoint."""

    def send(operation: Operation, on_applied: OnApplied, _: Memory) -> Flow[Any]:
        if (
            isinstance(operation, HttpCall | OpenStream)
            and endpoint_of(operation) == endpoint
            and operation.token is not None
        ):
            on_applied()
            body = decode_json(operation.json) if operation.json else {}
            operation = msgspec.structs.replace(operation, json=encode_json(change(body)))
        return (yield operation)

    send.__doc__ = sentence
    kind = "claim" if endpoint == "claim_token" else endpoint
    # A request that the server refuses is followed by whatever the client makes of it.
    return operation_mutant(id, rule, kills=f"client.body.{kind}", scenario=scenario)(send)


def _renamed(old: str, new: str) -> ChangeBody:
    return lambda body: {new if name == old else name: value for name, value in body.items()}


nameless_session = _body_mutant(
    "nameless-session", "SES-1", client_scenarios.talk_or_not, "session",
    "A session is opened with `name` instead of `task_name`.", _renamed("task_name", "name"),
)  # fmt: skip
wordless = _body_mutant(
    "wordless", "SSE-1", client_scenarios.talk, "chat",
    "A turn is sent with `message` instead of `new_message`.", _renamed("new_message", "message"),
)  # fmt: skip
snake_case_export = _body_mutant(
    "snake-case-export", "REN-1", client_scenarios.export, "render",
    "An export is sent with `session_id` instead of `sessionId`.",
    _renamed("sessionId", "session_id"),
)  # fmt: skip
camel_case_claim = _body_mutant(
    "camel-case-claim", "AUTH-7", client_scenarios.export, "claim_token",
    "A claim token is requested with camelCase fields.", _renamed("session_id", "sessionId"),
)  # fmt: skip


@operation_mutant(
    "uploads-a-path", "UPL-1",
    kills="client.body.upload", scenario=client_scenarios.unsupported_file,
)  # fmt: skip
def uploads_a_path(operation: Operation, on_applied: OnApplied, _: Memory) -> Flow[Any]:
    """The name of a file is sent instead of its content."""
    if isinstance(operation, HttpCall) and operation.files and operation.token is not None:
        on_applied()
        body = encode_json({"file": operation.files[0].name})
        operation = msgspec.structs.replace(operation, files=(), json=body)
    return (yield operation)
