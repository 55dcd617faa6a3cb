"""Servers that break section 1: envelopes, failures, bearer tokens, attribution."""

import msgspec

from nemolocal_contract.codes import Code
from nemolocal_contract.envelope import failure

from ..mutant import replies, requests
from ..wire import Answered, Asked, Memory

_JSON = {"content-type": "application/json"}


@replies("general.no-code", "GEN-1", kills="general.envelope.success")
def no_code(asked: Asked, answered: Answered, _memory: Memory) -> Answered | None:
    """A balance comes without its envelope."""
    if asked.endpoint != "balance" or answered.code != 0:
        return None
    return answered.saying({"data": answered.json["data"]})


@replies("general.message-missing", "GEN-1", kills="general.envelope.failure")
def message_missing(_asked: Asked, answered: Answered, _memory: Memory) -> Answered | None:
    """A 1002 has no message."""
    if answered.code != Code.SESSION_NOT_FOUND:
        return None
    return answered.saying({"code": 1002, "data": None})


@replies("general.data-not-null", "GEN-1", kills="general.envelope.failure")
def data_not_null(_asked: Asked, answered: Answered, _memory: Memory) -> Answered | None:
    """The data of a failure is an empty object."""
    if answered.code in (0, None):
        return None
    return answered.saying({**answered.json, "data": {}})


@replies("general.text-plain", "GEN-1", kills="general.envelope.content-type")
def text_plain(asked: Asked, answered: Answered, _memory: Memory) -> Answered | None:
    """A balance is served as plain text."""
    return answered.headed(content_type="text/plain") if asked.endpoint == "balance" else None


@replies("general.status-1001", "GEN-2", kills="general.status.of-failures")
def status_of_1001(_asked: Asked, answered: Answered, _memory: Memory) -> Answered | None:
    """A 1001 has the HTTP status 403, which no style knows."""
    return answered.under(403) if answered.code == Code.BAD_TOKEN else None


@replies("general.status-2001", "GEN-2", kills="general.status.of-credits")
def status_of_2001(_asked: Asked, answered: Answered, _memory: Memory) -> Answered | None:
    """A 2001 has the HTTP status 403, which no style knows."""
    return answered.under(403) if answered.code == Code.NO_CREDITS else None


@replies("general.bearer-optional", "GEN-3", kills="general.bearer.missing credits.token")
def bearer_optional(asked: Asked, answered: Answered, _memory: Memory) -> Answered | None:
    """A balance is told to whoever sends no Authorization at all."""
    if asked.endpoint != "balance" or "authorization" in asked.headers:
        return None
    balance = {"available": 0, "frozen": 0, "total": 0}
    return answered.saying({"code": 0, "data": balance}, 200)


@requests("general.any-scheme", "GEN-3", kills="general.bearer.malformed")
def any_scheme(asked: Asked, _memory: Memory) -> Answered | None:
    """A balance is told for any Authorization that is not a bearer's."""
    header = asked.headers.get("authorization", "Bearer")
    if asked.endpoint != "balance" or header.startswith("Bearer"):
        return None
    return Answered(200, _JSON, b'{"code":0,"data":{"available":0,"frozen":0,"total":0}}')


@requests("general.any-token", "GEN-3", kills="general.bearer.unknown")
def any_token(asked: Asked, _memory: Memory) -> Answered | None:
    """A balance is told for a token that nobody was given."""
    if asked.endpoint != "balance" or "nobody" not in asked.headers.get("authorization", ""):
        return None
    return Answered(200, _JSON, b'{"code":0,"data":{"available":0,"frozen":0,"total":0}}')


@replies("general.chat-unguarded", "GEN-3", kills="general.bearer.chat")
def chat_unguarded(asked: Asked, answered: Answered, _memory: Memory) -> Answered | None:
    """A turn with an unknown token is 1002."""
    if asked.endpoint != "chat" or answered.code != Code.BAD_TOKEN:
        return None
    return answered.saying(failure(Code.SESSION_NOT_FOUND, "no such session"))


@replies("general.upload-unguarded", "GEN-3", kills="general.bearer.everywhere")
def upload_unguarded(asked: Asked, answered: Answered, _memory: Memory) -> Answered | None:
    """An upload with an unknown token is 1002."""
    if asked.endpoint != "upload" or answered.code != Code.BAD_TOKEN:
        return None
    return answered.saying(failure(Code.SESSION_NOT_FOUND, "no such session"))


@requests("general.attribution-due", "GEN-4", kills="general.attribution.optional")
def attribution_due(asked: Asked, _memory: Memory) -> Answered | None:
    """Every call without attribution is 402, not the export alone."""
    if asked.endpoint != "balance" or "x-skill-source" in asked.headers:
        return None
    return Answered(402, _JSON, b'{"code":402,"message":"attribution is missing","data":null}')


@requests("general.token-in-query", "GEN-5", kills="general.token-in-url.query")
def token_in_query(asked: Asked, _memory: Memory) -> Asked | None:
    """A token in the query is overlooked."""
    return msgspec.structs.replace(asked, query="") if "token" in asked.queried else None


@replies("general.token-in-path", "GEN-5", kills="general.token-in-url.path")
def token_in_path(asked: Asked, answered: Answered, _memory: Memory) -> Answered | None:
    """A token in the path is a session that is not found."""
    if "nmv_" not in asked.path:
        return None
    return answered.saying(failure(Code.SESSION_NOT_FOUND, "no such session"), 200)


@replies("general.unknown-path", "GEN-6", kills="general.path.unknown")
def unknown_path(_asked: Asked, answered: Answered, _memory: Memory) -> Answered | None:
    """An unknown path is answered with HTTP 200."""
    return answered.under(200) if answered.code == Code.NOT_FOUND else None


@replies("general.no-allow", "GEN-6", kills="general.method.wrong")
def no_allow(_asked: Asked, answered: Answered, _memory: Memory) -> Answered | None:
    """A 405 says nothing of what is allowed."""
    return answered.headed(allow=None) if answered.status == 405 else None


@replies("general.bad-json-500", "GEN-6", kills="general.body.not-json")
def bad_json_is_500(asked: Asked, answered: Answered, _memory: Memory) -> Answered | None:
    """A session body that is no JSON is HTTP 500."""
    broken = asked.endpoint == "session" and answered.status == 400
    return answered.under(500) if broken else None


@replies(
    "general.field-unnamed",
    "AUTH-2",
    "GEN-6",
    "SSE-1",
    kills="general.body.field-named chat.body.no-session chat.body.no-message",
)
def field_unnamed(asked: Asked, answered: Answered, _memory: Memory) -> Answered | None:
    """A 400 names no field, but for exports."""
    if answered.code != Code.BAD_REQUEST or asked.endpoint == "render":
        return None
    return answered.saying({**answered.json, "message": "Bad request"})


@replies("general.own-id-unknown", "GEN-7", kills="general.user.own-id")
def own_id_unknown(asked: Asked, answered: Answered, _memory: Memory) -> Answered | None:
    """A path with the caller's own user id is 1002."""
    if asked.endpoint != "state" or "/me/" in asked.path:
        return None
    return answered.saying(failure(Code.SESSION_NOT_FOUND, "no such session"), 200)


@requests("general.foreign-id", "GEN-7", kills="general.user.foreign-id")
def foreign_id(asked: Asked, _memory: Memory) -> Asked | None:
    """Any user id in a path stands for the caller."""
    parts = asked.path.split("/")
    if asked.endpoint != "state" or "somebody" not in asked.path:
        return None
    parts[parts.index("anon_somebody_else")] = "me"
    return msgspec.structs.replace(asked, path="/".join(parts))


@replies("general.hint", "GEN-7", kills="general.user.no-hint")
def hint(_asked: Asked, answered: Answered, _memory: Memory) -> Answered | None:
    """A 1002 for a session that is somebody's says so."""
    message = (answered.json or {}).get("message", "") if answered.code == 1002 else ""
    if not message or "1000000000000000000" in message:
        return None
    return answered.saying({**answered.json, "message": f"{message} (it is not yours)"})


@replies("general.mixed-styles", "GEN-2", kills="general.status.one-style")
def mixed_styles(asked: Asked, answered: Answered, _memory: Memory) -> Answered | None:
    """1002 has the HTTP status 404 where the state is read, and 200 elsewhere."""
    unknown = asked.endpoint == "state" and answered.code == Code.SESSION_NOT_FOUND
    return answered.under(404) if unknown else None


@replies("general.session-tells", "GEN-3", kills="general.bearer.held")
def session_tells(asked: Asked, answered: Answered, _memory: Memory) -> Answered | None:
    """The state of a session is told to whoever sends no Authorization."""
    if asked.endpoint != "state" or "authorization" in asked.headers:
        return None
    return answered.saying({"code": 0, "data": {"state": {"draft": {"t": []}}}}, 200)
