"""Changes that are played for real: one request is altered on its way, and the client reacts.

The record alone cannot tell what a client does after an error that its request caused. So requests
that a server refuses are also sent: with the response of the server, and all that follows from it.
"""

import json
import re
from collections.abc import Callable, Iterator
from typing import Any
from unittest import mock

import httpx
import msgspec

from nemolocal_contract.endpoints import ATTRIBUTION, AUTHORIZATION, CLIENT_ID, CONTROL_PREFIX
from nemolocal_contract.journal import Entry

from .call_context import contexts_of
from .client_change import ClientMutation, endpoint_of
from .journeys import Journey
from .recording import Recording, record

JOURNEYS = ("plain",)
"""The journeys whose requests are altered: each takes as long as it takes to play."""

ChangeRequest = Callable[[httpx.Request], httpx.Request]
_SESSION_ID, _RENDER_ID = re.compile(r"\d{19}"), re.compile(r"render_\d+")
_SEND = "nemolocal_client.transport.httpx.Client.send"


class PlayedChange(msgspec.Struct, frozen=True):
    """A change of the request with this number, from 1."""

    kind: str
    call: int
    detail: str
    apply: ChangeRequest


def played_mutations(journey: Journey, recording: Recording) -> Iterator[ClientMutation]:
    """Play a journey once for each change of its requests."""
    contexts = contexts_of(recording.entries)
    for change in played_changes(recording):
        place = change.call - 1
        yield ClientMutation(
            journey.name,
            f"played-{change.kind}",
            change.call,
            change.detail,
            endpoint_of(recording.entries[place]),
            contexts[place],
            play(journey, change),
        )


def played_changes(recording: Recording) -> Iterator[PlayedChange]:
    """Return the changes that a server refuses, in the order of the requests."""
    for call, entry in enumerate(recording.entries, 1):
        for kind, detail, apply in _changes(entry):
            yield PlayedChange(kind, call, detail, apply)


def play(journey: Journey, change: PlayedChange) -> Recording:
    """Play a journey with one of its requests altered."""
    send = httpx.Client.send
    count = 0

    def send_altered(http: httpx.Client, request: httpx.Request, **options: Any) -> httpx.Response:
        nonlocal count
        if not request.url.path.startswith(CONTROL_PREFIX):
            count += 1
            request = change.apply(request) if count == change.call else request
        return send(http, request, **options)

    with mock.patch(_SEND, send_altered):
        return record(journey)


def _changes(entry: Entry) -> Iterator[tuple[str, str, ChangeRequest]]:
    if entry.endpoint is None:
        return
    sent = [AUTHORIZATION, CLIENT_ID, *(ATTRIBUTION if entry.endpoint == "render" else ())]
    for name in sent:
        if name.lower() in entry.request_headers:
            yield "drop-header", name, _without_header(name)
    if AUTHORIZATION.lower() in entry.request_headers:
        yield "other-token", "", _with_other_token
        yield "token-in-url", "", _with_token_in_url
    if entry.session_id and entry.endpoint not in ("session", "render_status"):
        yield "other-session", "", _replacing(_SESSION_ID, "9" * 19)
    if "/me/" in entry.url:
        yield "other-user", "", _replacing(re.compile("/me/"), "/anon_other/")
    if _RENDER_ID.search(entry.url):
        yield "other-render", "", _replacing(_RENDER_ID, "render_999")
    if entry.request_body.startswith("{"):
        for name in json.loads(entry.request_body):
            yield "drop-field", name, _without_field(name)


def _without_header(name: str) -> ChangeRequest:
    def apply(request: httpx.Request) -> httpx.Request:
        del request.headers[name]
        return request

    return apply


def _with_other_token(request: httpx.Request) -> httpx.Request:
    request.headers[AUTHORIZATION] = "Bearer nmv_usr_unknown"
    return request


def _with_token_in_url(request: httpx.Request) -> httpx.Request:
    token = request.headers[AUTHORIZATION].removeprefix("Bearer ")
    request.url = request.url.copy_add_param("token", token)
    return request


def _without_field(name: str) -> ChangeRequest:
    def apply(request: httpx.Request) -> httpx.Request:
        body = json.loads(request.read())
        del body[name]
        return _with_body(request, json.dumps(body).encode())

    return apply


def _replacing(pattern: re.Pattern[str], new: str) -> ChangeRequest:
    def apply(request: httpx.Request) -> httpx.Request:
        request.url = httpx.URL(pattern.sub(new, str(request.url)))
        if not request.headers.get("content-type", "").startswith("application/json"):
            return request
        return _with_body(request, pattern.sub(new, request.read().decode()).encode())

    return apply


def _with_body(request: httpx.Request, body: bytes) -> httpx.Request:
    headers = [(n, v) for n, v in request.headers.items() if n.lower() != "content-length"]
    return httpx.Request(
        request.method, request.url, headers=headers, content=body, extensions=request.extensions
    )
