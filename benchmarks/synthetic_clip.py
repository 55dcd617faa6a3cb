"""A flight over land to measure with: made by FFmpeg from constants, once, and then kept."""

import hashlib
import os
import subprocess
from pathlib import Path

from nemolocal_render import ffmpeg_cli

FPS = 30
LARGE, FULL_HD = (3840, 2160), (1920, 1080)
LARGE_RATE, FULL_HD_RATE = 53_000_000, 12_000_000
# Making large pictures takes long: so many seconds are made, and repeated as they are.
SCENE_SECONDS = 10
# What the encoder makes of the rate that it is asked for, in ten seconds.
_GIVEN = 0.957


def make_clip(folder: Path, size: tuple[int, int], rate: int, seconds: float) -> Path:
    """The flight: H.264 of so many pixels and bits/s, AAC; kept in `folder`.

    What is longer than SCENE_SECONDS repeats them, picture for picture.
    """
    scene = min(seconds, SCENE_SECONDS)
    once = _cached_file(
        folder, "scene", [*_video_arguments(size, scene), *_encoder_arguments(rate)]
    )
    again = ["-stream_loop", "-1", "-i", f"file:{once}"]
    sound = ["-f", "lavfi", "-i", "sine=f=220:b=4:r=48000,aformat=channel_layouts=stereo"]
    copied = ["-map", "0:v", "-map", "1:a", "-c:v", "copy", "-c:a", "aac", "-b:a", "192k"]
    frames = ["-t", str(seconds), "-frames:v", str(round(seconds * FPS))]
    return _cached_file(folder, "land", [*again, *sound, *copied, *frames])


def _video_arguments(size: tuple[int, int], seconds: float) -> list[str]:
    """Ground of many scales, seen by a camera that moves, with the noise of its sensor.

    The path is closed: where the last picture ends the first one begins.
    """
    width, height = size
    ground = (
        f"perlin=s={width * 5 // 8}x{height * 5 // 8}:octaves=10:persistence=0.65:xscale=8:yscale=8"
        ":random_mode=seed:random_seed=7,trim=end_frame=1,normalize,"
        f"scale={width * 5 // 4}:{height * 5 // 4}:flags=bicubic,noise=c0s=8:c0f=u:c0_seed=3,"
        "format=gbrp,lutrgb=r='clip(val*1.1-20,0,255)':g='clip(val*0.9+20,0,255)'"
        ":b='clip(val*val/255*0.8+30,0,255)',format=yuv420p"
    )
    turn = f"6.283185*n/{seconds * FPS}"
    path = f"x='{width / 8}*(1+sin({turn}))':y='{height / 8}*(1+sin(2*{turn}))'"
    moving = f"loop=-1:size=1,fps={FPS},setpts=N/{FPS}/TB,crop={width}:{height}:{path}"
    grain = "noise=alls=3:allf=t:all_seed=5"
    frames = ["-frames:v", str(round(seconds * FPS))]
    return ["-filter_complex", f"{ground},{moving},{grain}", *frames]


def _encoder_arguments(rate: int) -> list[str]:
    asked = round(rate / _GIVEN)
    ceiling = ["-maxrate", str(asked * 9 // 8), "-bufsize", str(asked)]
    keys = ["-g", str(2 * FPS)]
    return ["-c:v", "libx264", "-preset", "veryfast", "-b:v", str(asked), *ceiling, *keys]


def _cached_file(folder: Path, kind: str, arguments: list[str]) -> Path:
    """The file that these arguments make, from an earlier time if it is there."""
    folder.mkdir(parents=True, exist_ok=True)
    name = hashlib.sha256("\n".join(arguments).encode()).hexdigest()[:16]
    path = folder / f"{kind}-{name}.mp4"
    if not path.exists():
        unfinished = folder / f"{kind}-{name}-{os.getpid()}.unfinished"
        run_ffmpeg([*arguments, "-f", "mp4", f"file:{unfinished}"], folder)
        os.replace(unfinished, path)
    return path


def run_ffmpeg(arguments: list[str], folder: Path) -> None:
    """Run FFmpeg as one does at a prompt: no limits, no checks."""
    always = ["-hide_banner", "-nostdin", "-nostats", "-loglevel", "error", "-y"]
    subprocess.run([str(ffmpeg_cli.executable()), *always, *arguments], cwd=folder, check=True)
