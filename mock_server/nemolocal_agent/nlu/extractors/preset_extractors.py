"""Extractors of looks, of parts of the picture that are hidden, and of what removes an effect."""

from functools import cache
from typing import cast

from nemolocal_contract.effect_presets import PRESET_COLORS, PresetColor, effect_presets
from nemolocal_contract.effects import (
    BlurRegion,
    PixelateRegion,
    Position,
    PresetEffect,
    RegionEffect,
    RemoveLogo,
    SmoothMotion,
    Stabilize,
    preset_effect,
)

from ...intents import (
    ApplyEffect,
    Edit,
    RemoveEffects,
    RemoveWatermark,
    SetFrameRate,
    SetResolution,
)
from ..lexer.lexicon import PRESET_SYMBOL
from ..lexer.tokens import REMOVAL_WORDS, LexToken, Slot, symbol_set
from .attribute_extractors import choose_by_degree, extract_position, extract_share
from .clause import Clause, extract_scope
from .effect_extractors import EFFECT_TYPES

_REMOVAL = REMOVAL_WORDS | symbol_set("undo restart")
_PLACES = symbol_set("top bottom left right", Slot.POSITION)
_WIDE, _HIGH, _FULL = 0.35, 0.25, 1.0
# The rectangle at each position: left, top, width, height. An edge is hidden from end to end.
_RECTANGLES: dict[Position, tuple[float, float, float, float]] = {
    "top-left": (0.0, 0.0, _WIDE, _HIGH),
    "top-center": (0.0, 0.0, _FULL, _HIGH),
    "top-right": (1 - _WIDE, 0.0, _WIDE, _HIGH),
    "center-left": (0.0, 0.0, _WIDE, _FULL),
    "center": (0.325, 0.325, _WIDE, _WIDE),
    "center-right": (1 - _WIDE, 0.0, _WIDE, _FULL),
    "bottom-left": (0.0, 1 - _HIGH, _WIDE, _HIGH),
    "bottom-center": (0.0, 1 - _HIGH, _FULL, _HIGH),
    "bottom-right": (1 - _WIDE, 1 - _HIGH, _WIDE, _HIGH),
}
_NO_LENGTHS = ("bare", "to", "by", "all")
_SMOOTH_RATE = 60
_SMOOTH_WORDS = ("smooth", "fluid", "流畅", "丝滑")
# What can be removed again: 取消防抖; to remove shake (去抖) is to stabilize.
_STABILIZATION = ("stabili", "anti shake", "防抖", "增稳")
_TYPES = EFFECT_TYPES | {
    "stabilize": "stabilize",
    "smoothmotion": "smooth-motion",
    "chromakey": "chroma-key",
    "lut": "lut",
}


def extract_preset(clause: Clause) -> list[Edit] | None:
    """Apply looks to clips or a span, or remove them."""
    if clause.has_any("generate") and clause.has_any(Slot.SCENE):
        return None
    names = [token.value for token in clause.tokens if token.symbol == PRESET_SYMBOL]
    selectors = extract_scope(clause, *_NO_LENGTHS)
    if clause.symbols & _REMOVAL:
        return [RemoveEffects(name, one) for name in dict.fromkeys(names) for one in selectors]
    effects = [_preset(clause, name) for name in dict.fromkeys(names)]
    return [ApplyEffect(effect, one) for one in selectors for effect in effects]


def _preset(clause: Clause, name: str) -> PresetEffect:
    preset = effect_presets()[name]
    color: PresetColor | None = None
    if preset.color is not None and clause.has_any(Slot.COLOR):
        color = _preset_color(clause)
    if preset.amount is None:
        return preset_effect(name, None, color)
    share = extract_share(clause)
    usual = preset.amount
    if share is None:
        share = choose_by_degree(clause, usual, round(usual / 2, 2), min(round(usual * 1.4, 2), 1))
    return preset_effect(name, min(share, 1.0), color)


def _preset_color(clause: Clause) -> PresetColor | None:
    """The colour that the clause names, if effects have it; else it stays unread."""
    named = next((t.value for t in clause.tokens if t.symbol == Slot.COLOR), None)
    known = next((color for color in PRESET_COLORS if color == named), None)
    return None if known is None else cast(PresetColor, clause.first_value(Slot.COLOR))


def extract_mood_look(clause: Clause) -> list[Edit] | None:
    """A look whose name is also a mood of music: "make it cinematic"."""
    if not clause.has_any("set", "effect", "color", "more"):
        return None
    names = [name for token in clause.tokens if (name := _look_of_mood(clause, token))]
    if not names or len(names) != len(clause.values(Slot.MOOD)):
        return None
    effect = _preset(clause, names[0])
    return [ApplyEffect(effect, one) for one in extract_scope(clause, *_NO_LENGTHS)]


def _look_of_mood(clause: Clause, token: LexToken) -> str | None:
    said = clause.original[token.start : token.end].lower()
    return _looks_by_mood().get(said) if token.symbol == Slot.MOOD else None


@cache
def _looks_by_mood() -> dict[str, str]:
    return {
        word: name
        for name, preset in effect_presets().items()
        for word in preset.mood_words.split("|")
        if word
    }


def extract_color_hold(clause: Clause) -> list[Edit] | None:
    """Black and white except for one colour: "everything gray but the red"."""
    kept = clause.has_any("except", "keep", "only", "without")
    color = _preset_color(clause) if kept and clause.has_any("grayscale") else None
    if color is None:
        return None
    selectors = extract_scope(clause, *_NO_LENGTHS)
    return [ApplyEffect(preset_effect("color-hold", None, color), one) for one in selectors]


def extract_effect_reset(clause: Clause) -> list[Edit] | None:
    """Remove what is named: "undo the blur", "reset the colors", "remove the looks"."""
    types = {
        token.value if word == PRESET_SYMBOL else _TYPES.get(word): None
        for token in clause.tokens
        for word in token.symbol.split()
        if word in _TYPES or word == PRESET_SYMBOL
    }
    selectors = extract_scope(clause, *_NO_LENGTHS)
    if types:
        return [RemoveEffects(kind, one) for kind in types for one in selectors]
    group = "color" if clause.has_any("color") else "all" if clause.has_any("effect") else None
    if group is None or clause.has_any(Slot.COLOR):
        return None
    return [RemoveEffects(None, one, colors_only=group == "color") for one in selectors]


def extract_region(clause: Clause) -> list[Edit] | None:
    """Hide a part of the picture: "blur the license plate bottom right"."""
    kind = _region_type(clause)
    if kind is None or not clause.symbols & _PLACES:
        return None
    position = extract_position(clause)
    effect = kind(*_RECTANGLES[position or "center"])
    if isinstance(effect, RemoveLogo):
        return [RemoveWatermark(effect, one) for one in extract_scope(clause, *_NO_LENGTHS)]
    return [ApplyEffect(effect, one) for one in extract_scope(clause, *_NO_LENGTHS)]


def _region_type(clause: Clause) -> type[RegionEffect] | None:
    names = {token.value for token in clause.tokens if token.symbol == PRESET_SYMBOL}
    if clause.has_any("remove"):
        return RemoveLogo if clause.has_any("watermark") and not names else None
    if clause.has_any("pixelate") or names == {"pixelate"}:
        return PixelateRegion
    return BlurRegion if clause.has_any("blur") and not names else None


def extract_pixelation(clause: Clause) -> list[Edit] | None:
    """Pixelate the whole picture; "a pixelate transition" is a transition."""
    selectors = extract_scope(clause, *_NO_LENGTHS)
    if clause.symbols & _REMOVAL:
        return [RemoveEffects("pixelate", one) for one in selectors]
    return [ApplyEffect(_preset(clause, "pixelate"), one) for one in selectors]


def extract_motion(clause: Clause) -> list[Edit] | None:
    """Stabilize, or make movements smooth: "make it 60 fps smooth"."""
    selectors = extract_scope(clause, *_NO_LENGTHS)
    if clause.has_any("stabilize"):
        said = (clause.original[t.start : t.end].lower() for t in clause.tokens)
        if clause.symbols & _REMOVAL and any(
            word in one for one in said for word in _STABILIZATION
        ):
            return [RemoveEffects("stabilize", one) for one in selectors]
        return [ApplyEffect(Stabilize(), one) for one in selectors]
    if clause.symbols & _REMOVAL:
        return [RemoveEffects("smooth-motion", one) for one in selectors]
    rate = clause.first_value(Slot.FRAME_RATE)
    fps = _SMOOTH_RATE if rate is None else round(rate)
    return [SetFrameRate(fps), *(ApplyEffect(SmoothMotion(), one) for one in selectors)]


def extract_smooth_rate(clause: Clause) -> list[Edit] | None:
    """A frame rate that is called smooth: "make it 60 fps smooth"."""
    said = (clause.original[token.start : token.end].lower() for token in clause.tokens)
    return extract_motion(clause) if any(word.startswith(_SMOOTH_WORDS) for word in said) else None


def extract_upscaling(clause: Clause) -> list[Edit] | None:
    """Scale up to a resolution, the last one that is named; 4K if none is."""
    if clause.symbols & _REMOVAL:
        return None
    named = clause.values(Slot.RESOLUTION)
    return [SetResolution(named[-1] if named else "4k", upscale=True)]
