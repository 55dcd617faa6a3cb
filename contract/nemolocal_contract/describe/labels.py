"""Words for what stands in a draft, in the two tongues that sessions speak (SSE-10).

Whatever is asked about comes from a draft that anybody may have written: nothing here raises, and a
name without a word of ours is told as it is.
"""

from collections.abc import Sequence
from typing import Literal

from ..draft import Segment

Language = Literal["en", "zh"]
_LabelTable = dict[str, tuple[str, str]]

# Numbers of a draft may be of any size; beyond this they are told as this.
_LARGEST = 1e15

TRACK_LABELS: _LabelTable = {
    "Video": ("Video", "视频"),
    "Overlay": ("Overlay", "画中画"),
    "BGM": ("BGM", "背景音乐"),
    "Title": ("Title", "标题"),
    "Subtitles": ("Subtitles", "字幕"),
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
}


def parse_language(language: str) -> Language:
    """The tongue of a session's `language`: Chinese for `zh`, `zh-CN` and the like."""
    return "zh" if language.lower().startswith("zh") else "en"


def translate_label(table: _LabelTable, name: str, tongue: Language) -> str:
    """The word for a name, or the name itself."""
    words = table.get(name)
    return name if words is None else words[tongue == "zh"]


def clamp_number(number: float) -> float:
    """A number that can be told: none is larger than some trillions, and none is NaN."""
    if number != number:
        return 0
    return min(max(number, -_LARGEST), _LARGEST)


def segment_end_ms(segment: Segment) -> float:
    """Where a segment ends on the timeline, in ms."""
    return clamp_number(segment.start_ms or 0) + clamp_number(segment.duration_ms or 0)


def format_seconds(ms: float) -> str:
    """Milliseconds as the contract writes seconds: `10`, `2.5`."""
    return f"{round(clamp_number(ms) / 1000, 1):g}"


def format_percent(share: float) -> str:
    """A share as a whole number of hundredths, without its sign: `35`."""
    return f"{clamp_number(share) * 100:.0f}"


def truncate_text(text: str, length: int = 80) -> str:
    """A text, or its beginning where it is longer than one wants to read."""
    return text if len(text) <= length else f"{text[: length - 1]}…"


def format_list(items: Sequence[str], tongue: Language, limit: int = 8) -> str:
    """Items one after another, at most `limit` of them: `beach, city … and 12 more`."""
    comma = "、" if tongue == "zh" else ", "
    listed = comma.join(items[:limit])
    rest = len(items) - limit
    if rest <= 0:
        return listed
    return f"{listed}…等共{len(items)}个" if tongue == "zh" else f"{listed} … and {rest} more"
