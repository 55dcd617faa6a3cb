"""What a media file is, once it has been looked into, and what may be looked into at all.

The same names bound the probe (PyAV) and every input of FFmpeg: a demuxer chosen by us, decoders
from a list, sizes and lengths under a limit (UPL-3).
"""

import msgspec

from nemolocal_contract.media import MediaKind

# Accepted extension → the demuxer that reads it; never FFmpeg's own guess, which would open
# playlists and through them other files.
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

# Sound without a container, and so without a length that anything states.
RAW_AUDIO_EXTENSIONS = frozenset({"aac", "mp3"})

# Both names of a codec where two decoders share it: PyAV and FFmpeg may prefer different ones.
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
# Slow motion of telephones and cameras is recorded at 240 to 1,000.
MAX_FPS = 1000
MAX_SECONDS = 6 * 3600
MAX_STREAMS = 16
MAX_ANIMATION_FRAMES = 20_000

_HDR_TRANSFERS = frozenset({"smpte2084", "arib-std-b67"})


class MediaInfo(msgspec.Struct, frozen=True):
    """What probing found in a file.

    `extension` is the accepted extension in its one spelling, `duration` is seconds (0.0 for
    stills, more for animations), `width` and `height` are pixels as displayed (after rotation and
    pixel shape, 0 for audio), `bit_rate` is bits/s of the whole file, `sample_rate` is Hz,
    `channels` are those of the sound, `picture_duration` is seconds of a video's picture, which
    may end before its sound (0: not known), `picture_start` how many seconds after the beginning
    of the file it begins; names of what is not there are "".

    Of several tracks, the picture and the sound at these places are used, counted from 0 among the
    pictures without covers and among the sounds; `left_out` says in a sentence each what is not
    used. `origin` is how many seconds the file's clock, which starts with its earliest track, has
    run when what is used begins.
    """

    kind: MediaKind
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

    @property
    def video_specifier(self) -> str:
        """Which track is seen, as FFmpeg names it."""
        return f"V:{self.picture_place}"

    @property
    def audio_specifier(self) -> str:
        """Which track is heard, as FFmpeg names it."""
        return f"a:{self.sound_place}"

    @property
    def has_audio(self) -> bool:
        """Whether there is sound in it."""
        return bool(self.audio_codec)

    @property
    def is_animated(self) -> bool:
        """Whether a picture moves."""
        return self.kind == "image" and self.duration > 0

    @property
    def has_alpha(self) -> bool:
        """Whether the picture has, or may have, see-through pixels."""
        name = self.pixel_format
        return name.startswith(("yuva", "gbrap", "ya", "pal8")) or name[:4] in _ALPHA_RGB

    @property
    def is_hdr(self) -> bool:
        """Whether the picture is brighter than a standard screen shows."""
        return self.color_transfer in _HDR_TRANSFERS


_ALPHA_RGB = frozenset({"rgba", "bgra", "argb", "abgr"})


class MediaRejected(Exception):
    """A file that is not accepted; the text is one line for its owner, without paths (4001)."""


def image_too_large_error(width: int, height: int, limit: int) -> MediaRejected:
    """The refusal of a picture that has more pixels than are accepted."""
    return MediaRejected(
        f"its picture of {width}x{height} is larger than {limit} pixels; make it smaller"
    )
