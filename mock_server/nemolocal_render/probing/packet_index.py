"""Where the packets of an MP4 or MOV file lie, so that a part of it can be read without the rest.

Runs in the child process of `probe_worker`.
"""

from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Sequence
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec

if TYPE_CHECKING:
    from av.container import InputContainer

ByteRange = tuple[int, int]
"""The first byte and the one after the last."""

# Codecs whose decoders report every packet that is not there.
_CODECS = frozenset({"h264", "hevc"})
# The length of a group, if there are not too many of them.
_GROUP_SECONDS = 0.25
_MOST_GROUPS = 20_000
# Packets at the beginning of each stream, from which FFmpeg learns its format: it decodes them
# until it knows by how many frames the stream is reordered.
_FIRST_PACKETS, _FIRST_REORDERED, _REORDERED = 10, 24, 3
# Packets that FFmpeg may read ahead, in queues and in the threads of its decoder; and seconds.
_READ_AHEAD, _READ_AHEAD_SECONDS = 30, 1.0
# Smaller gaps are read as well: a request costs more.
_GAP = 65_536
# The payload of a box with packets follows its header, which has at most so many bytes.
_BOX_HEADER = 16
_MICROSECONDS = 1_000_000
# Times are rounded to a microsecond for FFmpeg, which rounds them to ticks of the stream.
_ROUNDING = 5


class PacketGroup(msgspec.Struct, frozen=True, array_like=True):
    """Consecutive packets of the video: its decoding time in microseconds, and their bytes.

    `is_key`: the first one is a key frame.
    """

    time: int
    begin: int
    end: int
    is_key: bool


class PacketIndex(msgspec.Struct, frozen=True):
    """The groups of packets of the video in order of decoding, and the bytes that are always read.

    `start` is the time of the file at which FFmpeg counts from 0, in microseconds. A seek may go to
    a key frame that is decoded up to `early` microseconds before. `read_ahead` is how far FFmpeg
    reads beyond what it shows.
    """

    start: int
    early: int
    read_ahead: int
    head: tuple[ByteRange, ...]
    groups: tuple[PacketGroup, ...]

    def ranges(self, windows: Iterable[tuple[float, float]]) -> list[ByteRange]:
        """Return what FFmpeg reads for these windows, each from one second to another."""
        times = [group.time for group in self.groups]
        found = list(self.head)
        for begin, end in windows:
            sought = self.start + round(begin * _MICROSECONDS) - self.early + _ROUNDING
            first = max(bisect_right(times, sought) - 1, 0)
            while first and not self.groups[first].is_key:
                first -= 1
            last = self.start + round(end * _MICROSECONDS) + self.read_ahead
            shown = self.groups[first : bisect_left(times, last)]
            found += [(group.begin, group.end) for group in shown]
        return merge_ranges(found)


def merge_ranges(ranges: Iterable[ByteRange], gap: int = _GAP) -> list[ByteRange]:
    """Return ranges in order, those with smaller gaps between them as one."""
    merged: list[ByteRange] = []
    for begin, end in sorted(ranges):
        if merged and begin - merged[-1][1] <= gap:
            merged[-1] = (merged[-1][0], max(merged[-1][1], end))
        elif end > begin:
            merged.append((begin, end))
    return merged


def index_packets(container: "InputContainer", path: Path) -> PacketIndex | None:
    """Return the index of an MP4 or MOV file; None if it must be read as a whole."""
    around = _around_packets(path)
    video = container.streams.video
    if around is None or len(video) != 1 or not hasattr(video[0], "index_entries"):
        return None  # also with an old PyAV
    stream = video[0]
    if container.chapters():  # FFmpeg reads their titles from packets all over the file
        return None
    entries = _Entries(stream)
    if stream.codec_context.name not in _CODECS or not entries.are_plain(path.stat().st_size):
        return None
    delay = stream.codec_context.has_b_frames
    first = _FIRST_PACKETS if delay < _REORDERED else _FIRST_REORDERED
    head = [span for each in container.streams for span in _Entries(each).first(first)]
    groups = entries.groups()
    if groups is None:
        return None
    packet = entries.seconds / len(entries.times)
    is_sought_by_shown_time = stream.codec_context.name == "hevc"
    return PacketIndex(
        start=container.start_time or 0,
        early=round(delay * packet * _MICROSECONDS) if is_sought_by_shown_time else 0,
        read_ahead=round(max(_READ_AHEAD * packet, _READ_AHEAD_SECONDS) * _MICROSECONDS),
        head=tuple(merge_ranges([*around, *head])),
        groups=groups,
    )


class _Entries:
    """FFmpeg's list of the packets of a stream."""

    def __init__(self, stream: Any) -> None:
        entries = [stream.index_entries[n] for n in range(len(stream.index_entries))]
        scale = float(stream.time_base or 0)
        self.times: list[int] = [
            round(entry.timestamp * scale * _MICROSECONDS) for entry in entries
        ]
        self.spans: list[ByteRange] = [(entry.pos, entry.pos + entry.size) for entry in entries]
        self._keys = [entry.is_keyframe for entry in entries]

    @property
    def seconds(self) -> float:
        """The time from the first packet to the last, in seconds."""
        return (self.times[-1] - self.times[0]) / _MICROSECONDS

    def first(self, count: int) -> list[ByteRange]:
        return self.spans[:count]

    def are_plain(self, size: int) -> bool:
        """Whether there are packets, in order of time, and all of them in the file."""
        return (
            len(self.times) > 1
            and self._keys[0]
            and self.times[0] < self.times[-1]
            and all(a <= b for a, b in pairwise(self.times))
            and all(0 <= begin < end <= size for begin, end in self.spans)
        )

    def groups(self) -> tuple[PacketGroup, ...] | None:
        """Return the packets in groups; None if those of a group are not near each other."""
        least = max(_GROUP_SECONDS, self.seconds / _MOST_GROUPS) * _MICROSECONDS
        starts = [0]
        for at, (time, is_key) in enumerate(zip(self.times, self._keys, strict=True)):
            if at and (is_key or time - self.times[starts[-1]] >= least):
                starts.append(at)
        if len(starts) > 2 * _MOST_GROUPS:
            return None
        found = []
        for a, b in pairwise([*starts, len(self.times)]):
            begin, end = min(self.spans[a:b])[0], max(end for _, end in self.spans[a:b])
            if end - begin > 2 * _total(self.spans[a:b]) + 16 * _GAP:
                return None
            found.append(PacketGroup(self.times[a], begin, end, self._keys[a]))
        return tuple(found)


def _total(spans: Sequence[ByteRange]) -> int:
    return sum(end - begin for begin, end in spans)


def _around_packets(path: Path) -> list[ByteRange] | None:
    """Return the bytes of all boxes but those with packets; None if the file is fragmented."""
    size, at = path.stat().st_size, 0
    found: list[ByteRange] = []
    kinds = set[bytes]()
    with path.open("rb") as file:
        while at + 8 <= size:
            file.seek(at)
            head = file.read(_BOX_HEADER)
            length, kind = int.from_bytes(head[:4]), head[4:8]
            if length == 1:
                length = int.from_bytes(head[8:16])
            # A length of 0 is the rest of the file.
            end = min(at + length, size) if length else size
            if length and length < 8:
                return None
            kinds.add(kind)
            found.append((at, min(at + _BOX_HEADER, end) if kind == b"mdat" else end))
            at = end
    return found if {b"moov", b"mdat"} <= kinds and b"moof" not in kinds else None
