"""Which bytes of its sources a part reads, where that is known."""

import asyncio
from collections import OrderedDict, defaultdict
from pathlib import Path

from nemolocal_render.filtergraph.clip_streams import find_source_range, held_frame
from nemolocal_render.media import MediaSource
from nemolocal_render.planning.render_plan import RenderPlan
from nemolocal_render.probing.media_probe import read_packet_index
from nemolocal_render.probing.packet_index import ByteRange, PacketIndex

from .part_tasks import TaskRange, digest_range

_MOST_INDEXES = 32
# A part that reads more than this share of a file gets all of it.
_MOST_SHARE = 0.9


class SourceRanges:
    """The indexes of sources, each read once; the least recently used are dropped."""

    def __init__(self) -> None:
        self._indexes: OrderedDict[str, PacketIndex | None] = OrderedDict()
        self._locks: defaultdict[str, asyncio.Lock] = defaultdict(asyncio.Lock)

    async def of_part(
        self, part: RenderPlan, source: MediaSource, size: int, digest: str
    ) -> tuple[TaskRange, ...]:
        """Return the ranges of a source that a part reads; none if it needs the whole file."""
        windows = read_windows(part, source)
        if windows is None:
            return ()
        index = await self._index(source, digest)
        if index is None:
            return ()
        ranges = index.ranges(windows)
        if sum(end - begin for begin, end in ranges) > _MOST_SHARE * size:
            return ()
        return await asyncio.to_thread(_with_digests, source.path, ranges)

    async def _index(self, source: MediaSource, digest: str) -> PacketIndex | None:
        async with self._locks[digest]:
            if digest not in self._indexes:
                index = await read_packet_index(source.path, source.info.extension)
                self._indexes[digest] = index
            self._indexes.move_to_end(digest)
            if len(self._indexes) > _MOST_INDEXES:
                oldest, _ = self._indexes.popitem(last=False)
                self._locks.pop(oldest, None)
            return self._indexes[digest]


def read_windows(part: RenderPlan, source: MediaSource) -> list[tuple[float, float]] | None:
    """Return from where to where a part reads a source, in seconds; None if that is not known."""
    if part.audio_tracks or source.info.kind != "video" or source.info.picture_place:
        return None
    windows = []
    for picture in (picture for layer in part.layers for picture in layer):
        clip = picture.clip
        if clip.source.path != source.path or clip.solid is not None:
            continue
        if clip.reverse:
            return None
        shown = held_frame(clip) if clip.is_still else picture
        reach, origin = find_source_range(shown, part.fps), source.info.origin
        windows.append((reach.begin + origin, reach.end + origin))
    return windows


def _with_digests(path: Path, ranges: list[ByteRange]) -> tuple[TaskRange, ...]:
    with path.open("rb") as file:
        return tuple(TaskRange(a, b, digest_range(file, a, b)) for a, b in ranges)
