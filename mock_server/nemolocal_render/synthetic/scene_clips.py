"""Generate video clips that fit a word, the same for the same seed (SSE-8).

There is no generative model: FFmpeg composes scenes from constants, and the text of the user only
selects one.
"""

from pathlib import Path

from ..media import MediaInfo
from ..probing.media_probe import probe
from .sample_media import write_generated
from .scene_primitives import (
    Cutout,
    ProceduralField,
    Scene,
    Sky,
    Swirl,
    build_scene_graph,
    cloud_mask,
    disc_mask,
    dot_mask,
    hash_noise,
    mask_below,
    ridge_line,
)

SCENE_SIZE = (1280, 720)
SCENE_FPS = 30
MAX_SCENE_SECONDS = 60.0

# The horizontal position of the sun, and the horizon.
_SUN_X = "(200+2.4*{k})"
_HORIZON = 236

_SUNSET = Scene(
    Sky((0x3F6CB0, 0xF6A15C, 0xFFE29A), (0x0B0E2E, 0x5A2347, 0xA63A2C)),
    (
        Cutout("0xfff0b5", disc_mask(40, 90), (200, 200), x=f"{_SUN_X}-100", y="{moved}*250-30"),
        ProceduralField(
            value=f"exp(-pow((X*8-{_SUN_X})/(30+Y*3),2))"
            "*(0.55+0.45*sin(Y*1.7+T*3+sin(X*0.8+{k})))*(1-0.8*{now})",
            red="lerp(96,18,{now})-Y+ld(0)*150",
            green="lerp(88,14,{now})-Y+ld(0)*110",
            blue="lerp(110,34,{now})-Y+ld(0)*40",
            top=_HORIZON,
            grid=(80, 31),
        ),
    ),
)

# Waves get denser with the distance: 1/(Y+6) is the distance between them.
_OCEAN = Scene(
    Sky((0x5BB8F0, 0xA9DDF7, 0xE6F7FF)),
    (
        Cutout("0xffffff", cloud_mask(0.35, 2), drift=(0.0006, 0)),
        ProceduralField(
            value="sin(210/(Y+6)+T*2.2+1.3*sin(X*0.1+T*0.7+{k}))+0.45*sin(X*0.31+Y*0.4-T*1.7+{k})",
            red="lerp(66,4,Y/H)+18*ld(0)+110*clip(ld(0)-0.95,0,1)",
            green="lerp(156,52,Y/H)+24*ld(0)+110*clip(ld(0)-0.95,0,1)",
            blue="lerp(208,100,Y/H)+26*ld(0)+90*clip(ld(0)-0.95,0,1)",
            top=150,
            grid=(96, 42),
        ),
    ),
)

_FAR_ROOFS = f"(130+110*{hash_noise('floor(X/40)', '1', 0)})"
_NEAR_ROOFS = f"(200+80*{hash_noise('floor(X/56)', '2', 3)})"


def _windows(roofs: str, salt: float) -> str:
    pane = "between(mod(X,8),2,5)*between(mod(Y,11),3,8)"
    lit = f"lt({hash_noise('floor(X/8)', 'floor(Y/11)', salt)},0.3)"
    return f"230*{pane}*{lit}*gt(Y,{roofs}+6)*lt(Y,322)"


_CITY = Scene(
    Sky((0x070B1E, 0x1B2A52, 0x4A3B6B)),
    (
        Cutout("0x1a2342", mask_below(_FAR_ROOFS)),
        Cutout("0xc9b26a", _windows(_FAR_ROOFS, 5)),
        Cutout("0x0a0e1c", mask_below(_NEAR_ROOFS)),
        Cutout("0xffd98a", _windows(_NEAR_ROOFS, 9), shown="lt(mod(t*1.3,2),1)"),
        Cutout("0xffe9b8", _windows(_NEAR_ROOFS, 17), shown="gte(mod(t*1.3,2),1)"),
        Cutout("0x15161c", mask_below("326")),
        Cutout("0xfff6dd", dot_mask(32, 3, 0.6, 1), (640, 32), (0.02, 0), y="322"),
        Cutout("0xff3b2f", dot_mask(32, 3, 0.6, 4), (640, 32), (-0.016, 0), y="334"),
    ),
)


def _trees(step: int, top: float, salt: float) -> str:
    """Return a mask of firs of different heights, one in each `step`."""
    tip = f"({top}+50*{hash_noise(f'floor(X/{step})', '3', salt)})"
    side = f"abs(mod(X,{step})-{step / 2})"
    return f"255*clip((Y-{tip})*0.16+mod(Y-{tip},20)*0.3*gt(Y,{tip})-{side},0,1)"


_FOREST = Scene(
    Sky((0xE9F7E4, 0xA7D7B5, 0x4E8F68)),
    (
        Cutout("0x7fb59a", _trees(40, 110, 1), drift=(-0.0004, 0)),
        Cutout("0x3f7d5e", _trees(64, 140, 5), drift=(-0.0009, 0)),
        Cutout("0x12392a", _trees(80, 180, 9), drift=(-0.0018, 0)),
        Cutout("0xf6ffd9", dot_mask(80, 2, 0.6, 21), drift=(0.0004, -0.0009)),
    ),
)

_NIGHT = Scene(
    Sky((0x01030D, 0x0A1A38, 0x1D3557)),
    (
        Cutout("0xffffff", dot_mask(24, 1.1, 0.35, 1)),
        Cutout("0xcfe2ff", dot_mask(32, 1.5, 0.3, 8), shown="lt(mod(t,1.4),0.9)"),
        Cutout("0xfdf6e3", disc_mask(30, 60), (140, 140), x="400-{k}", y="150-130*{moved}"),
        Cutout("0x040914", mask_below(ridge_line(290, 26, 2))),
    ),
)

_SNOW = Scene(
    Sky((0x7E9CBC, 0xA9C0D8, 0xD6E2EE)),
    (
        Cutout("0xf2f6fb", mask_below(ridge_line(270, 24, 1))),
        Cutout("0x4c6a72", _trees(64, 190, 4)),
        Cutout("0xffffff", mask_below(ridge_line(322, 10, 5))),
        Cutout("0xffffff", dot_mask(30, 1.6, 0.6, 3), drift=(0.0008, 0.004)),
        Cutout("0xffffff", dot_mask(45, 3.2, 0.5, 11), drift=(0.0014, 0.008)),
    ),
)

_RAIN = Scene(
    Sky((0x2E3642, 0x4D5866, 0x76828F)),
    (
        Cutout("0x66717f", cloud_mask(0.6, 3), drift=(0.001, 0)),
        Cutout("0x262d36", mask_below(ridge_line(290, 22, 4))),
        Cutout("0xaebccb", dot_mask(40, 0.9, 0.8, 3, tall=14), drift=(0, 0.05)),
        Cutout("0xd5dfe9", dot_mask(60, 1.2, 0.6, 9, tall=20), drift=(0, 0.08)),
    ),
)

# Flames get narrower and cooler towards the top, and sparks rise.
_FIRE = Scene(
    ProceduralField(
        value="clip(1.9*Y/H-0.75+0.22*sin(X*0.52+{k}+2*sin(Y*0.18+T*5))"
        "+0.2*sin(X*0.25-Y*0.3-T*7)+0.14*sin(X*1.2+Y*0.75+T*11+{k})-abs(X-W/2)/W*0.9,0,1)",
        red="18+237*clip(ld(0)*2.6,0,1)",
        green="6+225*clip(ld(0)*2-0.45,0,1)",
        blue="4+150*clip(ld(0)*2.4-1.3,0,1)",
    ),
    (Cutout("0xffb347", dot_mask(64, 1.4, 0.5, 3), drift=(0.001, -0.012)),),
)

_SPACE = Scene(
    Sky((0x05000F, 0x16052E, 0x070018)),
    (
        Cutout("0x6a2bb0", f"0.55*{cloud_mask(0.3, 1)}", drift=(-0.0005, 0)),
        Cutout("0x2456a8", f"0.45*{cloud_mask(0.2, 4)}", drift=(-0.0009, 0)),
        Cutout("0xbfd0ff", dot_mask(20, 0.9, 0.5, 2), drift=(-0.001, 0)),
        Cutout("0xffffff", dot_mask(40, 1.7, 0.4, 6), drift=(-0.0028, 0)),
    ),
)

_CLOUDS = Scene(
    Sky((0x2676CF, 0x6FB2EE, 0xCFE8FF)),
    (
        Cutout("0xe8f2fb", f"0.75*{cloud_mask(0.45, 5)}", drift=(0.0008, 0)),
        Cutout("0xffffff", cloud_mask(0.4, 1), drift=(0.0018, 0)),
    ),
)

_PEAKS = ridge_line(190, 52, 0)
_MOUNTAINS = Scene(
    Sky((0x4F86C6, 0xA8C8E8, 0xFBE3C8)),
    (
        Cutout("0xffffff", f"0.8*{cloud_mask(0.3, 2)}", drift=(0.0012, 0)),
        Cutout("0x8093b5", mask_below(_PEAKS)),
        Cutout("0xf7fafd", f"{mask_below(_PEAKS)}*lt(Y,168+8*sin(X*0.3)+5*sin(X*0.71))"),
        Cutout("0x56698c", mask_below(ridge_line(240, 34, 3)), drift=(-0.0003, 0)),
        Cutout("0x2a3a55", mask_below(ridge_line(300, 24, 6)), drift=(-0.0008, 0)),
    ),
)

SCENES = {
    "sunset": _SUNSET,
    "ocean": _OCEAN,
    "city": _CITY,
    "forest": _FOREST,
    "night": _NIGHT,
    "snow": _SNOW,
    "fire": _FIRE,
    "space": _SPACE,
    "abstract": Scene(Swirl(("0xef476f", "0xffd166", "0x118ab2"))),
    "mountains": _MOUNTAINS,
    "clouds": _CLOUDS,
    "rain": _RAIN,
}


async def make_scene(name: str, seconds: float, seed: int, destination: Path) -> MediaInfo:
    """Write a silent clip of a scene (a key of SCENES) as an .mp4: 1280x720, 30 frames/s, H.264.

    `seconds` is greater than 0 and at most 60. Raises KeyError for an unknown scene, ValueError for
    another duration, FFmpegFailed if FFmpeg fails.
    """
    scene = SCENES[name]
    if not 0 < seconds <= MAX_SCENE_SECONDS:
        raise ValueError(f"a scene must last from 0 to {MAX_SCENE_SECONDS:.0f} s, not {seconds}")
    width, height = SCENE_SIZE
    # Scaling the coarse pictures has changed the pixel aspect ratio, so it is reset.
    enlarge = f"[video]scale={width}:{height}:flags=bicubic,setsar=1[large]"
    graph = f"{build_scene_graph(scene, seed, seconds)};{enlarge}"
    encoding = ["-c:v", "libx264", "-preset", "superfast", "-crf", "22", "-pix_fmt", "yuv420p"]
    length = ["-frames:v", str(max(1, round(seconds * SCENE_FPS)))]
    arguments = ["-filter_complex", graph, "-map", "[large]", *encoding, *length]
    await write_generated(arguments, "mp4", destination)
    return await probe(destination, "mp4")
