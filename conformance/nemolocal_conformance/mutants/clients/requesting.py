"""Clients whose requests are not what they should be, and that say too much to the chat."""

from typing import Any

import msgspec

from nemolocal_client.effects import Flow, OpenStream
from nemolocal_contract.endpoints import CHAT
from nemolocal_contract.envelope import encode_json
from nemolocal_contract.headers import SKILL_PLATFORM, SKILL_VERSION
from nemolocal_contract.requests import ChatRequest, Message, Part

from . import scenarios
from .mutant import ClientMutant, Hit, broken_client


@broken_client(
    "unattributed", "CLI-1", "GEN-4",
    kills="client.attribution", scenario=scenarios.talk, at="transport.http_options",
)  # fmt: skip
def unattributed(original: Any, hit: Hit) -> Any:
    """X-Skill-Version is left out."""

    def options(base_url: str, headers: dict[str, str]) -> Any:
        hit()
        return original(base_url, {k: v for k, v in headers.items() if k != SKILL_VERSION})

    return options


@broken_client(
    "odd-platform", "CLI-1",
    kills="client.attribution.platform", scenario=scenarios.talk, at="transport.http_options",
)  # fmt: skip
def odd_platform(original: Any, hit: Hit) -> Any:
    """The platform is the operating system."""

    def options(base_url: str, headers: dict[str, str]) -> Any:
        hit()
        return original(base_url, {**headers, SKILL_PLATFORM: "linux"})

    return options


@broken_client(
    "restless-version", "CLI-1",
    kills="client.attribution.stable", scenario=scenarios.talk, at="exchange._headers",
)  # fmt: skip
def restless_version(original: Any, hit: Hit) -> Any:
    """Requests with a token are another version's than those without."""

    def headers(request: Any) -> dict[str, str]:
        hit()
        found: dict[str, str] = original(request)
        return {**found, SKILL_VERSION: "2.0"} if request.token else found

    return headers


@broken_client(
    "token-in-url", "GEN-5", "CLI-9", "CLI-7", "GEN-3",
    kills="client.token-in-url", scenario=scenarios.talk, at="identity._attempt",
)  # fmt: skip
def token_in_url(original: Any, hit: Hit) -> Any:
    """The balance is asked for with the token in the query."""

    def attempt(account: Any, request: Any) -> Flow[Any]:
        if "balance" in getattr(request, "path", ""):
            hit()
            path = f"{request.path}?token={account.token.reveal()}"
            request = msgspec.structs.replace(request, path=path)
        return (yield from original(account, request))

    return attempt


@broken_client(
    "talkative", "CLI-9",
    kills="client.token-in-body", scenario=scenarios.talk, at="turns.listen",
)  # fmt: skip
def talkative(original: Any, hit: Hit) -> Any:
    """The message tells the token."""

    def listen(session: Any, message: str) -> Flow[Any]:
        hit()
        return (yield from original(session, f"{message} ({session.account.token.reveal()})"))

    return listen


@broken_client(
    "no-bearer", "GEN-3", "CLI-7",
    kills="client.bearer", scenario=scenarios.talk, at="exchange._headers",
)  # fmt: skip
def no_bearer(original: Any, hit: Hit) -> Any:
    """The token is sent under another name."""

    def headers(request: Any) -> dict[str, str]:
        hit()
        found: dict[str, str] = original(request)
        return {"X-Token" if k == "Authorization" else k: v for k, v in found.items()}

    return headers


@broken_client(
    "accepts-json", "SSE-1",
    kills="client.chat.accept", scenario=scenarios.talk, at="transport.stream_request",
)  # fmt: skip
def accepts_json(original: Any, hit: Hit) -> Any:
    """A message is sent as if its answer were JSON."""

    def request(http: Any, call: OpenStream) -> Any:
        hit()
        made = original(http, call)
        made.headers["Accept"] = "application/json"
        return made

    return request


def _all_to_chat(route: str, check: str) -> ClientMutant:
    """A client that has never heard of one of the routes."""

    @broken_client(
        f"chats-{route}", "CLI-2", kills=check, scenario=scenarios.words, at="routing.route"
    )
    def everything(original: Any, hit: Hit) -> Any:
        """Messages for another endpoint go to the chat."""

        def decide(message: str) -> Any:
            to = original(message)
            if to != route:
                return to
            hit()
            return "chat"

        return decide

    return everything


chats_export = _all_to_chat("export", "client.export-in-chat")
chats_credits = _all_to_chat("credits", "client.credits-in-chat")
chats_status = _all_to_chat("status", "client.status-in-chat")
chats_upload = _all_to_chat("upload", "client.upload-in-chat client.file-in-chat")


@broken_client(
    "clicks", "CLI-6",
    kills="client.gui-words", scenario=scenarios.talk, at="workspace.take_turn",
)  # fmt: skip
def clicks(original: Any, hit: Hit) -> Any:
    """What the backend would click is asked of the backend."""

    def take_turn(session: Any, message: str, language: str) -> Flow[Any]:
        turn = yield from original(session, message, language)
        hit()
        yield from original(session, "Click the Export button", language)
        return turn

    return take_turn


@broken_client(
    "impatient-talker", "SSE-1", "SSE-7",
    kills="client.turns.one-at-a-time", scenario=scenarios.talk, at="listening._hear_out",
)  # fmt: skip
def impatient_talker(original: Any, hit: Hit) -> Any:
    """Another message is sent while the first is being worked on."""

    def hear_out(session: Any, heard: Any) -> Flow[None]:
        hit()
        body = encode_json(ChatRequest(session.id, Message((Part("add a title 'Hi'"),))))
        yield OpenStream(path=CHAT.path(), json=body, token=session.account.token)
        yield from original(session, heard)

    return hear_out
