"""Proxy mutants of sections 2 and 3: tokens and sessions."""

import re
from datetime import datetime, timedelta
from typing import Any

from .intercepting_proxy import Forward, ObservedTraffic
from .proxy_messages import InterceptedRequest, InterceptedResponse, error_response, json_response
from .proxy_mutant import (
    endpoint_of,
    on_failure,
    on_json,
    proxy_mutant,
    session_of,
    stream_response,
    text_frame,
)

DAY = 86_400.0
_UUID = re.compile(r"[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}")


@proxy_mutant("AUTH-1", also_affects="GEN-5")
async def token_prefix(
    request: InterceptedRequest, forward: Forward, _: ObservedTraffic
) -> InterceptedResponse:
    """Tokens begin with `nmv_tmp_`."""
    if given := request.headers.get("Authorization"):
        request.headers["Authorization"] = given.replace("nmv_tmp_", "nmv_usr_")
    reply = await forward(request)
    if endpoint_of(request) == "token":
        reply.body = reply.body.replace(b"nmv_usr_", b"nmv_tmp_")
    return reply


@proxy_mutant("AUTH-1")
@on_json("token")
def credits_99(data: Any) -> None:
    """The token call says 99 credits."""
    data["credits"] = 99


@proxy_mutant("AUTH-1", also_affects="SES-1 STA-1 GEN-7 CRD-4 SES-4")
@on_json("token")
def user_id_prefix(data: Any) -> None:
    """The user_id of the token call does not begin with `anon_`."""
    data["user_id"] = data["user_id"].removeprefix("anon_")


@proxy_mutant("AUTH-1", also_affects="AUTH-5")
@on_json("token")
def expires_in_eight_days(data: Any) -> None:
    """expires_at is a day late."""
    late = datetime.fromisoformat(data["expires_at"].replace("Z", "+00:00")) + timedelta(days=1)
    data["expires_at"] = late.isoformat().replace("+00:00", "Z")


@proxy_mutant("AUTH-1", also_affects="AUTH-5")
@on_json("token")
def expires_as_number(data: Any) -> None:
    """expires_at is in seconds since 1970."""
    data["expires_at"] = datetime.fromisoformat(
        data["expires_at"].replace("Z", "+00:00")
    ).timestamp()


@proxy_mutant("AUTH-1", also_affects="AUTH-5")
@on_json("token")
def expires_without_zone(data: Any) -> None:
    """expires_at has no zone."""
    data["expires_at"] = data["expires_at"].removesuffix("Z").removesuffix("+00:00")


@proxy_mutant("AUTH-1")
async def client_id_must_be_uuid(
    request: InterceptedRequest, forward: Forward, _: ObservedTraffic
) -> InterceptedResponse:
    """A client id that is no UUID is refused with 400."""
    given = request.headers.get("X-Client-Id")
    if endpoint_of(request) == "token" and given and not _UUID.fullmatch(given):
        return error_response(400, "X-Client-Id is no UUID", 400)
    return await forward(request)


@proxy_mutant("AUTH-1")
async def client_id_of_64_refused(
    request: InterceptedRequest, forward: Forward, _: ObservedTraffic
) -> InterceptedResponse:
    """A client id of 64 characters is refused."""
    if endpoint_of(request) == "token" and len(request.headers.get("X-Client-Id", "")) == 64:
        return error_response(400, "X-Client-Id is too long", 400)
    return await forward(request)


@proxy_mutant("AUTH-1", also_affects="*")
async def token_needs_body(
    request: InterceptedRequest, forward: Forward, _: ObservedTraffic
) -> InterceptedResponse:
    """The token call without a body is refused with 400."""
    if endpoint_of(request) == "token" and not request.body:
        return error_response(400, "a body is needed", 400)
    return await forward(request)


@proxy_mutant("AUTH-2")
async def no_client_id_is_fine(
    request: InterceptedRequest, forward: Forward, observed: ObservedTraffic
) -> InterceptedResponse:
    """The token call without X-Client-Id makes a token."""
    if endpoint_of(request) == "token" and "X-Client-Id" not in request.headers:
        request.headers["X-Client-Id"] = f"nobody-{len(observed.tokens)}"
    return await forward(request)


@proxy_mutant("AUTH-2")
async def empty_client_id_is_fine(
    request: InterceptedRequest, forward: Forward, observed: ObservedTraffic
) -> InterceptedResponse:
    """An empty X-Client-Id makes a token."""
    if endpoint_of(request) == "token" and request.headers.get("X-Client-Id") == "":
        request.headers["X-Client-Id"] = f"nobody-{len(observed.tokens)}"
    return await forward(request)


@proxy_mutant("AUTH-3", also_affects="GEN-2 AUTH-5 AUTH-1")
async def same_token_again(
    request: InterceptedRequest, forward: Forward, observed: ObservedTraffic
) -> InterceptedResponse:
    """The second token call of a client id gets the first token again."""
    reply, client = await forward(request), request.headers.get("X-Client-Id", "")
    if endpoint_of(request) == "token" and reply.code == 0:
        observed.memory[client] = reply.json
    return (
        json_response(observed.memory[client])
        if reply.code == 429 and client in observed.memory
        else reply
    )


@proxy_mutant("AUTH-3")
async def no_retry_after(
    request: InterceptedRequest, forward: Forward, _: ObservedTraffic
) -> InterceptedResponse:
    """429 comes without Retry-After."""
    reply = await forward(request)
    reply.headers.pop("Retry-After", None)
    return reply


@proxy_mutant("AUTH-5", also_affects="AUTH-3")
async def never_a_token_again(
    request: InterceptedRequest, forward: Forward, observed: ObservedTraffic
) -> InterceptedResponse:
    """After seven days the same client id is still refused with 429."""
    client = request.headers.get("X-Client-Id", "")
    if endpoint_of(request) == "token" and client in observed.memory:
        reply = error_response(429, "one token a week", 429)
        reply.headers["Retry-After"] = "3600"
        return reply
    reply = await forward(request)
    if endpoint_of(request) == "token" and reply.code == 0:
        observed.memory[client] = True
    return reply


@proxy_mutant("AUTH-5", also_affects="*")
async def token_dies_early(
    request: InterceptedRequest, forward: Forward, observed: ObservedTraffic
) -> InterceptedResponse:
    """A token is refused with 1001 in the seventh of its seven days."""
    born = observed.memory.setdefault(request.token, observed.elapsed)
    if request.token and 6 * DAY <= observed.elapsed - born < 7 * DAY:
        return error_response(1001, "expired")
    reply = await forward(request)
    if endpoint_of(request) == "token" and reply.code == 0:
        observed.memory[reply.json["data"]["token"]] = observed.elapsed
    return reply


@proxy_mutant("AUTH-7")
@on_json("claim_token")
def claim_expires_in_an_hour(data: Any) -> None:
    """expires_in of a claim token is 3600."""
    data["expires_in"] = 3600


@proxy_mutant("AUTH-7")
async def claim_prefix(
    request: InterceptedRequest, forward: Forward, _: ObservedTraffic
) -> InterceptedResponse:
    """A claim token begins with `ct_`."""
    request.query = request.query.replace("ct=ct_", "ct=clm_")
    reply = await forward(request)
    if endpoint_of(request) == "claim_token":
        reply.body = reply.body.replace(b'"clm_', b'"ct_')
    return reply


@proxy_mutant("AUTH-7", "SES-3", "GEN-7")
async def claim_for_anybody(
    request: InterceptedRequest, forward: Forward, _: ObservedTraffic
) -> InterceptedResponse:
    """A claim token is given for any session."""
    reply = await forward(request)
    if endpoint_of(request) == "claim_token" and reply.code == 1002:
        data = {"claim_token": "clm_" + "a" * 32, "expires_in": 604_800}
        return json_response({"code": 0, "data": data})
    return reply


@proxy_mutant("AUTH-7")
async def claim_opens_once(
    request: InterceptedRequest, forward: Forward, observed: ObservedTraffic
) -> InterceptedResponse:
    """The claim page opens once, then it is not there."""
    if endpoint_of(request) == "claim_page":
        if request.query in observed.memory:
            return error_response(404, "used", 404)
        observed.memory[request.query] = True
    return await forward(request)


@proxy_mutant("SES-1", also_affects="GEN-7")
async def session_id_of_18_digits(
    request: InterceptedRequest, forward: Forward, observed: ObservedTraffic
) -> InterceptedResponse:
    """Session ids have 18 digits."""
    for short, full in observed.memory.items():
        request.path = request.path.replace(short, full)
        request.body = request.body and request.body.replace(short.encode(), full.encode())
    reply = await forward(request)
    if endpoint_of(request) == "session" and reply.code == 0:
        full = reply.json["data"]["session_id"]
        observed.memory[full[:-1]] = full
    for short, full in observed.memory.items():
        reply.body = reply.body.replace(full.encode(), short.encode())
    return reply


@proxy_mutant("SES-1", also_affects="*")
@on_json("session")
def session_id_as_number(data: Any) -> None:
    """The session id is a number."""
    data["session_id"] = int(data["session_id"])


@proxy_mutant("SES-1", also_affects="AUTH-7")
@on_json("session")
def session_without_task(data: Any) -> None:
    """The reply of a new session has no task_id."""
    del data["task_id"]


@proxy_mutant("SES-1", also_affects="STA-1")
@on_json("session")
def session_of_another_user(data: Any) -> None:
    """The user_id of a new session is not that of its token."""
    data["user_id"] = data["user_id"][:-1] + "~"


@proxy_mutant("SES-1", also_affects="GEN-6")
async def language_required(
    request: InterceptedRequest, forward: Forward, _: ObservedTraffic
) -> InterceptedResponse:
    """A session without language is refused."""
    if endpoint_of(request) == "session" and "language" not in request.json:
        return error_response(400, "language is missing", 400)
    return await forward(request)


@proxy_mutant("SES-2", also_affects="*")
async def session_bound_to_connection(
    request: InterceptedRequest, forward: Forward, observed: ObservedTraffic
) -> InterceptedResponse:
    """A session is unknown on every connection but the one that made it."""
    if observed.memory.get(session_of(request), request.client_port) != request.client_port:
        return error_response(1002, "no such session")
    reply = await forward(request)
    if endpoint_of(request) == "session" and reply.code == 0:
        observed.memory[reply.json["data"]["session_id"]] = request.client_port
    return reply


@proxy_mutant("SES-3", also_affects="GEN-7 STA-1")
@on_failure(1002, "state")
def unknown_session_has_state(_: InterceptedResponse) -> InterceptedResponse:
    """The state of an unknown session is an empty one."""
    state = {"draft": {"t": [], "d": 0, "m": {}}, "video_infos": [], "generated_media": []}
    state["canvas_config"] = {"width": 1080, "height": 1920, "ratio": "9:16"}
    about = {"session_id": "1" * 19, "task_id": "1", "task_name": "project", "user_id": "anon_1"}
    return json_response({"code": 0, "data": {**about, "state": state}})


@proxy_mutant("SES-3", also_affects="GEN-7 SSE-2")
@on_failure(1002, "chat")
def unknown_session_chats(_: InterceptedResponse) -> InterceptedResponse:
    """A message to an unknown session gets a stream that is sorry."""
    return stream_response(text_frame("Sorry, I do not know this session."))


@proxy_mutant("SES-3", also_affects="GEN-7")
@on_failure(1002, "render")
def unknown_session_exports(_: InterceptedResponse) -> InterceptedResponse:
    """The export of an unknown session is refused with 400."""
    return error_response(400, "sessionId is unknown", 400)


@proxy_mutant("SES-3", also_affects="GEN-7")
@on_failure(1002, "claim_token")
def unknown_session_claims(_: InterceptedResponse) -> InterceptedResponse:
    """A claim token for an unknown session is refused with 400."""
    return error_response(400, "session_id is unknown", 400)
