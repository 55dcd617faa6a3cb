"""Servers that break what hangs on time, or what no reply shows: lives, lengths, hang-ups."""

from urllib.parse import urlencode

import msgspec

from nemolocal_contract.headers import AUTHORIZATION
from nemolocal_contract.replies import Balance
from nemolocal_server.agent.turn_plan import TurnTimes
from nemolocal_server.ledger import Ledger
from nemolocal_server.silence import Silence
from nemolocal_server.tokens import Scope, Token

from ..mutant import patched, replacing, replies, requests
from ..wire import Answered, Asked, Memory

_EMPTY = Answered(200, {"content-type": "text/event-stream"}, b"data:\n\n")
# Music and titles: what a generation adds unasked.
_ADDED = (1, 7)

_BALANCE = Ledger.balance


def _all_available(ledger: Ledger, token_id: int) -> Balance:
    balance = _BALANCE(ledger, token_id)
    return msgspec.structs.replace(balance, available=balance.total, frozen=0)


# A hook on replies would keep a stream until it has ended, and nothing is frozen any more then.
NEVER_FROZEN = patched(
    "credits.never-frozen",
    "CRD-2",
    kills="credits.frozen",
    sentence="What is frozen shows as available.",
    patches=(replacing(Ledger.balance, _all_available),),
)
LONG_TURN = patched(
    "time.long-turn",
    "SSE-6",
    kills="chat.turn.limit",
    sentence="A turn may last an hour.",
    settings={"turn_times": TurnTimes(limit=3600.0)},
)
QUICK_TALK = patched(
    "time.quick-talk",
    "SSE-11",
    kills="chat.time.talk",
    sentence="An answer takes a second.",
    settings={"turn_times": TurnTimes(talk=(1.0, 1.0))},
)
SLOW_EDIT = patched(
    "time.slow-edit",
    "SSE-11",
    kills="chat.time.edit",
    sentence="An edit takes more than a minute.",
    settings={"turn_times": TurnTimes(edit=(61.0, 70.0))},
)
QUICK_GENERATION = patched(
    "time.quick-generation",
    "SSE-11",
    "SSE-3",
    kills="chat.time.generation",
    sentence="A generation takes ten seconds.",
    settings={"turn_times": TurnTimes(generation=(10.0, 11.0))},
)


@replies("time.one-stage", "SSE-8", kills="chat.generation.stages")
def one_stage(asked: Asked, answered: Answered, memory: Memory) -> Answered | None:
    """A generation adds neither music nor title."""
    if asked.endpoint == "chat" and b"generate" in asked.body:
        memory[asked.json["session_id"]] = True
    if asked.endpoint != "state" or answered.code != 0:
        return None
    if not any(session in asked.path for session in memory):
        return None
    state = answered.json["data"]["state"]
    tracks = [track for track in state["draft"]["t"] if track["tt"] not in _ADDED]
    return answered.having(state={**state, "draft": {**state["draft"], "t": tracks}})


@requests("journal.url-unflagged", "GEN-5", kills="general.token-in-url.journal")
def url_unflagged(asked: Asked, _memory: Memory) -> Asked | None:
    """The journal does not notice a token in a URL."""
    if "token" not in asked.queried:
        return None
    query = {name: values for name, values in asked.queried.items() if name != "token"}
    headers = {k: v for k, v in asked.headers.items() if k != AUTHORIZATION.lower()}
    return msgspec.structs.replace(asked, query=urlencode(query, doseq=True), headers=headers)


def _allows(token: Token, scope: Scope) -> bool:
    return scope in token.scopes.split() or token.client_id != "manual"


SHORT_LIFE = patched(
    "token.short-life",
    "AUTH-1",
    "AUTH-5",
    kills="token.life.alive token.new.expiry",
    sentence="A token ends after six days.",
    settings={"token_lifetime": 6 * 86_400.0},
)
NEVER_SILENT = patched(
    "chat.never-silent",
    "SSE-5",
    kills="chat.silent.rate",
    sentence="No edit is silent unless a fault makes it so.",
    settings={"silence": Silence(rate=0.0)},
)
STAR_IS_NOTHING = patched(
    "token.star",
    "AUTH-6",
    kills="token.scope.star",
    sentence="The scope * is no scope, but for those who were given nothing else.",
    patches=(replacing(Token.allows, _allows),),
)


@replies("date.still", "GEN-3", kills="general.date")
def still(_asked: Asked, answered: Answered, _memory: Memory) -> Answered | None:
    """The HTTP `Date` stands still."""
    return answered.headed(date="Tue, 14 Nov 2023 22:13:20 GMT")


@requests("chat.once", "SSE-7", "SSE-2", kills="chat.again.is-second")
def once(asked: Asked, memory: Memory) -> Answered | None:
    """The same message again is overlooked."""
    if asked.endpoint != "chat" or b"Hello" not in asked.body:
        return None
    if not memory.get(asked.body.hex()):
        memory[asked.body.hex()] = True
        return None
    return _EMPTY


@requests("chat.listeners-only", "SSE-7", "GEN-3", kills="chat.hang-up.goes-on")
def listeners_only(asked: Asked, _memory: Memory) -> Answered | None:
    """Nothing is done for who does not say that he listens to events."""
    listens = "event-stream" in asked.headers.get("accept", "")
    return None if asked.endpoint != "chat" or listens else _EMPTY
