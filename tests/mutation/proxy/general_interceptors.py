"""Proxy mutants of sections 1 to 3: envelopes, errors, tokens, sessions."""

from typing import Any

from .intercepting_proxy import Forward, ObservedTraffic
from .proxy_messages import InterceptedRequest, InterceptedResponse, error_response
from .proxy_mutant import endpoint_of, on_failure, proxy_mutant, session_of

ATTRIBUTION = ("X-Skill-Source", "X-Skill-Version", "X-Skill-Platform")
DAY = 86_400.0


def _is_envelope(value: Any) -> bool:
    return isinstance(value, dict) and "code" in value


@proxy_mutant("GEN-1", also_affects="*")
async def code_missing(
    request: InterceptedRequest, forward: Forward, _: ObservedTraffic
) -> InterceptedResponse:
    """Envelopes of a success have no code."""
    reply = await forward(request)
    if _is_envelope(value := reply.json) and value.pop("code") == 0:
        return reply.set_json(value)
    return reply


@proxy_mutant("GEN-1", also_affects="*")
async def code_as_text(
    request: InterceptedRequest, forward: Forward, _: ObservedTraffic
) -> InterceptedResponse:
    """The code of a success is the text "0"."""
    reply = await forward(request)
    return reply.set_json({**reply.json, "code": "0"}) if reply.code == 0 else reply


@proxy_mutant("GEN-1", also_affects="CRD SSE-7 REN-3")
async def data_unwrapped(
    request: InterceptedRequest, forward: Forward, _: ObservedTraffic
) -> InterceptedResponse:
    """The balance stands at top level, without the envelope."""
    reply = await forward(request)
    if endpoint_of(request) == "balance" and reply.code == 0:
        return reply.set_json(reply.json["data"])
    return reply


@proxy_mutant("GEN-1")
async def failure_without_data(
    request: InterceptedRequest, forward: Forward, _: ObservedTraffic
) -> InterceptedResponse:
    """A failure has no member data."""
    reply = await forward(request)
    if reply.code:
        return reply.set_json({k: v for k, v in reply.json.items() if k != "data"})
    return reply


@proxy_mutant("GEN-1", also_affects="GEN-6 REN-6 UPL-3 UPL-6 CRD-4 REN-9 REN-2")
async def failure_without_message(
    request: InterceptedRequest, forward: Forward, _: ObservedTraffic
) -> InterceptedResponse:
    """A failure has `msg` where `message` belongs."""
    reply = await forward(request)
    if reply.code:
        value = reply.json
        return reply.set_json({"msg": value.pop("message", ""), **value})
    return reply


def _with_status(response: InterceptedResponse, status: int) -> InterceptedResponse:
    response.status = status
    return response


@proxy_mutant("GEN-2", also_affects="GEN-3")
@on_failure(1001)
def token_refusal_is_403(response: InterceptedResponse) -> InterceptedResponse:
    """1001 comes with HTTP 403."""
    return _with_status(response, 403)


@proxy_mutant("GEN-2", also_affects="SES-3")
@on_failure(1002, "state")
def session_refusal_is_404_on_state(response: InterceptedResponse) -> InterceptedResponse:
    """1002 comes with HTTP 404 where the state is read, and nowhere else."""
    return _with_status(response, 404)


@proxy_mutant("GEN-2", "AUTH-3")
@on_failure(429)
def too_many_is_200(response: InterceptedResponse) -> InterceptedResponse:
    """The 429 of the token call comes with HTTP 200."""
    return _with_status(response, 200)


@proxy_mutant("GEN-2", "REN-2")
@on_failure(402)
def payment_is_200(response: InterceptedResponse) -> InterceptedResponse:
    """The 402 of the export comes with HTTP 200."""
    return _with_status(response, 200)


@proxy_mutant("GEN-2", also_affects="UPL-3")
@on_failure(4001)
def media_refusal_is_415(response: InterceptedResponse) -> InterceptedResponse:
    """4001 comes with HTTP 415 while 1001 comes with 200."""
    return _with_status(response, 415)


@proxy_mutant("GEN-3")
async def no_bearer_needed_for_credits(
    request: InterceptedRequest, forward: Forward, observed: ObservedTraffic
) -> InterceptedResponse:
    """Credits without Authorization are those of the last token."""
    if (
        endpoint_of(request) == "balance"
        and "Authorization" not in request.headers
        and observed.tokens
    ):
        request.set_token(observed.tokens[-1])
    return await forward(request)


@proxy_mutant("GEN-3")
async def any_scheme_is_bearer(
    request: InterceptedRequest, forward: Forward, _: ObservedTraffic
) -> InterceptedResponse:
    """`Authorization: Basic <token>` counts like Bearer."""
    scheme, _, token = request.headers.get("Authorization", "").partition(" ")
    return await forward(request.set_token(token) if scheme and token else request)


@proxy_mutant("GEN-3")
async def bare_token_is_bearer(
    request: InterceptedRequest, forward: Forward, _: ObservedTraffic
) -> InterceptedResponse:
    """`Authorization: <token>` without a scheme counts."""
    given = request.headers.get("Authorization", "")
    return await forward(request.set_token(given) if given.startswith("nmv_") else request)


@proxy_mutant("GEN-3", "AUTH-7")
async def claim_token_is_bearer(
    request: InterceptedRequest, forward: Forward, observed: ObservedTraffic
) -> InterceptedResponse:
    """A claim token opens what its owner's token opens."""
    if request.token in observed.memory:
        request.set_token(observed.memory[request.token])
    owner, reply = request.token, await forward(request)
    if endpoint_of(request) == "claim_token" and reply.code == 0:
        observed.memory[reply.json["data"]["claim_token"]] = owner
    return reply


@proxy_mutant("GEN-3", also_affects="GEN-7 SES-3")
async def unknown_token_reads_state(
    request: InterceptedRequest, forward: Forward, observed: ObservedTraffic
) -> InterceptedResponse:
    """An unknown token is taken for that of the session's owner where the state is read."""
    owner = observed.sessions.get(session_of(request))
    if (
        endpoint_of(request) == "state"
        and owner
        and request.token
        and request.token not in observed.tokens
    ):
        request.set_token(owner)
    return await forward(request)


@proxy_mutant("GEN-3", "REN-8")
async def no_bearer_for_render_status(
    request: InterceptedRequest, forward: Forward, observed: ObservedTraffic
) -> InterceptedResponse:
    """The status of a render needs no Authorization."""
    owner = observed.renders.get(request.path.split("/")[-1])
    if endpoint_of(request) == "render_status" and owner and not request.token:
        request.set_token(owner)
    return await forward(request)


@proxy_mutant("GEN-3")
async def no_bearer_for_upload(
    request: InterceptedRequest, forward: Forward, observed: ObservedTraffic
) -> InterceptedResponse:
    """An upload without Authorization is taken for the owner's of the session."""
    owner = observed.sessions.get(session_of(request))
    if endpoint_of(request) == "upload" and owner and not request.token:
        request.set_token(owner)
    return await forward(request)


@proxy_mutant("GEN-4")
async def credits_need_attribution(
    request: InterceptedRequest, forward: Forward, _: ObservedTraffic
) -> InterceptedResponse:
    """Credits without the attribution headers are refused with 402."""
    if endpoint_of(request) == "balance" and not all(
        name in request.headers for name in ATTRIBUTION
    ):
        return error_response(402, "attribution is missing", 402)
    return await forward(request)


@proxy_mutant("GEN-4")
async def session_needs_attribution(
    request: InterceptedRequest, forward: Forward, _: ObservedTraffic
) -> InterceptedResponse:
    """Sessions without X-Skill-Version are refused with 400."""
    if endpoint_of(request) == "session" and "X-Skill-Version" not in request.headers:
        return error_response(400, "X-Skill-Version is missing", 400)
    return await forward(request)


@proxy_mutant("GEN-5")
async def token_in_query_is_fine(
    request: InterceptedRequest, forward: Forward, _: ObservedTraffic
) -> InterceptedResponse:
    """A token in the query is dropped, and the request answered."""
    if "nmv_" in request.query:
        request.query = ""
    return await forward(request)


@proxy_mutant("GEN-5")
async def token_in_path_is_fine(
    request: InterceptedRequest, forward: Forward, _: ObservedTraffic
) -> InterceptedResponse:
    """A token in the path stands for `me`."""
    words = ["me" if word.startswith("nmv_") else word for word in request.path.split("/")]
    return await forward(request.set_path("/".join(words)))


@proxy_mutant("GEN-6")
async def unknown_path_is_html(
    request: InterceptedRequest, forward: Forward, _: ObservedTraffic
) -> InterceptedResponse:
    """Unknown paths are answered with 404 and a page of HTML."""
    reply = await forward(request)
    if reply.status == 404 and reply.code:
        reply.headers["Content-Type"], reply.body = "text/html", b"<h1>Not found</h1>"
    return reply


@proxy_mutant("GEN-6")
async def wrong_method_without_allow(
    request: InterceptedRequest, forward: Forward, _: ObservedTraffic
) -> InterceptedResponse:
    """405 comes without Allow."""
    reply = await forward(request)
    reply.headers.pop("Allow", None)
    return reply


@proxy_mutant("GEN-6", also_affects="REN-9 REN-6")
@on_failure(400)
def bad_body_unnamed(response: InterceptedResponse) -> InterceptedResponse:
    """What a request lacks is refused without its name."""
    return response.set_json({**response.json, "message": "Bad request"})


@proxy_mutant("GEN-6")
async def no_json_is_500(
    request: InterceptedRequest, forward: Forward, _: ObservedTraffic
) -> InterceptedResponse:
    """A body that is no JSON is answered with HTTP 500."""
    reply = await forward(request)
    if reply.code == 400 and request.body and request.json == {} and request.body.strip() != b"{}":
        return error_response(500, "internal error", 500)
    return reply


def _user_at(request: InterceptedRequest) -> int | None:
    return {"session": 3, "upload": 4, "state": 4}.get(endpoint_of(request))


@proxy_mutant("GEN-7")
async def own_id_unknown(
    request: InterceptedRequest, forward: Forward, observed: ObservedTraffic
) -> InterceptedResponse:
    """The caller's own user_id in a path is refused with 1002."""
    at = _user_at(request)
    if at is not None and request.path.split("/")[at] == observed.users.get(request.token):
        return error_response(1002, "no such user")
    return await forward(request)


@proxy_mutant("GEN-7", also_affects="GEN-5")
async def other_id_is_me(
    request: InterceptedRequest, forward: Forward, _: ObservedTraffic
) -> InterceptedResponse:
    """Somebody else's user_id in a path is read as me."""
    if (at := _user_at(request)) is not None:
        words = request.path.split("/")
        words[at] = "me"
        request.set_path("/".join(words))
    return await forward(request)


@proxy_mutant("GEN-7", also_affects="SES-3")
async def foreign_token_learns_of_session(
    request: InterceptedRequest, forward: Forward, observed: ObservedTraffic
) -> InterceptedResponse:
    """1002 for somebody else's session says that it belongs to another user."""
    reply = await forward(request)
    if reply.code == 1002 and session_of(request) in observed.sessions:
        return error_response(1002, "This session belongs to another user.")
    return reply


@proxy_mutant("GEN-7", "SES-3")
async def foreign_token_learns_by_code(
    request: InterceptedRequest, forward: Forward, observed: ObservedTraffic
) -> InterceptedResponse:
    """Somebody else's session is refused with 1001, an unknown one with 1002."""
    reply = await forward(request)
    if reply.code == 1002 and session_of(request) in observed.sessions:
        return error_response(1001, "not your session")
    return reply
