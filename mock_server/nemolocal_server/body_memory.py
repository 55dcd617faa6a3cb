"""Bounds the memory that the bodies of all requests take while they are received."""

import contextlib
from collections.abc import Callable, Iterator

from nemolocal_contract.responses import ResponseCode

from .errors import ContractError

MAX_BODY = 4_000_000
"""The maximum of one body in bytes: the size of the largest draft."""
MAX_TOGETHER = 64_000_000
"""The maximum of all bodies in bytes, less the first `UNCOUNTED` of each."""
# Most bodies are smaller: they are received however much others take.
UNCOUNTED = 64_000
_RETRY_SECONDS = "1"


class BodyMemory:
    """Counts the bytes of the bodies that are being received."""

    def __init__(self, limit: int = MAX_TOGETHER) -> None:
        self._limit = limit
        self._used = 0

    @contextlib.contextmanager
    def account(self) -> Iterator[Callable[[int], None]]:
        """Yield a function to call with the bytes of one body so far, whenever it grows.

        It raises 429 if all bodies together become too large. At the end the body counts no more.
        """
        counted = 0

        def grow(size: int) -> None:
            nonlocal counted
            added = max(size - UNCOUNTED - counted, 0)
            counted += added
            self._used += added
            if added and self._used > self._limit:
                raise ContractError(
                    ResponseCode.RATE_LIMITED,
                    "Too many large requests are being sent at once: send this one again",
                    {"Retry-After": _RETRY_SECONDS},
                )

        try:
            yield grow
        finally:
            self._used -= counted
