"""What goes through the proxy: a request, and its reply, for interceptors to change."""

import json
from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Any, Self

import httpx


class Cut(Exception):
    """The connection broke off before the message was complete."""


@dataclass
class Asked:
    """A request; `body` is None where it is passed on without being read. `peer` is who asks."""

    method: str
    path: str
    query: str
    headers: httpx.Headers
    body: bytes | None
    peer: int
    rest: AsyncIterator[bytes] | None = None

    @property
    def json(self) -> Any:
        """The body as JSON, an empty object where it is none."""
        try:
            return json.loads(self.body or b"")
        except ValueError:
            return {}

    @property
    def token(self) -> str:
        """The bearer token, empty where there is none."""
        return str(self.headers.get("Authorization", "")).removeprefix("Bearer ")

    def saying(self, value: Any) -> Self:
        """The same with another body."""
        self.body = json.dumps(value).encode()
        return self

    def by(self, token: str) -> Self:
        """The same from somebody else."""
        self.headers["Authorization"] = f"Bearer {token}"
        return self

    def at(self, path: str) -> Self:
        """The same elsewhere."""
        self.path = path
        return self


@dataclass
class Reply:
    """A reply: a body, or the frames of a stream, each with its blank line; `cut` breaks off."""

    status: int
    headers: httpx.Headers
    body: bytes = b""
    frames: AsyncIterator[bytes] | None = None
    cut: bool = False

    @property
    def json(self) -> Any:
        """The body as JSON, an empty object where it is none."""
        try:
            return json.loads(self.body)
        except ValueError:
            return {}

    @property
    def code(self) -> Any:
        """The code of the envelope, None where there is none."""
        value = self.json
        return value.get("code") if isinstance(value, dict) else None

    def saying(self, value: Any) -> Self:
        """The same with another body."""
        self.body = json.dumps(value, ensure_ascii=False).encode()
        return self

    def streaming(self, *frames: bytes) -> Self:
        """The same with these frames for its stream."""

        async def told() -> AsyncIterator[bytes]:
            for frame in frames:
                yield frame

        self.frames = told()
        return self


def say(value: Any, status: int = 200) -> Reply:
    """A reply of the interceptor's own."""
    return Reply(status, httpx.Headers({"Content-Type": "application/json"})).saying(value)


def refuse(code: int, message: str, status: int = 200) -> Reply:
    """A failure of the interceptor's own."""
    return say({"code": code, "message": message, "data": None}, status)
