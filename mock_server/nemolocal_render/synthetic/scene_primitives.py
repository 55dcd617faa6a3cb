"""The elements of generated scenes as FFmpeg filters: skies, procedural fields and cutouts.

Scenes are generated at half the size of the clip and enlarged, and static masks are computed once,
so rendering is faster than real time. Expressions may contain `{k}` (a number from the seed),
`{now}` (elapsed share of the clip, in computed pictures) and `{moved}` (the same, in positions).
"""

from typing import Literal

import msgspec

WIDTH, HEIGHT = 640, 360
_FPS = 30
_TWO_PI = 6.283185307


class Sky(msgspec.Struct, frozen=True):
    """A vertical gradient, at the beginning of the clip and at its end."""

    start: tuple[int, int, int]
    end: tuple[int, int, int] | None = None

    def filter_chain(self) -> str:
        """Return its FFmpeg filters."""
        channels = (f"{name}='{self._channel(shift)}'" for name, shift in _SHIFTS.items())
        return f"{_blank(16, 90)},geq={':'.join(channels)},scale={WIDTH}:{HEIGHT}:flags=bicubic"

    def _channel(self, shift: int) -> str:
        first = [color >> shift & 255 for color in self.start]
        last = [color >> shift & 255 for color in self.end or self.start]
        top, middle, bottom = (f"lerp({a},{b},{{now}})" for a, b in zip(first, last, strict=True))
        upper, lower = f"lerp({top},{middle},2*Y/H)", f"lerp({middle},{bottom},2*Y/H-1)"
        return f"if(lt(2*Y,H),{upper},{lower})"


_SHIFTS = {"r": 16, "g": 8, "b": 0}


class Swirl(msgspec.Struct, frozen=True):
    """An animated gradient."""

    colors: tuple[str, str, str]
    shape: Literal["spiral", "circular"] = "spiral"
    speed: float = 0.02

    def filter_chain(self) -> str:
        """Return its FFmpeg filters."""
        colors = ":".join(f"c{n}={color}" for n, color in enumerate(self.colors))
        return (
            f"gradients=s=160x90:r={_FPS}:n=3:{colors}:type={self.shape}:seed={{seed}}"
            f":speed={self.speed},scale={WIDTH}:{HEIGHT}:flags=bicubic"
        )


class ProceduralField(msgspec.Struct, frozen=True):
    """A picture computed for each frame, on a coarse grid, from `top` to the bottom.

    `value` is computed once per point; the colours use it as `ld(0)`.
    """

    value: str
    red: str
    green: str
    blue: str
    top: int = 0
    grid: tuple[int, int] = (64, 36)

    def filter_chain(self) -> str:
        """Return its FFmpeg filters."""
        colors = zip("rgb", (self.red, self.green, self.blue), strict=True)
        channels = ":".join(
            f"{name}='st(0,{self.value});clip({value},0,255)'" for name, value in colors
        )
        size = f"{WIDTH}:{HEIGHT - self.top}"
        return f"{_blank(*self.grid)},geq={channels},scale={size}:flags=bicubic"


class Cutout(msgspec.Struct, frozen=True):
    """A colour with a `mask` from 0 to 255.

    `drift` scrolls it, as a share of its size per frame, to the right and down; `x` and `y` are its
    top left corner, `shown` is when it is visible.
    """

    color: str
    mask: str
    size: tuple[int, int] = (WIDTH, HEIGHT)
    drift: tuple[float, float] = (0.0, 0.0)
    x: str = "0"
    y: str = "0"
    shown: str = "1"


SceneLayer = ProceduralField | Cutout
SceneBackground = Sky | Swirl | ProceduralField


class Scene(msgspec.Struct, frozen=True):
    """A background, and the layers over it in order."""

    background: SceneBackground
    layers: tuple[SceneLayer, ...] = ()


def build_scene_graph(scene: Scene, seed: int, seconds: float) -> str:
    """Return a filter graph with the scene as `[video]`, at half the size of the clip."""
    chains = [f"{scene.background.filter_chain()},format=yuv420p[v0]"]
    for number, layer in enumerate(scene.layers):
        chains += _overlay_layer(layer, number)
    chains.append(f"[v{len(scene.layers)}]null[video]")
    passed = {"now": f"(T/{seconds})", "moved": f"(t/{seconds})"}
    return ";".join(chains).format(k=seed % 997 / 10, seed=seed % 2**31, **passed)


def _overlay_layer(layer: SceneLayer, number: int) -> list[str]:
    under, over, piece = f"[v{number}]", f"[v{number + 1}]", f"[l{number}]"
    if isinstance(layer, ProceduralField):
        field = f"{layer.filter_chain()},format=yuv420p{piece}"
        return [field, f"{under}{piece}overlay=y={layer.top}{over}"]
    width, height = layer.size
    right, down = layer.drift
    # `scroll` moves to the left and up.
    scroll = f",scroll=h={-right}:v={-down}" if right or down else ""
    mask = f"{_blank(width, height)}:d={1 / _FPS:.4f},format=gray,geq=lum='{layer.mask}'"
    return [
        f"{mask},loop=loop=-1:size=1{scroll}[m{number}]",
        f"color=c={layer.color}:s={width}x{height}:r={_FPS},format=yuva420p[c{number}]",
        f"[c{number}][m{number}]alphamerge{piece}",
        f"{under}{piece}overlay=x='{layer.x}':y='{layer.y}':enable='{layer.shown}'{over}",
    ]


def _blank(width: int, height: int) -> str:
    return f"color=c=black:s={width}x{height}:r={_FPS}"


def hash_noise(one: str, other: str, salt: float) -> str:
    """Return an expression of a pseudo-random number from 0 to 1 by these values and the seed."""
    return f"mod(abs(sin(({one})*12.9898+({other})*78.233+{{k}}+{salt})*43758.5453),1)"


def dot_mask(cell: int, radius: float, part: float, salt: float, *, tall: float = 1.0) -> str:
    """Return a mask of dots, or of streaks `tall` times as high, in this share of all cells."""
    column, row = f"floor(X/{cell})", f"floor(Y/{cell})"
    room = cell - 2 * radius * tall
    across = f"(mod(X,{cell})-{radius}-{cell - 2 * radius}*{hash_noise(column, row, salt)})"
    along = f"((mod(Y,{cell})-{radius * tall}-{room}*{hash_noise(column, row, salt + 7)})/{tall})"
    bright = f"clip(1.5-hypot({across},{along})/{radius},0,1)"
    return f"255*{bright}*lt({hash_noise(column, row, salt + 13)},{part})"


def ridge_line(top: float, rough: float, salt: float) -> str:
    """Return the upper edge of hills in pixels; the right end continues at the left."""
    waves = ((2, 1.0), (5, 0.45), (11, 0.2), (23, 0.08))
    parts = (
        f"{share}*sin(X*{_TWO_PI * turns / WIDTH:.6f}+{{k}}*{turns}+{salt})"
        for turns, share in waves
    )
    return f"({top}+{rough}*({'+'.join(parts)}))"


def mask_below(top: str) -> str:
    """Return a mask of everything below a line."""
    return f"255*clip(Y-{top},0,1)"


def disc_mask(radius: float, glow: float) -> str:
    """Return a mask of a disc in the middle of its layer, with a glow."""
    away = "hypot(X-W/2,Y-H/2)"
    return f"max(255*clip(({radius}-{away})/2,0,1),{glow}*clip(1-{away}*2/W,0,1))"


def cloud_mask(density: float, salt: float) -> str:
    """Return a mask of clouds that tiles on all sides."""
    x, y = f"(X*{_TWO_PI / WIDTH:.6f})", f"(Y*{_TWO_PI / HEIGHT:.6f})"
    bend = f"1.3*sin(2*{y}+{{k}}+{salt})+0.7*sin(3*{x}+5*{y}+{salt})"
    parts = (
        f"sin(2*{x}+{bend})*sin(3*{y}+{{k}}+{salt})",
        f"0.5*sin(5*{x}+2*({bend})+{salt})*sin(7*{y}+{bend})",
        f"0.25*sin(13*{x}+11*{y}+3*({bend}))",
    )
    return f"255*clip({'+'.join(parts)}+{density}-0.5,0,1)"
