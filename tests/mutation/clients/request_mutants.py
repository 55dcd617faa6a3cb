"""Client mutants with wrong requests, or with messages that do not belong in the chat."""

from typing import Any

import httpx
import msgspec

from nemolocal_client.operations import Flow, HttpCall, OpenStream, Operation
from nemolocal_contract.endpoints import (
    AUTHORIZATION,
    SKILL_PLATFORM,
    SKILL_VERSION,
    ChatRequest,
    Message,
    Part,
)
from nemolocal_contract.responses import decode_json, encode_json

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
    """Requests with a token have another version than those without."""
    if AUTHORIZATION not in headers:
        return False
    headers[SKILL_VERSION] = "2.0"
    return True


@operation_mutant(
    "token-in-url", "GEN-5", "CLI-9", "CLI-7", "GEN-3",
    kills="client.token-in-url", scenario=client_scenarios.talk,
)  # fmt: skip
def token_in_url(operation: Operation, on_applied: OnApplied, _: Memory) -> Flow[Any]:
    """The balance is requested with the token in the query."""
    if (
        isinstance(operation, HttpCall)
        and endpoint_of(operation) == "balance"
        and operation.token is not None
    ):
        on_applied()
        path = f"{operation.path}?token={operation.token.reveal()}"
        operation = msgspec.structs.replace(operation, path=path)
    return (yield operation)


@operation_mutant(
    "talkative", "CLI-9", kills="client.token-in-body", scenario=client_scenarios.talk
)
def talkative(operation: Operation, on_applied: OnApplied, _: Memory) -> Flow[Any]:
    """The message contains the token."""
    if isinstance(operation, OpenStream) and operation.token is not None:
        on_applied()
        said = decode_json(operation.json, type=ChatRequest).new_message.parts[0].text
        operation = _saying(operation, f"{said} ({operation.token.reveal()})")
    return (yield operation)


def _saying(effect: OpenStream, message: str) -> OpenStream:
    """The turn with another message."""
    request = decode_json(effect.json, type=ChatRequest)
    body = ChatRequest(request.session_id, Message((Part(message),)))
    return msgspec.structs.replace(effect, json=encode_json(body))


@header_mutant(
    "no-bearer", "GEN-3", "CLI-7", kills="client.bearer", scenario=client_scenarios.talk,
)  # fmt: skip
def no_bearer(headers: httpx.Headers) -> bool:
    """The token is sent in another header."""
    token = headers.pop(AUTHORIZATION, None)
    if token is not None:
        headers["X-Token"] = token
    return token is not None


@header_mutant(
    "accepts-json", "SSE-1", kills="client.chat.accept", scenario=client_scenarios.talk,
)  # fmt: skip
def accepts_json(headers: httpx.Headers) -> bool:
    """A message is sent with `Accept: application/json`."""
    if headers.get("Accept") != "text/event-stream":
        return False
    headers["Accept"] = "application/json"
    return True


def _all_to_chat(route: str, check: str) -> ClientMutant:
    """Make a mutant that does not know one of the routes."""

    @client_mutant(
        f"chats-{route}",
        "CLI-2",
        kills=check,
        scenario=client_scenarios.words,
        at="message_routing.route",
    )
    def everything(original: Any, on_applied: OnApplied) -> Any:
        """Messages for another endpoint are sent to the chat."""

        def decide(message: str) -> Any:
            to = original(message)
            if to != route:
                return to
            on_applied()
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
def clicks(original: Any, on_applied: OnApplied) -> Any:
    """A GUI action of the backend is sent back to the chat."""

    def say(client: Any, message: str) -> Any:
        turn = original(client, message)
        on_applied()
        original(client, "Click the Export button")
        return turn

    return say


@operation_mutant(
    "impatient-talker", "SSE-1", "SSE-7",
    kills="client.turns.one-at-a-time", scenario=client_scenarios.talk,
)  # fmt: skip
def impatient_talker(operation: Operation, on_applied: OnApplied, _: Memory) -> Flow[Any]:
    """A second message is sent while the first turn still runs."""
    reply = yield operation
    if isinstance(operation, OpenStream):
        on_applied()
        yield _saying(operation, "add a title 'Hi'")
    return reply
