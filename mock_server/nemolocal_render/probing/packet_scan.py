"""Scan all packets of a file: the first frames are decoded, the others only counted and timed.

Packets are trusted more than headers. A gigabyte takes about a second.

Audio whose sample rate or channels change is refused, since FFmpeg's filters take one format. Most
codecs state it once, but some in every packet, where it may change (TV recordings, joined files).
"""

import time
from collections.abc import Callable, Iterator
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
from .sniff import has_gif_image
from .stream_selection import ENCRYPTED, UNDECODABLE, SelectedStreams
from .stream_timing import StreamTiming

AudioFormat = tuple[int, ...]
"""The parameters that must not change, as the codec encodes them."""

_MPEG_MONO = 3
_LAST_AC3 = 10
# The length of the longest of these headers in bytes.
_NEEDED = 8


def read_audio_format(codec: str, packet: Any) -> AudioFormat | None:
    """Return the format that a packet states, or None."""
    read = _READERS.get(codec)
    if read is None or packet.size < _NEEDED:
        return None
    return read(bytes(memoryview(packet)[:_NEEDED]))


def _adts(packet: bytes) -> AudioFormat | None:
    if packet[0] != 0xFF or packet[1] & 0xF6 != 0xF0:
        return None
    rate = packet[2] >> 2 & 0xF
    channels = (packet[2] & 1) << 2 | packet[3] >> 6
    # 0: stated elsewhere in the packet.
    return (rate, channels) if channels else None


def _mpeg(packet: bytes) -> AudioFormat | None:
    if packet[0] != 0xFF or packet[1] & 0xE0 != 0xE0:
        return None
    version, rate = packet[1] >> 3 & 3, packet[2] >> 2 & 3
    return version, rate, int(packet[3] >> 6 == _MPEG_MONO)


def _ac3(packet: bytes) -> AudioFormat | None:
    if packet[:2] != b"\x0b\x77":
        return None
    if packet[5] >> 3 > _LAST_AC3:
        # E-AC-3: rate, channels and LFE in one byte; dependent streams only extend another.
        return (packet[4] & 0xCF,) if packet[2] >> 6 != 1 else None
    mode = packet[6] >> 5
    # The fields before the LFE flag depend on the channel mode.
    skipped = 2 * (mode & 1 and mode != 1) + 2 * bool(mode & 4) + 2 * (mode == 2)
    lfe = (packet[6] << 8 | packet[7]) >> 12 - skipped & 1
    return packet[4] >> 6, mode, lfe


def _flac(packet: bytes) -> AudioFormat | None:
    if packet[0] != 0xFF or packet[1] & 0xFC != 0xF8:
        return None
    channels = packet[3] >> 4
    # 8 to 10 are encodings of stereo.
    return packet[2] & 0xF, 1 if 8 <= channels <= 10 else channels


_READERS: dict[str, Callable[[bytes], AudioFormat | None]] = {
    "aac": _adts,
    "mp3": _mpeg,
    "mp3float": _mpeg,
    "mp2": _mpeg,
    "mp2float": _mpeg,
    "ac3": _ac3,
    "eac3": _ac3,
    "flac": _flac,
}


if TYPE_CHECKING:
    from av.container import InputContainer

Packet = Any
"""A packet of PyAV, a generic class in some versions only."""

# Packets without a decoded frame after which a stream counts as undecodable.
_MAX_UNDECODED_PACKETS = 600
# Seconds of CPU time for the scan, checked after every so many packets.
_BUDGET, _STRIDE = 12.0, 4096
# The flag of VP8 frames that are shown; others are only references.
_VP8_SHOWN = 0x10
_CHANGES = "its sample rate or channels change within the file: convert it to one format"
# Seconds that a header may be wrong without a warning.
_TOLERATED = 1.0


class StreamScan:
    """One stream: its first frame, its timing, and the reason if it is unusable."""

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
        """Process the next packet; an empty one flushes the decoder."""
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
        """End the scan after the last packet."""
        self.timing.finish()
        if self.frame is None and not self.unusable_reason:
            self._give_up()

    def _give_up(self) -> None:
        self.unusable_reason = f"{UNDECODABLE}: {self._error}" if self._error else UNDECODABLE

    def _note(self, packet: Packet) -> None:
        """Record the timing of a packet."""
        if not packet.is_discard:
            self.timing.add_packet(packet.pts, packet.dts, packet.duration or 0)

    def _decode(self, packet: Packet) -> None:
        import av

        self._tries += 1
        try:
            frames = packet.decode()
        except (av.FFmpegError, ValueError) as error:
            # ValueError: PyAV knows the codec but has no decoder.
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
            raise MediaRejected(f"it has more than {self._most} frames")

    def _shows(self, packet: Packet) -> bool:
        """Whether a packet has a visible frame."""
        if self._codec in ("vp8", "libvpx"):
            return bool(memoryview(packet)[0] & _VP8_SHOWN)
        return self._codec != "gif" or has_gif_image(bytes(packet))


class _AudioScan(StreamScan):
    def __init__(self, stream: Any) -> None:
        super().__init__(stream)
        self._codec = stream.codec_context.name
        self._format: AudioFormat | None = None
        # If the first packet states no format, none does: the container states it.
        self._has_no_format = False
        self._last: Packet | None = None

    def _note(self, packet: Packet) -> None:
        super()._note(packet)
        self._last = packet
        if self._has_no_format:
            return
        audio_format = read_audio_format(self._codec, packet)
        if audio_format is None:
            self._has_no_format = self._format is None
        elif self._format is not None and audio_format != self._format:
            raise MediaRejected(_CHANGES)
        else:
            self._format = audio_format

    def finish(self) -> None:
        super().finish()
        if self.frame is not None and self._last is not None:
            padding = Fraction(_padding_of(self._last), self.frame.sample_rate)
            lasts = (self._last.duration or 0) * (self._last.time_base or 0)
            # Newer versions of FFmpeg state it for MP4 too, whose last packet is already short.
            if lasts + padding > Fraction(self.frame.samples, self.frame.sample_rate):
                self.timing.trim_end(padding)


def _padding_of(packet: Packet) -> int:
    """Return the number of padding samples at the end of a packet."""
    if not packet.has_sidedata("skip_samples"):
        return 0
    return int.from_bytes(bytes(packet.get_sidedata("skip_samples"))[4:8], "little")


class FileScan:
    """The result of a scan: streams with their timing, and warnings."""

    def __init__(self, picture: StreamScan | None, sound: StreamScan | None, size: int) -> None:
        self.video = picture
        self.audio = sound
        self.size = size
        self.warnings: tuple[str, ...] = ()
        self._share = Fraction(1)

    @property
    def streams(self) -> list[StreamScan]:
        """The streams that exist."""
        return [track for track in (self.video, self.audio) if track is not None]

    @property
    def is_unusable(self) -> bool:
        """Whether every stream is unusable."""
        return all(track.unusable_reason for track in self.streams)

    @property
    def start(self) -> Fraction:
        """The start of the first frame in seconds of the file's timestamps."""
        return min(track.timing.start for track in self.streams)

    @property
    def end(self) -> Fraction:
        """The end of the last frame in seconds of the file's timestamps."""
        return self.start + self.scanned_seconds / self._share

    @property
    def scanned_seconds(self) -> Fraction:
        """The scanned duration in seconds."""
        return max(track.timing.end for track in self.streams) - self.start

    def stop_at(self, position: int | None) -> None:
        """End the scan at a byte of the file: the rest is estimated."""
        self._share = Fraction(min(max(position or 0, 1), self.size), self.size)
        self.warnings += (
            f"its length is estimated: {float(self.scanned_seconds):.0f} s of it were read",
        )

    def check_stated_duration(self, stated: float) -> None:
        """Add a warning if a header states a longer duration than was found."""
        found = float(self.end - self.start)
        slack = max(track.timing.latest_end - track.timing.end for track in self.streams)
        if stated > found + float(slack) + _TOLERATED:
            self.warnings += (f"it ends after {found:.3f} s, but its header states {stated:.3f} s",)


def scan_packets(
    container: "InputContainer", choice: SelectedStreams, extension: str, size: int
) -> FileScan:
    """Scan a file; raises MediaRejected if the file cannot be used at all.

    A stream that cannot be used has an `unusable_reason`; another stream may be chosen instead.
    """
    still = ACCEPTED_EXTENSIONS[extension] == "image"
    picture, sound = choice.video, choice.audio
    if picture is not None:
        _check_size(picture.codec_context, MAX_IMAGE_PIXELS if still else MAX_VIDEO_PIXELS)
    most = MAX_ANIMATION_FRAMES if still else float("inf")
    scan = FileScan(
        _VideoScan(picture, most) if picture is not None else None,
        _AudioScan(sound) if sound is not None else None,
        size,
    )
    one = still and extension != "gif"
    by_stream = {track.stream.index: track for track in scan.streams}
    for packet in _packets(container, scan):
        # An empty packet has a stream, but no stream index.
        track = by_stream[packet.stream.index]
        track.feed(packet)
        if (one and track.frame is not None) or (track.unusable_reason and scan.is_unusable):
            break
    for track in scan.streams:
        track.finish()
    if not still:
        scan.check_stated_duration(_stated(container, scan, extension))
    return scan


def _packets(container: "InputContainer", scan: FileScan) -> Iterator[Packet]:
    """Yield the packets of the streams, within the limits of CPU time and duration."""
    import av

    began = time.process_time()
    try:
        for number, packet in enumerate(container.demux([t.stream for t in scan.streams]), 1):
            yield packet
            if number % _STRIDE:
                continue
            if any(t.frame for t in scan.streams) and scan.scanned_seconds > MAX_SECONDS:
                return
            if time.process_time() - began > _BUDGET:
                scan.stop_at(packet.pos)
                return
    except av.FFmpegError:
        # The rest cannot be read, not even by FFmpeg.
        return


def _check_size(context: Any, limit: int) -> None:
    """Refuse a picture before it is decoded: a small file can declare one of gigabytes."""
    if context.width * context.height > limit:
        raise image_too_large_error(context.width, context.height, limit)


def _stated(container: "InputContainer", scan: FileScan, extension: str) -> float:
    """Return the duration that the headers state for the streams, or 0 if they do not.

    FFmpeg estimates the duration of raw audio from the first packets, so it is ignored. Matroska
    states one duration, counted from 0 even if the timestamps start later.
    """
    if extension in RAW_AUDIO_EXTENSIONS:
        return 0.0
    streams = [track.stream for track in scan.streams]
    stated = [float(s.duration * s.time_base) for s in streams if s.duration and s.time_base]
    if stated and DEMUXERS[extension] != "matroska":
        return max(stated)
    if len(container.streams) > len(streams) or not container.duration:
        return 0.0
    return container.duration / 1_000_000 - max(float(scan.start), 0.0)
