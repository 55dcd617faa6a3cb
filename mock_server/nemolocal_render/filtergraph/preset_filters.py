"""The looks of `effect_presets.toml` as FFmpeg filters.

A parameter is a constant of the file, or a number that follows from the strength of the effect and
the size of the picture, or a colour of the list below.
"""

from collections.abc import Callable

from nemolocal_contract.effect_presets import (
    EffectPreset,
    Parameter,
    PresetColor,
    ScaledParameter,
    effect_presets,
)
from nemolocal_contract.effects import PresetEffect

from .graph_builder import Stream, decimal

COLOR_VALUES: dict[PresetColor, str] = {
    "white": "0xffffff",
    "black": "0x000000",
    "red": "0xe02020",
    "orange": "0xff8c00",
    "yellow": "0xf0d820",
    "green": "0x20b040",
    "cyan": "0x20c0c8",
    "blue": "0x2050e0",
    "purple": "0x8030b0",
    "pink": "0xf070a8",
}
# These filters work on red, green and blue; the conversion there and back keeps BT.709.
_RGB_FILTERS = frozenset(
    {
        "colorbalance",
        "colorchannelmixer",
        "colorhold",
        "colortemperature",
        "edgedetect",
        "grayworld",
        "lutrgb",
        "normalize",
        "pseudocolor",
        "rgbashift",
    }
)
_COLOR = "$color"
LEAST_SIDE = 16
"""Many filters need this many pixels; what is smaller shows no look anyway."""


def find_preset(effect: object) -> EffectPreset | None:
    """Return the row of an effect that is a look, else None."""
    return effect_presets()[effect.name] if isinstance(effect, PresetEffect) else None


def needs_motion(effect: object) -> bool:
    """Whether a look changes from frame to frame."""
    preset = find_preset(effect)
    return preset is not None and preset.moving


def is_at_source(effect: object) -> bool:
    """Whether a look sees the frames of the source before they are scaled."""
    preset = find_preset(effect)
    return preset is not None and preset.at_source


def apply_preset(
    video: Stream, effect: PresetEffect, size: tuple[float, float], clear: bool
) -> Stream:
    """Apply a look to a picture of this size; `clear` pictures keep their alpha channel."""
    if min(size) < LEAST_SIDE:
        return video
    return without_alpha(video, lambda color: apply_filters(color, effect, size), clear)


def without_alpha(video: Stream, change: Callable[[Stream], Stream], clear: bool) -> Stream:
    """Change the colours of a picture with filters that know no alpha channel."""
    if not clear:
        return change(video).filter("format", "yuv420p")
    import ffmpeg

    copies = video.filter_multi_output("split")
    color = change(copies[0].filter("format", "yuv420p")).filter("format", "yuv420p")
    shape = copies[1].filter("alphaextract")
    return ffmpeg.filter([color, shape], "alphamerge").filter("format", "yuva420p")


def apply_filters(video: Stream, effect: PresetEffect, size: tuple[float, float]) -> Stream:
    """Apply the filters of a look to a picture of this size without alpha channel."""
    is_rgb = False
    for step in effect_presets()[effect.name].filters:
        wants_rgb = step.name in _RGB_FILTERS
        if wants_rgb and not is_rgb:
            video = video.filter("format", "gbrp")
        elif is_rgb and not wants_rgb:
            video = _to_yuv(video)
        is_rgb = wants_rgb
        values = {name: _value(parameter, effect, size) for name, parameter in step.with_.items()}
        graph = _GRAPHS.get(step.name)
        video = video.filter(step.name, **values) if graph is None else graph(video, values)
    return _to_yuv(video) if is_rgb else video


def _to_yuv(video: Stream) -> Stream:
    return video.filter("scale", out_color_matrix="bt709", out_range="tv").filter(
        "format", "yuv420p"
    )


def _value(parameter: Parameter, effect: PresetEffect, size: tuple[float, float]) -> str:
    if isinstance(parameter, str):
        return parameter.replace(_COLOR, _color(effect))
    if isinstance(parameter, float | int):
        return decimal(parameter)
    scaled = ScaledParameter(parameter) if isinstance(parameter, tuple) else parameter
    start, end = scaled.at
    value = start + (end - start) * effect.amount
    if scaled.of is not None:
        value *= {"side": min(size), "width": size[0], "height": size[1]}[scaled.of]
    if scaled.least is not None:
        value = max(value, scaled.least)
    number = str(round(value)) if scaled.whole else decimal(value)
    return scaled.template.format(number).replace(_COLOR, _color(effect))


def _color(effect: PresetEffect) -> str:
    return COLOR_VALUES[effect.color or "white"]


def _glow(video: Stream, values: dict[str, str]) -> Stream:
    """Screen a blurred copy over the picture."""
    import ffmpeg

    copies = video.filter_multi_output("split")
    soft = copies[1].filter("gblur", sigma=values["sigma"], steps=2)
    # Chroma planes would turn pink when screened.
    how = {"c0_mode": "screen", "c0_opacity": values["opacity"]}
    return ffmpeg.filter([copies[0], soft], "blend", **how)


def _symmetry(video: Stream, _: dict[str, str]) -> Stream:
    """Show the left half, and its mirror image on the right."""
    import ffmpeg

    copies = video.filter_multi_output("split")
    half = copies[1].filter("crop", "ceil(iw/4)*2", "ih", 0, 0).filter("hflip")
    return ffmpeg.overlay(copies[0], half, x="W-w", y=0)


_GRAPHS = {"glow": _glow, "symmetry": _symmetry}
