"""Pictures of moments: source and encodes at native resolution, within a maximum total size.

All pictures of a moment show the same part, with the same quality. Where the whole frame would be
too large, they show the part of it in which the encodes differ most from the source.
"""

import math
from collections.abc import Mapping, Sequence
from pathlib import Path

import msgspec

from nemolocal_render import ffmpeg_cli

from .moments import FramePicture, Moment
from .video_files import VideoFile, input_arguments

SOURCE = "source"
# Base64 makes 4 characters of 3 bytes; the rest of the page needs about a tenth.
PAGE_BYTES = 8_000_000
PICTURE_BYTES = int(PAGE_BYTES * 0.9 * 3 / 4)
# The first quality at which the pictures fit is used; the last one also for parts of frames.
_QUALITIES = (95, 88, 80)
_LEAST_WIDTH = 48
_SHRINK, _ROUNDS = 0.75, 12
_GRID_WIDTH, _GRID_HEIGHT = 32, 18
_GRID = "grid.gray"


class _Crop(msgspec.Struct, frozen=True):
    left: int
    top: int
    width: int
    height: int


async def take_pictures(
    moments: Sequence[Moment],
    videos: Mapping[str, tuple[VideoFile, bool]],
    source: VideoFile,
    folder: Path,
    most_bytes: int = PICTURE_BYTES,
) -> tuple[Moment, ...]:
    """Return the moments with pictures of `most_bytes` in all; raises FFmpegFailed.

    `videos` are the source (SOURCE, first) and the encodes by name, each with whether its frames
    are numbered as in the clip (else as in the measured video, which is `source`).
    """
    stills: dict[str, list[Path]] = {}
    for place, (name, (video, as_clip)) in enumerate(videos.items()):
        frames = [moment.frame if as_clip else moment.number for moment in moments]
        stills[name] = await _extract(video, frames, source, folder / f"still-{place}-%d.mkv")
    share = most_bytes // max(len(moments), 1)
    made = []
    for n, moment in enumerate(moments):
        of_moment = {name: found[n] for name, found in stills.items()}
        made.append(await _fit(moment, of_moment, source, folder, share))
    for found in stills.values():
        for path in found:
            path.unlink()
    return tuple(made)


async def _extract(
    video: VideoFile, frames: Sequence[int], source: VideoFile, pattern: Path
) -> list[Path]:
    """Write each of these frames, in the size of the source, without loss; return the files."""
    count = len(frames)
    labels = [f"[v{n}]" for n in range(count)]
    shape = f"scale={source.width}:{source.height}:flags=bicubic,format=yuv420p"
    wanted = "+".join(f"eq(n,{frame})" for frame in sorted(set(frames)))
    last = max(frames) + 1
    chains = [
        f"[0:V:0]trim=end_frame={last},select='{wanted}',{shape},setpts=N,split={count}{''.join(labels)}"
    ]
    order = sorted(set(frames))
    outputs: list[str] = []
    paths = []
    for n, frame in enumerate(frames):
        chains.append(f"{labels[n]}select='eq(n,{order.index(frame)})'[o{n}]")
        path = pattern.with_name(pattern.name % n)
        outputs += ["-map", f"[o{n}]", "-c:v", "ffvhuff", "-fps_mode", "passthrough"]
        outputs += ["-f", "matroska", f"file:{path.name}"]
        paths.append(path)
    await ffmpeg_cli.run(
        [*input_arguments(video), "-filter_complex", ";".join(chains), *outputs],
        folder=pattern.parent,
        timeout=video.timeout,
        policy=video.policy(),
    )
    return paths


async def _fit(
    moment: Moment, stills: Mapping[str, Path], source: VideoFile, folder: Path, most: int
) -> Moment:
    """Return the moment with pictures that fit."""
    crop = _Crop(0, 0, source.width, source.height)
    for quality in _QUALITIES:
        made = await _encode(stills, crop, quality, folder, most)
        if made is not None:
            return _with_pictures(moment, made, crop, quality)
    center = await _busiest(list(stills.values()), folder)
    part = 1.0
    for _ in range(_ROUNDS):
        part *= _SHRINK
        crop = _crop_around(center, source, part)
        made = await _encode(stills, crop, _QUALITIES[-1], folder, most)
        if made is not None or crop.width <= _LEAST_WIDTH:
            break
    return _with_pictures(moment, made, crop, _QUALITIES[-1]) if made else moment


async def _encode(
    stills: Mapping[str, Path], crop: _Crop, quality: int, folder: Path, most: int
) -> tuple[FramePicture, ...] | None:
    """Return all pictures, None once they are larger than `most` bytes."""
    made, left = [], most
    for name, still in stills.items():
        # Each picture gets an equal share; what it leaves is for the following ones.
        path = folder / "still.webp"
        cut = f"crop={crop.width}:{crop.height}:{crop.left}:{crop.top}:exact=1"
        await ffmpeg_cli.run(
            [
                *(*_input(still), "-vf", f"{cut},scale=out_color_matrix=bt601", "-c:v", "libwebp"),
                *("-quality", str(quality), "-compression_level", "3", "-f", "webp"),
                f"file:{path.name}",
            ],
            folder=folder,
            timeout=120,
        )
        content = path.read_bytes()
        path.unlink()
        left -= len(content)
        if left < 0:
            return None
        made.append(FramePicture(name, content))
    return tuple(made)


def _input(still: Path) -> list[str]:
    return ["-f", "matroska", "-i", f"file:{still.name}"]


async def _busiest(stills: Sequence[Path], folder: Path) -> tuple[float, float]:
    """Return where encodes differ most from the first still, as shares of width and height."""
    grid = [0] * (_GRID_WIDTH * _GRID_HEIGHT)
    shape = f"scale={_GRID_WIDTH}:{_GRID_HEIGHT}:flags=area,format=gray"
    for still in stills[1:]:
        graph = f"[0:v][1:v]blend=all_mode=difference,format=gray,lutyuv=y=val*8,{shape}"
        await ffmpeg_cli.run(
            [
                *(*_input(stills[0]), *_input(still), "-filter_complex", graph),
                *("-f", "rawvideo", f"file:{_GRID}"),
            ],
            folder=folder,
            timeout=120,
        )
        found = (folder / _GRID).read_bytes()
        (folder / _GRID).unlink()
        grid = [old + new for old, new in zip(grid, found, strict=True)]
    place = grid.index(max(grid))
    row, column = divmod(place, _GRID_WIDTH)
    return (column + 0.5) / _GRID_WIDTH, (row + 0.5) / _GRID_HEIGHT


def _crop_around(center: tuple[float, float], source: VideoFile, part: float) -> _Crop:
    """Return a part of the frame of even size and place, with its aspect ratio."""
    width, height = (
        max(math.floor(side * part / 2) * 2, 2) for side in (source.width, source.height)
    )
    left, top = (
        math.floor(min(max(at * side - size / 2, 0), side - size) / 2) * 2
        for at, side, size in (
            (center[0], source.width, width),
            (center[1], source.height, height),
        )
    )
    return _Crop(left, top, width, height)


def _with_pictures(
    moment: Moment, made: tuple[FramePicture, ...], crop: _Crop, quality: int
) -> Moment:
    return msgspec.structs.replace(
        moment, pictures=made, quality=quality, **msgspec.structs.asdict(crop)
    )
