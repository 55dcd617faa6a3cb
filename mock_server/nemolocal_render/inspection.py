"""Looks into a media file with PyAV; runs in a child process (`python -m`), prints one JSON line.

`probe PATH EXTENSION` answers with a MediaInfo or a reason against the file, `check PATH` with the
facts of a rendered file.
"""

import math
import sys
from collections.abc import Iterable
from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec

from nemolocal_contract.media import ACCEPTED

from .media import (
    DECODERS,
    DEMUXERS,
    MAX_ANIMATION_FRAMES,
    MAX_FPS,
    MAX_IMAGE_PIXELS,
    MAX_SECONDS,
    MAX_STREAMS,
    MAX_VIDEO_PIXELS,
    MediaInfo,
    MediaRejected,
)

if TYPE_CHECKING:
    from av.audio.stream import AudioStream
    from av.container import InputContainer
    from av.video.frame import VideoFrame
    from av.video.stream import VideoStream

# Raw streams carry no length, and what is guessed from their bit rate is wrong.
_COUNTED = frozenset({"aac", "mp3"})
# Of these, so many bytes show what they are; packets can be as small as seven bytes.
_PROBED = 1 << 19
_MICROSECONDS = 1_000_000
_COLOR_SPACES = {1: "bt709", 5: "bt470bg", 6: "smpte170m", 9: "bt2020nc"}
_COLOR_TRANSFERS = {1: "bt709", 16: "smpte2084", 18: "arib-std-b67"}


class RenderFacts(msgspec.Struct, frozen=True):
    """What a rendered file turned out to be; durations in seconds, `audio_codec` "" if silent."""

    video_codec: str
    pixel_format: str
    width: int
    height: int
    frames: int
    duration: float
    audio_codec: str
    audio_duration: float
    index_first: bool


class Answer(msgspec.Struct, frozen=True, omit_defaults=True):
    """The line that the child prints: one of the three."""

    info: MediaInfo | None = None
    facts: RenderFacts | None = None
    rejected: str | None = None


def _open(path: Path, extension: str) -> "InputContainer":
    import av

    # From 19 on PyAV forgives titles that are not UTF-8 unasked, and no longer knows the word.
    asked = int(av.__version__.partition(".")[0]) < 19
    lenient: dict[str, Any] = {"metadata_errors": "replace"} if asked else {}
    container: InputContainer = av.open(
        f"file:{path}",
        format=DEMUXERS[extension],
        options={
            "protocol_whitelist": "file",
            "format_whitelist": DEMUXERS[extension],
            "codec_whitelist": ",".join(DECODERS),
            "max_streams": str(MAX_STREAMS),
            **({"probesize": str(_PROBED)} if extension in _COUNTED else {}),
        },
        **lenient,
    )
    return container


def inspect_media(path: Path, extension: str) -> MediaInfo:
    """What a file holds; raises MediaRejected when it cannot be used (UPL-2, UPL-3)."""
    import av

    try:
        with _open(path, extension) as container:
            return _describe(container, extension, path.stat().st_size)
    except (av.FFmpegError, ValueError) as error:
        reason = getattr(error, "strerror", "") or "its content is damaged"
        raise MediaRejected(f"the file cannot be read as .{extension}: {reason}") from error


def _describe(container: "InputContainer", extension: str, size: int) -> MediaInfo:
    video = _video(container) if ACCEPTED[extension] != "audio" else None
    audio = next(iter(container.streams.audio), None)
    for stream in (video, audio):
        if stream is not None and stream.codec_context.name not in DECODERS:
            raise MediaRejected(f"its codec {stream.codec_context.name} is not accepted")
    if video is None and audio is None:
        raise MediaRejected("the file holds neither a picture nor sound")
    info = _describe_audio(audio, extension)
    if video is not None:
        info = _describe_video(container, video, info)
    if info.kind != "image" or info.extension == "gif":
        info = _timed(container, video or audio, info, size)
    return info


def _video(container: "InputContainer") -> "VideoStream | None":
    from av.stream import Disposition

    # The picture of an album is no video.
    return next(
        (s for s in container.streams.video if not s.disposition & Disposition.attached_pic), None
    )


def _describe_audio(audio: "AudioStream | None", extension: str) -> MediaInfo:
    if audio is None:
        return MediaInfo("audio", extension)
    if not audio.rate:
        raise MediaRejected("its sound cannot be read")
    return MediaInfo(
        "audio",
        extension,
        audio_codec=audio.codec_context.name,
        sample_rate=audio.rate,
        channels=audio.codec_context.layout.nb_channels,
    )


def _describe_video(
    container: "InputContainer", video: "VideoStream", info: MediaInfo
) -> MediaInfo:
    kind = ACCEPTED[info.extension]
    limit = MAX_IMAGE_PIXELS if kind == "image" else MAX_VIDEO_PIXELS
    # Before a single frame is decoded: a small file can declare a picture of gigabytes.
    if video.codec_context.width * video.codec_context.height > limit:
        raise MediaRejected(f"its picture is larger than {limit} pixels")
    fps = float(video.average_rate or video.guessed_rate or 0)
    if kind == "video" and fps > MAX_FPS:
        raise MediaRejected(f"it has more than {MAX_FPS} frames a second")
    frame = _first_frame(container, video)
    width, height = _displayed(frame, video)
    return msgspec.structs.replace(
        info,
        kind=kind,
        width=width,
        height=height,
        fps=fps if kind == "video" else 0.0,
        video_codec=video.codec_context.codec.canonical_name,
        pixel_format=frame.format.name,
        color_space=_COLOR_SPACES.get(int(frame.colorspace), ""),
        color_transfer=_COLOR_TRANSFERS.get(int(frame.color_trc), ""),
        picture_duration=_seconds(video) if kind == "video" else 0.0,
        picture_start=max((frame.time or 0.0) - (container.start_time or 0) / _MICROSECONDS, 0.0),
    )


def _first_frame(container: "InputContainer", video: "VideoStream") -> "VideoFrame":
    video.thread_type = "NONE"
    frame = next(container.decode(video), None)
    if frame is None:
        raise MediaRejected("no picture can be decoded from it")
    return frame


def _displayed(frame: "VideoFrame", video: "VideoStream") -> tuple[int, int]:
    shape = video.sample_aspect_ratio or Fraction(1)
    width, height = max(round(frame.width * shape), 1), frame.height
    return (height, width) if frame.rotation % 180 else (width, height)


def _timed(container: "InputContainer", stream: Any, info: MediaInfo, size: int) -> MediaInfo:
    seconds = 0.0
    if info.extension not in _COUNTED and container.duration and info.kind != "image":
        seconds = container.duration / _MICROSECONDS
    if not seconds:
        container.seek(0)
        seconds = _counted(container.demux(stream), info.kind)
    if not 0 < seconds <= MAX_SECONDS and info.kind != "image":
        raise MediaRejected(f"its length is not between 0 and {MAX_SECONDS} s")
    rate = round(size * 8 / seconds) if seconds else 0
    return msgspec.structs.replace(info, duration=seconds, bit_rate=rate)


def _counted(packets: Iterable[Any], kind: str) -> float:
    """The seconds that packets say they last, no more than are needed to refuse the file."""
    most = MAX_ANIMATION_FRAMES if kind == "image" else math.inf
    ticks, frames, base, enough = 0, 0, Fraction(0), math.inf
    for packet in packets:
        if not packet.size:
            continue
        if not base and packet.time_base is not None:
            # A stream has one; fractions would take most of the time if each packet made some.
            base = packet.time_base
            enough = int(MAX_SECONDS / base)
        frames, ticks = frames + 1, ticks + (packet.duration or 0)
        if frames > most:
            raise MediaRejected(f"it has more than {most} pictures")
        if ticks > enough:
            break
    # One frame of a GIF stands still, however long it is said to be shown.
    return float(ticks * base) if frames > 1 else 0.0


def inspect_render(path: Path) -> RenderFacts:
    """The facts of a rendered MP4, every packet counted; raises MediaRejected (REN-7)."""
    import av

    try:
        with _open(path, "mp4") as container:
            video = container.streams.video[0]
            audio = next(iter(container.streams.audio), None)
            frames = sum(1 for packet in container.demux(video) if packet.size)
            return RenderFacts(
                video_codec=video.codec_context.name,
                pixel_format=video.codec_context.pix_fmt or "",
                width=video.codec_context.width,
                height=video.codec_context.height,
                frames=frames,
                duration=_seconds(video),
                audio_codec=audio.codec_context.name if audio else "",
                audio_duration=_seconds(audio) if audio else 0.0,
                index_first=_index_first(path),
            )
    except (av.FFmpegError, IndexError) as error:
        raise MediaRejected("the rendered file cannot be read") from error


def _seconds(stream: Any) -> float:
    return float((stream.duration or 0) * (stream.time_base or 0))


def _index_first(path: Path) -> bool:
    """Whether `moov` stands before `mdat`, so that playing starts before the file is there."""
    with path.open("rb") as file:
        while len(head := file.read(8)) == 8:
            if head[4:] in (b"moov", b"mdat"):
                return head[4:] == b"moov"
            size = int.from_bytes(head[:4])
            file.seek(max(size, 8) - 8, 1)
    return False


def main(arguments: list[str]) -> None:
    """Answer one question on standard output."""
    try:
        if arguments[0] == "probe":
            answer = Answer(info=inspect_media(Path(arguments[1]), arguments[2]))
        else:
            answer = Answer(facts=inspect_render(Path(arguments[1])))
    except MediaRejected as reason:
        answer = Answer(rejected=str(reason))
    print(msgspec.json.encode(answer).decode(), flush=True)


if __name__ == "__main__":
    main(sys.argv[1:])
