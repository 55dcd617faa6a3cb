"""Looks into a media file with PyAV; runs in a child process (`python -m`), prints one JSON line.

`probe PATH EXTENSION` answers with a MediaInfo or a reason against the file, `check PATH` with the
facts of a rendered file.
"""

import sys
from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec

from nemolocal_contract.media import ACCEPTED_EXTENSIONS

from ..media import (
    DECODERS,
    DEMUXERS,
    MAX_FPS,
    MAX_SECONDS,
    MAX_STREAMS,
    RAW_AUDIO_EXTENSIONS,
    MediaInfo,
    MediaRejected,
)
from .image_headers import read_image_header
from .packet_scan import FileScan, StreamScan, scan_packets
from .stream_selection import SelectedStreams, StreamSelector

if TYPE_CHECKING:
    from av.container import InputContainer
    from av.video.frame import VideoFrame
    from av.video.stream import VideoStream

# Of raw streams so many bytes show what they are; packets can be as small as seven bytes.
_PROBED = 1 << 19
# At more frames a second it is looked whether some follow each other without end.
_USUAL_FPS = 120
# Seconds: what is shorter is less than a frame of most films, and none could be made of it alone.
_SHORTEST = 0.02
# Seconds that time stamps of one moment differ, since each track rounds its own.
_SAME_TIME = 0.03
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


class ProbeWorkerOutput(msgspec.Struct, frozen=True, omit_defaults=True):
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
            **({"probesize": str(_PROBED)} if extension in RAW_AUDIO_EXTENSIONS else {}),
        },
        **lenient,
    )
    return container


def inspect_media(path: Path, extension: str) -> MediaInfo:
    """What a file holds; raises MediaRejected when it cannot be used (UPL-2, UPL-3)."""
    import av

    try:
        info = _inspected(path, extension)
    except (av.FFmpegError, ValueError) as error:
        reason = getattr(error, "strerror", "") or "its content is damaged"
        raise MediaRejected(f"the file cannot be read as .{extension}: {reason}") from error
    with path.open("rb") as file:
        if extension == "png" and read_image_header(file, extension).is_animated:
            told = (*info.left_out, "all but the first picture of its animation is left out")
            info = msgspec.structs.replace(info, left_out=told)
    return info


def _inspected(path: Path, extension: str) -> MediaInfo:
    tracks = StreamSelector(extension)
    while True:
        with _open(path, extension) as container:
            choice = tracks.select(container)
            reading = scan_packets(container, choice, extension, path.stat().st_size)
            unfit = [track for track in reading.streams if track.unusable_reason]
            if not unfit:
                return _describe(container, choice, reading, tracks.warnings, extension)
            for track in unfit:
                tracks.reject(track.stream, track.unusable_reason)
            # Is there another choice? To open a file again may take long.
            tracks.select(container)


def _describe(
    container: "InputContainer",
    choice: SelectedStreams,
    reading: FileScan,
    left_out: tuple[str, ...],
    extension: str,
) -> MediaInfo:
    info = MediaInfo(
        ACCEPTED_EXTENSIONS[extension] if choice.video else "audio",
        extension,
        picture_place=choice.video_index,
        sound_place=choice.audio_index,
        left_out=(*left_out, *reading.warnings),
    )
    if reading.audio is not None:
        info = _with_sound(info, reading.audio)
    if reading.video is not None:
        info = _with_picture(info, reading.video, reading.start)
    if info.kind != "image" or extension == "gif":
        info = _with_times(info, reading, container.start_time)
    return info


def _with_sound(info: MediaInfo, sound: StreamScan) -> MediaInfo:
    return msgspec.structs.replace(
        info,
        audio_codec=sound.stream.codec_context.name,
        sample_rate=sound.frame.sample_rate,
        channels=sound.frame.layout.nb_channels,
    )


def _with_picture(info: MediaInfo, picture: StreamScan, start: Fraction) -> MediaInfo:
    video, frame = picture.stream, picture.frame
    width, height = _displayed(frame, video)
    info = msgspec.structs.replace(
        info,
        width=width,
        height=height,
        video_codec=video.codec_context.codec.canonical_name,
        pixel_format=frame.format.name,
        color_space=_COLOR_SPACES.get(int(frame.colorspace), ""),
        color_transfer=_COLOR_TRANSFERS.get(int(frame.color_trc), ""),
    )
    if info.kind == "image":
        return info
    span = picture.timing
    fps = float(span.estimate_fps((video.average_rate, video.guessed_rate)))
    if fps > MAX_FPS or (fps > _USUAL_FPS and span.peak_fps > MAX_FPS):
        raise MediaRejected(f"it has more than {MAX_FPS} frames a second")
    return msgspec.structs.replace(
        info,
        fps=fps,
        picture_duration=float(span.end - span.start),
        picture_start=float(span.start - start),
    )


def _displayed(frame: "VideoFrame", video: "VideoStream") -> tuple[int, int]:
    shape = video.sample_aspect_ratio or Fraction(1)
    width, height = max(round(frame.width * shape), 1), frame.height
    return (height, width) if frame.rotation % 180 else (width, height)


def _with_times(info: MediaInfo, reading: FileScan, opened_at: int | None) -> MediaInfo:
    """The length: from the first frame to the end of the last one, over picture and sound."""
    if info.kind == "image" and reading.streams[0].timing.frame_count < 2:
        # One frame of a GIF stands still, however long it is said to be shown.
        return info
    seconds = float(reading.end - reading.start)
    if not _SHORTEST <= seconds <= MAX_SECONDS:
        raise MediaRejected(
            f"its length is not between {_SHORTEST} and {MAX_SECONDS} s: "
            f"{seconds:.6g} s can be decoded"
        )
    origin = float(reading.start - Fraction(opened_at or 0, _MICROSECONDS))
    return msgspec.structs.replace(
        info,
        duration=seconds,
        bit_rate=round(reading.size * 8 / seconds),
        origin=origin if origin > _SAME_TIME else 0.0,
    )


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
            answer = ProbeWorkerOutput(info=inspect_media(Path(arguments[1]), arguments[2]))
        else:
            answer = ProbeWorkerOutput(facts=inspect_render(Path(arguments[1])))
    except MediaRejected as reason:
        answer = ProbeWorkerOutput(rejected=str(reason))
    print(msgspec.json.encode(answer).decode(), flush=True)


if __name__ == "__main__":
    main(sys.argv[1:])
