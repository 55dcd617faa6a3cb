"""Clients whose requests are not what they should be, and that say too much to the chat."""

from typing import Any

import httpx
import msgspec

from nemolocal_client.operations import Flow, HttpCall, OpenStream, Operation
from nemolocal_contract.envelope import decode_json, encode_json
from nemolocal_contract.headers import AUTHORIZATION, SKILL_PLATFORM, SKILL_VERSION
from nemolocal_contract.requests import ChatRequest, Message, Part

from . import client_scenarios
from .client_mutant import ClientMutant, OnApplied, client_mutant
from .flow_rewriting import Memory, endpoint_of, header_mutant, operation_mutant


@header_mutant(
    "unattributed", "CLI-1", "GEN-4", kills="client.attribution", scenario=client_scenarios.talk,
)  # fmt: skip
def unattributed(headers: httpx.Headers) -> bool:
    """X-Skill-Version is left out."""
    return headers.pop(SKILL_VERSION, None) is not None


@header_mutant(
    "odd-platform", "CLI-1", kills="client.attribution.platform", scenario=client_scenarios.talk,
)  # fmt: skip
def odd_platform(headers: httpx.Headers) -> bool:
    """The platform is the operating system."""
    if SKILL_PLATFORM not in headers:
        return False
    headers[SKILL_PLATFORM] = "linux"
    return True


@header_mutant(
    "restless-version", "CLI-1", kills="client.attribution.stable", scenario=client_scenarios.talk,
)  # fmt: skip
def restless_version(headers: httpx.Headers) -> bool:
    """Requests with a token are another version's than those without."""
    if AUTHORIZATION not in headers:
        return False
    headers[SKILL_VERSION] = "2.0"
    return True


@operation_mutant(
    "token-in-url", "GEN-5", "CLI-9", "CLI-7", "GEN-3",
    kills="client.token-in-url", scenario=client_scenarios.talk,
)  # fmt: skip
def token_in_url(effect: Operation, hit: OnApplied, _: Memory) -> Flow[Any]:
    """The balance is asked for with the token in the query."""
    if (
        isinstance(effect, HttpCall)
        and endpoint_of(effect) == "balance"
        and effect.token is not None
    ):
        hit()
        path = f"{effect.path}?token={effect.token.reveal()}"
        effect = msgspec.structs.replace(effect, path=path)
    return (yield effect)


@operation_mutant(
    "talkative", "CLI-9", kills="client.token-in-body", scenario=client_scenarios.talk
)
def talkative(effect: Operation, hit: OnApplied, _: Memory) -> Flow[Any]:
    """The message tells the token."""
    if isinstance(effect, OpenStream) and effect.token is not None:
        hit()
        said = decode_json(effect.json, type=ChatRequest).new_message.parts[0].text
        effect = _saying(effect, f"{said} ({effect.token.reveal()})")
    return (yield effect)


def _saying(effect: OpenStream, message: str) -> OpenStream:
    """The turn with another message."""
    asked = decode_json(effect.json, type=ChatRequest)
    body = ChatRequest(asked.session_id, Message((Part(message),)))
    return msgspec.structs.replace(effect, json=encode_json(body))


@header_mutant(
    "no-bearer", "GEN-3", "CLI-7", kills="client.bearer", scenario=client_scenarios.talk,
)  # fmt: skip
def no_bearer(headers: httpx.Headers) -> bool:
    """The token is sent under another name."""
    token = headers.pop(AUTHORIZATION, None)
    if token is not None:
        headers["X-Token"] = token
    return token is not None


@header_mutant(
    "accepts-json", "SSE-1", kills="client.chat.accept", scenario=client_scenarios.talk,
)  # fmt: skip
def accepts_json(headers: httpx.Headers) -> bool:
    """A message is sent as if its answer were JSON."""
    if headers.get("Accept") != "text/event-stream":
        return False
    headers["Accept"] = "application/json"
    return True


def _all_to_chat(route: str, check: str) -> ClientMutant:
    """A client that has never heard of one of the routes."""

    @client_mutant(
        f"chats-{route}",
        "CLI-2",
        kills=check,
        scenario=client_scenarios.words,
        at="message_routing.route",
    )
    def everything(original: Any, hit: OnApplied) -> Any:
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


@client_mutant(
    "clicks", "CLI-6", kills="client.gui-words", scenario=client_scenarios.talk,
    at="client.Client.say",
)  # fmt: skip
def clicks(original: Any, hit: OnApplied) -> Any:
    """What the backend would click is asked of the backend."""

    def say(client: Any, message: str) -> Any:
        turn = original(client, message)
        hit()
        original(client, "Click the Export button")
        return turn

    return say


@operation_mutant(
    "impatient-talker", "SSE-1", "SSE-7",
    kills="client.turns.one-at-a-time", scenario=client_scenarios.talk,
)  # fmt: skip
def impatient_talker(effect: Operation, hit: OnApplied, _: Memory) -> Flow[Any]:
    """Another message is sent while the first is being worked on."""
    reply = yield effect
    if isinstance(effect, OpenStream):
        hit()
        yield _saying(effect, "add a title 'Hi'")
    return reply
