"""Chat requests that a scripted reply answers: by a header, or the first that matches."""

from collections.abc import Callable
from hmac import compare_digest
from typing import Any

import msgspec
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from nemolocal_contract.endpoints import CONTROL_TOKEN, REPLY
from nemolocal_contract.responses import decode_json

from ..data.sessions import SessionRecord
from ..data.tokens import TokenRecord
from ..errors import ContractError, bad_request
from ..faults.catalogue import ActiveFault, ApiCall
from ..faults.fault_middleware import inject_faults
from ..request_context import context_of, services_of
from ..responses import handle_contract_error
from ..scripted_replies.reply_spec import ReplyError
from ..scripted_replies.scripted_reply import ReplyRequest, ScriptedReply, build_reply
from ..services import Services

_HEADER = REPLY.lower().encode()
_NAME_OF_HEADER = "header"


def find_reply(
    request: Request, services: Services, token: TokenRecord, session: SessionRecord, message: str
) -> ScriptedReply | None:
    """Return the reply of a request, named in the journal; None if the agent answers.

    400 for a header that is no reply. Nearly every server has no replies, so that is fast.
    """
    reply = _from_header(request, services)
    if reply is None and services.replies.registered:
        reply = services.replies.take(
            ReplyRequest(
                message,
                token.client_id,
                session.id,
                session.language,
                lambda: services.turns.next_number(session.id),
            )
        )
    if reply is not None:
        context_of(request.scope).annotations.reply = reply.name
    return reply


def _from_header(request: Request, services: Services) -> ScriptedReply | None:
    value = next((value for name, value in request.scope["headers"] if name == _HEADER), None)
    # Without the control API no request may ask for a reply.
    if value is None or not services.settings.control:
        return None
    wanted = services.settings.control_token
    if wanted and not compare_digest(
        request.headers.get(CONTROL_TOKEN, "").encode(), wanted.encode()
    ):
        raise bad_request(f"header {REPLY}: this server wants the header {CONTROL_TOKEN} with it")
    try:
        return build_reply(decode_json(value, type=dict[str, Any]), _NAME_OF_HEADER)
    except (msgspec.MsgspecError, RecursionError) as error:
        raise bad_request(f"header {REPLY}: is not a JSON object: {error}") from error
    except ReplyError as error:
        raise bad_request(f"header {REPLY}: {error}") from error


class FaultyStream(Response):
    """The response to a request whose reply has a fault; a fault that refuses starts no turn."""

    def __init__(
        self,
        request: Request,
        faults: tuple[ActiveFault, ...],
        token: TokenRecord,
        session_id: str,
        start: Callable[[], Response],
    ) -> None:
        super().__init__()
        self._request = request
        self._start = start
        context_of(request.scope).faults += faults
        call = ApiCall("chat", token=token, client_id=token.client_id, session=session_id)
        self._respond = inject_faults(self._play, call, faults, services_of(request).context)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        await self._respond(scope, receive, send)

    async def _play(self, scope: Scope, receive: Receive, send: Send) -> None:
        try:
            response = self._start()
        except ContractError as error:
            response = await handle_contract_error(self._request, error)
        await response(scope, receive, send)
