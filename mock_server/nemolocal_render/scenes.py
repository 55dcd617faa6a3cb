"""Generated clips: moving colours that fit a word, the same for the same seed (SSE-8).

No model paints here. A scene is a slow gradient in the colours of its subject, drawn by FFmpeg from
our own constants; what a user wrote only chooses among them.
"""

from pathlib import Path
from typing import Literal

import msgspec

from .footage import write
from .media import MediaInfo
from .probe import probe

SCENE_SIZE = (1280, 720)
SCENE_FPS = 30
LONGEST_SCENE = 60.0


class Scene(msgspec.Struct, frozen=True):
    """The colours of a subject, from the top or the middle on, and how they move."""

    colors: tuple[str, str, str]
    shape: Literal["linear", "radial", "circular", "spiral"] = "linear"
    speed: float = 0.01


SCENES = {
    "sunset": Scene(("0x2d1b4e", "0xf26b38", "0xffd27d")),
    "ocean": Scene(("0x9be7ff", "0x1976d2", "0x012a4a"), speed=0.02),
    "city": Scene(("0x0b132b", "0x5bc0be", "0xffd166"), "spiral", 0.03),
    "forest": Scene(("0xd8f3dc", "0x40916c", "0x081c15")),
    "night": Scene(("0x000814", "0x14213d", "0x8ecae6"), "radial", 0.005),
    "snow": Scene(("0xffffff", "0xcfe8ff", "0x8fb8de"), speed=0.015),
    "fire": Scene(("0xffee93", "0xff7b00", "0x6a040f"), "radial", 0.05),
    "space": Scene(("0x10002b", "0x7b2cbf", "0xe0aaff"), "circular", 0.02),
    "abstract": Scene(("0xef476f", "0xffd166", "0x118ab2"), "spiral", 0.02),
}


async def make_scene(name: str, seconds: float, seed: int, destination: Path) -> MediaInfo:
    """Write a silent clip of a scene (a key of SCENES) as an .mp4: 1280x720, 30 frames/s, H.264.

    `seconds` is more than 0 and at most 60. Raises KeyError for another scene, ValueError for
    another length, FFmpegFailed where FFmpeg does not work.
    """
    scene = SCENES[name]
    if not 0 < seconds <= LONGEST_SCENE:
        raise ValueError(f"a scene is from 0 to {LONGEST_SCENE:.0f} s long, not {seconds}")
    frames = max(1, round(seconds * SCENE_FPS))
    encoding = ["-c:v", "libx264", "-preset", "veryfast", "-crf", "20", "-pix_fmt", "yuv420p"]
    graph = ["-filter_complex", _graph(scene, seed), "-map", "[video]"]
    await write([*graph, *encoding, "-frames:v", str(frames)], "mp4", destination)
    return await probe(destination, "mp4")


def _graph(scene: Scene, seed: int) -> str:
    width, height = SCENE_SIZE
    colors = ":".join(f"c{n}={color}" for n, color in enumerate(scene.colors))
    # Smooth colours are made small and enlarged; a little grain keeps them from banding.
    return (
        f"gradients=s={width // 8}x{height // 8}:r={SCENE_FPS}:n=3:{colors}:type={scene.shape}"
        f":seed={seed % 2**31}:speed={scene.speed},scale={width}:{height}:flags=bicubic,"
        f"noise=alls=4:allf=t:all_seed={seed % 2**31},format=yuv420p[video]"
    )
