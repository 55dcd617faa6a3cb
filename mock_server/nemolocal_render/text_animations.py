"""Animated texts, and timers and progress bars drawn instead of text, as lines of an ASS script.

Times in tags are milliseconds (hundredths for karaoke) from the start of the line.
"""

import math
import re
import unicodedata
from collections.abc import Callable, Iterator
from typing import NamedTuple

from nemolocal_contract.effect_presets import PresetColor
from nemolocal_contract.text_effects import (
    CreditsRoll,
    Karaoke,
    LowerThird,
    ProgressBar,
    Timer,
    Typewriter,
)

from .planning.render_plan import Title

ColorOf = Callable[[PresetColor], str]
TagAt = Callable[[int], str]
"""The tag before a character of a text, by its index."""

# A word with the space after it; each Chinese character is a word.
_WORD = re.compile(r"[\u3400-\u9fff]\s*|[^\s\u3400-\u9fff]+\s*|\s+")
_SLIDE_MS = 400
# The width of a character and the height of a line, as shares of the size.
_CHARACTER, _WIDE_CHARACTER, _LINE = 0.5, 1.0, 1.25
_BAR_SHARE = 0.02
_BAR_BEHIND = "\\1c&H000000&\\1a&H80&"


class TitleFrame(NamedTuple):
    """The picture in pixels; `margin` is the distance of titles from its edges."""

    width: int
    height: int
    margin: int


class Line(NamedTuple):
    """A line of a script: its times, the tag at its start, its text, and tags inside the text.

    `is_drawing` says that the text is a drawing, which is not escaped.
    """

    start_ms: float
    end_ms: float
    tag: str
    text: str
    tag_at: TagAt | None = None
    is_drawing: bool = False


def animate(title: Title, text: str, frame: TitleFrame, color_of: ColorOf) -> list[Line]:
    """Return the lines that draw a title; `text` has only characters that a font has.

    `color_of` returns a colour by its name as `&Hbbggrr&`.
    """
    length = title.end_ms - title.start_ms
    whole = Line(title.start_ms, title.end_ms, "", text)
    match title.effect:
        case Typewriter(rate):
            return [whole._replace(tag_at=_typed(text, rate, length))]
        case CreditsRoll():
            return [whole._replace(tag=_rolling(title, text, frame))]
        case Karaoke(color):
            sung = f"\\1c{color_of(color)}\\2c{_own_color(title)}"
            return [whole._replace(tag=sung, tag_at=_sung(text, length))]
        case LowerThird(color):
            return [whole._replace(tag=_sliding(frame, color_of(color)))]
        case Timer(down):
            return list(_clock(title, down))
        case ProgressBar(color):
            return list(_bar(title, frame, color_of(color)))
    return [whole]


def _own_color(title: Title) -> str:
    red, green, blue = title.color[:2], title.color[2:4], title.color[4:]
    return f"&H{blue}{green}{red}&".upper()


def _typed(text: str, rate: float, length: float) -> TagAt:
    """Show each character at its time; marks above a letter come with the letter."""
    step = min(1000 / rate, length / (len(text) + 1))

    def tag(index: int) -> str:
        if unicodedata.combining(text[index]):
            return ""
        at = round(index * step)
        return f"{{\\alpha&HFF&\\t({at},{at + 1},\\alpha&H00&)}}"

    return tag


def _sung(text: str, length: float) -> TagAt:
    """Colour each word as long as its share of the characters."""
    lengths = {word.start(): len(word[0]) for word in _WORD.finditer(text)}
    scale = length / 10 / max(len(text), 1)

    def tag(index: int) -> str:
        if index not in lengths:
            return ""
        # Rounded from the start, so that no error adds up.
        end = round((index + lengths[index]) * scale)
        return f"{{\\kf{end - round(index * scale)}}}"

    return tag


def _rolling(title: Title, text: str, frame: TitleFrame) -> str:
    width = max(frame.width - 2 * frame.margin, 1)
    rows = sum(math.ceil(_row_width(row, title.size) / width) or 1 for row in text.split("\n"))
    top = -math.ceil(rows * title.size * _LINE)
    x = frame.width // 2
    return f"\\an8\\move({x},{frame.height},{x},{top})"


def _row_width(row: str, size: int) -> float:
    wide = sum(unicodedata.east_asian_width(character) in "WF" for character in row)
    return size * (wide * _WIDE_CHARACTER + (len(row) - wide) * _CHARACTER)


def _sliding(frame: TitleFrame, color: str) -> str:
    y = frame.height - 2 * frame.margin
    where = f"\\move({-frame.width},{y},{2 * frame.margin},{y},0,{_SLIDE_MS})"
    return f"\\an1\\3c{color}\\4a&HFF&{where}"


def _clock(title: Title, down: bool) -> Iterator[Line]:
    """Return one line for each second; the last one may be shorter."""
    length = title.end_ms - title.start_ms
    seconds = math.ceil(length / 1000)
    for second in range(seconds):
        start = title.start_ms + second * 1000
        shown = seconds - second if down else second
        text = _clock_text(shown, seconds)
        yield Line(start, min(start + 1000, title.end_ms), "", text)


def _clock_text(second: int, longest: int) -> str:
    minutes, seconds = divmod(second, 60)
    if longest < 3600:
        return f"{minutes}:{seconds:02d}"
    return f"{minutes // 60}:{minutes % 60:02d}:{seconds:02d}"


def _bar(title: Title, frame: TitleFrame, color: str) -> Iterator[Line]:
    """Draw a dark bar over the whole width, and a growing one above it."""
    height = max(round(min(frame.width, frame.height) * _BAR_SHARE), 2)
    is_top = title.alignment > 6
    y = 0 if is_top else frame.height - height
    shape = f"m 0 0 l {frame.width} 0 {frame.width} {height} 0 {height}"
    place = f"\\an7\\pos(0,{y})\\bord0\\shad0\\p1"
    length = round(title.end_ms - title.start_ms)
    grows = f"\\1c{color}\\fscx0\\t(0,{length},\\fscx100)"
    for look in (_BAR_BEHIND, grows):
        yield Line(title.start_ms, title.end_ms, place + look, shape, is_drawing=True)
