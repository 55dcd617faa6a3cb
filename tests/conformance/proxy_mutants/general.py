"""Breaks of sections 1 to 3: envelopes, refusals, tokens, sessions."""

from typing import Any

from .breaks import breaks, endpoint, on_failure, session_of
from .messages import Asked, Reply, refuse
from .proxy import Go, Seen

ATTRIBUTION = ("X-Skill-Source", "X-Skill-Version", "X-Skill-Platform")
DAY = 86_400.0


def _is_envelope(value: Any) -> bool:
    return isinstance(value, dict) and "code" in value


@breaks("GEN-1", hurts="*")
async def code_missing(asked: Asked, go: Go, _: Seen) -> Reply:
    """Envelopes of a success have no code."""
    reply = await go(asked)
    if _is_envelope(value := reply.json) and value.pop("code") == 0:
        return reply.saying(value)
    return reply


@breaks("GEN-1", hurts="*")
async def code_as_text(asked: Asked, go: Go, _: Seen) -> Reply:
    """The code of a success is the text "0"."""
    reply = await go(asked)
    return reply.saying({**reply.json, "code": "0"}) if reply.code == 0 else reply


@breaks("GEN-1", hurts="CRD SSE-7 REN-3")
async def data_unwrapped(asked: Asked, go: Go, _: Seen) -> Reply:
    """The balance stands at top level, without the envelope."""
    reply = await go(asked)
    if endpoint(asked) == "balance" and reply.code == 0:
        return reply.saying(reply.json["data"])
    return reply


@breaks("GEN-1")
async def failure_without_data(asked: Asked, go: Go, _: Seen) -> Reply:
    """A failure has no member data."""
    reply = await go(asked)
    if reply.code:
        return reply.saying({k: v for k, v in reply.json.items() if k != "data"})
    return reply


@breaks("GEN-1", hurts="GEN-6 REN-6 UPL-3 UPL-6 CRD-4 REN-9 REN-2")
async def failure_without_message(asked: Asked, go: Go, _: Seen) -> Reply:
    """A failure has `msg` where `message` belongs."""
    reply = await go(asked)
    if reply.code:
        value = reply.json
        return reply.saying({"msg": value.pop("message", ""), **value})
    return reply


def _with_status(reply: Reply, status: int) -> Reply:
    reply.status = status
    return reply


@breaks("GEN-2", hurts="GEN-3")
@on_failure(1001)
def token_refusal_is_403(reply: Reply) -> Reply:
    """1001 comes with HTTP 403."""
    return _with_status(reply, 403)


@breaks("GEN-2", hurts="SES-3")
@on_failure(1002, "state")
def session_refusal_is_404_on_state(reply: Reply) -> Reply:
    """1002 comes with HTTP 404 where the state is read, and nowhere else."""
    return _with_status(reply, 404)


@breaks("GEN-2", "AUTH-3")
@on_failure(429)
def too_many_is_200(reply: Reply) -> Reply:
    """The 429 of the token call comes with HTTP 200."""
    return _with_status(reply, 200)


@breaks("GEN-2", "REN-2")
@on_failure(402)
def payment_is_200(reply: Reply) -> Reply:
    """The 402 of the export comes with HTTP 200."""
    return _with_status(reply, 200)


@breaks("GEN-2", hurts="UPL-3")
@on_failure(4001)
def media_refusal_is_415(reply: Reply) -> Reply:
    """4001 comes with HTTP 415 while 1001 comes with 200."""
    return _with_status(reply, 415)


@breaks("GEN-3")
async def no_bearer_needed_for_credits(asked: Asked, go: Go, seen: Seen) -> Reply:
    """Credits without Authorization are those of the last token."""
    if endpoint(asked) == "balance" and "Authorization" not in asked.headers and seen.tokens:
        asked.by(seen.tokens[-1])
    return await go(asked)


@breaks("GEN-3")
async def any_scheme_is_bearer(asked: Asked, go: Go, _: Seen) -> Reply:
    """`Authorization: Basic <token>` counts like Bearer."""
    scheme, _, token = asked.headers.get("Authorization", "").partition(" ")
    return await go(asked.by(token) if scheme and token else asked)


@breaks("GEN-3")
async def bare_token_is_bearer(asked: Asked, go: Go, _: Seen) -> Reply:
    """`Authorization: <token>` without a scheme counts."""
    given = asked.headers.get("Authorization", "")
    return await go(asked.by(given) if given.startswith("nmv_") else asked)


@breaks("GEN-3", "AUTH-7")
async def claim_token_is_bearer(asked: Asked, go: Go, seen: Seen) -> Reply:
    """A claim token opens what its owner's token opens."""
    if asked.token in seen.own:
        asked.by(seen.own[asked.token])
    owner, reply = asked.token, await go(asked)
    if endpoint(asked) == "claim_token" and reply.code == 0:
        seen.own[reply.json["data"]["claim_token"]] = owner
    return reply


@breaks("GEN-3", hurts="GEN-7 SES-3")
async def unknown_token_reads_state(asked: Asked, go: Go, seen: Seen) -> Reply:
    """An unknown token is taken for that of the session's owner where the state is read."""
    owner = seen.sessions.get(session_of(asked))
    if endpoint(asked) == "state" and owner and asked.token and asked.token not in seen.tokens:
        asked.by(owner)
    return await go(asked)


@breaks("GEN-3", "REN-8")
async def no_bearer_for_render_status(asked: Asked, go: Go, seen: Seen) -> Reply:
    """The status of a render needs no Authorization."""
    owner = seen.renders.get(asked.path.split("/")[-1])
    if endpoint(asked) == "render_status" and owner and not asked.token:
        asked.by(owner)
    return await go(asked)


@breaks("GEN-3")
async def no_bearer_for_upload(asked: Asked, go: Go, seen: Seen) -> Reply:
    """An upload without Authorization is taken for the owner's of the session."""
    owner = seen.sessions.get(session_of(asked))
    if endpoint(asked) == "upload" and owner and not asked.token:
        asked.by(owner)
    return await go(asked)


@breaks("GEN-4")
async def credits_need_attribution(asked: Asked, go: Go, _: Seen) -> Reply:
    """Credits without the attribution headers are refused with 402."""
    if endpoint(asked) == "balance" and not all(name in asked.headers for name in ATTRIBUTION):
        return refuse(402, "attribution is missing", 402)
    return await go(asked)


@breaks("GEN-4")
async def session_needs_attribution(asked: Asked, go: Go, _: Seen) -> Reply:
    """Sessions without X-Skill-Version are refused with 400."""
    if endpoint(asked) == "session" and "X-Skill-Version" not in asked.headers:
        return refuse(400, "X-Skill-Version is missing", 400)
    return await go(asked)


@breaks("GEN-5")
async def token_in_query_is_fine(asked: Asked, go: Go, _: Seen) -> Reply:
    """A token in the query is dropped, and the request answered."""
    if "nmv_" in asked.query:
        asked.query = ""
    return await go(asked)


@breaks("GEN-5")
async def token_in_path_is_fine(asked: Asked, go: Go, _: Seen) -> Reply:
    """A token in the path stands for `me`."""
    words = ["me" if word.startswith("nmv_") else word for word in asked.path.split("/")]
    return await go(asked.at("/".join(words)))


@breaks("GEN-6")
async def unknown_path_is_html(asked: Asked, go: Go, _: Seen) -> Reply:
    """Unknown paths are answered with 404 and a page of HTML."""
    reply = await go(asked)
    if reply.status == 404 and reply.code:
        reply.headers["Content-Type"], reply.body = "text/html", b"<h1>Not found</h1>"
    return reply


@breaks("GEN-6")
async def wrong_method_without_allow(asked: Asked, go: Go, _: Seen) -> Reply:
    """405 comes without Allow."""
    reply = await go(asked)
    reply.headers.pop("Allow", None)
    return reply


@breaks("GEN-6", hurts="REN-9 REN-6")
@on_failure(400)
def bad_body_unnamed(reply: Reply) -> Reply:
    """What a request lacks is refused without its name."""
    return reply.saying({**reply.json, "message": "Bad request"})


@breaks("GEN-6")
async def no_json_is_500(asked: Asked, go: Go, _: Seen) -> Reply:
    """A body that is no JSON is answered with HTTP 500."""
    reply = await go(asked)
    if reply.code == 400 and asked.body and asked.json == {} and asked.body.strip() != b"{}":
        return refuse(500, "internal error", 500)
    return reply


def _user_at(asked: Asked) -> int | None:
    return {"session": 3, "upload": 4, "state": 4}.get(endpoint(asked))


@breaks("GEN-7")
async def own_id_unknown(asked: Asked, go: Go, seen: Seen) -> Reply:
    """The caller's own user_id in a path is refused with 1002."""
    at = _user_at(asked)
    if at is not None and asked.path.split("/")[at] == seen.users.get(asked.token):
        return refuse(1002, "no such user")
    return await go(asked)


@breaks("GEN-7")
async def other_id_is_me(asked: Asked, go: Go, _: Seen) -> Reply:
    """Somebody else's user_id in a path is read as me."""
    if (at := _user_at(asked)) is not None:
        words = asked.path.split("/")
        words[at] = "me"
        asked.at("/".join(words))
    return await go(asked)


@breaks("GEN-7", hurts="SES-3")
async def foreign_token_learns_of_session(asked: Asked, go: Go, seen: Seen) -> Reply:
    """1002 for somebody else's session says that it belongs to another user."""
    reply = await go(asked)
    if reply.code == 1002 and session_of(asked) in seen.sessions:
        return refuse(1002, "This session belongs to another user.")
    return reply


@breaks("GEN-7", "SES-3")
async def foreign_token_learns_by_code(asked: Asked, go: Go, seen: Seen) -> Reply:
    """Somebody else's session is refused with 1001, an unknown one with 1002."""
    reply = await go(asked)
    if reply.code == 1002 and session_of(asked) in seen.sessions:
        return refuse(1001, "not your session")
    return reply
