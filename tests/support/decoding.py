"""What decoding finds in a file: the truth that the figures of an upload are compared with."""

import math
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import av
import msgspec

from nemolocal_render.media import MediaInfo
from nemolocal_render.probing import probe_worker

# AAC, the longest of the usual ones: the last frame of sound may be cut or not.
_SOUND_FRAME = 2048


class Decoded(msgspec.Struct, frozen=True):
    """Seconds from the first frame to the end of the last, pictures, and how fast they follow."""

    seconds: float
    pictures: int
    rate: float
    size: tuple[int, int]


def decode(path: Path, info: MediaInfo) -> Decoded:
    """Decode the tracks that an upload has been described by, to the end or to where it breaks."""
    with probe_worker._open(path, info.extension) as container:
        streams: list[Any] = []
        if info.width:
            films = [s for s in container.streams.video if not s.disposition & 0x400]
            streams.append(films[info.picture_place])
        if info.audio_codec:
            streams.append(container.streams.audio[info.sound_place])
        frames = [frame for frame in _frames(container, streams) if frame.time is not None]
        stated = [_stated_end(stream) for stream in streams if stream.type == "video"]
    pictures = [frame for frame in frames if isinstance(frame, av.VideoFrame)]
    times = sorted(float(frame.time or 0) for frame in pictures)
    reach = times[-1] - times[0] if times else 0.0
    rate = (len(times) - 1) / reach if reach else 0.0
    unknown = 1 / info.fps if info.fps else 0.0
    lengths = {_length(frame, unknown) for frame in pictures}
    # What all pictures last though they follow more quickly, a header says and nobody sees.
    invented = len(lengths) == 1 and rate and max(lengths) > 2 / rate
    longest = 1 / rate if invented else math.inf
    if len(times) == 1:
        # Nor what a single picture lasts beyond the end that is stated for its track.
        longest = stated[0] - times[0] if stated[0] > times[0] else math.inf
    ends = [float(frame.time) + min(_length(frame, unknown), longest) for frame in frames]
    seconds = max(ends) - min(float(frame.time) for frame in frames) if frames else 0.0
    size = (pictures[0].width, pictures[0].height) if pictures else (0, 0)
    return Decoded(seconds, len(times), rate, size)


def agrees(info: MediaInfo, truth: Decoded, cut: float | None = None) -> bool:
    """Whether the figures are those of decoding, but for a frame of picture or sound.

    Of a file that is cut off the last picture, which may be so many seconds long, may be damaged.
    """
    frame = max(
        cut or 0.0, 1 / info.fps if info.fps else 0.0, _SOUND_FRAME / (info.sample_rate or 48_000)
    )
    length = abs(info.duration - truth.seconds) <= frame + 0.002
    if cut is not None or info.kind != "video" or truth.pictures < 2 or not truth.rate:
        return length
    return length and abs(info.fps - truth.rate) / truth.rate * (truth.pictures - 1) <= 1.01


def _stated_end(stream: Any) -> float:
    """Seconds of the file's timestamps; 0 if no header states the end of the track."""
    if not stream.duration or stream.start_time is None:
        return 0.0
    return float((stream.start_time + stream.duration) * stream.time_base)


def _length(frame: Any, unknown: float) -> float:
    if isinstance(frame, av.VideoFrame):
        return float((frame.duration or 0) * (frame.time_base or 0)) or unknown
    return float(frame.samples / frame.sample_rate)


def _frames(container: Any, streams: list[Any]) -> Iterator[Any]:
    packets = container.demux(streams)
    while True:
        try:
            packet = next(packets, None)
        except av.FFmpegError:
            packet = None
        if packet is None:
            break
        yield from _decoded(packet.stream, packet)
    for stream in streams:
        yield from _decoded(stream, None)


def _decoded(stream: Any, packet: Any) -> list[Any]:
    try:
        frames: list[Any] = stream.codec_context.decode(packet)
    except av.FFmpegError:
        return []
    return frames
