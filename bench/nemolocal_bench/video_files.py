"""The compared files: opened under safe names, every frame counted by decoding it."""

import hashlib
import shlex
import shutil
from collections.abc import Sequence
from pathlib import Path

import msgspec

from nemolocal_contract.media import (
    ACCEPTED_EXTENSIONS,
    ACCEPTED_EXTENSIONS_TEXT,
    normalize_extension,
)
from nemolocal_contract.plurals import pluralize
from nemolocal_render import ffmpeg_cli
from nemolocal_render.media import DECODERS, DEMUXERS, MAX_STREAMS, MediaRejected
from nemolocal_render.probing.media_probe import probe
from nemolocal_render.sandbox import SandboxPolicy

# The alignment test compares at least one frame with both neighbours.
MIN_FRAMES = 3
# Seconds after which FFmpeg hangs: a fixed time, and for each second of the clip.
_TIMEOUT = (120.0, 240.0)
_MAX_PIXELS = 33_177_600
# What is listed: packets, or decoded frames; copying these takes a quarter of the time.
_PACKETS = ("-c", "copy")
_FRAMES = ("-c:v", "wrapped_avframe")
# Options of the input that protect this machine and change no result.
_RESTRICTIONS = (
    *("-format_whitelist", "-codec_whitelist", "-protocol_whitelist"),
    *("-max_pixels", "-max_streams"),
)


class CannotCompare(Exception):
    """A file that cannot be compared; the text is one line for the user."""


class VideoFile(msgspec.Struct, frozen=True):
    """A video: its path, frames, seconds, decoded size in pixels, and bytes.

    `path` is a safe name of our own. `digest` is the SHA-256 of the content. Rotation is applied.
    """

    path: Path
    extension: str
    digest: str
    frames: int
    seconds: float
    width: int
    height: int
    bytes: int
    has_sound: bool = False

    @property
    def timeout(self) -> float:
        """Seconds after which FFmpeg is stopped when it reads the clip."""
        return _TIMEOUT[0] + _TIMEOUT[1] * self.seconds

    @property
    def fps(self) -> float:
        """Frames per second, the mean if they vary."""
        return self.frames / self.seconds

    def policy(self, *others: "VideoFile") -> SandboxPolicy:
        """What FFmpeg may read: this clip and the others."""
        paths = (path for clip in (self, *others) for path in (clip.path, clip.path.resolve()))
        return SandboxPolicy(read=tuple(paths))


async def open_source(path: Path, folder: Path) -> VideoFile:
    """Link a user's file into `folder` under a safe name and describe it; raises CannotCompare.

    Its frames are those that its packets announce, until `count_by_decoding` has decoded it.
    """
    kind = normalize_extension(path.name)
    if path.is_dir():
        raise CannotCompare(f"{path} is a folder: name the videos in it")
    if not path.is_file():
        raise CannotCompare(f"file not found: {path}")
    if kind is None or ACCEPTED_EXTENSIONS[kind] != "video":
        videos = ", ".join(
            name for name, medium in ACCEPTED_EXTENSIONS.items() if medium == "video"
        )
        raise CannotCompare(f"{path} is not a video: accepted types are {videos}")
    try:
        named = folder / f"source-{file_digest(path)[:16]}.{kind}"
    except OSError as error:
        raise CannotCompare(f"{path} cannot be read: {error.strerror}") from error
    if not named.exists():
        _link_or_copy(path, named)
    try:
        return await describe_video(named)
    except CannotCompare as reason:
        raise CannotCompare(f"{path}: {reason}") from reason


async def open_encode(path: Path, seconds: float) -> VideoFile:
    """Open an MP4 made here, as long as its source; raises CannotCompare.

    Its packets are counted, one per frame: all of them are decoded when it is measured.
    """
    clip = VideoFile(path, "mp4", file_digest(path), 0, seconds, 0, 0, path.stat().st_size)
    return _described(clip, await _list_frames(clip, *_PACKETS))


async def open_video(path: Path) -> VideoFile:
    """Open any video file that has a safe name; raises CannotCompare."""
    return await count_by_decoding(await describe_video(path))


async def describe_video(path: Path) -> VideoFile:
    """Describe any video file that has a safe name by its packets; raises CannotCompare."""
    kind = normalize_extension(path.name)
    if kind is None:
        raise CannotCompare(f"accepted types: {ACCEPTED_EXTENSIONS_TEXT}")
    try:
        info = await probe(path, kind)
    except MediaRejected as reason:
        raise CannotCompare(str(reason)) from reason
    if info.kind != "video":
        raise CannotCompare("it contains no video")
    seconds = info.picture_duration or info.duration
    size = path.stat().st_size
    sound = bool(info.audio_codec)
    clip = VideoFile(path, kind, file_digest(path), 0, seconds, 0, 0, size, sound)
    clip = _described(clip, await _list_frames(clip, *_PACKETS))
    # Headers may have another size than the frames, and do not know that they are rotated.
    first = _size_of(await _list_frames(clip, *_FRAMES, "-frames:v", "1"))
    return msgspec.structs.replace(clip, width=first[0], height=first[1])


async def count_by_decoding(clip: VideoFile, *outputs: str, file_size: int = 0) -> VideoFile:
    """Return a clip with the number of frames that it is decoded to: headers are not trusted.

    `outputs` are FFmpeg's arguments for a file that is made in the same pass, of at most
    `file_size` bytes. Raises CannotCompare.
    """
    lines = await _list_frames(clip, *_FRAMES, outputs=outputs, file_size=file_size)
    return _described(clip, lines)


def file_digest(path: Path) -> str:
    """Return the SHA-256 of a file in hexadecimal."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _link_or_copy(path: Path, named: Path) -> None:
    try:
        named.symlink_to(path.resolve())
    except OSError:
        # Not every system allows links.
        shutil.copyfile(path, named)


def input_arguments(clip: VideoFile) -> list[str]:
    """Return how FFmpeg opens a clip: only its demuxer, known decoders, the file protocol."""
    demuxer = DEMUXERS[clip.extension]
    return [
        *("-format_whitelist", demuxer, "-codec_whitelist", ",".join(DECODERS)),
        *("-protocol_whitelist", "file", "-max_pixels", str(_MAX_PIXELS)),
        *("-max_streams", str(MAX_STREAMS), "-reinit_filter", "0"),
        *("-f", demuxer, "-i", f"file:{clip.path.absolute()}"),
    ]


async def list_packet_sizes(clip: VideoFile) -> list[int]:
    """Return the bytes of each packet of the picture, by time of decoding; raises CannotCompare."""
    lines = await _list_frames(clip, *_PACKETS)
    # Stream, decoding time, presentation time, duration, size, checksum.
    return [int(line.split(",")[4]) for line in lines if not line.startswith("#")]


def shown_line(arguments: Sequence[str], folder: Path) -> str:
    """Return FFmpeg's command line to show: files by name, without what restricts the input."""
    words = ["ffmpeg"]
    given = iter(arguments)
    for word in given:
        if word in _RESTRICTIONS:
            next(given)
        else:
            words.append(word.replace(f"file:{folder.absolute()}/", ""))
    return shlex.join(words)


def _described(clip: VideoFile, lines: list[str]) -> VideoFile:
    frames = sum(not line.startswith("#") for line in lines)
    if frames < MIN_FRAMES:
        raise CannotCompare(
            f"it has {pluralize(frames, 'frame')}; at least {MIN_FRAMES} are needed"
        )
    width, height = _size_of(lines)
    return msgspec.structs.replace(clip, frames=frames, width=width, height=height)


def _size_of(lines: list[str]) -> tuple[int, int]:
    size = next(line for line in lines if line.startswith("#dimensions")).split()[-1]
    width, _, height = size.partition("x")
    return int(width), int(height)


async def _list_frames(
    clip: VideoFile, *how: str, outputs: Sequence[str] = (), file_size: int = 0
) -> list[str]:
    lines: list[str] = []
    policy = clip.policy()
    shown = ["-map", "0:V:0", *how, "-fps_mode", "passthrough", "-f", "framecrc", "-"]
    try:
        await ffmpeg_cli.run(
            [*input_arguments(clip), *shown, *outputs],
            folder=clip.path.parent,
            timeout=clip.timeout,
            policy=msgspec.structs.replace(policy, file_size=file_size) if file_size else policy,
            on_line=lines.append,
        )
    except ffmpeg_cli.FFmpegFailed as failure:
        raise CannotCompare(f"it cannot be decoded: {failure}") from failure
    return lines
