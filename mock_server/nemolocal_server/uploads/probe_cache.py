"""What files hold, by their content: the same bytes are looked into once."""

import threading
from collections.abc import Awaitable, Callable
from contextlib import AbstractAsyncContextManager, nullcontext
from pathlib import Path

from nemolocal_render.media import MediaInfo

from .multipart import ReceivedFile

Probe = Callable[[Path, str], Awaitable[MediaInfo]]

_MOST = 1_000


class ProbeCache:
    """The findings of the latest files, by digest and extension; any number of threads may ask.

    A probe is a process of its own, and tests upload the same few files all day. Refusals are not
    kept: the limits of the process and a busy machine have a part in them.
    """

    def __init__(self, most: int = _MOST) -> None:
        self._most = most
        self._lock = threading.Lock()
        self._found: dict[tuple[str, str, bool], MediaInfo] = {}

    async def get_or_probe(
        self,
        file: ReceivedFile,
        probe: Probe,
        lenient: bool = False,
        place: AbstractAsyncContextManager[None] | None = None,
    ) -> MediaInfo:
        """What the file holds, asked of `probe` if need be; raises MediaRejected as that does.

        What a `lenient` probe says is known apart. It is asked in a `place`: while that is waited
        for, the same file may become known.
        """
        key = (file.hash, file.extension, lenient)
        if (known := self._known(key)) is not None:
            return known
        async with place or nullcontext():
            info = self._known(key) or await probe(file.path, file.extension)
        with self._lock:
            self._found[key] = info
            if len(self._found) > self._most:
                del self._found[next(iter(self._found))]
        return info

    def _known(self, key: tuple[str, str, bool]) -> MediaInfo | None:
        with self._lock:
            return self._found.get(key)
