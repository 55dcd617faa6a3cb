"""Probe a media file with PyAV in a child process (`python -m`) and print one JSON line.

`probe PATH EXTENSION` prints a MediaInfo or why the file is rejected, `check PATH` the facts of a
rendered file, `index PATH EXTENSION` where the packets of its video are.
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
from .packet_index import PacketIndex, index_packets
from .packet_scan import FileScan, StreamScan, scan_packets
from .sniff import read_image_header
from .stream_selection import SelectedStreams, StreamSelector

if TYPE_CHECKING:
    from av.container import InputContainer
    from av.video.frame import VideoFrame
    from av.video.stream import VideoStream

# Bytes that FFmpeg reads to probe raw streams; packets can be as small as seven bytes.
_PROBED = 1 << 19
# Above this frame rate the peak rate is checked too.
_USUAL_FPS = 120
# The shortest duration in seconds: less is not even one frame of most videos.
_SHORTEST = 0.02
# Seconds by which timestamps of streams differ through rounding.
_SAME_TIME = 0.03
_MICROSECONDS = 1_000_000
_COLOR_SPACES = {1: "bt709", 5: "bt470bg", 6: "smpte170m", 9: "bt2020nc"}
_COLOR_TRANSFERS = {1: "bt709", 16: "smpte2084", 18: "arib-std-b67"}


class RenderFacts(msgspec.Struct, frozen=True):
    """The facts of a rendered file; durations in seconds, `audio_codec` is "" if it is silent."""

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
    """The JSON line that the child prints: at most one of the fields is set."""

    info: MediaInfo | None = None
    facts: RenderFacts | None = None
    index: PacketIndex | None = None
    rejected: str | None = None


def _open(path: Path, extension: str) -> "InputContainer":
    import av

    # PyAV 19 always replaces invalid UTF-8 in metadata, and removed the option.
    has_option = int(av.__version__.partition(".")[0]) < 19
    lenient: dict[str, Any] = {"metadata_errors": "replace"} if has_option else {}
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
    """Return the media information of a file; raises MediaRejected (UPL-2, UPL-3)."""
    import av

    try:
        info = _inspect(path, extension)
    except (av.FFmpegError, ValueError) as error:
        reason = getattr(error, "strerror", "") or "its content is damaged"
        raise MediaRejected(f"the file cannot be read as .{extension}: {reason}") from error
    with path.open("rb") as file:
        if extension == "png" and read_image_header(file, extension).is_animated:
            left_out = (*info.left_out, "all frames of its animation but the first are left out")
            info = msgspec.structs.replace(info, left_out=left_out)
    return info


def _inspect(path: Path, extension: str) -> MediaInfo:
    selector = StreamSelector(extension)
    while True:
        with _open(path, extension) as container:
            choice = selector.select(container)
            scan = scan_packets(container, choice, extension, path.stat().st_size)
            unfit = [track for track in scan.streams if track.unusable_reason]
            if not unfit:
                return _describe(container, choice, scan, selector.warnings, extension)
            for track in unfit:
                selector.reject(track.stream, track.unusable_reason)
            # Raises if there is no other choice, before the file is opened again.
            selector.select(container)


def _describe(
    container: "InputContainer",
    choice: SelectedStreams,
    scan: FileScan,
    left_out: tuple[str, ...],
    extension: str,
) -> MediaInfo:
    info = MediaInfo(
        ACCEPTED_EXTENSIONS[extension] if choice.video else "audio",
        extension,
        picture_place=choice.video_index,
        sound_place=choice.audio_index,
        left_out=(*left_out, *scan.warnings),
    )
    if scan.audio is not None:
        info = _with_sound(info, scan.audio)
    if scan.video is not None:
        info = _with_picture(info, scan.video, scan.start)
    if info.kind != "image" or extension == "gif":
        info = _with_times(info, scan, container.start_time)
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


def _with_times(info: MediaInfo, scan: FileScan, opened_at: int | None) -> MediaInfo:
    """Set the duration: from the first frame to the end of the last one of all streams."""
    if info.kind == "image" and scan.streams[0].timing.frame_count < 2:
        # A GIF with one frame is a still image, whatever its duration.
        return info
    seconds = float(scan.end - scan.start)
    if not _SHORTEST <= seconds <= MAX_SECONDS:
        raise MediaRejected(
            f"its duration must be from {_SHORTEST} to {MAX_SECONDS} s, "
            f"but {seconds:.6g} s can be decoded"
        )
    origin = float(scan.start - Fraction(opened_at or 0, _MICROSECONDS))
    return msgspec.structs.replace(
        info,
        duration=seconds,
        bit_rate=round(scan.size * 8 / seconds),
        origin=origin if origin > _SAME_TIME else 0.0,
    )


def inspect_render(path: Path) -> RenderFacts:
    """Return the facts of a rendered MP4, with all packets counted (REN-7)."""
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


def inspect_packets(path: Path, extension: str) -> PacketIndex | None:
    """Return where the packets of a video are; None if the file must be read as a whole."""
    import av

    try:
        with _open(path, extension) as container:
            return index_packets(container, path)
    except (av.FFmpegError, ValueError):
        return None


def _seconds(stream: Any) -> float:
    return float((stream.duration or 0) * (stream.time_base or 0))


def _index_first(path: Path) -> bool:
    """Whether `moov` is before `mdat`, so that playback can start during the download."""
    with path.open("rb") as file:
        while len(head := file.read(8)) == 8:
            if head[4:] in (b"moov", b"mdat"):
                return head[4:] == b"moov"
            size = int.from_bytes(head[:4])
            file.seek(max(size, 8) - 8, 1)
    return False


def main(arguments: list[str]) -> None:
    """Print the answer for one file."""
    try:
        if arguments[0] == "probe":
            answer = ProbeWorkerOutput(info=inspect_media(Path(arguments[1]), arguments[2]))
        elif arguments[0] == "index":
            answer = ProbeWorkerOutput(index=inspect_packets(Path(arguments[1]), arguments[2]))
        else:
            answer = ProbeWorkerOutput(facts=inspect_render(Path(arguments[1])))
    except MediaRejected as reason:
        answer = ProbeWorkerOutput(rejected=str(reason))
    print(msgspec.json.encode(answer).decode(), flush=True)


if __name__ == "__main__":
    main(sys.argv[1:])
