"""Media information of a file, and the demuxers, decoders and sizes that are allowed (UPL-3).

The same lists and limits hold for probing (PyAV) and for every input of FFmpeg.
"""

from pathlib import Path
from typing import Literal

import msgspec

from nemolocal_contract.media import FileKind

# Accepted extension → demuxer. FFmpeg never guesses it: it might open playlists, and other files
# through them.
DEMUXERS: dict[str, str] = {
    "mp4": "mov",
    "mov": "mov",
    "m4a": "mov",
    "avi": "avi",
    "webm": "matroska",
    "mkv": "matroska",
    "jpg": "jpeg_pipe",
    "png": "png_pipe",
    "gif": "gif",
    "webp": "webp_pipe",
    "mp3": "mp3",
    "wav": "wav",
    "aac": "aac",
}

# Audio without a container, which states no duration.
RAW_AUDIO_EXTENSIONS = frozenset({"aac", "mp3"})

# Codecs with two decoders have both: PyAV and FFmpeg may prefer different ones.
DECODERS: tuple[str, ...] = (
    *("h264", "hevc", "vp8", "vp9", "libvpx", "libvpx-vp9", "av1", "libdav1d", "mpeg4", "h263"),
    *("mpeg1video", "mpeg2video", "msmpeg4", "msmpeg4v1", "msmpeg4v2", "msmpeg4v3", "theora"),
    *("mjpeg", "prores", "dnxhd", "ffv1", "huffyuv", "ffvhuff", "utvideo", "rawvideo", "qtrle"),
    *("png", "gif", "webp"),
    *("aac", "mp3", "mp3float", "mp2", "mp2float", "ac3", "eac3", "dca", "truehd", "alac", "flac"),
    *("amrnb", "amrwb", "libopencore_amrnb", "libopencore_amrwb"),
    *("opus", "libopus", "vorbis", "libvorbis", "adpcm_ms", "adpcm_ima_wav", "adpcm_ima_qt"),
    *("pcm_u8", "pcm_s8", "pcm_s16le", "pcm_s16be", "pcm_s24le", "pcm_s24be", "pcm_s32le"),
    *("pcm_s32be", "pcm_f32le", "pcm_f32be", "pcm_f64le", "pcm_alaw", "pcm_mulaw"),
)

MAX_VIDEO_PIXELS = 3840 * 2160
MAX_IMAGE_PIXELS = 33_177_600
# Phones and cameras record slow motion at 240 to 1,000.
MAX_FPS = 1000
MAX_SECONDS = 6 * 3600
MAX_STREAMS = 16
MAX_ANIMATION_FRAMES = 20_000

_HDR_TRANSFERS = frozenset({"smpte2084", "arib-std-b67"})


class MediaInfo(msgspec.Struct, frozen=True):
    """The result of probing a file.

    `extension` is the canonical one. `duration` is in seconds (0.0 for stills, more for
    animations). `width` and `height` are pixels as displayed, after rotation and pixel aspect
    ratio, 0 for audio. `bit_rate` is bits/s of the whole file, `sample_rate` is Hz.
    `picture_duration` is the duration of the video stream in seconds, which may end before the
    audio (0: not known); `picture_start` is its start. Names of missing streams are "".

    `picture_place` and `sound_place` are the indexes of the streams that are used, among the video
    streams without cover images and among the audio streams; `left_out` has a sentence for each
    stream that is not used. `origin` is the time in seconds of the first used stream, counted from
    the earliest stream of the file.

    Of a color lookup table only `lut` is set, whether it is for each color or for all three at
    once; of subtitles nothing is.
    """

    kind: FileKind
    extension: str
    duration: float = 0.0
    width: int = 0
    height: int = 0
    fps: float = 0.0
    video_codec: str = ""
    pixel_format: str = ""
    audio_codec: str = ""
    bit_rate: int = 0
    sample_rate: int = 0
    color_space: str = ""
    color_transfer: str = ""
    channels: int = 0
    picture_duration: float = 0.0
    picture_start: float = 0.0
    picture_place: int = 0
    sound_place: int = 0
    origin: float = 0.0
    left_out: tuple[str, ...] = ()
    lut: Literal["", "1d", "3d"] = ""

    @property
    def video_specifier(self) -> str:
        """The FFmpeg stream specifier of the video stream."""
        return f"V:{self.picture_place}"

    @property
    def audio_specifier(self) -> str:
        """The FFmpeg stream specifier of the audio stream."""
        return f"a:{self.sound_place}"

    @property
    def has_audio(self) -> bool:
        """Whether the file has an audio stream."""
        return bool(self.audio_codec)

    @property
    def is_animated(self) -> bool:
        """Whether the file is an animated image."""
        return self.kind == "image" and self.duration > 0

    @property
    def has_alpha(self) -> bool:
        """Whether the picture has, or may have, transparent pixels."""
        name = self.pixel_format
        return name.startswith(("yuva", "gbrap", "ya", "pal8")) or name[:4] in _ALPHA_RGB

    @property
    def is_hdr(self) -> bool:
        """Whether the video has a high dynamic range."""
        return self.color_transfer in _HDR_TRANSFERS


class MediaSource(msgspec.Struct, frozen=True):
    """A stored file and its media information."""

    path: Path
    info: MediaInfo


_ALPHA_RGB = frozenset({"rgba", "bgra", "argb", "abgr"})


class MediaRejected(Exception):
    """A file that is not accepted; the message is one line for the user, without paths (4001)."""


def image_too_large_error(width: int, height: int, limit: int) -> MediaRejected:
    """Return the error for a picture with more pixels than are accepted."""
    return MediaRejected(
        f"its picture of {width}x{height} is larger than {limit} pixels; make it smaller"
    )
