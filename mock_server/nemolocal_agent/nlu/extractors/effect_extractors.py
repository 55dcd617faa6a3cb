"""Extractors of effects: color, blur, rotation, crop, zoom."""

import re
from collections.abc import Callable

from nemolocal_contract.effects import (
    Blur,
    Brightness,
    Contrast,
    Crop,
    Effect,
    Flip,
    Grayscale,
    Reverse,
    Rotate,
    Saturation,
    Sepia,
    Sharpen,
    Vignette,
    Warmth,
    Zoom,
)

from ...intents import ApplyEffect, Edit, RemoveEffects
from ..lexer.tokens import Slot, slot_pattern, symbol_set
from .attribute_extractors import choose_by_degree, extract_share
from .clause import Clause, extract_scope

EFFECT_TYPES = {
    "brighter": "brightness", "darker": "brightness", "brightness": "brightness",
    "contrast": "contrast", "flat": "contrast", "saturation": "saturation", "vivid": "saturation",
    "dull": "saturation", "warmer": "warmth", "cooler": "warmth", "grayscale": "grayscale",
    "sepia": "sepia", "blur": "blur", "sharpen": "sharpen", "vignette": "vignette",
    "zoomin": "zoom", "zoomout": "zoom", "rotate": "rotate", "mirror": "flip", "flip": "flip",
    "flipvertical": "flip", "crop": "crop", "backwards": "reverse", "reverse": "reverse",
}  # fmt: skip
"""The type of the effect that a symbol is about."""
EFFECT_SYMBOLS = frozenset(
    {*EFFECT_TYPES, "upsidedown", "clockwise", "counter", "off_sides", "side"}
)
_ABSOLUTE = re.compile(rf" (?:to|at) {slot_pattern(Slot.PERCENT)} ")
_WARM_COLORS, _COOL_COLORS = {"orange", "yellow", "red", "gold"}, {"blue", "cyan"}
_DECREASE_WORDS = symbol_set("less lower down short smaller low")
_CHANGE_SYMBOLS = _DECREASE_WORDS | symbol_set(
    "raise more up add bigger high bit much", Slot.PERCENT
)


def extract_effect(clause: Clause) -> list[Edit] | None:
    """Apply an effect to clips or a span, or remove one."""
    if clause.has_any("remove", "stop", "without") and not clause.has_any(
        "crop", "off_sides", "side"
    ):
        return _remove(clause)
    selectors = extract_scope(clause, "bare", "to", "by", "all")
    effects = _effects(clause)
    return [ApplyEffect(effect, one) for one in selectors for effect in effects] or None


def extract_side_crop(clause: Clause) -> list[Edit] | None:
    """Crop the sides of the picture: 上下左右各裁10%."""
    cut = clause.has_any("side", "off_sides", "left", "right", "top", "bottom") and clause.has_any(
        Slot.PERCENT
    )
    effect = _crop(clause) if cut else None
    return None if effect is None else [ApplyEffect(effect, one) for one in extract_scope(clause)]


def extract_tint(clause: Clause) -> list[Edit] | None:
    """`Less blue` is warmer, "less orange" cooler."""
    colors = set(clause.values(Slot.COLOR))
    sign = 1 if colors <= _WARM_COLORS else -1 if colors <= _COOL_COLORS else 0
    if not sign or not colors or clause.has_any("more") == clause.has_any("less", "lower"):
        return None
    change = sign * _amount(clause) * (1 if clause.has_any("more") else -1)
    return [ApplyEffect(Warmth(change), one) for one in extract_scope(clause)]


def extract_remove_effects(clause: Clause) -> list[Edit] | None:
    """Remove effects: "remove all effects"."""
    return _remove(clause) if clause.has_any("remove", "cancel", "stop") else None


def _remove(clause: Clause) -> list[Edit]:
    kinds = {EFFECT_TYPES[word]: None for word in EFFECT_TYPES if clause.has_any(word)}
    selectors = extract_scope(clause, "bare", "to", "by", "all")
    return [RemoveEffects(kind, one) for kind in kinds or [None] for one in selectors]


def _effects(clause: Clause) -> list[Effect]:
    found: list[Effect] = []
    for words, make in _EFFECT_FACTORIES:
        if (
            clause.has_any(*words)
            and (effect := make(clause)) is not None
            and type(effect) not in map(type, found)
        ):
            found.append(effect)
    return found


def _amount(clause: Clause) -> float:
    part = extract_share(clause)
    if part is None:
        return choose_by_degree(clause, 0.25, 0.1, 0.5)
    if _ABSOLUTE.search(clause.line) and part > 1:
        part -= 1
    return round(min(part, 1.0), 4)


def _signed(clause: Clause) -> float:
    return -_amount(clause) if clause.has_any(*_DECREASE_WORDS) else _amount(clause)


def _brightness(clause: Clause) -> Effect | None:
    if clause.has_any("darker"):
        return Brightness(-_amount(clause))
    if clause.has_any("brighter"):
        return Brightness(_signed(clause) if clause.has_any("less", "lower") else _amount(clause))
    return Brightness(_signed(clause)) if _has_change(clause) else None


def _has_change(clause: Clause) -> bool:
    """Whether the clause gives a direction or an amount."""
    return not clause.symbols.isdisjoint(_CHANGE_SYMBOLS)


def _color(clause: Clause) -> Effect | None:
    return Saturation(_signed(clause)) if clause.has_any("more", "raise", "less", "lower") else None


def _graded(
    effect: type[Contrast | Saturation | Warmth], opposite: str
) -> Callable[[Clause], Effect | None]:
    """Makes an effect with an amount, which is negative after the word for the opposite."""
    return lambda clause: effect(-_amount(clause) if clause.has_any(opposite) else _signed(clause))


def _strength(clause: Clause) -> float:
    part = extract_share(clause)
    return choose_by_degree(clause, 0.5, 0.25, 0.9) if part is None else min(part, 1.0)


def _rotate(clause: Clause) -> Effect | None:
    degrees = clause.first_value(Slot.DEGREES)
    if degrees is None and (number := clause.first_value(Slot.NUMBER)) in (90, 180, 270):
        degrees = number
    left = clause.has_any("left", "counter")
    if clause.has_any("flip"):
        return None
    if clause.has_any("upsidedown"):
        return Rotate(180)
    if degrees is None:
        return Rotate(270 if left else 90)
    turned = (-degrees if left else degrees) % 360
    return Rotate(int(turned)) if turned in (90, 180, 270) else None  # type: ignore[arg-type]


def _reverse(clause: Clause) -> Effect | None:
    if clause.has_any("color", "video") and any(t.value == "invert" for t in clause.tokens):
        return None  # its colors, not its direction
    if clause.has_any("color"):
        return None
    return None if clause.has_any("left", "right", "top", "bottom", "up", "down") else Reverse()


def _flip(clause: Clause) -> Effect:
    if clause.has_any("upsidedown", "flipvertical", "top", "bottom", "up", "down"):
        return Flip("vertical")
    return Flip("horizontal")


def _crop(clause: Clause) -> Effect | None:
    part = extract_share(clause)
    if part is None or not 0 < part < 0.5:
        return None
    sides = {side for side in ("left", "right", "top", "bottom") if clause.has_any(side)}
    if not sides:
        if not clause.has_any("side", "off_sides", "per", "all"):
            return None
        sides = {"left", "right", "top", "bottom"}
    x = part if "left" in sides else 0.0
    y = part if "top" in sides else 0.0
    width = 1 - x - (part if "right" in sides else 0.0)
    height = 1 - y - (part if "bottom" in sides else 0.0)
    return Crop(x, y, round(width, 6), round(height, 6))


def _zoom(clause: Clause) -> Effect | None:
    part = extract_share(clause)
    factor = clause.first_value(Slot.FACTOR)
    scale = 1.25 if factor is None else float(factor)
    if part is not None:
        scale = 1 + part if part < 1 or clause.has_any("by") else part
    if not 1 < scale <= 8:
        return None
    return (
        Zoom(scale, 1.0) if clause.has_any("zoomout") or clause.has_any("out") else Zoom(1.0, scale)
    )


_EFFECT_FACTORIES: list[tuple[tuple[str, ...], Callable[[Clause], Effect | None]]] = [
    (("vignette",), lambda clause: Vignette(_strength(clause))),
    (("backwards", "reverse"), _reverse),
    (("rotate", "counter", "clockwise", "upsidedown", Slot.DEGREES), _rotate),
    (("flip", "mirror", "flipvertical"), _flip),
    (("grayscale",), lambda _: Grayscale()),
    (("sepia",), lambda _: Sepia()),
    (("brighter", "darker", "brightness"), _brightness),
    (("contrast", "flat"), _graded(Contrast, "flat")),
    (("saturation", "vivid", "dull"), _graded(Saturation, "dull")),
    (("warmer", "cooler"), _graded(Warmth, "cooler")),
    (("blur",), lambda clause: Blur(_strength(clause))),
    (("sharpen",), lambda clause: Sharpen(_strength(clause))),
    (("zoomin", "zoomout"), _zoom),
    (("color",), _color),
    (("crop", "off_sides", "side"), _crop),
]
