"""Clips of six natures, drawn by FFmpeg: what is easy for one encoder setting is hard for another.

`NATURES` are functions of the seconds that give a filter graph, which runs in a folder that
`prepare` has made ready.
"""

import shutil
from collections.abc import Callable
from importlib.resources import as_file, files
from pathlib import Path

WIDTH, HEIGHT, FPS = 320, 180, 25
_FONT, _WORDS = "font.ttf", "words.txt"
_LINE = HEIGHT // 14
_PAGE = """Compression of screens
keeps small letters sharp.
0123456789 (a+b)*c == d;
for name in sorted(words):
    print(name)
"""
_SCENES = 6


def prepare(folder: Path) -> None:
    """Put the font and the words of the screen into the folder."""
    with as_file(files("nemolocal_render") / "fonts" / "DejaVuSans-Bold.ttf") as font:
        shutil.copyfile(font, folder / _FONT)
    (folder / _WORDS).write_text(_PAGE * 3, encoding="utf-8")


def _ground(seed: int) -> str:
    """A picture with details of every size, a quarter larger than the clip."""
    return (
        f"perlin=s={WIDTH * 5 // 8}x{HEIGHT * 5 // 8}:octaves=10:persistence=0.65:xscale=8:yscale=8"
        f":random_mode=seed:random_seed={seed},trim=end_frame=1,normalize,"
        f"scale={WIDTH * 5 // 4}:{HEIGHT * 5 // 4}:flags=bicubic,format=gbrp,"
        "lutrgb=r='clip(val*1.1-20,0,255)':g='clip(val*0.9+20,0,255)'"
        ":b='clip(val*val/255*0.8+30,0,255)',"
        f"format=yuv420p,loop=-1:size=1,fps={FPS},setpts=N/{FPS}/TB"
    )


_PANNED = f"crop={WIDTH}:{HEIGHT}:x=n/5:y=n/9"


def _grain(_: float) -> str:
    return f"{_ground(1)},{_PANNED},noise=alls=14:allf=t:all_seed=5"


def _motion(_: float) -> str:
    return f"{_ground(2)},scroll=h=0.02:v=0.013,crop={WIDTH}:{HEIGHT}"


def _screen(_: float) -> str:
    page = f"x=8:y='{HEIGHT}/3-floor(t*2)*{_LINE}':fontsize={_LINE}:fontcolor=black"
    return (
        f"color=white:s={WIDTH}x{HEIGHT}:r={FPS},"
        f"drawtext=fontfile={_FONT}:textfile={_WORDS}:{page},format=yuv420p"
    )


def _dark(_: float) -> str:
    night = "lutyuv=y='16+(val-16)*0.2':u='128+(val-128)*0.3':v='128+(val-128)*0.3'"
    return f"{_ground(3)},{_PANNED},{night},noise=c0s=2:c0f=t:c0_seed=5"


def _static(_: float) -> str:
    return f"{_ground(4)},crop={WIDTH}:{HEIGHT}:0:0"


def _cuts(seconds: float) -> str:
    scenes = [
        f"{_ground(10 + n)},hue=h={60 * n},{_PANNED},trim=duration={seconds / _SCENES}[c{n}]"
        for n in range(_SCENES)
    ]
    joined = "".join(f"[c{n}]" for n in range(_SCENES))
    return ";".join((*scenes, f"{joined}concat=n={_SCENES}"))


NATURES: dict[str, Callable[[float], str]] = {
    "grain": _grain,
    "motion": _motion,
    "screen": _screen,
    "dark": _dark,
    "static": _static,
    "cuts": _cuts,
}
