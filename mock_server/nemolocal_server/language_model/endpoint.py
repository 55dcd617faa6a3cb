"""Asks an OpenAI-compatible endpoint, within limits of real time and size.

httpx is enough: it is one request without streaming, and the answer has to be checked here in any
case. An SDK would add retries, which a turn has no time for, and many dependencies.
"""

import asyncio
import os
import re
from typing import TYPE_CHECKING

from nemolocal_contract.responses import encode_json

from ..network_errors import describe_error, http_errors, ssl_context
from .chat_completions import ModelFailed, tools_json
from .model_settings import ModelSettings

if TYPE_CHECKING:
    import httpx

MAX_ANSWER = 1_000_000
"""Maximum size of an answer in bytes."""
_MAX_CONCURRENT = 4
_MIN_SECRET_LENGTH = 12
_KEY = re.compile(r"[\x21-\x7e]{0,4096}")


class ModelSetupError(Exception):
    """The model cannot be used at all; the message says why and what to do."""


class ModelEndpoint:
    """The endpoint of the settings. It is the operator's choice: no client can name another."""

    def __init__(self, settings: ModelSettings) -> None:
        self._settings = settings
        is_asked = settings.replay is None
        self._key = _read_key(settings.key_variable) if is_asked else ""
        self._slots = asyncio.Semaphore(_MAX_CONCURRENT)
        if is_asked:
            # Now, since doing this in the first turn would block all others.
            http_errors()
            tools_json()
            if settings.url.startswith("https:"):
                ssl_context()

    def has_key(self, text: str) -> bool:
        """Return whether JSON contains the key in a string; it must then not be shown or stored.

        A short key is not a secret: a server without keys gets any word, such as "none".
        """
        return (
            len(self._key) >= _MIN_SECRET_LENGTH and encode_json(self._key).decode()[1:-1] in text
        )

    async def complete(self, body: bytes) -> bytes:
        """Return the answer to a request; raises `ModelFailed`.

        Waiting for other requests of this server to end is part of the time limit.
        """
        seconds = self._settings.seconds
        try:
            async with asyncio.timeout(seconds), self._slots:
                return await self._post(body)
        except TimeoutError:
            raise ModelFailed("timeout", f"it took longer than {seconds:g} s") from None
        except http_errors() as error:
            raise ModelFailed("unreachable", describe_error(error, "answer")) from None

    async def _post(self, body: bytes) -> bytes:
        import httpx

        url = self._settings.completions_url
        headers = {
            "Content-Type": "application/json",
            "Accept": "application/json",
            "Accept-Encoding": "identity",
            "User-Agent": "nemolocal",
        }
        if self._key:
            headers["Authorization"] = f"Bearer {self._key}"
        verify = ssl_context() if url.startswith("https:") else False
        # The caller limits the time. Proxies and passwords of the environment are ignored.
        async with (
            httpx.AsyncClient(verify=verify, trust_env=False, timeout=None) as client,
            client.stream("POST", url, content=body, headers=headers) as response,
        ):
            self._check(response)
            answer = bytearray()
            async for chunk in response.aiter_raw():
                answer += chunk
                if len(answer) > MAX_ANSWER:
                    raise ModelFailed("invalid", f"its answer has more than {MAX_ANSWER} bytes")
            return bytes(answer)

    def _check(self, response: "httpx.Response") -> None:
        """Raise `ModelFailed` unless the answer is JSON; the text of an error may have the key."""
        status = response.status_code
        if status == 429:
            raise ModelFailed("rate_limited", "it is rate-limited (HTTP 429)")
        if status != 200:
            hint = {
                401: f"check the key in {self._settings.key_variable}",
                403: f"check the key in {self._settings.key_variable}",
                404: "check the URL, which often ends in /v1, and the name of the model",
            }.get(status, "")
            if response.is_redirect:
                hint = "it redirects; use the target of the redirect as the URL"
            raise ModelFailed("http_error", f"HTTP {status}{': ' * bool(hint)}{hint}")
        kind = response.headers.get("Content-Type", "").partition(";")[0].strip().lower()
        if kind != "application/json":
            raise ModelFailed("invalid", "the content type of its answer is not application/json")
        if response.headers.get("Content-Encoding", "identity").lower() != "identity":
            raise ModelFailed(
                "invalid", "its answer is compressed, although the request did not allow it"
            )


def _read_key(variable: str) -> str:
    key = os.environ.get(variable, "").strip()
    if not _KEY.fullmatch(key):
        raise ModelSetupError(
            f"the key in {variable} has characters that are not allowed in an HTTP header"
        )
    return key
