"""A walk through all packets of a file: its first frames are decoded, the rest is only timed.

No header is believed that the packets contradict. A gigabyte takes about a second.
"""

import time
from collections.abc import Iterator
from fractions import Fraction
from typing import TYPE_CHECKING, Any

from nemolocal_contract.media import ACCEPTED_EXTENSIONS

from ..media import (
    DEMUXERS,
    MAX_ANIMATION_FRAMES,
    MAX_IMAGE_PIXELS,
    MAX_SECONDS,
    MAX_VIDEO_PIXELS,
    RAW_AUDIO_EXTENSIONS,
    MediaRejected,
    image_too_large_error,
)
from .audio_format import AudioFormat, read_audio_format
from .image_headers import has_gif_image
from .stream_selection import ENCRYPTED, UNDECODABLE, SelectedStreams
from .stream_timing import StreamTiming

if TYPE_CHECKING:
    from av.container import InputContainer

Packet = Any
"""A packet of PyAV, which is generic in some versions and not in others."""

# Packets without a frame after which nothing is to be expected of a track any more.
_MAX_UNDECODED_PACKETS = 600
# Seconds of processor time for the walk, looked at each time after so many packets.
_BUDGET, _STRIDE = 12.0, 4096
# The bit of a VP8 frame that is there to be seen; others only serve those behind them.
_VP8_SHOWN = 0x10
_CHANGES = "its sound changes its sample rate or its channels on the way; convert it to one form"
# Seconds that a header may be wrong before anybody is told.
_TOLERATED = 1.0


class StreamScan:
    """One stream of the walk: its first frame, its time, and why it is of no use, if it is not."""

    def __init__(self, stream: Any) -> None:
        self.stream = stream
        self.frame: Any = None
        self.timing = StreamTiming(stream.time_base or Fraction(1, 1_000_000))
        self.unusable_reason = ""
        self._tries = 0
        self._error = ""
        stream.thread_type = "NONE"
        if stream.duration and stream.start_time is not None:
            self.timing.set_stated_end(
                (stream.start_time + stream.duration) * self.timing.time_base
            )

    def feed(self, packet: Packet) -> None:
        """The next packet; an empty one asks the decoder for what it still has."""
        if self.unusable_reason:
            return
        if packet.size:
            if self._tries == 0 and packet.has_sidedata("encryption_info"):
                self.unusable_reason = ENCRYPTED
                return
            self._note(packet)
        if self.frame is None:
            self._decode(packet)

    def finish(self) -> None:
        """There are no more packets."""
        self.timing.finish()
        if self.frame is None and not self.unusable_reason:
            self._give_up()

    def _give_up(self) -> None:
        self.unusable_reason = f"{UNDECODABLE}: {self._error}" if self._error else UNDECODABLE

    def _note(self, packet: Packet) -> None:
        """What is to be known of a packet that is not decoded."""
        if not packet.is_discard:
            self.timing.add_packet(packet.pts, packet.dts, packet.duration or 0)

    def _decode(self, packet: Packet) -> None:
        import av

        self._tries += 1
        try:
            frames = packet.decode()
        except (av.FFmpegError, ValueError) as error:
            # ValueError: PyAV has a name for the codec and no decoder.
            frames = []
            self._error = getattr(error, "strerror", "") or "its content is damaged"
        if frames:
            self.frame = frames[0]
            self.timing.set_first_frame(self._ticks_of(self.frame))
        elif self._tries > _MAX_UNDECODED_PACKETS:
            self._give_up()

    def _ticks_of(self, frame: Any) -> int | None:
        if frame.pts is None or not frame.time_base:
            return None
        ticks: int = round(frame.pts * frame.time_base / self.stream.time_base)
        return ticks


class _VideoScan(StreamScan):
    def __init__(self, stream: Any, most: float) -> None:
        super().__init__(stream)
        self._most = most
        self._codec = stream.codec_context.name

    def _note(self, packet: Packet) -> None:
        if self._shows(packet):
            super()._note(packet)
        if self.timing.frame_count > self._most:
            raise MediaRejected(f"it has more than {self._most} pictures")

    def _shows(self, packet: Packet) -> bool:
        """Whether there is something in it to be seen."""
        if self._codec in ("vp8", "libvpx"):
            return bool(memoryview(packet)[0] & _VP8_SHOWN)
        return self._codec != "gif" or has_gif_image(bytes(packet))


class _AudioScan(StreamScan):
    def __init__(self, stream: Any) -> None:
        super().__init__(stream)
        self._codec = stream.codec_context.name
        self._format: AudioFormat | None = None
        # If the first packet tells no form, none does: the container tells one for all.
        self._has_no_format = False
        self._last: Packet | None = None

    def _note(self, packet: Packet) -> None:
        super()._note(packet)
        self._last = packet
        if self._has_no_format:
            return
        form = read_audio_format(self._codec, packet)
        if form is None:
            self._has_no_format = self._format is None
        elif self._format is not None and form != self._format:
            raise MediaRejected(_CHANGES)
        else:
            self._format = form

    def finish(self) -> None:
        super().finish()
        if self.frame is not None and self._last is not None:
            padding = Fraction(_padding_of(self._last), self.frame.sample_rate)
            lasts = (self._last.duration or 0) * (self._last.time_base or 0)
            # Newer versions of FFmpeg tell it of MP4, too, whose last packet is short already.
            if lasts + padding > Fraction(self.frame.samples, self.frame.sample_rate):
                self.timing.trim_end(padding)


def _padding_of(packet: Packet) -> int:
    """Samples at the end of a packet that are not heard."""
    if not packet.has_sidedata("skip_samples"):
        return 0
    return int.from_bytes(bytes(packet.get_sidedata("skip_samples"))[4:8], "little")


class FileScan:
    """What the walk has found: tracks with their times, and what is to be told of it."""

    def __init__(self, picture: StreamScan | None, sound: StreamScan | None, size: int) -> None:
        self.video = picture
        self.audio = sound
        self.size = size
        self.warnings: tuple[str, ...] = ()
        self._share = Fraction(1)

    @property
    def streams(self) -> list[StreamScan]:
        """Those that are there."""
        return [track for track in (self.video, self.audio) if track is not None]

    @property
    def is_unusable(self) -> bool:
        """Whether there is something against each track."""
        return all(track.unusable_reason for track in self.streams)

    @property
    def start(self) -> Fraction:
        """Seconds, on the file's own clock, at which the first frame begins."""
        return min(track.timing.start for track in self.streams)

    @property
    def end(self) -> Fraction:
        """Seconds, on the file's own clock, at which the last frame ends."""
        return self.start + self.scanned_seconds / self._share

    @property
    def scanned_seconds(self) -> Fraction:
        """Seconds that were walked through."""
        return max(track.timing.end for track in self.streams) - self.start

    def stop_at(self, position: int | None) -> None:
        """The walk ends here, at this byte of the file: what lies behind is estimated."""
        self._share = Fraction(min(max(position or 0, 1), self.size), self.size)
        self.warnings += (
            f"its length is estimated: {float(self.scanned_seconds):.0f} s of it were read",
        )

    def check_stated_duration(self, stated: float) -> None:
        """Tell if a header says that the file is longer than it is."""
        found = float(self.end - self.start)
        if stated > found + _TOLERATED:
            self.warnings += (f"it ends after {found:.3f} s, though it says {stated:.3f} s",)


def scan_packets(
    container: "InputContainer", choice: SelectedStreams, extension: str, size: int
) -> FileScan:
    """Walk through a file; raises MediaRejected for what no other track can make good.

    A track that is of no use has a complaint: another one may be.
    """
    still = ACCEPTED_EXTENSIONS[extension] == "image"
    picture, sound = choice.video, choice.audio
    if picture is not None:
        _check_size(picture.codec_context, MAX_IMAGE_PIXELS if still else MAX_VIDEO_PIXELS)
    most = MAX_ANIMATION_FRAMES if still else float("inf")
    reading = FileScan(
        _VideoScan(picture, most) if picture is not None else None,
        _AudioScan(sound) if sound is not None else None,
        size,
    )
    one = still and extension != "gif"
    by_stream = {track.stream.index: track for track in reading.streams}
    for packet in _packets(container, reading):
        # An empty packet knows its stream, but not its number.
        track = by_stream[packet.stream.index]
        track.feed(packet)
        if (one and track.frame is not None) or (track.unusable_reason and reading.is_unusable):
            break
    for track in reading.streams:
        track.finish()
    if not still:
        reading.check_stated_duration(_stated(container, reading, extension))
    return reading


def _packets(container: "InputContainer", reading: FileScan) -> Iterator[Packet]:
    """The packets of the tracks; no more than can be read in time, or are too long already."""
    import av

    began = time.process_time()
    try:
        for number, packet in enumerate(container.demux([t.stream for t in reading.streams]), 1):
            yield packet
            if number % _STRIDE:
                continue
            if any(t.frame for t in reading.streams) and reading.scanned_seconds > MAX_SECONDS:
                return
            if time.process_time() - began > _BUDGET:
                reading.stop_at(packet.pos)
                return
    except av.FFmpegError:
        # What is behind cannot be read, by FFmpeg neither.
        return


def _check_size(context: Any, limit: int) -> None:
    """Before a single frame is decoded: a small file can declare a picture of gigabytes."""
    if context.width * context.height > limit:
        raise image_too_large_error(context.width, context.height, limit)


def _stated(container: "InputContainer", reading: FileScan, extension: str) -> float:
    """Seconds that headers say the tracks last, 0 where they say nothing of these alone.

    What FFmpeg says of raw sound is a guess by its first packets. Matroska states one length, which
    is that of the clock where time stamps do not start at 0.
    """
    if extension in RAW_AUDIO_EXTENSIONS:
        return 0.0
    streams = [track.stream for track in reading.streams]
    stated = [float(s.duration * s.time_base) for s in streams if s.duration and s.time_base]
    if stated and DEMUXERS[extension] != "matroska":
        return max(stated)
    if len(container.streams) > len(streams) or not container.duration:
        return 0.0
    return container.duration / 1_000_000 - max(float(reading.start), 0.0)
