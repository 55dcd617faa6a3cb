"""Effects, transitions and the styles of texts in words; nothing here raises."""

from collections.abc import Mapping
from typing import Any

import msgspec

from ..audio_effects import audio_effect_rows
from ..draft import Style, Transition
from ..effect_presets import effect_presets
from ..effects import (
    AudioEffect,
    Blur,
    BlurRegion,
    Brightness,
    Cell,
    ChromaKey,
    Contrast,
    Crop,
    Duck,
    Effect,
    Flip,
    Freeze,
    Grayscale,
    Lut,
    Overlay,
    PixelateRegion,
    PresetEffect,
    RegionEffect,
    RemoveLogo,
    Reverse,
    Rotate,
    Saturation,
    Sepia,
    Sharpen,
    SmoothMotion,
    Solid,
    SoundFade,
    Stabilize,
    Vignette,
    Warmth,
    Zoom,
    effect_from_wire,
    effect_type,
)
from .labels import (
    COLOR_LABELS,
    EFFECT_LABELS,
    POSITION_LABELS,
    TRANSITION_LABELS,
    Language,
    translate_label,
)
from .text_formats import clamp_number, format_percent, format_seconds

_PLAIN: dict[type[Effect], tuple[str, str]] = {
    Reverse: ("played backwards", "倒放"),
    Grayscale: ("black and white", "黑白"),
    Sepia: ("sepia", "怀旧色调"),
    Freeze: ("one frame held", "定格"),
}
_FLIPPED = {
    "horizontal": ("mirrored left to right", "左右镜像"),
    "vertical": ("flipped upside down", "上下翻转"),
}


def describe_wire_effect(effect: Mapping[str, Any], lang: Language) -> str:
    """Return an entry of `fx`: `brightness +25 %`, `rotated 90°`; if invalid, only its name."""
    try:
        known = effect_from_wire(effect)
    except msgspec.ValidationError:
        known = None
    if known is None:
        name = str(effect.get("type"))
        return effect_label(name, lang) if _has_label(name) else _unknown(name, lang)
    return describe_effect(known, lang)


def _has_label(name: str) -> bool:
    return name in EFFECT_LABELS or name in effect_presets() or name in audio_effect_rows()


def effect_label(name: str, lang: Language) -> str:
    """Return the label of a type of effect, or the type itself."""
    row = effect_presets().get(name) or audio_effect_rows().get(name)
    return translate_label(EFFECT_LABELS, name, lang) if row is None else row.label[lang == "zh"]


def _unknown(name: str, lang: Language) -> str:
    return f"效果“{name}”" if lang == "zh" else f'effect "{name}"'


def describe_effect(effect: Effect, lang: Language) -> str:
    """Return an effect with its values."""
    chinese = lang == "zh"
    match effect:
        case (
            SmoothMotion() | ChromaKey() | Solid() | Cell()
            | BlurRegion() | PixelateRegion() | RemoveLogo()
        ):  # fmt: skip
            return _describe_composition(effect, lang)
        case Reverse() | Grayscale() | Sepia() | Freeze():
            return _PLAIN[type(effect)][chinese]
        case Brightness(amount) | Contrast(amount) | Saturation(amount) | Warmth(amount):
            return f"{_name(effect, lang)} {amount * 100:+.0f} %"
        case PresetEffect():
            return _describe_preset(effect, lang)
        case Blur(amount) | Sharpen(amount) | Vignette(amount) | Stabilize(amount) | Lut(_, amount):
            return f"{_name(effect, lang)} {format_percent(amount)} %"
        case Rotate(degrees):
            return f"旋转{degrees}°" if chinese else f"rotated {degrees}°"
        case Flip(axis):
            return _FLIPPED[axis][chinese]
        case AudioEffect() | SoundFade():
            return _describe_sound(effect, lang)
        case Zoom(start, end):
            span = f"{format_percent(start)} %", f"{format_percent(end)} %"
            return "从{}缩放到{}".format(*span) if chinese else "zoom from {} to {}".format(*span)
    return _describe_place(effect, lang)


def _describe_composition(
    effect: SmoothMotion | ChromaKey | Solid | Cell | RegionEffect, lang: Language
) -> str:
    name = _name(effect, lang)
    match effect:
        case SmoothMotion():
            return name
        case ChromaKey(color) | Solid(color):
            details = translate_label(COLOR_LABELS, color, lang)
        case Cell(columns, rows, column, row):
            details = f"{column + 1}/{columns} x {row + 1}/{rows}"
        case _:
            size = f"{format_percent(effect.width)} % x {format_percent(effect.height)} %"
            place = f"{format_percent(effect.x)} %, {format_percent(effect.y)} %"
            details = f"{size}，位于{place}" if lang == "zh" else f"{size} at {place}"
    return f"{name}（{details}）" if lang == "zh" else f"{name} ({details})"


def _describe_preset(effect: PresetEffect, lang: Language) -> str:
    preset = effect_presets()[effect.name]
    words = [preset.label[lang == "zh"]]
    if effect.color is not None:
        color = translate_label(COLOR_LABELS, effect.color, lang)
        words.append(f"（{color}）" if lang == "zh" else f" ({color})")
    if preset.amount is not None:
        words.append(f" {format_percent(effect.amount)} %")
    return "".join(words)


def _describe_sound(effect: AudioEffect | SoundFade, lang: Language) -> str:
    if isinstance(effect, AudioEffect):
        return describe_audio_effect(effect, lang)
    fades = [
        (effect.in_ms, "sound fades in over {}s", "声音淡入{}秒"),
        (effect.out_ms, "sound fades out over {}s", "声音淡出{}秒"),
    ]
    said = [(zh if lang == "zh" else en).format(format_seconds(ms)) for ms, en, zh in fades if ms]
    return ("，" if lang == "zh" else ", ").join(said) or _name(effect, lang)


def describe_audio_effect(effect: AudioEffect, lang: Language) -> str:
    """Return the label of an audio effect with its amount: `bass +8 dB`, `reverb`."""
    row = audio_effect_rows()[effect.name]
    label = row.label[lang == "zh"]
    if row.amount is None or effect.amount is None:
        return label
    sign = "+" if row.amount.low < 0 < row.amount.high else ""
    return f"{label} {effect.amount:{sign}g} {row.amount.unit}".rstrip()


def _describe_place(effect: Crop | Overlay | Duck, lang: Language) -> str:
    chinese = lang == "zh"
    match effect:
        case Crop(_, _, width, height):
            part = f"{format_percent(width)} % x {format_percent(height)} %"
            return f"裁切到画面的{part}" if chinese else f"cropped to {part} of the picture"
        case Duck(amount):
            part = f"{format_percent(amount)} %"
            return f"有人声时降低{part}" if chinese else f"{part} quieter under the clips' sound"
    place = translate_label(POSITION_LABELS, effect.position, lang)
    wide, opaque = format_percent(effect.width), format_percent(effect.opacity)
    size = f"宽{wide} %" if chinese else f"{wide} % wide"
    seen = f"不透明度{opaque} %" if chinese else f"{opaque} % opaque"
    return ("，" if chinese else ", ").join([place, size] + [seen] * (effect.opacity != 1))


def _name(effect: Effect, lang: Language) -> str:
    return translate_label(EFFECT_LABELS, effect_type(effect), lang)


def describe_effect_changes(
    old: tuple[dict[str, Any], ...] | None, new: tuple[dict[str, Any], ...] | None, lang: Language
) -> list[str]:
    """Return the effects that were added and removed between two lists."""
    before, after = old or (), new or ()
    added = [effect for effect in after if effect not in before]
    changed = [effect.get("type") for effect in added]
    gone = [e for e in before if e not in after and e.get("type") not in changed]
    names = [effect_label(str(effect.get("type")), lang) for effect in gone]
    removed = [f"已去掉{name}" if lang == "zh" else f"{name} removed" for name in names]
    return [describe_wire_effect(effect, lang) for effect in added] + removed


def describe_transition(transition: Transition | None, lang: Language) -> str:
    """Return `crossfade into the next clip (1s)`, or that there is a hard cut."""
    if transition is None:
        return "与下一段之间无转场" if lang == "zh" else "hard cut into the next clip"
    name = translate_label(TRANSITION_LABELS, transition.type or "crossfade", lang)
    length = format_seconds(transition.duration_ms or 0)
    if lang == "zh":
        return f"以{name}转到下一段（{length}秒）"
    return f"{name} into the next clip ({length}s)"


def describe_style_changes(old: Style | None, new: Style | None, lang: Language) -> list[str]:
    """Return the changes of the style of a text."""
    before, after = old or Style(), new or Style()
    changes = []
    if before.color != after.color:
        changes.append(translate_label(COLOR_LABELS, after.color or "white", lang))
    if before.position != after.position:
        changes.append(translate_label(POSITION_LABELS, after.position or "bottom-center", lang))
    if before.size != after.size:
        size = "" if after.size is None else f"{clamp_number(after.size):g}"
        default = "默认" if lang == "zh" else "default"
        changes.append(f"字号{size or default}" if lang == "zh" else f"size {size or default}")
    if before.font != after.font:
        changes.append(f"字体{after.font}" if lang == "zh" else f"font {after.font}")
    return changes
