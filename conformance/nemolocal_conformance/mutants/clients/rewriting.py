"""Breaking a client from outside: what its flows want, and what it sends, is something else.

A client is made of flows, which want effects; effects and requests are its public language. Who
breaks it there needs to know nothing of how it is written.
"""

from collections.abc import Callable
from typing import Any, TypeVar

import httpx

from nemolocal_client.effects import Call, Download, Effect, Flow, OpenStream
from nemolocal_client.errors import NemoError
from nemolocal_client.walk import Walk
from nemolocal_contract.endpoints import CHAT, find_endpoint

from .mutant import ClientMutant, Hit, broken_client
from .scenarios import Scenario

T = TypeVar("T")
Memory = dict[str, Any]
Handler = Callable[[Effect, Hit, Memory], Flow[Any]]
"""Does something else than what an effect wants: yields effects, and returns the answer."""

# All flows of the sync face begin there, those whose lines are wanted one by one too.
_WALK = "drive.Walk"
_SEND = "transport.httpx.Client.send"


def rewritten(flow: Flow[T], handle: Callable[[Effect], Flow[Any]]) -> Flow[T]:
    """A flow whose effects are done as `handle` has it, errors of its own included."""
    walk = Walk(flow)
    try:
        while walk.wants is not None:
            try:
                answer = yield from handle(walk.wants)
            except NemoError as error:
                walk.refuse(error)
            else:
                walk.answer(answer)
    finally:
        walk.close()
    return walk.outcome


def broken_effects(
    id: str, *breaks: str, kills: str, scenario: Scenario
) -> Callable[[Handler], ClientMutant]:
    """Make a mutant of a handler of effects: its docstring is the sentence, `kills` check ids.

    The memory of the handler is one for all clients of a scenario.
    """

    def make(handler: Handler) -> ClientMutant:
        def twist(original: Any, hit: Hit) -> Any:
            memory: Memory = {}

            def walk(flow: Flow[Any]) -> Any:
                return original(rewritten(flow, lambda want: handler(want, hit, memory)))

            return walk

        twist.__doc__ = handler.__doc__
        return broken_client(id, *breaks, kills=kills, scenario=scenario, at=_WALK)(twist)

    return make


def broken_requests(
    id: str, *breaks: str, kills: str, scenario: Scenario
) -> Callable[[Callable[[httpx.Headers], bool]], ClientMutant]:
    """Make a mutant of a function that changes the headers of requests, and says if it did."""

    def make(change: Callable[[httpx.Headers], bool]) -> ClientMutant:
        def twist(original: Any, hit: Hit) -> Any:
            def send(http: httpx.Client, request: httpx.Request, **options: Any) -> Any:
                if change(request.headers):
                    hit()
                return original(http, request, **options)

            return send

        twist.__doc__ = change.__doc__
        return broken_client(id, *breaks, kills=kills, scenario=scenario, at=_SEND)(twist)

    return make


def endpoint_of(effect: Effect) -> str:
    """The name of the endpoint that an effect calls; "" for none, and for files."""
    match effect:
        case OpenStream():
            found = find_endpoint(CHAT.method, effect.path)
        case Call():
            found = find_endpoint(effect.method, effect.path)
        case _:
            found = None
    return found[0] if found is not None else ""


def signed(effect: Effect) -> bool:
    """Whether an effect is a request that shows a token."""
    return isinstance(effect, Call | OpenStream | Download) and effect.token is not None
