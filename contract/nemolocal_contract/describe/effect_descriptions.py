"""Effects, transitions and styles in words: `brightness +25 %`, `crossfade into the next clip`."""

from collections.abc import Mapping
from typing import Any

import msgspec

from ..draft import Style, Transition
from ..effects import (
    Blur,
    Brightness,
    Contrast,
    Crop,
    Duck,
    Effect,
    Flip,
    Grayscale,
    Overlay,
    Reverse,
    Rotate,
    Saturation,
    Sepia,
    Sharpen,
    Vignette,
    Warmth,
    Zoom,
    effect_from_wire,
)
from .labels import (
    COLOR_LABELS,
    EFFECT_LABELS,
    POSITION_LABELS,
    TRANSITION_LABELS,
    Language,
    clamp_number,
    format_percent,
    format_seconds,
    translate_label,
)

_PLAIN: dict[type[Effect], tuple[str, str]] = {
    Reverse: ("played backwards", "倒放"),
    Grayscale: ("black and white", "黑白"),
    Sepia: ("sepia", "怀旧色调"),
}
_FLIPPED = {
    "horizontal": ("mirrored left to right", "左右镜像"),
    "vertical": ("flipped upside down", "上下翻转"),
}


def describe_wire_effect(effect: Mapping[str, Any], tongue: Language) -> str:
    """An entry of `fx`: `brightness +25 %`, `rotated 90°`; by its name where it makes no sense."""
    try:
        known = effect_from_wire(effect)
    except msgspec.ValidationError:
        known = None
    if known is None:
        name = str(effect.get("type"))
        return (
            translate_label(EFFECT_LABELS, name, tongue)
            if name in EFFECT_LABELS
            else _unknown(name, tongue)
        )
    return describe_effect(known, tongue)


def _unknown(name: str, tongue: Language) -> str:
    return f"效果“{name}”" if tongue == "zh" else f'effect "{name}"'


def describe_effect(effect: Effect, tongue: Language) -> str:
    """An effect with its amounts."""
    chinese = tongue == "zh"
    match effect:
        case Reverse() | Grayscale() | Sepia():
            return _PLAIN[type(effect)][chinese]
        case Brightness(amount) | Contrast(amount) | Saturation(amount) | Warmth(amount):
            return f"{_name(effect, tongue)} {amount * 100:+.0f} %"
        case Blur(amount) | Sharpen(amount) | Vignette(amount):
            return f"{_name(effect, tongue)} {format_percent(amount)} %"
        case Rotate(degrees):
            return f"旋转{degrees}°" if chinese else f"rotated {degrees}°"
        case Flip(axis):
            return _FLIPPED[axis][chinese]
        case Zoom(start, end):
            span = f"{format_percent(start)} %", f"{format_percent(end)} %"
            return "从{}缩放到{}".format(*span) if chinese else "zoom from {} to {}".format(*span)
    return _describe_place(effect, tongue)


def _describe_place(effect: Crop | Overlay | Duck, tongue: Language) -> str:
    chinese = tongue == "zh"
    match effect:
        case Crop(_, _, width, height):
            part = f"{format_percent(width)} % x {format_percent(height)} %"
            return f"裁切到画面的{part}" if chinese else f"cropped to {part} of the picture"
        case Duck(amount):
            part = f"{format_percent(amount)} %"
            return f"有人声时降低{part}" if chinese else f"{part} quieter under the clips' sound"
    place = translate_label(POSITION_LABELS, effect.position, tongue)
    wide, opaque = format_percent(effect.width), format_percent(effect.opacity)
    size = f"宽{wide} %" if chinese else f"{wide} % wide"
    seen = f"不透明度{opaque} %" if chinese else f"{opaque} % opaque"
    return ("，" if chinese else ", ").join([place, size] + [seen] * (effect.opacity != 1))


def _name(effect: Effect, tongue: Language) -> str:
    return translate_label(EFFECT_LABELS, str(effect.__struct_config__.tag), tongue)


def describe_effect_changes(
    old: tuple[dict[str, Any], ...] | None, new: tuple[dict[str, Any], ...] | None, tongue: Language
) -> list[str]:
    """What is to be seen of two lists of effects: those that came, those that went."""
    before, after = old or (), new or ()
    fresh = [effect for effect in after if effect not in before]
    renewed = [effect.get("type") for effect in fresh]
    gone = [e for e in before if e not in after and e.get("type") not in renewed]
    names = [translate_label(EFFECT_LABELS, str(effect.get("type")), tongue) for effect in gone]
    removed = [f"已去掉{name}" if tongue == "zh" else f"{name} removed" for name in names]
    return [describe_wire_effect(effect, tongue) for effect in fresh] + removed


def describe_transition(transition: Transition | None, tongue: Language) -> str:
    """`crossfade into the next clip (1s)`, or that there is none."""
    if transition is None:
        return "与下一段之间无转场" if tongue == "zh" else "hard cut into the next clip"
    name = translate_label(TRANSITION_LABELS, transition.type or "crossfade", tongue)
    length = format_seconds(transition.duration_ms or 0)
    if tongue == "zh":
        return f"以{name}转到下一段（{length}秒）"
    return f"{name} into the next clip ({length}s)"


def describe_style_changes(old: Style | None, new: Style | None, tongue: Language) -> list[str]:
    """What changed of how a text looks."""
    before, after = old or Style(), new or Style()
    said = []
    if before.color != after.color:
        said.append(translate_label(COLOR_LABELS, after.color or "white", tongue))
    if before.position != after.position:
        said.append(translate_label(POSITION_LABELS, after.position or "bottom-center", tongue))
    if before.size != after.size:
        size = "" if after.size is None else f"{clamp_number(after.size):g}"
        default = "默认" if tongue == "zh" else "default"
        said.append(f"字号{size or default}" if tongue == "zh" else f"size {size or default}")
    if before.font != after.font:
        said.append(f"字体{after.font}" if tongue == "zh" else f"font {after.font}")
    return said
