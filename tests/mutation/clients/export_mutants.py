"""Client mutants that export wrongly, poll too often, or do not download the file."""

from collections.abc import Callable
from typing import Any

import msgspec

from nemolocal_client.errors import DownloadFailed, NemoError, RenderFailed
from nemolocal_client.operations import (
    CheckDestination,
    DownloadFile,
    DownloadResult,
    Flow,
    HttpCall,
    HttpResponse,
    MoveFile,
    Operation,
    Secret,
    Sleep,
)
from nemolocal_client.response_errors import render_status_of
from nemolocal_client.retry import CONTRACT_POLLING, PollPolicy
from nemolocal_contract.responses import decode_json, encode_json

from . import client_scenarios
from .client_mutant import ClientMutant, OnApplied, client_mutant
from .flow_rewriting import Memory, endpoint_of, has_token, operation_mutant


@operation_mutant(
    "exports-blindly", "CLI-8", "STA-3",
    kills="client.render.state-first", scenario=client_scenarios.exports_twice,
)  # fmt: skip
def exports_blindly(operation: Operation, on_applied: OnApplied, memory: Memory) -> Flow[Any]:
    """Later exports send the draft that the first one read."""
    if isinstance(operation, CheckDestination):
        memory["exporting"] = True
    if endpoint_of(operation) != "state" or not memory.pop("exporting", False):
        return (yield operation)
    if "state" in memory:
        on_applied()
    else:
        memory["state"] = yield operation
    return memory["state"]


@operation_mutant(
    "exports-nothing", "CLI-8", "STA-3",
    kills="client.render.not-empty", scenario=client_scenarios.nothing_to_export,
)  # fmt: skip
def exports_nothing(operation: Operation, on_applied: OnApplied, memory: Memory) -> Flow[Any]:
    """An empty timeline is exported."""
    if endpoint_of(operation) == "render":
        on_applied()
        operation = _asking(operation, draft=memory["draft"])
    reply = yield operation
    if endpoint_of(operation) != "state":
        return reply
    body = decode_json(reply.body)
    memory["draft"] = body["data"]["state"]["draft"]
    body["data"]["state"]["draft"] = _FULL
    return msgspec.structs.replace(reply, body=encode_json(body))


# A timeline with something on it.
_FULL = {"t": [{"tt": 0, "id": "v", "sg": [{"id": "a", "s": 0, "d": 1000, "src": "a"}]}], "d": 1000}


def _asking(operation: Operation, **changed: Any) -> HttpCall:
    """The start of an export with something changed in its body."""
    assert isinstance(operation, HttpCall)
    json = encode_json({**decode_json(operation.json or b""), **changed})
    return msgspec.structs.replace(operation, json=json)


@operation_mutant(
    "odd-id", "REN-1", kills="client.render.id-shape", scenario=client_scenarios.export
)
def odd_id(operation: Operation, on_applied: OnApplied, _: Memory) -> Flow[Any]:
    """The id of an export has another form."""
    if isinstance(operation, HttpCall) and endpoint_of(operation) == "render":
        on_applied()
        name = decode_json(operation.json or b"")["id"]
        operation = _asking(operation, id=name.removeprefix("render_"))
    return (yield operation)


@operation_mutant(
    "same-id-again", "CLI-8", "REN-6",
    kills="client.retry.new-id", scenario=client_scenarios.render_fails,
)  # fmt: skip
def same_id_again(operation: Operation, on_applied: OnApplied, _: Memory) -> Flow[Any]:
    """A failed export is tried again with the same id."""
    if endpoint_of(operation) == "render":
        on_applied()
        operation = _asking(operation, id="render_1")
    return (yield operation)


@operation_mutant(
    "fails-once-for-all", "CLI-8", "REN-6",
    kills="client.retry", scenario=client_scenarios.renders_fail,
)  # fmt: skip
def fails_once_for_all(operation: Operation, on_applied: OnApplied, _: Memory) -> Flow[Any]:
    """A failed export is not tried again."""
    reply = yield operation
    if endpoint_of(operation) == "render_status" and render_status_of(reply).status == "failed":
        on_applied()
        raise RenderFailed("the export is failed")
    return reply


def _exporting_again(
    id: str, kills: str, scenario: client_scenarios.MutationScenario, *breaks: str
) -> Callable[[Callable[[], None]], ClientMutant]:
    """Make a mutant that exports once more after a failure; the sentence is of a function."""

    def make(reported: Callable[[], None]) -> ClientMutant:
        def twist(original: Any, on_applied: OnApplied) -> Any:
            def export(*arguments: Any) -> Any:
                try:
                    return original(*arguments)
                except RenderFailed:
                    on_applied()
                    return original(*arguments)

            return export

        twist.__doc__ = reported.__doc__
        at = "client.Client.export"
        return client_mutant(id, *breaks, kills=kills, scenario=scenario, at=at)(twist)

    return make


@_exporting_again(
    "fails-for-ever", "client.retry.once", client_scenarios.renders_fail, "CLI-8", "REN-6"
)
def fails_for_ever() -> None:
    """A failed export is tried again and again."""


@_exporting_again(
    "exports-anew", "client.render.one-at-a-time", client_scenarios.render_stuck,
    "REN-6", "REN-8", "CLI-8",
)  # fmt: skip
def exports_anew() -> None:
    """A second export is started while a slow one still runs."""


def _polling(
    id: str,
    kills: str,
    policy: PollPolicy,
    scenario: client_scenarios.MutationScenario = client_scenarios.render_stuck,
) -> ClientMutant:
    """A client that asks about an export in its own way."""

    @client_mutant(
        id,
        "CLI-8",
        "REN-6",
        kills=kills,
        scenario=scenario,
        at="client.Client.export",
    )
    def otherwise(original: Any, on_applied: OnApplied) -> Any:
        """An export is polled too often, too seldom, or for too long."""

        def export(client: Any, destination: Any) -> Any:
            on_applied()
            client.workspace.polling = policy
            return original(client, destination)

        return export

    return otherwise


inquisitive = _polling("inquisitive", "client.poll.rhythm", PollPolicy(5.0, 10))
leisurely = _polling("leisurely", "client.poll.slow", PollPolicy(120.0, 10))
undaunted = _polling("undaunted", "client.poll.count", PollPolicy(30.0, 20))
gives_up_polling = _polling(
    "gives-up-polling", "client.poll.until-end", PollPolicy(30.0, 2), client_scenarios.long_job
)


@operation_mutant(
    "asks-on", "CLI-8", "REN-5", "REN-6", kills="client.poll.stops",
    scenario=client_scenarios.export,
)  # fmt: skip
def asks_on(operation: Operation, on_applied: OnApplied, _: Memory) -> Flow[Any]:
    """A completed export is polled once more."""
    reply = yield operation
    if endpoint_of(operation) == "render_status" and render_status_of(reply).status == "completed":
        on_applied()
        yield Sleep(CONTRACT_POLLING.seconds)
        yield operation
    return reply


@operation_mutant(
    "hands-over-nothing", "CLI-10", "AUTH-7",
    kills="client.claim-link", scenario=client_scenarios.export,
)  # fmt: skip
def hands_over_nothing(operation: Operation, on_applied: OnApplied, _: Memory) -> Flow[Any]:
    """The link to the project is not requested from the server."""
    if endpoint_of(operation) != "claim_token":
        return (yield operation)
    on_applied()
    return HttpResponse(
        "", 200, encode_json({"code": 0, "data": {"claim_token": "me", "expires_in": 1}})
    )


@operation_mutant(
    "brings-nothing", "CLI-8", "REN-8", kills="client.download", scenario=client_scenarios.export,
)  # fmt: skip
def brings_nothing(operation: Operation, on_applied: OnApplied, memory: Memory) -> Flow[Any]:
    """A completed export is not downloaded."""
    match operation:
        case DownloadFile():
            on_applied()
            return DownloadResult(memory["size"], complete=True)
        case MoveFile():
            return operation.destination
    reply = yield operation
    if (
        endpoint_of(operation) == "render_status"
        and (output := render_status_of(reply).output) is not None
    ):
        memory["size"] = output.size
    return reply


@operation_mutant(
    "detour", "CLI-8", "REN-8", kills="client.download.order", scenario=client_scenarios.export,
)  # fmt: skip
def detour(operation: Operation, on_applied: OnApplied, _: Memory) -> Flow[Any]:
    """The file is fetched from the fallback only."""
    if isinstance(operation, DownloadFile) and not has_token(operation):
        on_applied()
        raise DownloadFailed()
    return (yield operation)


@operation_mutant(
    "one-way", "CLI-8", "REN-8", kills="client.download.fallback",
    scenario=client_scenarios.url_gone,
)  # fmt: skip
def one_way(operation: Operation, on_applied: OnApplied, _: Memory) -> Flow[Any]:
    """The fallback is not used when `output.url` fails."""
    if isinstance(operation, DownloadFile) and has_token(operation):
        on_applied()
        raise NemoError("the file is gone")
    return (yield operation)


@operation_mutant(
    "shows-its-token", "REN-8", "CLI-9",
    kills="client.download.no-token", scenario=client_scenarios.export,
)  # fmt: skip
def shows_its_token(operation: Operation, on_applied: OnApplied, _: Memory) -> Flow[Any]:
    """The token is sent to the host of the file."""
    if isinstance(operation, DownloadFile) and not has_token(operation):
        on_applied()
        operation = msgspec.structs.replace(operation, token=Secret("nmv_usr_told_to_anybody"))
    return (yield operation)


@operation_mutant(
    "uploads-twice", "SES-2", "UPL-1", kills="client.upload.again", scenario=client_scenarios.talk,
)  # fmt: skip
def uploads_twice(operation: Operation, on_applied: OnApplied, _: Memory) -> Flow[Any]:
    """A file is uploaded twice."""
    if endpoint_of(operation) == "upload":
        on_applied()
        yield operation
    return (yield operation)
