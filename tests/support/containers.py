"""Media files put together from a few tiny encoded packets: any time stamps, and no FFmpeg to run.

The pictures are 64x36 and of one colour, all of them key frames; the sound is a quiet tone.
"""

import io
from collections.abc import Iterator, Sequence
from fractions import Fraction
from functools import cache
from pathlib import Path
from typing import Any

import av
import msgspec
import numpy as np

_MS = Fraction(1, 1000)
_RATE = 48_000
_SIZE = (64, 36)
# Container → the codecs of its picture and its sound, and the muxer.
KINDS = {
    "mkv": ("libx264", "libopus", "matroska"),
    "webm": ("libvpx", "libopus", "webm"),
    "mp4": ("libx264", "aac", "mp4"),
    "mov": ("libx264", "pcm_s16le", "mov"),
    "avi": ("mjpeg", "pcm_s16le", "avi"),
}
_PICTURES: dict[str, Any] = {
    "libx264": {"pix_fmt": "yuv420p", "options": {"preset": "ultrafast", "g": "1", "bf": "0"}},
    "libvpx": {"pix_fmt": "yuv420p", "options": {"deadline": "realtime", "g": "1"}},
    "mjpeg": {"pix_fmt": "yuvj420p", "options": {}},
}
FRAGMENTED = {"movflags": "frag_keyframe+empty_moov+default_base_moof"}
LIVE = {"live": "1"}


class Recipe(msgspec.Struct, frozen=True):
    """What is in a file: times of pictures and of 20 ms pieces of sound, in milliseconds.

    Without `lengths` each picture lasts until the next one, the last as long as the one before. A
    `timecode` is a track of data in QuickTime files.
    """

    extension: str
    pictures: tuple[int, ...] = ()
    sounds: tuple[int, ...] = ()
    options: dict[str, str] = {}
    lengths: tuple[int, ...] = ()
    sound_tracks: int = 1
    timecode: bool = False

    @property
    def length(self) -> float:
        """Seconds from the first time stamp to the end of what comes last."""
        ends = [at + length for at, length in zip(self.pictures, self.lasting, strict=True)]
        ends += [at + 20 for at in self.sounds]
        return (max(ends) - min((*self.pictures, *self.sounds))) / 1000

    @property
    def lasting(self) -> tuple[int, ...]:
        """How long each picture is shown."""
        if self.lengths or not self.pictures:
            return self.lengths
        gaps = [b - a for a, b in zip(self.pictures, self.pictures[1:], strict=False)]
        return (*gaps, gaps[-1] if gaps else 40)


def steady(fps: float, seconds: float, start: int = 0) -> tuple[int, ...]:
    """The times of pictures that follow at a rate."""
    return tuple(start + round(1000 * n / fps) for n in range(round(fps * seconds)))


def sounding(seconds: float, start: int = 0) -> tuple[int, ...]:
    """The times of sound without a gap."""
    return tuple(range(start, start + round(seconds * 1000), 20))


def write(path: Path, recipe: Recipe) -> Path:
    """Make the file of a recipe."""
    picture, sound, muxer = KINDS[recipe.extension]
    with av.open(str(path), "w", format=muxer, options=recipe.options) as output:
        packets: list[tuple[int, Any]] = []
        if recipe.pictures:
            packets += _added(output, picture, recipe.pictures, recipe.lasting)
        if recipe.timecode:
            output.metadata["timecode"] = "01:00:00:00"
        for _ in range(recipe.sound_tracks if recipe.sounds else 0):
            packets += _added(output, sound, recipe.sounds, [20] * len(recipe.sounds))
        for _, packet in sorted(packets, key=lambda pair: pair[0]):
            output.mux(packet)
    return path


def _added(
    output: Any, codec: str, times: Sequence[int], lengths: Sequence[int]
) -> Iterator[tuple[int, Any]]:
    template, contents = _encoded(codec)
    with av.open(io.BytesIO(template)) as source:
        stream = output.add_stream_from_template(source.streams[0])
    stream.time_base = _MS if codec in _PICTURES else Fraction(1, _RATE)
    for number, (at, length) in enumerate(zip(times, lengths, strict=True)):
        packet = av.Packet(contents[number % len(contents)])
        packet.stream = stream
        packet.time_base = _MS
        packet.pts = packet.dts = at
        packet.duration = length
        packet.is_keyframe = True
        yield at, packet


@cache
def _encoded(codec: str) -> tuple[bytes, list[bytes]]:
    """A tiny file of a codec, as a template, and its packets."""
    file = io.BytesIO()
    with av.open(file, "w", format="matroska") as output:
        frames = _pictures() if codec in _PICTURES else _sounds()
        stream: Any = output.add_stream(codec, rate=25 if codec in _PICTURES else _RATE)
        if codec in _PICTURES:
            stream.width, stream.height = _SIZE
            stream.pix_fmt, stream.options = _PICTURES[codec].values()
        else:
            stream.layout = "mono"
        for frame in frames:
            output.mux(stream.encode(frame))
        output.mux(stream.encode(None))
    content = file.getvalue()
    with av.open(io.BytesIO(content), "r") as source:
        packets = [bytes(packet) for packet in source.demux() if packet.size]
    # The first and the last of sound may be shorter than the others.
    return content, packets if codec in _PICTURES else packets[1:-2]


def _pictures() -> Iterator[Any]:
    for number in range(2):
        picture = np.full((_SIZE[1], _SIZE[0], 3), 80 * number, np.uint8)
        frame = av.VideoFrame.from_ndarray(picture, format="rgb24")
        frame.pts, frame.time_base = number, Fraction(1, 25)
        yield frame


def _sounds() -> Iterator[Any]:
    for number in range(10):
        wave = (1000 * np.sin(np.arange(960) / 20)).astype(np.int16).reshape(1, -1)
        frame = av.AudioFrame.from_ndarray(wave, format="s16", layout="mono")
        frame.sample_rate, frame.pts, frame.time_base = _RATE, 960 * number, Fraction(1, _RATE)
        yield frame
