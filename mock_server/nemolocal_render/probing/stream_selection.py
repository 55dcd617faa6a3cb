"""Choose the streams of a file that are used, one video and one audio; warn about the others."""

import re
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

from nemolocal_contract.media import ACCEPTED_EXTENSIONS
from nemolocal_contract.plurals import pluralize

from ..media import DECODERS, MediaRejected

if TYPE_CHECKING:
    from av.container import InputContainer
    from av.stream import Stream

# How FFmpeg prints a stream: `  Stream #0:1[0x2](und): Audio: none (apac / 0x63617061), …`.
_STREAM_LINE = re.compile(r"^ {2}Stream #0:(\d+)\S*: \w+: (.*)$", re.MULTILINE)
_TAG = re.compile(r"\((\S{1,32}) / 0x[0-9A-F]+\)", re.IGNORECASE)
_KINDS = {"video": "video", "audio": "audio", "subtitle": "subtitles"}
_NO_NAMES = ("none", "unknown", "bin_data")
ENCRYPTED = "it is encrypted and cannot be decoded without its key"
UNDECODABLE = "it cannot be decoded"
_NO_DECODER = "there is no decoder for it"
_NO_AUDIO = "its audio cannot be read"
_MAX_WARNINGS = 8


class SelectedStreams(NamedTuple):
    """The streams that are used, of PyAV or None.

    The indexes count from 0, among the video streams without cover images and the audio streams.
    """

    video: Any
    audio: Any
    video_index: int
    audio_index: int


class StreamSelector:
    """Chooses the streams of one file, and records why others are not used."""

    def __init__(self, extension: str) -> None:
        self._extension = extension
        self._audio_only = ACCEPTED_EXTENSIONS[extension] == "audio"
        self._rejected: dict[int, str] = {}
        self._names: dict[int, str] = {}
        self._left_out: dict[int, str] = {}

    def reject(self, stream: "Stream", reason: str) -> None:
        """Exclude a stream from the next call of `select`."""
        self._rejected[stream.index] = reason

    def select(self, container: "InputContainer") -> SelectedStreams:
        """Choose the first video and audio streams that can be decoded; raises MediaRejected."""
        self._names = _names_of(container)
        self._left_out = {
            stream.index: reason
            for stream in container.streams
            if (reason := self._why_unusable(stream))
        }
        pictures = [s for s in container.streams.video if not _is_cover(s)]
        sounds = list(container.streams.audio)
        picture, picture_place = self._first(pictures)
        sound, sound_place = self._first(sounds)
        if picture is None:
            # A video is not accepted as audio if its video stream is damaged.
            damaged = f"the file cannot be read as .{self._extension}"
            self._raise_if_rejected(pictures, "no video frame can be decoded", damaged)
        if picture is None and sound is None:
            self._raise_if_rejected(sounds, _NO_AUDIO, _NO_AUDIO)
            raise MediaRejected(self._no_stream_message([*pictures, *sounds]))
        return SelectedStreams(picture, sound, picture_place, sound_place)

    @property
    def warnings(self) -> tuple[str, ...]:
        """A sentence for each stream that is not used."""
        warnings = [f"{self._names[i]} is left out: {why}" for i, why in self._left_out.items()]
        more = len(warnings) - _MAX_WARNINGS
        rest = f"{pluralize(more, 'more track')} {'is' if more == 1 else 'are'} left out"
        return (*warnings[:_MAX_WARNINGS], *([rest] if more > 0 else []))

    def _why_unusable(self, stream: "Stream") -> str:
        if stream.type not in ("video", "audio"):
            return "only video and audio are used"
        if _is_cover(stream):
            return "it is a cover image"
        if stream.type == "video" and self._audio_only:
            return "the file is used as audio"
        if stream.index in self._rejected:
            # PyAV 19 crashes on access to a decoder that did not open.
            return self._rejected[stream.index]
        if stream.codec_context is None:
            return _NO_DECODER
        if stream.codec_context.name not in DECODERS:
            return f"its codec {stream.codec_context.name} is not accepted"
        if "enc_key_id" in stream.metadata:
            return ENCRYPTED
        return ""

    def _first(self, streams: "Sequence[Stream]") -> "tuple[Stream | None, int]":
        fit = [(n, s) for n, s in enumerate(streams) if s.index not in self._left_out]
        for _, stream in fit[1:]:
            kind = _KINDS[stream.type]
            self._left_out[stream.index] = f"it is not the first {kind} track"
        return (fit[0][1], fit[0][0]) if fit else (None, 0)

    def _raise_if_rejected(self, streams: "Sequence[Stream]", default: str, damaged: str) -> None:
        """Raise MediaRejected for the first of the rejected streams."""
        found = [self._rejected[s.index] for s in streams if s.index in self._rejected]
        if ENCRYPTED in found:
            raise MediaRejected(ENCRYPTED)
        for reason in found:
            error = reason.removeprefix(UNDECODABLE).removeprefix(": ")
            raise MediaRejected(f"{damaged}: {error}" if error else default)

    def _no_stream_message(self, streams: "Sequence[Stream]") -> str:
        reasons = {self._names[s.index]: self._left_out.get(s.index, "") for s in streams}
        if not reasons:
            return "the file has neither video nor audio"
        listed = [f"{name}: {why}" for name, why in reasons.items()][:_MAX_WARNINGS]
        return "it has no usable track; " + "; ".join(listed)


def _is_cover(stream: "Stream") -> bool:
    from av.stream import Disposition

    # Album art is not a video.
    return stream.type == "video" and bool(stream.disposition & Disposition.attached_pic)


def _names_of(container: "InputContainer") -> dict[int, str]:
    """Return a name for each stream: its number, type and codec."""
    codecs = _codecs_by_stream(container)
    names = {}
    for stream in container.streams:
        name, tag = codecs.get(stream.index, ("", ""))
        words = [_KINDS.get(stream.type, "data"), name or tag]
        if stream.codec_context is None and name and tag:
            words.append(f"tag {tag}")
        names[stream.index] = f"track {stream.index + 1} ({', '.join(filter(None, words))})"
    return names


def _codecs_by_stream(container: Any) -> dict[int, tuple[str, str]]:
    """Return codec and tag of each stream as FFmpeg prints them: PyAV hides unknown codecs."""
    import av.logging

    level = av.logging.get_level()
    av.logging.set_level(av.logging.INFO)
    try:
        text: str = container.dumps_format()
    finally:
        av.logging.set_level(level)
    return {int(number): _codec(rest) for number, rest in _STREAM_LINE.findall(text)}


def _codec(line: str) -> tuple[str, str]:
    """Parse `aac (LC) (mp4a / 0x6134706D), 44100 Hz`: the name and the tag, or ""."""
    name = (re.match(r"\w*", line) or [""])[0]
    tag = _TAG.search(line)
    return ("" if name in _NO_NAMES else name), (tag[1] if tag and tag[1].isprintable() else "")
