"""Write titles as an ASS script for libass, with the user's text escaped."""

import re
import unicodedata
from collections.abc import Iterator, Mapping, Sequence
from itertools import chain as joined, groupby
from types import MappingProxyType

import msgspec

from nemolocal_contract.effect_presets import PresetColor
from nemolocal_contract.text_effects import LowerThird

from .filtergraph.preset_filters import COLOR_VALUES
from .fonts import Font, describe_missing_characters
from .planning.render_plan import RenderPlan, Title
from .text_animations import Line, TagAt, TitleFrame, animate

_LINE_ENDS = re.compile("\r\n|[\r\n\v\f\u0085\u2028\u2029]")
_WORD_JOINER = "\u2060"
_STYLE_FIELDS = (
    "Name, Fontname, Fontsize, PrimaryColour, SecondaryColour, OutlineColour, BackColour, Bold, "
    "Italic, Underline, StrikeOut, ScaleX, ScaleY, Spacing, Angle, BorderStyle, Outline, Shadow, "
    "Alignment, MarginL, MarginR, MarginV, Encoding"
)
# Half-transparent black, which makes a text readable on any picture.
_SHADOW = "&H80000000"
# The width of the box around a lower third, as a share of the size.
_BOX = 0.25
_EVENT_FIELDS = "Layer, Start, End, Style, Name, MarginL, MarginR, MarginV, Effect, Text"


_NONE: Mapping[str, Font] = MappingProxyType({})


class AssScript(msgspec.Struct, frozen=True):
    """A subtitle script, its fonts, and warnings about what cannot be drawn."""

    text: str
    fonts: tuple[Font, ...]
    warnings: tuple[str, ...]


class _FontFallback:
    """Fonts in the order in which they are tried for a character; results are cached."""

    def __init__(self, fonts: Sequence[Font]) -> None:
        self.fonts = fonts
        self._found: dict[str, Font | None] = {}

    def find(self, character: str) -> Font | None:
        """Return the first font that has a character."""
        if character not in self._found:
            having = (font for font in self.fonts if not font.missing_characters(character))
            self._found[character] = next(having, None)
        return self._found[character]

    def missing_characters(self, text: str) -> set[str]:
        """Return the characters that no font has."""
        return {character for character in set(text) if self.find(character) is None}


def build_ass_script(
    plan: RenderPlan, fonts: Sequence[Font], named: Mapping[str, Font] = _NONE
) -> AssScript:
    """Return the script of the titles of a plan; characters that no font has become warnings.

    `named` has the fonts for the names that titles ask for; other titles start with the first of
    `fonts`.
    """
    warnings: list[str] = []
    styles: list[str] = []
    events: list[str] = []
    usual = _FontFallback(fonts)
    chains = {name: _FontFallback([font, *fonts]) for name, font in named.items()}
    for index, title in enumerate(plan.titles):
        chain = chains.get(title.font or "", usual)
        warnings += _notes(title, chain)
        styles.append(_style(index, title, plan, chain.fonts[0]))
        events += _events(index, title, chain, plan)
    used = {font.path: font for font in (*fonts, *named.values())}
    text = "\n".join([*_head(plan, styles), *events, ""])
    return AssScript(text, tuple(used.values()), tuple(warnings))


def _notes(title: Title, chain: _FontFallback) -> Iterator[str]:
    family = chain.fonts[0].family
    if title.font and title.font.lower().split() != family.lower().split():
        yield f"{title.path}.st.font: {title.font[:40]!r} is not installed, {family} is used"
    missing = chain.missing_characters(title.text)
    if missing:
        yield f"{title.path}.txt: {describe_missing_characters(missing)}"


def _head(plan: RenderPlan, styles: list[str]) -> list[str]:
    return [
        "[Script Info]",
        "ScriptType: v4.00+",
        f"PlayResX: {plan.width}",
        f"PlayResY: {plan.height}",
        "ScaledBorderAndShadow: yes",
        "WrapStyle: 0",
        "YCbCr Matrix: None",
        "",
        "[V4+ Styles]",
        f"Format: {_STYLE_FIELDS}",
        *styles,
        "",
        "[Events]",
        f"Format: {_EVENT_FIELDS}",
    ]


def _style(index: int, title: Title, plan: RenderPlan, font: Font) -> str:
    red, green, blue = title.color[:2], title.color[2:4], title.color[4:]
    # A light text gets a dark outline, a dark text a light one.
    bright = 0.299 * int(red, 16) + 0.587 * int(green, 16) + 0.114 * int(blue, 16)
    edge = "&H00000000" if bright > 96 else "&H00FFFFFF"
    margin = _margin(plan)
    color = f"&H00{blue}{green}{red}".upper()
    outline, shadow = max(title.size * 0.05, 1), title.size * 0.04
    # A border of the third kind is a box behind each line.
    border = 1
    if isinstance(title.effect, LowerThird):
        border, outline = 3, title.size * _BOX
    return (
        f"Style: T{index},{font.family},{title.size},{color},{color},{edge},{_SHADOW},-1,0,0,0,"
        f"100,100,0,0,{border},{outline:.1f},{shadow:.1f},{title.alignment},{margin},{margin},{margin},1"
    )


def _events(index: int, title: Title, chain: _FontFallback, plan: RenderPlan) -> Iterator[str]:
    missing = chain.missing_characters(title.text)
    text = "".join(character for character in title.text if character not in missing)
    frame = TitleFrame(plan.width, plan.height, _margin(plan))
    lines = animate(title, _LINE_ENDS.sub("\n", text), frame, _color_of)
    for layer, line in enumerate(lines):
        # The bars of one title are drawn over each other, in their order.
        yield _event(index, title, line, chain, layer if line.is_drawing else 0)


def _event(index: int, title: Title, line: Line, chain: _FontFallback, layer: int) -> str:
    tags = line.tag
    fade_in = title.fade_in_ms if line.start_ms == title.start_ms else 0
    fade_out = title.fade_out_ms if line.end_ms == title.end_ms else 0
    if fade_in or fade_out:
        tags = f"\\fad({fade_in:.0f},{fade_out:.0f}){tags}"
    head = f"{{{tags}}}" if tags else ""
    text = line.text if line.is_drawing else _body(line.text, chain, line.tag_at)
    start, end = _time(line.start_ms), _time(line.end_ms)
    return f"Dialogue: {layer},{start},{end},T{index},,0,0,0,,{head}{text}"


def _body(text: str, chain: _FontFallback, tag_at: TagAt | None = None) -> str:
    current = chain.fonts[0]
    body: list[str] = []
    at = 0
    for font, characters in groupby(text, key=lambda c: chain.find(c) or chain.fonts[0]):
        part = "".join(characters)
        if font is not current:
            body.append(f"{{\\fn{font.family}}}")
        if tag_at is None:
            body.append(escape_ass_text(part))
        else:
            escaped = ((tag_at(n), escape_ass_text(one)) for n, one in enumerate(part, at))
            body += joined.from_iterable(escaped)
        current = font
        at += len(part)
    return "".join(body)


def _margin(plan: RenderPlan) -> int:
    return round(min(plan.width, plan.height) * 0.05)


def _color_of(name: PresetColor) -> str:
    red, green, blue = (COLOR_VALUES[name][at : at + 2] for at in (2, 4, 6))
    return f"&H{blue}{green}{red}&".upper()


def escape_ass_text(text: str) -> str:
    """Escape a text for libass: no tags, no override blocks, no new events."""
    text = _LINE_ENDS.sub("\n", text)
    text = "".join(filter(_drawable, text))
    text = text.replace("\\", "\\" + _WORD_JOINER).replace("{", "\\{")
    return text.replace("\n", "\\N")


def _drawable(character: str) -> bool:
    """Whether a character is allowed in a script: no control character and no surrogate."""
    if unicodedata.category(character) == "Cs":
        return False
    return character in "\n\t" or character.isprintable() or ord(character) > 0xFF


def _time(ms: float) -> str:
    hundredths = round(ms / 10)
    minutes, rest = divmod(hundredths, 6000)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02d}:{rest // 100:02d}.{rest % 100:02d}"
