"""Changes a client from outside: the operations of its flows, and the requests that it sends.

A client is made of flows, which yield operations; operations and requests are its public interface.
A mutant at this level does not depend on how the client is written.
"""

from collections.abc import Callable
from typing import Any, TypeVar

import httpx

from nemolocal_client.driver import FlowExecution
from nemolocal_client.errors import NemoError
from nemolocal_client.operations import DownloadFile, Flow, HttpCall, OpenStream, Operation
from nemolocal_contract.endpoints import CHAT, find_endpoint

from .client_mutant import ClientMutant, OnApplied, client_mutant
from .client_scenarios import MutationScenario

T = TypeVar("T")
Memory = dict[str, Any]
OperationHandler = Callable[[Operation, OnApplied, Memory], Flow[Any]]
"""Does something else than what an effect wants: yields effects, and returns the answer."""

# Both drivers start every flow with this class.
_FLOW_TARGET = "driver.FlowExecution"
_SEND_TARGET = "transport.httpx.Client.send"


def rewrite_flow(flow: Flow[T], handle: Callable[[Operation], Flow[Any]]) -> Flow[T]:
    """Return a flow whose operations go through `handle`, errors included."""
    walk = FlowExecution(flow)
    try:
        while walk.pending is not None:
            try:
                response = yield from handle(walk.pending)
            except NemoError as error:
                walk.throw(error)
            else:
                walk.send(response)
    finally:
        walk.close()
    return walk.result


def operation_mutant(
    id: str, *breaks: str, kills: str, scenario: MutationScenario
) -> Callable[[OperationHandler], ClientMutant]:
    """Make a mutant of an operation handler; its docstring is the sentence.

    The handler has one memory for all clients of a scenario.
    """

    def make(handler: OperationHandler) -> ClientMutant:
        def twist(original: Any, on_applied: OnApplied) -> Any:
            memory: Memory = {}

            def walk(flow: Flow[Any]) -> Any:
                return original(rewrite_flow(flow, lambda want: handler(want, on_applied, memory)))

            return walk

        twist.__doc__ = handler.__doc__
        return client_mutant(id, *breaks, kills=kills, scenario=scenario, at=_FLOW_TARGET)(twist)

    return make


def header_mutant(
    id: str, *breaks: str, kills: str, scenario: MutationScenario
) -> Callable[[Callable[[httpx.Headers], bool]], ClientMutant]:
    """Make a mutant of a function that changes request headers and returns whether it did."""

    def make(change: Callable[[httpx.Headers], bool]) -> ClientMutant:
        def twist(original: Any, on_applied: OnApplied) -> Any:
            def send(http: httpx.Client, request: httpx.Request, **options: Any) -> Any:
                if change(request.headers):
                    on_applied()
                return original(http, request, **options)

            return send

        twist.__doc__ = change.__doc__
        return client_mutant(id, *breaks, kills=kills, scenario=scenario, at=_SEND_TARGET)(twist)

    return make


def endpoint_of(operation: Operation) -> str:
    """Return the name of the endpoint that an operation calls; "" for none, and for files."""
    match operation:
        case OpenStream():
            found = find_endpoint(CHAT.method, operation.path)
        case HttpCall():
            found = find_endpoint(operation.method, operation.path)
        case _:
            found = None
    return found[0] if found is not None else ""


def has_token(operation: Operation) -> bool:
    """Whether an operation is a request with a token."""
    return (
        isinstance(operation, HttpCall | OpenStream | DownloadFile) and operation.token is not None
    )
