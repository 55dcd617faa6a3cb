"""The worst frame of a pair as a picture: the reference on the left."""

from pathlib import Path

from nemolocal_render import ffmpeg_cli

from .video_files import VideoFile, input_arguments

_PICTURE = "worst.png"
# Two halves of a page: the picture is embedded in the report.
_WIDTH = 640


async def extract_worst_frame(
    reference: VideoFile, distorted: VideoFile, number: int, folder: Path
) -> bytes:
    """Return a PNG of frame `number` (from 0) of both, side by side; raises FFmpegFailed."""
    width = min(reference.width, _WIDTH) // 2 * 2
    height = max(round(reference.height * width / reference.width / 2) * 2, 2)
    chosen = f"select=eq(n\\,{number}),setpts=0,scale={width}:{height}:flags=bicubic,format=rgb24"
    graph = f"[0:V:0]{chosen}[left];[1:V:0]{chosen}[right];[left][right]hstack"
    await ffmpeg_cli.run(
        [
            *(*input_arguments(reference), *input_arguments(distorted)),
            *("-filter_complex", graph, "-frames:v", "1", "-f", "image2", "-update", "1"),
            f"file:{_PICTURE}",
        ],
        folder=folder,
        timeout=reference.timeout,
        policy=reference.policy(distorted),
    )
    picture = folder / _PICTURE
    content = picture.read_bytes()
    picture.unlink()
    return content
