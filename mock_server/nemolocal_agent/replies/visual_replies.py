"""Replies about the picture and the export."""

from nemolocal_contract.describe.effect_descriptions import describe_effect, effect_label
from nemolocal_contract.describe.labels import (
    POSITION_LABELS,
    TRANSITION_LABELS,
    Language,
    translate_label,
)
from nemolocal_contract.describe.text_formats import format_percent, truncate_text
from nemolocal_contract.effect_presets import effect_presets
from nemolocal_contract.effects import (
    BlurRegion,
    Brightness,
    Contrast,
    Effect,
    PixelateRegion,
    PresetEffect,
    RemoveLogo,
    Saturation,
    SmoothMotion,
    Warmth,
    effect_type,
)

from ..intents import (
    SELECT_ALL,
    AddOverlay,
    AddTransition,
    ApplyEffect,
    ApplyLut,
    Compress,
    Generate,
    RemoveEffects,
    SetAspect,
    SetFit,
    SetFrameRate,
    SetResolution,
)
from .clip_replies import (
    format_clips,
    format_length,
    format_selector,
    format_span,
    in_language,
    quote,
)

_FITS = {
    "crop": ("what does not fit is cut off", "超出部分裁掉"),
    "pad": ("black bars fill the rest", "空白处加黑边"),
    "blur": ("a blurred background fills the rest", "空白处用模糊背景填充"),
}
_KINDS = {
    "picture-in-picture": ("a picture in the picture", "画中画"),
    "watermark": ("a watermark", "水印"),
}
_QUALITIES = {"low": "低", "medium": "中", "high": "高"}
_NOTES: dict[type[Effect], tuple[str, str]] = {
    BlurRegion: ("the area is fixed and does not follow motion", "位置固定，不会跟踪移动的物体"),
    PixelateRegion: (
        "the area is fixed and does not follow motion",
        "位置固定，不会跟踪移动的物体",
    ),
    RemoveLogo: ("filled in from its surroundings", "由该处边缘的画面填补"),
    SmoothMotion: ("frames in between are computed", "中间帧由计算得出"),
}
_GRADED = (Brightness, Contrast, Saturation, Warmth)


def describe_set_aspect(edit: SetAspect, language: Language) -> str:
    """An aspect ratio."""
    ratio = f"{edit.width}:{edit.height}"
    done = in_language(language, f"changed the aspect ratio to {ratio}", f"把画面比例改为{ratio}")
    if edit.fit is None:
        return done
    fit = in_language(language, *_FITS[edit.fit])
    return in_language(language, f"{done} ({fit})", f"{done}（{fit}）")


def describe_set_fit(edit: SetFit, language: Language) -> str:
    """How clips fill the frame."""
    fit = in_language(language, *_FITS[edit.fit])
    return in_language(
        language, f"changed how clips fit the picture: {fit}", f"调整了画面适配：{fit}"
    )


def describe_set_resolution(edit: SetResolution, language: Language) -> str:
    """A resolution."""
    size = "4K" if edit.resolution == "4k" else edit.resolution
    done = in_language(language, f"set the resolution to {size}", f"把分辨率设为{size}")
    if not edit.upscale:
        return done
    return in_language(
        language,
        f"{done} (scaled up; detail that was not filmed cannot be added)",
        f"{done}（放大而成，无法增加没有拍到的细节）",
    )


def describe_set_frame_rate(edit: SetFrameRate, language: Language) -> str:
    """A frame rate."""
    return in_language(
        language, f"set the frame rate to {edit.fps} frames/s", f"把帧率设为每秒{edit.fps}帧"
    )


def describe_apply_effect(edit: ApplyEffect, language: Language) -> str:
    """An effect."""
    what, look = format_clips(edit.selector, language), _effect_text(edit.effect, language)
    done = in_language(language, f"changed {what}: {look}", f"调整了{what}：{look}")
    note = _note(edit.effect)
    if note is None:
        return done
    return in_language(language, f"{done} ({note[0]})", f"{done}（{note[1]}）")


def describe_apply_lut(edit: ApplyLut, language: Language) -> str:
    """A color lookup table and its strength."""
    what = format_clips(edit.selector, language)
    name = "" if edit.name is None else f" {quote(edit.name, language)}"
    strength = "" if edit.amount == 1 else f"{format_percent(edit.amount)} %"
    return in_language(
        language,
        f"applied the LUT{name} to {what}{strength and f' ({strength})'}",
        f"用LUT{name.strip()}调整了{what}的颜色{strength and f'（强度{strength}）'}",
    )


def _note(effect: Effect) -> tuple[str, str] | None:
    """What a reply says about the limits of an effect."""
    if isinstance(effect, PresetEffect):
        return effect_presets()[effect.name].note
    return _NOTES.get(type(effect))


def _effect_text(effect: Effect, language: Language) -> str:
    """The effect; a change is relative: `brightness +25 %`."""
    if isinstance(effect, _GRADED) and not effect.amount:
        name = effect_label(effect_type(effect), language)
        return in_language(language, f"{name} as recorded", f"{name}恢复原样")
    return describe_effect(effect, language)


def describe_remove_effects(edit: RemoveEffects, language: Language) -> str:
    """Removed effects."""
    what = format_clips(edit.selector, language)
    if edit.type is None and edit.colors_only:
        return in_language(language, f"removed the colour changes of {what}", f"移除了{what}的调色")
    if edit.type is None:
        return in_language(language, f"removed all effects of {what}", f"移除了{what}的所有效果")
    name = truncate_text(effect_label(edit.type, language), 40)
    return in_language(language, f"removed the {name} of {what}", f"移除了{what}的{name}")


def describe_add_transition(edit: AddTransition, language: Language) -> str:
    """A transition."""
    name = translate_label(TRANSITION_LABELS, edit.type, language)
    if edit.duration_ms is not None:
        length = format_length(edit.duration_ms, language)
        name = in_language(language, f"{name} of {length}", f"{length}的{name}")
    if edit.selector == SELECT_ALL:
        return in_language(language, f"put a {name} between the clips", f"在片段之间加了{name}")
    after = format_clips(edit.selector, language)
    return in_language(language, f"put a {name} after {after}", f"在{after}之后加了{name}")


def describe_add_overlay(edit: AddOverlay, language: Language) -> str:
    """An overlay."""
    kind = in_language(language, *_KINDS[edit.kind])
    what = format_selector(edit.selector, language, "clip", ("your upload", "素材"))
    details = (
        [] if edit.position is None else [translate_label(POSITION_LABELS, edit.position, language)]
    )
    if edit.width is not None:
        share = format_percent(edit.width)
        details.append(in_language(language, f"{share} % wide", f"宽{share} %"))
    if edit.opacity is not None:
        share = format_percent(edit.opacity)
        details.append(in_language(language, f"{share} % opaque", f"不透明度{share} %"))
    if edit.span is not None:
        details.append(format_span(edit.span, language))
    done = in_language(language, f"showed {what} as {kind}", f"把{what}设为{kind}")
    if not details:
        return done
    return in_language(
        language, f"{done} ({', '.join(details)})", f"{done}（{'，'.join(details)}）"
    )


def describe_compress(edit: Compress, language: Language) -> str:
    """A compression."""
    if edit.mode == "size" and edit.megabytes is not None:
        size = f"{edit.megabytes:g} MB"
        return in_language(
            language,
            f"set up compression, so the finished file will be at most {size}",
            f"设置了压缩，成片不超过{size}",
        )
    if edit.mode == "quality" and edit.quality is not None:
        return in_language(
            language,
            f"set up compression at {edit.quality} quality",
            f"设置了{_QUALITIES[edit.quality]}质量的压缩",
        )
    return in_language(
        language,
        "set up RTK compression, so the finished file will be smaller without visible loss",
        "设置了RTK压缩，成片会更小且没有可见损失",
    )


def describe_generate(edit: Generate, language: Language) -> str:
    """A generated clip."""
    length, words = f"{edit.seconds:g}", truncate_text(edit.prompt)
    return in_language(
        language, f"generated a {length}s clip: {words}", f"生成了一段{length}秒的视频：{words}"
    )
