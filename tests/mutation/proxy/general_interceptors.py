"""Breaks of sections 1 to 3: envelopes, refusals, tokens, sessions."""

from typing import Any

from .intercepting_proxy import Forward, ObservedTraffic
from .proxy_messages import InterceptedRequest, InterceptedResponse, error_response
from .proxy_mutant import endpoint_of, on_failure, proxy_mutant, session_of

ATTRIBUTION = ("X-Skill-Source", "X-Skill-Version", "X-Skill-Platform")
DAY = 86_400.0


def _is_envelope(value: Any) -> bool:
    return isinstance(value, dict) and "code" in value


@proxy_mutant("GEN-1", hurts="*")
async def code_missing(
    asked: InterceptedRequest, go: Forward, _: ObservedTraffic
) -> InterceptedResponse:
    """Envelopes of a success have no code."""
    reply = await go(asked)
    if _is_envelope(value := reply.json) and value.pop("code") == 0:
        return reply.set_json(value)
    return reply


@proxy_mutant("GEN-1", hurts="*")
async def code_as_text(
    asked: InterceptedRequest, go: Forward, _: ObservedTraffic
) -> InterceptedResponse:
    """The code of a success is the text "0"."""
    reply = await go(asked)
    return reply.set_json({**reply.json, "code": "0"}) if reply.code == 0 else reply


@proxy_mutant("GEN-1", hurts="CRD SSE-7 REN-3")
async def data_unwrapped(
    asked: InterceptedRequest, go: Forward, _: ObservedTraffic
) -> InterceptedResponse:
    """The balance stands at top level, without the envelope."""
    reply = await go(asked)
    if endpoint_of(asked) == "balance" and reply.code == 0:
        return reply.set_json(reply.json["data"])
    return reply


@proxy_mutant("GEN-1")
async def failure_without_data(
    asked: InterceptedRequest, go: Forward, _: ObservedTraffic
) -> InterceptedResponse:
    """A failure has no member data."""
    reply = await go(asked)
    if reply.code:
        return reply.set_json({k: v for k, v in reply.json.items() if k != "data"})
    return reply


@proxy_mutant("GEN-1", hurts="GEN-6 REN-6 UPL-3 UPL-6 CRD-4 REN-9 REN-2")
async def failure_without_message(
    asked: InterceptedRequest, go: Forward, _: ObservedTraffic
) -> InterceptedResponse:
    """A failure has `msg` where `message` belongs."""
    reply = await go(asked)
    if reply.code:
        value = reply.json
        return reply.set_json({"msg": value.pop("message", ""), **value})
    return reply


def _with_status(reply: InterceptedResponse, status: int) -> InterceptedResponse:
    reply.status = status
    return reply


@proxy_mutant("GEN-2", hurts="GEN-3")
@on_failure(1001)
def token_refusal_is_403(reply: InterceptedResponse) -> InterceptedResponse:
    """1001 comes with HTTP 403."""
    return _with_status(reply, 403)


@proxy_mutant("GEN-2", hurts="SES-3")
@on_failure(1002, "state")
def session_refusal_is_404_on_state(reply: InterceptedResponse) -> InterceptedResponse:
    """1002 comes with HTTP 404 where the state is read, and nowhere else."""
    return _with_status(reply, 404)


@proxy_mutant("GEN-2", "AUTH-3")
@on_failure(429)
def too_many_is_200(reply: InterceptedResponse) -> InterceptedResponse:
    """The 429 of the token call comes with HTTP 200."""
    return _with_status(reply, 200)


@proxy_mutant("GEN-2", "REN-2")
@on_failure(402)
def payment_is_200(reply: InterceptedResponse) -> InterceptedResponse:
    """The 402 of the export comes with HTTP 200."""
    return _with_status(reply, 200)


@proxy_mutant("GEN-2", hurts="UPL-3")
@on_failure(4001)
def media_refusal_is_415(reply: InterceptedResponse) -> InterceptedResponse:
    """4001 comes with HTTP 415 while 1001 comes with 200."""
    return _with_status(reply, 415)


@proxy_mutant("GEN-3")
async def no_bearer_needed_for_credits(
    asked: InterceptedRequest, go: Forward, seen: ObservedTraffic
) -> InterceptedResponse:
    """Credits without Authorization are those of the last token."""
    if endpoint_of(asked) == "balance" and "Authorization" not in asked.headers and seen.tokens:
        asked.set_token(seen.tokens[-1])
    return await go(asked)


@proxy_mutant("GEN-3")
async def any_scheme_is_bearer(
    asked: InterceptedRequest, go: Forward, _: ObservedTraffic
) -> InterceptedResponse:
    """`Authorization: Basic <token>` counts like Bearer."""
    scheme, _, token = asked.headers.get("Authorization", "").partition(" ")
    return await go(asked.set_token(token) if scheme and token else asked)


@proxy_mutant("GEN-3")
async def bare_token_is_bearer(
    asked: InterceptedRequest, go: Forward, _: ObservedTraffic
) -> InterceptedResponse:
    """`Authorization: <token>` without a scheme counts."""
    given = asked.headers.get("Authorization", "")
    return await go(asked.set_token(given) if given.startswith("nmv_") else asked)


@proxy_mutant("GEN-3", "AUTH-7")
async def claim_token_is_bearer(
    asked: InterceptedRequest, go: Forward, seen: ObservedTraffic
) -> InterceptedResponse:
    """A claim token opens what its owner's token opens."""
    if asked.token in seen.memory:
        asked.set_token(seen.memory[asked.token])
    owner, reply = asked.token, await go(asked)
    if endpoint_of(asked) == "claim_token" and reply.code == 0:
        seen.memory[reply.json["data"]["claim_token"]] = owner
    return reply


@proxy_mutant("GEN-3", hurts="GEN-7 SES-3")
async def unknown_token_reads_state(
    asked: InterceptedRequest, go: Forward, seen: ObservedTraffic
) -> InterceptedResponse:
    """An unknown token is taken for that of the session's owner where the state is read."""
    owner = seen.sessions.get(session_of(asked))
    if endpoint_of(asked) == "state" and owner and asked.token and asked.token not in seen.tokens:
        asked.set_token(owner)
    return await go(asked)


@proxy_mutant("GEN-3", "REN-8")
async def no_bearer_for_render_status(
    asked: InterceptedRequest, go: Forward, seen: ObservedTraffic
) -> InterceptedResponse:
    """The status of a render needs no Authorization."""
    owner = seen.renders.get(asked.path.split("/")[-1])
    if endpoint_of(asked) == "render_status" and owner and not asked.token:
        asked.set_token(owner)
    return await go(asked)


@proxy_mutant("GEN-3")
async def no_bearer_for_upload(
    asked: InterceptedRequest, go: Forward, seen: ObservedTraffic
) -> InterceptedResponse:
    """An upload without Authorization is taken for the owner's of the session."""
    owner = seen.sessions.get(session_of(asked))
    if endpoint_of(asked) == "upload" and owner and not asked.token:
        asked.set_token(owner)
    return await go(asked)


@proxy_mutant("GEN-4")
async def credits_need_attribution(
    asked: InterceptedRequest, go: Forward, _: ObservedTraffic
) -> InterceptedResponse:
    """Credits without the attribution headers are refused with 402."""
    if endpoint_of(asked) == "balance" and not all(name in asked.headers for name in ATTRIBUTION):
        return error_response(402, "attribution is missing", 402)
    return await go(asked)


@proxy_mutant("GEN-4")
async def session_needs_attribution(
    asked: InterceptedRequest, go: Forward, _: ObservedTraffic
) -> InterceptedResponse:
    """Sessions without X-Skill-Version are refused with 400."""
    if endpoint_of(asked) == "session" and "X-Skill-Version" not in asked.headers:
        return error_response(400, "X-Skill-Version is missing", 400)
    return await go(asked)


@proxy_mutant("GEN-5")
async def token_in_query_is_fine(
    asked: InterceptedRequest, go: Forward, _: ObservedTraffic
) -> InterceptedResponse:
    """A token in the query is dropped, and the request answered."""
    if "nmv_" in asked.query:
        asked.query = ""
    return await go(asked)


@proxy_mutant("GEN-5")
async def token_in_path_is_fine(
    asked: InterceptedRequest, go: Forward, _: ObservedTraffic
) -> InterceptedResponse:
    """A token in the path stands for `me`."""
    words = ["me" if word.startswith("nmv_") else word for word in asked.path.split("/")]
    return await go(asked.set_path("/".join(words)))


@proxy_mutant("GEN-6")
async def unknown_path_is_html(
    asked: InterceptedRequest, go: Forward, _: ObservedTraffic
) -> InterceptedResponse:
    """Unknown paths are answered with 404 and a page of HTML."""
    reply = await go(asked)
    if reply.status == 404 and reply.code:
        reply.headers["Content-Type"], reply.body = "text/html", b"<h1>Not found</h1>"
    return reply


@proxy_mutant("GEN-6")
async def wrong_method_without_allow(
    asked: InterceptedRequest, go: Forward, _: ObservedTraffic
) -> InterceptedResponse:
    """405 comes without Allow."""
    reply = await go(asked)
    reply.headers.pop("Allow", None)
    return reply


@proxy_mutant("GEN-6", hurts="REN-9 REN-6")
@on_failure(400)
def bad_body_unnamed(reply: InterceptedResponse) -> InterceptedResponse:
    """What a request lacks is refused without its name."""
    return reply.set_json({**reply.json, "message": "Bad request"})


@proxy_mutant("GEN-6")
async def no_json_is_500(
    asked: InterceptedRequest, go: Forward, _: ObservedTraffic
) -> InterceptedResponse:
    """A body that is no JSON is answered with HTTP 500."""
    reply = await go(asked)
    if reply.code == 400 and asked.body and asked.json == {} and asked.body.strip() != b"{}":
        return error_response(500, "internal error", 500)
    return reply


def _user_at(asked: InterceptedRequest) -> int | None:
    return {"session": 3, "upload": 4, "state": 4}.get(endpoint_of(asked))


@proxy_mutant("GEN-7")
async def own_id_unknown(
    asked: InterceptedRequest, go: Forward, seen: ObservedTraffic
) -> InterceptedResponse:
    """The caller's own user_id in a path is refused with 1002."""
    at = _user_at(asked)
    if at is not None and asked.path.split("/")[at] == seen.users.get(asked.token):
        return error_response(1002, "no such user")
    return await go(asked)


@proxy_mutant("GEN-7")
async def other_id_is_me(
    asked: InterceptedRequest, go: Forward, _: ObservedTraffic
) -> InterceptedResponse:
    """Somebody else's user_id in a path is read as me."""
    if (at := _user_at(asked)) is not None:
        words = asked.path.split("/")
        words[at] = "me"
        asked.set_path("/".join(words))
    return await go(asked)


@proxy_mutant("GEN-7", hurts="SES-3")
async def foreign_token_learns_of_session(
    asked: InterceptedRequest, go: Forward, seen: ObservedTraffic
) -> InterceptedResponse:
    """1002 for somebody else's session says that it belongs to another user."""
    reply = await go(asked)
    if reply.code == 1002 and session_of(asked) in seen.sessions:
        return error_response(1002, "This session belongs to another user.")
    return reply


@proxy_mutant("GEN-7", "SES-3")
async def foreign_token_learns_by_code(
    asked: InterceptedRequest, go: Forward, seen: ObservedTraffic
) -> InterceptedResponse:
    """Somebody else's session is refused with 1001, an unknown one with 1002."""
    reply = await go(asked)
    if reply.code == 1002 and session_of(asked) in seen.sessions:
        return error_response(1001, "not your session")
    return reply
