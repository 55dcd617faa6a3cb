"""Server mutants of timing, and of what no response shows: lifetimes, durations, disconnects."""

from urllib.parse import urlencode

import msgspec

from nemolocal_contract.endpoints import AUTHORIZATION
from nemolocal_contract.responses import Balance
from nemolocal_server.data.ledger import Ledger
from nemolocal_server.data.tokens import TokenRecord, TokenScope
from nemolocal_server.turns.silent_turns import SilentTurnPolicy
from nemolocal_server.turns.turn_schedule import TurnTimes

from ..mutation_middleware import Memory, WireRequest, WireResponse
from ..server_mutant import patch_mutant, replace_public, request_mutant, response_mutant

_EMPTY = WireResponse(200, {"content-type": "text/event-stream"}, b"data:\n\n")
# Music and titles, which a generation adds by itself.
_ADDED = (1, 7)

_BALANCE = Ledger.balance


def _all_available(ledger: Ledger, token_id: int) -> Balance:
    balance = _BALANCE(ledger, token_id)
    return msgspec.structs.replace(balance, available=balance.total, frozen=0)


# A response hook would hold a stream to its end, when no credits are frozen any more.
NEVER_FROZEN = patch_mutant(
    "credits.never-frozen",
    "CRD-2",
    kills="credits.frozen",
    sentence="Frozen credits are reported as available.",
    patches=(replace_public(Ledger.balance, _all_available),),
)


def _taken_at_once(ledger: Ledger, token_id: int) -> Balance:
    balance = _BALANCE(ledger, token_id)
    return msgspec.structs.replace(balance, total=balance.available, frozen=0)


TAKEN_AT_ONCE = patch_mutant(
    "credits.taken-at-once",
    "CRD-2",
    kills="credits.frozen",
    sentence="Credits are charged when a turn begins, and never frozen.",
    patches=(replace_public(Ledger.balance, _taken_at_once),),
)
LONG_TURN = patch_mutant(
    "time.long-turn",
    "SSE-6",
    kills="chat.turn.limit",
    sentence="A turn can last an hour.",
    settings={"turn_times": TurnTimes(limit=3600.0)},
)
QUICK_TALK = patch_mutant(
    "time.quick-talk",
    "SSE-11",
    kills="chat.time.talk",
    sentence="An answer takes a second.",
    settings={"turn_times": TurnTimes(talk=(1.0, 1.0))},
)
SLOW_EDIT = patch_mutant(
    "time.slow-edit",
    "SSE-11",
    kills="chat.time.edit",
    sentence="An edit takes more than a minute.",
    settings={"turn_times": TurnTimes(edit=(61.0, 70.0))},
)
QUICK_GENERATION = patch_mutant(
    "time.quick-generation",
    "SSE-11",
    "SSE-3",
    kills="chat.time.generation",
    sentence="A generation takes ten seconds.",
    settings={"turn_times": TurnTimes(generation=(10.0, 11.0))},
)


@response_mutant("time.one-stage", "SSE-8", kills="chat.generation.stages")
def one_stage(request: WireRequest, response: WireResponse, memory: Memory) -> WireResponse | None:
    """A generation adds neither music nor title."""
    if request.endpoint == "chat" and b"generate" in request.body:
        memory[request.json["session_id"]] = True
    if request.endpoint != "state" or response.code != 0:
        return None
    if not any(session in request.path for session in memory):
        return None
    state = response.json["data"]["state"]
    tracks = [track for track in state["draft"]["t"] if track["tt"] not in _ADDED]
    return response.with_data(state={**state, "draft": {**state["draft"], "t": tracks}})


@request_mutant("journal.url-unflagged", "GEN-5", kills="general.token-in-url.journal")
def url_unflagged(request: WireRequest, _memory: Memory) -> WireRequest | None:
    """The journal does not flag a token in a URL."""
    if "token" not in request.query_params:
        return None
    query = {name: values for name, values in request.query_params.items() if name != "token"}
    headers = {k: v for k, v in request.headers.items() if k != AUTHORIZATION.lower()}
    return msgspec.structs.replace(request, query=urlencode(query, doseq=True), headers=headers)


def _allows(token: TokenRecord, scope: TokenScope) -> bool:
    return scope in token.scopes.split() or token.client_id != "manual"


SHORT_LIFE = patch_mutant(
    "token.short-life",
    "AUTH-1",
    "AUTH-5",
    kills="token.life.alive token.new.expiry",
    sentence="A token expires after six days.",
    settings={"token_lifetime": 6 * 86_400.0},
)
NEVER_SILENT = patch_mutant(
    "chat.never-silent",
    "SSE-5",
    kills="chat.silent.rate",
    sentence="No edit is silent unless a fault makes it so.",
    settings={"silence": SilentTurnPolicy(rate=0.0)},
)
STAR_IS_NOTHING = patch_mutant(
    "token.star",
    "AUTH-6",
    kills="token.scope.star",
    sentence="The scope `*` allows everything only if the token has no other scope.",
    patches=(replace_public(TokenRecord.has_scope, _allows),),
)


@response_mutant("date.still", "GEN-3", "SSE-2", kills="general.date")
def still(_request: WireRequest, response: WireResponse, _memory: Memory) -> WireResponse | None:
    """The HTTP `Date` never changes."""
    return response.with_headers(date="Tue, 14 Nov 2023 22:13:20 GMT")


@request_mutant("chat.once", "SSE-7", "SSE-2", kills="chat.again.is-second")
def once(request: WireRequest, memory: Memory) -> WireResponse | None:
    """The same message sent again is ignored."""
    if request.endpoint != "chat" or b"Hello" not in request.body:
        return None
    if not memory.get(request.body.hex()):
        memory[request.body.hex()] = True
        return None
    return _EMPTY


@request_mutant("chat.listeners-only", "SSE-7", "GEN-3", kills="chat.hang-up.goes-on")
def listeners_only(request: WireRequest, _memory: Memory) -> WireResponse | None:
    """A turn without `Accept: text/event-stream` is ignored."""
    listens = "event-stream" in request.headers.get("accept", "")
    return None if request.endpoint != "chat" or listens else _EMPTY
