"""Clients that break the rules, each in one way, and the requirement that they do not meet."""

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import msgspec

from nemolocal_client import (
    Attribution,
    BadRequest,
    BadToken,
    Client,
    ConnectionCut,
    ExportBlocked,
    FileTooLarge,
    NemoError,
    OutOfCredits,
    PollPolicy,
    Profile,
    RateLimited,
    RenderFailed,
    Turn,
    TurnFailed,
)
from nemolocal_client.operations import (
    DownloadFile,
    Flow,
    GetTime,
    HttpCall,
    HttpResponse,
    LoadClientId,
    Notice,
    OpenStream,
    Operation,
    ReadStream,
    RenewClientId,
    SavedToken,
    SaveToken,
    Secret,
    Sleep,
    StreamChunk,
)
from nemolocal_client.response_errors import error_of, render_status_of
from nemolocal_contract.endpoints import CLOUD_BASE_URL
from nemolocal_contract.responses import decode_json, encode_json
from tests.mutation.clients.flow_rewriting import endpoint_of

Memory = dict[str, Any]
MemoryHandler = Callable[[Operation, Memory], Flow[Any]]

BEAT = b"data:\n\n"
TOOL = b'data: {"type":"tool_call","name":"x","args":{}}\n\n'
DONE = b'data: {"content":{"role":"model","parts":[{"text":"Done."}]}}\n\n'


class BrokenClient(msgspec.Struct, frozen=True):
    """What it does wrong, the requirement that it does not meet, and what makes it so.

    `parts` makes the fields of a `Setup` that are other ones.
    """

    requirement: str
    sentence: str
    parts: Callable[[], dict[str, Any]]


BROKEN: list[BrokenClient] = []
"""Every broken client."""


def broken(requirement: str, sentence: str, **parts: Any) -> None:
    """A client that is broken by parts of its setup."""
    BROKEN.append(BrokenClient(requirement, sentence, lambda: parts))


def handles(*requirements: str) -> Callable[[MemoryHandler], MemoryHandler]:
    """Make a client that does something else about effects: the docstring says what."""

    def register(handler: MemoryHandler) -> MemoryHandler:
        def parts() -> dict[str, Any]:
            memory: Memory = {}
            return {"handle": lambda effect: handler(effect, memory)}

        sentence = " ".join((handler.__doc__ or "").split())
        BROKEN.extend(BrokenClient(name, sentence, parts) for name in requirements)
        return handler

    return register


# CLI-1


class _Nameless(Attribution, frozen=True):
    def headers(self) -> dict[str, str]:
        return {}


broken(
    "names_itself",
    "It sends no attribution.",
    options={"attribution": _Nameless("a-skill", "1.2.3", "cursor")},
)


# CLI-2


def _by_substrings(message: str) -> str:
    return "export" if "export" in message or "download" in message else "chat"


def _by_words(message: str) -> str:
    return "export" if re.search(r"\b(export|download)\b", message) else "chat"


def _by_every_word(message: str) -> str:
    if re.search(r"\bcredits\b", message):
        return "credits"
    return "export" if message.startswith("export") else "chat"


_ROUTES = "keeps_talk_of_files_in_the_chat"
broken(_ROUTES, "It looks for words inside of words.", route=_by_substrings)
broken(_ROUTES, "It does what it is told not to do.", route=_by_words)
broken(_ROUTES, "It takes an edit for a question about credits.", route=_by_every_word)


# CLI-3 and CLI-4


@handles("tells_what_a_silent_turn_changed")
def takes_silence_for_success(effect: Operation, _: Memory) -> Flow[Any]:
    """It takes a turn without a word for done."""
    reply = yield effect
    if isinstance(effect, ReadStream) and reply == StreamChunk(BEAT):
        return StreamChunk(DONE)
    return reply


@handles("looks_five_times_after_a_silence", "looks_five_times_after_a_cut")
def gives_up_after_one_look(effect: Operation, memory: Memory) -> Flow[Any]:
    """It looks at the state once after a turn, and gives up."""
    if endpoint_of(effect) == "state":
        memory["looks"] = memory.get("looks", 0) + 1
        if memory["looks"] > 2:
            raise TurnFailed("nothing changed")
    return (yield effect)


@handles(
    "looks_five_times_after_a_silence",
    "looks_five_times_after_a_cut",
    "waits_thirty_seconds_when_told_that_it_asks_too_often",
    "polls_ten_times_thirty_seconds_apart",
)
def waits_half_as_long(effect: Operation, _: Memory) -> Flow[Any]:
    """It waits half as long as it should."""
    return (yield Sleep(effect.seconds / 2) if isinstance(effect, Sleep) else effect)


@handles("looks_five_times_after_a_cut")
def takes_any_state_for_a_change(effect: Operation, memory: Memory) -> Flow[Any]:
    """After a cut, it takes whatever the state is for a change."""
    reply = yield effect
    if endpoint_of(effect) != "state" or not memory.setdefault("sent", False):
        memory["sent"] = memory.get("sent") or isinstance(effect, OpenStream)
        return reply
    return _with_draft(reply, {"t": [], "d": 0})


@handles("never_sends_again")
def sends_again_after_a_cut(effect: Operation, _: Memory) -> Flow[Any]:
    """It sends a message again whose connection was cut."""
    try:
        return (yield effect)
    except ConnectionCut:
        return (yield effect)


def _with_draft(reply: object, draft: dict[str, Any]) -> HttpResponse:
    """The state in a reply with another draft."""
    assert isinstance(reply, HttpResponse)
    body = decode_json(reply.body)
    body["data"]["state"]["draft"] = draft
    return msgspec.structs.replace(reply, body=encode_json(body))


# CLI-5


@handles(
    "says_that_it_works_every_two_minutes",
    "polls_ten_times_thirty_seconds_apart",
    "begins_and_ends_politely",
)
def tells_nothing(effect: Operation, _: Memory) -> Flow[Any]:
    """It does not say what goes on."""
    return None if isinstance(effect, Notice) else (yield effect)


@handles("gives_up_after_ten_minutes_of_heartbeats")
def takes_heartbeats_for_news(effect: Operation, _: Memory) -> Flow[Any]:
    """It takes a heartbeat for a sign of progress."""
    reply = yield effect
    return (
        StreamChunk(TOOL) if isinstance(reply, StreamChunk) and b"tool" not in reply.data else reply
    )


@handles(
    "says_that_it_works_every_two_minutes",
    "gives_up_after_ten_minutes_of_heartbeats",
    "gives_up_after_fifteen_minutes",
)
def takes_its_time(effect: Operation, memory: Memory) -> Flow[Any]:
    """Its clock is slow by a tenth."""
    return (yield from _clock_at(0.9, effect, memory))


@handles("gives_up_after_ten_minutes_of_heartbeats", "gives_up_after_fifteen_minutes")
def is_impatient(effect: Operation, memory: Memory) -> Flow[Any]:
    """Its clock is fast by a tenth."""
    return (yield from _clock_at(1.1, effect, memory))


def _clock_at(speed: float, effect: Operation, memory: Memory) -> Flow[Any]:
    reply = yield effect
    if not isinstance(effect, GetTime):
        return reply
    begun = memory.setdefault("begun", reply)
    return begun + (reply - begun) * speed


# CLI-6


class _Verbatim(Client):
    def say(self, message: str) -> Turn:
        turn = super().say(message)
        return msgspec.structs.replace(turn, texts=(*turn.texts, "Click [Export]"))


class _ToolTeller(Client):
    def say(self, message: str) -> Turn:
        return msgspec.structs.replace(super().say(message), changes=("hidden",))


_WORDS = "shows_no_tools_and_no_gui"
broken(_WORDS, "It says where to click.", client_class=_Verbatim)
broken(_WORDS, "It names the tools that were called.", client_class=_ToolTeller)


# CLI-7


@handles("renews_its_token_once")
def stays_refused(effect: Operation, _: Memory) -> Flow[Any]:
    """It does not renew a token that is refused."""
    reply = yield effect
    failure = error_of(reply)
    if isinstance(failure, BadToken):
        raise failure
    return reply


@handles("renews_its_token_once", "comes_back_as_the_same_client")
def renames_itself(effect: Operation, _: Memory) -> Flow[Any]:
    """It is another client for each token, and keeps none."""
    if isinstance(effect, SaveToken):
        return None
    return (yield RenewClientId() if isinstance(effect, LoadClientId) else effect)


@handles("waits_thirty_seconds_when_told_that_it_asks_too_often")
def asks_on(effect: Operation, _: Memory) -> Flow[Any]:
    """It asks as long as it is told that it asks too often."""
    reply = yield effect
    while isinstance(error_of(reply), RateLimited):
        yield Sleep(30.0)
        reply = yield effect
    return reply


@handles("makes_a_client_id_when_it_is_refused")
def gives_up_its_client_id(effect: Operation, _: Memory) -> Flow[Any]:
    """It gives up when its client id is refused."""
    reply = yield effect
    failure = error_of(reply)
    if isinstance(failure, BadRequest):
        raise NemoError(failure.message)
    return reply


def _saying(error: type[NemoError], instead: NemoError) -> MemoryHandler:
    def handler(effect: Operation, _: Memory) -> Flow[Any]:
        reply = yield effect
        if isinstance(error_of(reply), error):
            raise instead
        return reply

    handler.__doc__ = f"It says something else than what to do about {error.__name__}."
    return handler


_SAYS = handles("says_what_to_do_about_a_refusal")
_SAYS(_saying(OutOfCredits, OutOfCredits("no credits")))
_SAYS(_saying(FileTooLarge, FileTooLarge(remedy="try again")))
_SAYS(_saying(ExportBlocked, ExportBlocked("you have no credits")))


# CLI-8


@handles("exports_nothing_that_is_empty")
def exports_blindly(effect: Operation, _: Memory) -> Flow[Any]:
    """It does not look whether there is something to export."""
    reply = yield effect
    if endpoint_of(effect) != "state":
        return reply
    segment = {"id": "a", "s": 0, "d": 1000, "src": "a"}
    return _with_draft(reply, {"t": [{"tt": 0, "id": "v", "sg": [segment]}], "d": 1000})


_POLLS = "polls_ten_times_thirty_seconds_apart"
broken(_POLLS, "It asks every 5 seconds.", options={"polling": PollPolicy(5.0, 10)})
broken(_POLLS, "It asks 11 times.", options={"polling": PollPolicy(30.0, 11)})


@handles("renders_once_more_with_a_new_id")
def fails_at_once(effect: Operation, _: Memory) -> Flow[Any]:
    """It does not try a failed export once more."""
    reply = yield effect
    if endpoint_of(effect) == "render" and render_status_of(reply).status == "failed":
        raise RenderFailed()
    return reply


@handles("renders_once_more_with_a_new_id")
def keeps_the_id(effect: Operation, _: Memory) -> Flow[Any]:
    """It tries a failed export once more under the same id."""
    if endpoint_of(effect) == "render" and isinstance(effect, HttpCall):
        body = decode_json(effect.json or b"")
        effect = msgspec.structs.replace(effect, json=encode_json({**body, "id": "render_1"}))
    return (yield effect)


@handles("downloads_from_elsewhere_where_the_url_is_gone")
def knows_one_way(effect: Operation, _: Memory) -> Flow[Any]:
    """It gives up where the URL of an export is gone."""
    reply = yield effect
    if isinstance(effect, DownloadFile) and isinstance(reply, HttpResponse):
        raise NemoError("the file is gone")
    return reply


# CLI-9


@handles("shows_its_token_to_nobody_else")
def shows_its_token(effect: Operation, _: Memory) -> Flow[Any]:
    """It shows a token to whoever serves the file."""
    if isinstance(effect, DownloadFile) and effect.token is None:
        effect = msgspec.structs.replace(effect, token=Secret("nmv_usr_secret1"))
    return (yield effect)


class _Quoting(Client):
    def balance(self) -> Any:
        try:
            return super().balance()
        except NemoError as error:
            error.args = (f"{error}: nmv_usr_secret1",)
            raise


class _Open(Profile):
    def keep(self, base_url: str, kept: SavedToken) -> None:
        super().keep(base_url, kept)
        for path in self.folder.iterdir():
            path.chmod(0o644)


class _Renamed(Profile):
    def client_id(self, base_url: str = CLOUD_BASE_URL) -> str:
        return self.renew_client_id(base_url)


def _without_tokens(folder: Path) -> Profile:
    return Profile(folder, keep_tokens=False)


_SAME = "comes_back_as_the_same_client"
broken("shows_its_token_to_nobody_else", "It quotes a token in an error.", client_class=_Quoting)
broken(_SAME, "It lets everybody read its token.", store=_Open)
broken(_SAME, "It makes a client id each time.", store=_Renamed)
broken(_SAME, "It keeps no token.", store=_without_tokens)


# CLI-10


class _GivingAway(Client):
    def claim_link(self) -> str:
        return super().claim_link().replace("?ct=", "?token=")


broken("begins_and_ends_politely", "Its link is no claim.", client_class=_GivingAway)
