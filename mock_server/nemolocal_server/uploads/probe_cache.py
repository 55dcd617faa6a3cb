"""A cache of probe results: equal files are probed once."""

import threading
from collections.abc import Awaitable, Callable
from contextlib import AbstractAsyncContextManager, nullcontext
from pathlib import Path

from nemolocal_render.media import MediaInfo

from .multipart import ReceivedFile

Probe = Callable[[Path, str], Awaitable[MediaInfo]]

MAX_RESULTS = 1_000


class ProbeCache:
    """The latest results, by digest and extension; thread-safe.

    A probe is a child process, and tests upload the same few files again and again. Refusals are
    not cached: they may be due to limits of the child process or a busy machine.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._results: dict[tuple[str, str, bool], MediaInfo] = {}

    async def get_or_probe(
        self,
        file: ReceivedFile,
        probe: Probe,
        lenient: bool = False,
        slot: AbstractAsyncContextManager[None] | None = None,
    ) -> MediaInfo:
        """The cached result, or that of `probe`, which may raise MediaRejected.

        Results of a `lenient` probe are cached separately. `slot` limits how many probes run.
        """
        key = (file.hash, file.extension, lenient)
        if (known := self._get(key)) is not None:
            return known
        async with slot or nullcontext():
            # Another request may have probed the same file while this one waited.
            info = self._get(key) or await probe(file.path, file.extension)
        with self._lock:
            self._results[key] = info
            if len(self._results) > MAX_RESULTS:
                del self._results[next(iter(self._results))]
        return info

    def _get(self, key: tuple[str, str, bool]) -> MediaInfo | None:
        with self._lock:
            return self._results.get(key)
