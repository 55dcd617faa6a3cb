"""Describe what is in a draft in English or Chinese: labels, tracks, segments, effects, styles.

`describe_timeline` is the timeline line of STA-5; sessions have a language (SSE-10). Drafts may
come from anywhere, so nothing here raises, and names without a label are shown unchanged.
"""

from collections.abc import Mapping, Sequence
from typing import Any, Literal

import msgspec

from ..audio_effects import audio_effect_rows
from ..draft import Draft, Segment, Style, Track, TrackType, Transition
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
from ..plurals import pluralize
from ..text_effects import TEXT_EFFECTS

Language = Literal["en", "zh"]
_LabelTable = dict[str, tuple[str, str]]

# Numbers of a draft may have any size; larger ones are shown as this.
_LARGEST = 1e15

TRACK_LABELS: _LabelTable = {
    "Video": ("Video", "视频"),
    "Overlay": ("Overlay", "画中画"),
    "BGM": ("BGM", "背景音乐"),
    "Sound": ("Sound", "声音"),
    "Title": ("Title", "标题"),
    "Subtitles": ("Subtitles", "字幕"),
    "Timer": ("Timer", "计时器"),
    "Progress bar": ("Progress bar", "进度条"),
}

POSITION_LABELS: _LabelTable = {
    "top-left": ("top-left", "左上角"),
    "top-center": ("top-center", "顶部居中"),
    "top-right": ("top-right", "右上角"),
    "center-left": ("center-left", "左侧居中"),
    "center": ("center", "正中"),
    "center-right": ("center-right", "右侧居中"),
    "bottom-left": ("bottom-left", "左下角"),
    "bottom-center": ("bottom-center", "底部居中"),
    "bottom-right": ("bottom-right", "右下角"),
}

COLOR_LABELS: _LabelTable = {
    "white": ("white", "白色"),
    "black": ("black", "黑色"),
    "red": ("red", "红色"),
    "green": ("green", "绿色"),
    "blue": ("blue", "蓝色"),
    "yellow": ("yellow", "黄色"),
    "orange": ("orange", "橙色"),
    "purple": ("purple", "紫色"),
    "pink": ("pink", "粉色"),
    "brown": ("brown", "棕色"),
    "cyan": ("cyan", "青色"),
    "gold": ("gold", "金色"),
    "silver": ("silver", "银色"),
    "gray": ("gray", "灰色"),
    "grey": ("grey", "灰色"),
}

TRANSITION_LABELS: _LabelTable = {
    "crossfade": ("crossfade", "叠化"),
    "fade-black": ("dip to black", "黑场过渡"),
    "fade-white": ("dip to white", "白场过渡"),
    "wipe-left": ("wipe to the left", "向左擦除"),
    "wipe-right": ("wipe to the right", "向右擦除"),
    "wipe-up": ("wipe upwards", "向上擦除"),
    "wipe-down": ("wipe downwards", "向下擦除"),
    "slide-left": ("slide to the left", "向左滑动"),
    "slide-right": ("slide to the right", "向右滑动"),
    "slide-up": ("slide upwards", "向上滑动"),
    "slide-down": ("slide downwards", "向下滑动"),
    "circle": ("circle", "圆形展开"),
    "dissolve": ("dissolve", "溶解"),
    "pixelate": ("pixelate", "像素化过渡"),
}

EFFECT_LABELS: _LabelTable = {
    "reverse": ("backwards playback", "倒放"),
    "rotate": ("rotation", "旋转"),
    "flip": ("mirroring", "翻转"),
    "crop": ("crop", "画面裁切"),
    "brightness": ("brightness", "亮度"),
    "contrast": ("contrast", "对比度"),
    "saturation": ("saturation", "饱和度"),
    "warmth": ("warmth", "色温"),
    "grayscale": ("black and white", "黑白效果"),
    "sepia": ("sepia", "怀旧色调"),
    "blur": ("blur", "模糊"),
    "sharpen": ("sharpening", "锐化"),
    "vignette": ("vignette", "暗角"),
    "zoom": ("zoom", "缩放动画"),
    "overlay": ("overlay", "画中画"),
    "duck": ("ducking", "音乐闪避"),
    "blur-region": ("blurred area", "局部模糊"),
    "pixelate-region": ("pixelated area", "局部马赛克"),
    "remove-logo": ("logo removal", "去标志"),
    "stabilize": ("stabilization", "防抖"),
    "smooth-motion": ("motion interpolation", "补帧"),
    "chroma-key": ("chroma key", "绿幕抠像"),
    "cell": ("split screen", "分屏"),
    "lut": ("colour lookup table", "LUT调色"),
    "sound-fade": ("sound fade", "声音淡入淡出"),
    "freeze": ("freeze frame", "定格"),
    "solid": ("solid colour", "纯色画面"),
    "typewriter": ("typewriter", "打字机效果"),
    "credits-roll": ("rolling credits", "滚动字幕"),
    "karaoke": ("karaoke", "卡拉OK字幕"),
    "lower-third": ("lower third", "下三分之一字幕条"),
    "timer": ("timer", "计时器"),
    "progress-bar": ("progress bar", "进度条"),
}


def parse_language(language: str) -> Language:
    """Return the language of a session: Chinese for `zh`, `zh-CN` and the like, else English."""
    return "zh" if language.lower().startswith("zh") else "en"


def translate_label(table: _LabelTable, name: str, lang: Language) -> str:
    """Return the label of a name, or the name itself."""
    words = table.get(name)
    return name if words is None else words[lang == "zh"]


def clamp_number(number: float) -> float:
    """Return a number within limits that can be shown; NaN becomes 0."""
    if number != number:
        return 0
    return min(max(number, -_LARGEST), _LARGEST)


def segment_end_ms(segment: Segment) -> float:
    """Return the end of a segment on the timeline in ms."""
    return clamp_number(segment.start_ms or 0) + clamp_number(segment.duration_ms or 0)


def format_seconds(ms: float) -> str:
    """Return milliseconds as seconds: `10`, `2.5`."""
    return f"{round(clamp_number(ms) / 1000, 1):g}"


def format_percent(share: float) -> str:
    """Return a share as percent without the sign: `35`."""
    return f"{clamp_number(share) * 100:.0f}"


def truncate_text(text: str, length: int = 80) -> str:
    """Return a text, or its beginning if it is longer than `length`."""
    return text if len(text) <= length else f"{text[: length - 1]}…"


def format_list(items: Sequence[str], lang: Language, limit: int = 8) -> str:
    """Join at most `limit` items: `beach, city … and 12 more`."""
    comma = "、" if lang == "zh" else ", "
    listed = comma.join(items[:limit])
    rest = len(items) - limit
    if rest <= 0:
        return listed
    return f"{listed}…等共{len(items)}个" if lang == "zh" else f"{listed} … and {rest} more"


# The names of audio tracks that are no background music.
_SOUND_TRACKS = ("Sound effects", "Sound")
# The names of text tracks that have no titles.
_TEXT_TRACKS = ("Subtitles", "Timer", "Progress bar")
# The most clips in a line.
_LISTED = 20


def track_label(track: Track) -> str:
    """Return the key of `TRACK_LABELS` for a track, by its type, its name and its segments."""
    if track.type == TrackType.VIDEO:
        return "Overlay" if _is_overlay(track) else "Video"
    if track.type == TrackType.TEXT:
        return str(track.name) if track.name in _TEXT_TRACKS else "Title"
    if track.type == TrackType.AUDIO:
        return "Sound" if track.name in _SOUND_TRACKS else "BGM"
    return f"Track type {track.type}"


def _is_overlay(track: Track) -> bool:
    segments = track.segments or ()
    return track.name == "Overlay" or (bool(segments) and all(map(_has_overlay_effect, segments)))


def _has_overlay_effect(segment: Segment) -> bool:
    return any(effect.get("type") == "overlay" for effect in segment.effects or ())


def segment_name(segment: Segment, track: Track, language: str = "en") -> str:
    """Return the name of a segment: its text, its title, the name of its track or its source."""
    chinese = parse_language(language) == "zh"
    if segment.text:
        return f"“{segment.text}”" if chinese else f'"{segment.text}"'
    title = (segment.metadata or {}).get("title")
    if segment.text is not None and not title:
        title = _drawn_name(segment, parse_language(language))
    nameless = "未命名" if chinese else "untitled"
    return str(title) if title else (track.name or segment.source or nameless)


def _drawn_name(segment: Segment, lang: Language) -> str:
    """Return what is drawn in place of an empty text: a timer, a progress bar."""
    types = [str(effect.get("type")) for effect in segment.effects or ()]
    drawn = next((name for name in types if name in TEXT_EFFECTS), None)
    if drawn is not None:
        return effect_label(drawn, lang)
    return "“”" if lang == "zh" else '""'


def format_span(segment: Segment, lang: Language) -> str:
    """Return the place of a segment on the timeline: `0-10s`."""
    span = f"{format_seconds(segment.start_ms or 0)}-{format_seconds(segment_end_ms(segment))}"
    return f"{span}秒" if lang == "zh" else f"{span}s"


def format_details(segment: Segment, lang: Language, *looks: str) -> str:
    """Return the style, place, volume and speed of a segment: `(0-10s, 35%)`."""
    details = [*looks, format_span(segment, lang)]
    if segment.volume == 0:
        details.append("静音" if lang == "zh" else "muted")
    elif segment.volume is not None and segment.volume != 1:
        details.append(f"{format_percent(segment.volume)}%")
    if segment.speed is not None and segment.speed != 1:
        details.append(f"{clamp_number(segment.speed):g}" + ("倍速" if lang == "zh" else "x"))
    return f"（{'，'.join(details)}）" if lang == "zh" else f"({', '.join(details)})"


def describe_segment(segment: Segment, track: Track, language: str = "en") -> str:
    """Return `Video: city timelapse (0-10s)`."""
    lang = parse_language(language)
    label = translate_label(TRACK_LABELS, track_label(track), lang)
    return f"{label}{_colon(lang)}{_entry(segment, track, lang)}"


def _entry(segment: Segment, track: Track, lang: Language) -> str:
    gap = "" if lang == "zh" else " "
    return f"{segment_name(segment, track, lang)}{gap}{format_details(segment, lang)}"


def _colon(lang: Language) -> str:
    return "：" if lang == "zh" else ": "


def describe_track(track: Track, language: str = "en") -> str:
    """Return a track with its first twenty segments: `Video: beach (0-4s), city (4-10s)`."""
    lang = parse_language(language)
    segments = track.segments or ()
    label = translate_label(TRACK_LABELS, track_label(track), lang)
    if not segments:
        return f"{label}{_colon(lang)}{'空' if lang == 'zh' else 'empty'}"
    listed = [_entry(segment, track, lang) for segment in segments[:_LISTED]]
    if (more := len(segments) - _LISTED) > 0:
        listed.append(f"另有{more}段" if lang == "zh" else f"… and {more} more")
    return f"{label}{_colon(lang)}{('，' if lang == 'zh' else ', ').join(listed)}"


def describe_timeline(draft: Draft, language: str = "en") -> str:
    """Return `Timeline (3 tracks): 1. Video: … 2. BGM: … 3. Title: …` in a language (STA-5)."""
    tracks = draft.tracks or ()
    if parse_language(language) == "zh":
        head = f"时间线（{len(tracks)}条轨道）："
    else:
        head = f"Timeline ({pluralize(len(tracks), 'track')}): "
    listed = (f"{n}. {describe_track(track, language)}" for n, track in enumerate(tracks, 1))
    return (head + " ".join(listed)).rstrip()


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
