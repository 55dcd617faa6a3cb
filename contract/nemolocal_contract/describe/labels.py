"""Names of tracks, colors, places, transitions and effects in English and Chinese.

Names without a label are shown unchanged: drafts may come from anywhere.
"""

from typing import Literal

Language = Literal["en", "zh"]
_LabelTable = dict[str, tuple[str, str]]

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
