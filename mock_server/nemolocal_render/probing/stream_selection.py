"""Which tracks of a file are taken: one picture and one sound. What is left out is told."""

import re
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

from nemolocal_contract.media import ACCEPTED_EXTENSIONS
from nemolocal_contract.plurals import pluralize

from ..media import DECODERS, MediaRejected

if TYPE_CHECKING:
    from av.container import InputContainer
    from av.stream import Stream

# How FFmpeg tells of a track: `  Stream #0:1[0x2](und): Audio: none (apac / 0x63617061), …`.
_TOLD = re.compile(r"^ {2}Stream #0:(\d+)\S*: \w+: (.*)$", re.MULTILINE)
_TAG = re.compile(r"\((\S{1,32}) / 0x[0-9A-F]+\)", re.IGNORECASE)
_KINDS = {"video": "picture", "audio": "sound", "subtitle": "subtitles"}
_NO_NAMES = ("none", "unknown", "bin_data")
ENCRYPTED = "it is encrypted, and cannot be decoded without its key"
UNDECODABLE = "it cannot be decoded"
_NO_DECODER = "there is no decoder for it"
_MUTE = "its sound cannot be read"
_MOST_TOLD = 8


class SelectedStreams(NamedTuple):
    """The tracks that are taken, streams of PyAV or None.

    Their places are counted from 0, among the pictures without covers and among the sounds.
    """

    video: Any
    audio: Any
    video_index: int
    audio_index: int


class StreamSelector:
    """The tracks of one file, and why some of them are not taken."""

    def __init__(self, extension: str) -> None:
        self._extension = extension
        self._heard_only = ACCEPTED_EXTENSIONS[extension] == "audio"
        self._unfit: dict[int, str] = {}
        self._names: dict[int, str] = {}
        self._left_out: dict[int, str] = {}

    def reject(self, stream: "Stream", reason: str) -> None:
        """Take another track in the place of this one, from the next choice on."""
        self._unfit[stream.index] = reason

    def select(self, container: "InputContainer") -> SelectedStreams:
        """The first picture and the first sound that can be decoded; raises MediaRejected."""
        self._names = _names_of(container)
        self._left_out = {
            stream.index: reason
            for stream in container.streams
            if (reason := self._reason_against(stream))
        }
        pictures = [s for s in container.streams.video if not _is_cover(s)]
        sounds = list(container.streams.audio)
        picture, picture_place = self._first(pictures)
        sound, sound_place = self._first(sounds)
        if picture is None:
            # A film is not taken as mere sound where its picture is damaged.
            damaged = f"the file cannot be read as .{self._extension}"
            self._require_fit(pictures, "no picture can be decoded from it", damaged)
        if picture is None and sound is None:
            self._require_fit(sounds, _MUTE, _MUTE)
            raise MediaRejected(self._complaint([*pictures, *sounds]))
        return SelectedStreams(picture, sound, picture_place, sound_place)

    @property
    def warnings(self) -> tuple[str, ...]:
        """A sentence for each track that is not taken."""
        told = [f"{self._names[i]} is left out: {why}" for i, why in self._left_out.items()]
        more = len(told) - _MOST_TOLD
        rest = f"{pluralize(more, 'more track')} {'is' if more == 1 else 'are'} left out"
        return (*told[:_MOST_TOLD], *([rest] if more > 0 else []))

    def _reason_against(self, stream: "Stream") -> str:
        if stream.type not in ("video", "audio"):
            return "only pictures and sound are taken"
        if _is_cover(stream):
            return "it is a cover, not a film"
        if stream.type == "video" and self._heard_only:
            return "the file is taken as sound"
        if stream.index in self._unfit:
            # Nothing may be asked of a decoder that did not open: PyAV 19 crashes.
            return self._unfit[stream.index]
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
            self._left_out[stream.index] = f"one {kind} is taken, and it is not the first"
        return (fit[0][1], fit[0][0]) if fit else (None, 0)

    def _require_fit(self, streams: "Sequence[Stream]", otherwise: str, damaged: str) -> None:
        """Raise for the first of those that turned out to be of no use."""
        found = [self._unfit[s.index] for s in streams if s.index in self._unfit]
        if ENCRYPTED in found:
            raise MediaRejected(ENCRYPTED)
        for reason in found:
            error = reason.removeprefix(UNDECODABLE).removeprefix(": ")
            raise MediaRejected(f"{damaged}: {error}" if error else otherwise)

    def _complaint(self, streams: "Sequence[Stream]") -> str:
        reasons = {self._names[s.index]: self._left_out.get(s.index, "") for s in streams}
        if not reasons:
            return "the file holds neither a picture nor sound"
        told = [f"{name}: {why}" for name, why in reasons.items()][:_MOST_TOLD]
        return "nothing in it can be used; " + "; ".join(told)


def _is_cover(stream: "Stream") -> bool:
    from av.stream import Disposition

    # The picture of an album is no video.
    return stream.type == "video" and bool(stream.disposition & Disposition.attached_pic)


def _names_of(container: "InputContainer") -> dict[int, str]:
    """What each track is called: its number, its kind, its codec."""
    told = _codecs_by_stream(container)
    names = {}
    for stream in container.streams:
        name, tag = told.get(stream.index, ("", ""))
        words = [_KINDS.get(stream.type, "data"), name or tag]
        if stream.codec_context is None and name and tag:
            words.append(f"tag {tag}")
        names[stream.index] = f"track {stream.index + 1} ({', '.join(filter(None, words))})"
    return names


def _codecs_by_stream(container: Any) -> dict[int, tuple[str, str]]:
    """Each track's codec and its tag, as FFmpeg tells them: PyAV hides what has no decoder."""
    import av.logging

    level = av.logging.get_level()
    av.logging.set_level(av.logging.INFO)
    try:
        text: str = container.dumps_format()
    finally:
        av.logging.set_level(level)
    return {int(number): _codec(rest) for number, rest in _TOLD.findall(text)}


def _codec(told: str) -> tuple[str, str]:
    """What stands in `aac (LC) (mp4a / 0x6134706D), 44100 Hz`: the name and the tag, or ""."""
    name = (re.match(r"\w*", told) or [""])[0]
    tag = _TAG.search(told)
    return ("" if name in _NO_NAMES else name), (tag[1] if tag and tag[1].isprintable() else "")
