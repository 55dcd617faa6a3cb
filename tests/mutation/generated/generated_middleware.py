"""ASGI middleware around the reference server that applies one generated mutant at a time."""

from collections.abc import Callable

from nemolocal_contract.endpoints import CONTROL_PREFIX
from nemolocal_contract.responses import encode_json
from tests.mutation.mutation_middleware import (
    App,
    Message,
    Receive,
    Scope,
    Send,
    WireRequest,
    WireResponse,
    collect_response,
    read_request,
    replay_body,
    rewritten_scope,
    write_response,
)

from .contract_messages import operations
from .generated_mutant import GeneratedMutant
from .observed_callers import ObservedCallers, caller_of, outcome_of, token_of
from .refusal_causes import amended_request, cause_of
from .request_changes import changed_request
from .response_changes import changed_response
from .value_changes import EarlierValues

OnExchange = Callable[[WireRequest, WireResponse, ObservedCallers], None]
_STREAM = b'data: {"content":{"role":"model","parts":[{"text":"Done: click Export."}]}}\n\n'
_EXAMPLES = {operation.name: operation.success for operation in operations()}


class MutantSwitch:
    """Which mutant a server is now, what it has seen since, and how often it changed something."""

    def __init__(self) -> None:
        self.on_exchange: OnExchange | None = None
        self.select(None)

    def select(self, mutant: GeneratedMutant | None) -> None:
        """Make the server this mutant, or right again; what was seen is forgotten."""
        self.mutant = mutant
        self.seen = ObservedCallers()
        self.earlier = EarlierValues()
        self.times_applied = 0


class GeneratedMutationMiddleware:
    """Passes requests to the app and answers as the selected mutant would."""

    def __init__(self, app: App, switch: MutantSwitch) -> None:
        self._app = app
        self._switch = switch

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        request, again = await read_request(scope, receive)
        call = _Call(self._app, scope, request, again, receive)
        if request.path.startswith(CONTROL_PREFIX):
            response = await call.forward(request)
            self._switch.seen.observe_control(request, response)
        else:
            response = await self._answer(call, request)
        await write_response(response, send)

    async def _answer(self, call: "_Call", request: WireRequest) -> WireResponse:
        switch, mutant = self._switch, self._switch.mutant
        if mutant is None or mutant.endpoint != request.endpoint:
            response = await call.forward(request)
            self._observe(request, response)
            return response
        if mutant.change == "refused":
            return await self._refused(call, request, mutant)
        sent = request
        if mutant.subject == "request" and mutant.change != "ignored":
            sent = changed_request(mutant, request, switch.seen) or request
            switch.times_applied += sent is not request
        response = await call.forward(sent)
        self._observe(request, response)
        if mutant.change == "ignored":
            return await self._accepted(call, request, response, mutant)
        if mutant.subject == "request" or not _is_meant(mutant, response):
            return response
        changed = changed_response(mutant, response, caller_of(request), switch.earlier)
        switch.times_applied += changed != response
        return changed

    def _observe(self, request: WireRequest, response: WireResponse) -> None:
        self._switch.seen.observe(request, response)
        if self._switch.on_exchange is not None:
            self._switch.on_exchange(request, response, self._switch.seen)

    async def _refused(
        self, call: "_Call", request: WireRequest, mutant: GeneratedMutant
    ) -> WireResponse:
        """Refuse what must be accepted: the caller's own id, or a call without attribution."""
        seen = self._switch.seen
        own = f"/{seen.users.get(token_of(request))}/" in request.path
        name = mutant.part.removeprefix("header.").lower()
        if own if mutant.part == "user.own" else name not in request.headers:
            self._switch.times_applied += 1
            code, status = (1002, 200) if mutant.part == "user.own" else (402, 402)
            body = {"code": code, "message": "Refused: this is not supported.", "data": None}
            return WireResponse(status, {"content-type": "application/json"}, encode_json(body))
        response = await call.forward(request)
        self._observe(request, response)
        return response

    async def _accepted(
        self, call: "_Call", request: WireRequest, response: WireResponse, mutant: GeneratedMutant
    ) -> WireResponse:
        """Accept what was refused for the cause of the mutant."""
        seen, outcome = self._switch.seen, outcome_of(response)
        if outcome == "success" or cause_of(request, outcome, seen) != mutant.part:
            return response
        self._switch.times_applied += 1
        amended = amended_request(mutant.part, request, seen) if call.can_repeat else None
        if amended is not None:
            accepted = await call.forward(amended)
            if outcome_of(accepted) == "success":
                seen.observe(amended, accepted)
                return accepted
        return _like_a_success(request, seen)


def _is_meant(mutant: GeneratedMutant, response: WireResponse) -> bool:
    return mutant.subject == "event" or outcome_of(response) == mutant.outcome


def _like_a_success(request: WireRequest, seen: ObservedCallers) -> WireResponse:
    """Return what a success of this endpoint looks like: its last one, or an example."""
    known = seen.successes.get(request.endpoint)
    if known is not None:
        return known
    if request.endpoint == "chat":
        return WireResponse(200, {"content-type": "text/event-stream"}, _STREAM)
    render = {"id": "render_1", "status": "pending", "progress": 0}
    body = encode_json(_EXAMPLES[request.endpoint] or render)
    return WireResponse(200, {"content-type": "application/json"}, body)


class _Call:
    """A request that can be forwarded to the app as it came, or changed."""

    def __init__(
        self, app: App, scope: Scope, request: WireRequest, again: Receive, receive: Receive
    ) -> None:
        self._app, self._scope, self._request = app, scope, request
        self._again, self._receive = again, receive
        # A large body is not held, so it is passed on once.
        self.can_repeat = again is not receive

    async def forward(self, request: WireRequest) -> WireResponse:
        """Return the response of the app to a request."""
        kept: list[Message] = []

        async def keep(message: Message) -> None:
            kept.append(message)

        scope, body = self._scope, self._again
        if request is not self._request:
            scope = rewritten_scope(scope, request)
            body = replay_body(request.body, self._receive)
        await self._app(scope, body, keep)
        return collect_response(kept)
