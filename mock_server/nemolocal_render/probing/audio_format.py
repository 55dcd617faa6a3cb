"""Whether sound keeps its form: its samples a second and its channels, packet by packet.

FFmpeg's filters take one form from beginning to end. Most codecs tell theirs once; these tell it
in every packet, where it may change (recordings of television, files put behind one another).
"""

from collections.abc import Callable
from typing import Any

AudioFormat = tuple[int, ...]
"""What must stay the same, as the codec writes it."""

_MPEG_MONO = 3
_LAST_AC3 = 10
# Bytes that the longest of these headers takes.
_NEEDED = 8


def read_audio_format(codec: str, packet: Any) -> AudioFormat | None:
    """The form that a packet of this codec tells, None where it tells none."""
    read = _READERS.get(codec)
    if read is None or packet.size < _NEEDED:
        return None
    return read(bytes(memoryview(packet)[:_NEEDED]))


def _adts(packet: bytes) -> AudioFormat | None:
    if packet[0] != 0xFF or packet[1] & 0xF6 != 0xF0:
        return None
    rate = packet[2] >> 2 & 0xF
    channels = (packet[2] & 1) << 2 | packet[3] >> 6
    # 0: told somewhere else in the packet.
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
        # E-AC-3: rate, channels and bass in one byte; a dependent stream only adds to another.
        return (packet[4] & 0xCF,) if packet[2] >> 6 != 1 else None
    mode = packet[6] >> 5
    # What stands before the mark of the bass channel depends on the others.
    skipped = 2 * (mode & 1 and mode != 1) + 2 * bool(mode & 4) + 2 * (mode == 2)
    bass = (packet[6] << 8 | packet[7]) >> 12 - skipped & 1
    return packet[4] >> 6, mode, bass


def _flac(packet: bytes) -> AudioFormat | None:
    if packet[0] != 0xFF or packet[1] & 0xFC != 0xF8:
        return None
    channels = packet[3] >> 4
    # 8 to 10 are ways to write two channels.
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
