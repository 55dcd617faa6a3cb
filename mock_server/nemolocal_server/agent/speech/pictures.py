"""What was done to the picture and the export, in words."""

from nemolocal_contract.effects import Brightness, Contrast, Effect, Saturation, Warmth
from nemolocal_contract.summary.looks import describe_effect
from nemolocal_contract.summary.words import (
    EFFECTS,
    POSITIONS,
    TRANSITIONS,
    Tongue,
    clipped,
    percent,
    word,
)

from ..intents import (
    ALL,
    AddOverlay,
    AddTransition,
    ApplyEffect,
    Compress,
    Generate,
    RemoveEffects,
    RemoveOverlays,
    RemoveTransitions,
    SetAspect,
    SetFit,
    SetFrameRate,
    SetResolution,
)
from .reach import clip_words, either, length_words, span_words, which_words

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
_GRADED = (Brightness, Contrast, Saturation, Warmth)


def tell_aspect(edit: SetAspect, tongue: Tongue) -> str:
    """Another shape."""
    ratio = f"{edit.width}:{edit.height}"
    done = either(tongue, f"changed the aspect ratio to {ratio}", f"把画面比例改为{ratio}")
    if edit.fit is None:
        return done
    fit = either(tongue, *_FITS[edit.fit])
    return either(tongue, f"{done} ({fit})", f"{done}（{fit}）")


def tell_fit(edit: SetFit, tongue: Tongue) -> str:
    """How clips of another shape are shown."""
    fit = either(tongue, *_FITS[edit.fit])
    return either(tongue, f"changed how clips fit the picture: {fit}", f"调整了画面适配：{fit}")


def tell_resolution(edit: SetResolution, tongue: Tongue) -> str:
    """How large the finished video is."""
    size = "4K" if edit.resolution == "4k" else edit.resolution
    return either(tongue, f"set the resolution to {size}", f"把分辨率设为{size}")


def tell_rate(edit: SetFrameRate, tongue: Tongue) -> str:
    """Frames a second."""
    return either(
        tongue, f"set the frame rate to {edit.fps} frames/s", f"把帧率设为每秒{edit.fps}帧"
    )


def tell_effect(edit: ApplyEffect, tongue: Tongue) -> str:
    """A look, a turn or a movement."""
    what, look = clip_words(edit.which, tongue), _look(edit.effect, tongue)
    return either(tongue, f"changed {what}: {look}", f"调整了{what}：{look}")


def _look(effect: Effect, tongue: Tongue) -> str:
    """An effect; a change is told as one goes about it: `brightness +25 %`."""
    if isinstance(effect, _GRADED) and not effect.amount:
        name = word(EFFECTS, str(effect.__struct_config__.tag), tongue)
        return either(tongue, f"{name} as recorded", f"{name}恢复原样")
    return describe_effect(effect, tongue)


def tell_remove_effects(edit: RemoveEffects, tongue: Tongue) -> str:
    """Looks taken away."""
    what = clip_words(edit.which, tongue)
    if edit.type is None:
        return either(tongue, f"removed all effects of {what}", f"移除了{what}的所有效果")
    name = clipped(word(EFFECTS, edit.type, tongue), 40)
    return either(tongue, f"removed the {name} of {what}", f"移除了{what}的{name}")


def tell_transition(edit: AddTransition, tongue: Tongue) -> str:
    """The way from clip to clip."""
    name = word(TRANSITIONS, edit.type, tongue)
    if edit.duration_ms is not None:
        length = length_words(edit.duration_ms, tongue)
        name = either(tongue, f"{name} of {length}", f"{length}的{name}")
    if edit.which == ALL:
        return either(tongue, f"put a {name} between the clips", f"在片段之间加了{name}")
    after = clip_words(edit.which, tongue)
    return either(tongue, f"put a {name} after {after}", f"在{after}之后加了{name}")


def tell_remove_transitions(_edit: RemoveTransitions, tongue: Tongue) -> str:
    """Hard cuts."""
    return either(
        tongue, "removed the transitions, so that the clips cut hard again", "移除了转场，恢复硬切"
    )


def tell_overlay(edit: AddOverlay, tongue: Tongue) -> str:
    """A picture over the picture."""
    kind = either(tongue, *_KINDS[edit.kind])
    what = which_words(edit.which, tongue, "clip", ("your upload", "素材"))
    details = [] if edit.position is None else [word(POSITIONS, edit.position, tongue)]
    if edit.width is not None:
        share = percent(edit.width)
        details.append(either(tongue, f"{share} % wide", f"宽{share} %"))
    if edit.opacity is not None:
        share = percent(edit.opacity)
        details.append(either(tongue, f"{share} % opaque", f"不透明度{share} %"))
    if edit.span is not None:
        details.append(span_words(edit.span, tongue))
    done = either(tongue, f"showed {what} as {kind}", f"把{what}设为{kind}")
    if not details:
        return done
    return either(tongue, f"{done} ({', '.join(details)})", f"{done}（{'，'.join(details)}）")


def tell_remove_overlays(_edit: RemoveOverlays, tongue: Tongue) -> str:
    """Nothing over the picture any more."""
    return either(
        tongue, "removed the pictures over the picture and the watermarks", "移除了画中画和水印"
    )


def tell_compress(edit: Compress, tongue: Tongue) -> str:
    """A smaller file."""
    if edit.mode == "size" and edit.megabytes is not None:
        size = f"{edit.megabytes:g} MB"
        return either(
            tongue,
            f"set up compression, so the finished file will be at most {size}",
            f"设置了压缩，成片不超过{size}",
        )
    if edit.mode == "quality" and edit.quality is not None:
        return either(
            tongue,
            f"set up compression at {edit.quality} quality",
            f"设置了{_QUALITIES[edit.quality]}质量的压缩",
        )
    return either(
        tongue,
        "set up RTK compression, so the finished file will be smaller without visible loss",
        "设置了RTK压缩，成片会更小且没有可见损失",
    )


def tell_generate(edit: Generate, tongue: Tongue) -> str:
    """A clip out of nothing."""
    length, words = f"{edit.seconds:g}", clipped(edit.prompt)
    return either(
        tongue, f"generated a {length}s clip: {words}", f"生成了一段{length}秒的视频：{words}"
    )
