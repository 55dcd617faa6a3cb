"""Requests and responses that pass through the proxy, for interceptors to change."""

import json
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass
from typing import Any, Self

import httpx


class ConnectionBroken(Exception):
    """The connection broke before the message was complete."""


@dataclass
class InterceptedRequest:
    """A request; `body` is None if it is streamed. `peer` identifies the client."""

    method: str
    path: str
    query: str
    headers: httpx.Headers
    body: bytes | None
    client_port: int
    body_stream: AsyncIterator[bytes] | None = None

    @property
    def json(self) -> Any:
        """The body as JSON, an empty object if it is not JSON."""
        try:
            return json.loads(self.body or b"")
        except ValueError:
            return {}

    @property
    def token(self) -> str:
        """The bearer token, empty if there is none."""
        return str(self.headers.get("Authorization", "")).removeprefix("Bearer ")

    def set_json(self, value: Any) -> Self:
        """Return the request with another body."""
        self.body = json.dumps(value).encode()
        return self

    def set_token(self, token: str) -> Self:
        """Return the request with another token."""
        self.headers["Authorization"] = f"Bearer {token}"
        return self

    def set_path(self, path: str) -> Self:
        """Return the request with another path."""
        self.path = path
        return self


Write = Callable[[bytes], Awaitable[None]]


@dataclass
class InterceptedResponse:
    """A response: a body, or the frames of a stream with their blank lines; `cut` breaks off.

    `send` writes its bytes instead of the HTTP library, and its connection is closed after it.
    """

    status: int
    headers: httpx.Headers
    body: bytes = b""
    frames: AsyncIterator[bytes] | None = None
    is_cut: bool = False
    send: Callable[["InterceptedResponse", Write], Awaitable[None]] | None = None

    @property
    def json(self) -> Any:
        """The body as JSON, an empty object if it is not JSON."""
        try:
            return json.loads(self.body)
        except ValueError:
            return {}

    @property
    def code(self) -> Any:
        """The code of the envelope, None if there is none."""
        value = self.json
        return value.get("code") if isinstance(value, dict) else None

    def set_json(self, value: Any) -> Self:
        """Return the response with another body."""
        self.body = json.dumps(value, ensure_ascii=False).encode()
        return self

    def set_frames(self, *frames: bytes) -> Self:
        """Return the response with these frames as its stream."""

        async def reported() -> AsyncIterator[bytes]:
            for frame in frames:
                yield frame

        self.frames = reported()
        return self


def json_response(value: Any, status: int = 200) -> InterceptedResponse:
    """Return a response made by the interceptor."""
    return InterceptedResponse(
        status, httpx.Headers({"Content-Type": "application/json"})
    ).set_json(value)


def error_response(code: int, message: str, status: int = 200) -> InterceptedResponse:
    """Return an error made by the interceptor."""
    return json_response({"code": code, "message": message, "data": None}, status)
