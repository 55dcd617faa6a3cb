"""Extractors of transitions, overlays and generated clips."""

import re
from collections.abc import Sequence
from typing import cast

from nemolocal_contract.describe.text_formats import truncate_text
from nemolocal_contract.effects import TransitionType

from ...intents import (
    AddOverlay,
    AddTitle,
    AddTransition,
    Edit,
    Generate,
    RemoveOverlays,
    RemoveTransitions,
    Selector,
)
from ..lexer.tokens import LexToken, Slot, TokenKind, slot_pattern, symbol_set
from .attribute_extractors import extract_position
from .clause import Clause, extract_selectors, extract_span, first_or_all


def extract_transition(clause: Clause) -> list[Edit] | None:
    """Add transitions between clips, or remove them."""
    if clause.has_any("remove", "without", "hardcut", "cancel"):
        return [RemoveTransitions()]
    if clause.has_any("dipwhite", "fade", "fadeout", "fadein") and clause.has_any("start", "end"):
        return None  # a fade at an end, not between clips
    if _AT_TIME.search(clause.line):
        return None  # where, not how long
    if (selector := transition_selector(clause)) is None:
        return None  # these clips do not follow each other
    return [AddTransition(_transition_type(clause), clause.first_value(Slot.TIME), selector)]


def _transition_type(clause: Clause) -> TransitionType:
    for kind in ("wipe", "slide"):
        if clause.has_any(kind):
            return cast(TransitionType, f"{kind}-{_motion_direction(clause)}")
    return next((kind for words, kind in _TRANSITION_TYPES if clause.has_any(*words)), "crossfade")


def _motion_direction(clause: Clause) -> str:
    """The direction of motion: "from the right" and "from right to left" move left."""
    named = _DIRECTION.findall(clause.line)
    if not named:
        return "left"
    origin, word = named[-1]
    direction = next(direction for direction, words in _DIRECTION_WORDS.items() if word in words)
    return _OPPOSITES[direction] if origin else direction


_DIRECTION_WORDS = {
    "left": ("left",),
    "right": ("right",),
    "up": ("up", "top", "upward"),
    "down": ("down", "bottom", "downward"),
}
_OPPOSITES = {"left": "right", "right": "left", "up": "down", "down": "up"}
_DIRECTION = re.compile(r" (from )?(left|right|upward|up|top|downward|down|bottom)(?= )")
_TRANSITION_TYPES: tuple[tuple[tuple[str, ...], TransitionType], ...] = (
    (("circle",), "circle"),
    (("pixelate",), "pixelate"),
    (("dipwhite",), "fade-white"),
    (("dipblack", "fadeout"), "fade-black"),
    (("dissolve",), "dissolve"),
)
_NUMBER = slot_pattern(Slot.NUMBER, Slot.ORDINAL)
_NTH = rf"(?:clip )?(?:hash )?({_NUMBER}|first)(?: clip| it)*"
_OTHER = rf"(?:clip )?(?:hash )?({_NUMBER}|last)"
_BETWEEN = re.compile(rf" between {_NTH} and {_OTHER}| {_NTH} and {_OTHER}(?: clip| it)* between")


def transition_selector(clause: Clause) -> Selector | None:
    """The clip before a cut, or all; None if the clips that are named do not follow each other."""
    if match := _BETWEEN.search(clause.line):
        one, other = match[1] or match[3], match[2] or match[4]
        number = 1 if one == "first" else int(clause.value(one))
        if other != "last" and clause.value(other) != number + 1:
            return None
        return Selector(number=number)
    return first_or_all(extract_selectors(clause))


_OVERLAY_OBJECTS = symbol_set("watermark pip overlay clip photo video upload", Slot.FILE_NAME)


def extract_overlay(clause: Clause) -> list[Edit] | None:
    """Add or remove a picture in picture or a watermark."""
    if clause.has_any("remove", "without"):
        return [RemoveOverlays()]
    if clause.has_any(Slot.QUOTED_TEXT) and clause.has_any("watermark"):
        text = str(clause.first_value(Slot.QUOTED_TEXT))
        return [AddTitle(text, position=extract_position(clause) or "bottom-right")]
    if clause.symbols.isdisjoint(_OVERLAY_OBJECTS) or any(
        t.kind in (TokenKind.EFFECT, TokenKind.ACTION) for t in clause.tokens
    ):
        return None
    position = extract_position(clause)
    width = _width(clause)
    opacity = _opacity(clause)
    match = extract_span(clause, "all")
    span = match.span if match else None
    selector = first_or_all(extract_selectors(clause))
    mark = clause.has_any("watermark") or (
        not clause.has_any("pip") and "logo" in (selector.name or "").lower()
    )
    return [
        AddOverlay(
            "watermark" if mark else "picture-in-picture",
            selector,
            position,
            width,
            opacity,
            span,
        )
    ]


_SHARE = slot_pattern(Slot.PERCENT, Slot.FRACTION)
_WIDTH_PATTERNS = (
    re.compile(rf" ({_SHARE}) (?:of )?(?:frame|video|size|big)"),
    re.compile(rf" (?:size|big|at|to|frame|video) ({_SHARE}) "),
)
_PERCENT = re.compile(rf" {slot_pattern(Slot.PERCENT)}(?= )")


def _width(clause: Clause) -> float | None:
    for pattern in _WIDTH_PATTERNS:
        if not clause.has_any("opacity", "transparent") and (named := pattern.search(clause.line)):
            clause.consume(*named.span(1))
            return float(clause.value(named[1]))
    alone = _PERCENT.search(clause.line)
    if alone and clause.has_any("pip") and not clause.has_any("opacity", "transparent"):
        return float(clause.value(alone[0].strip()))
    if clause.has_any("small"):
        return 0.2
    return 0.5 if clause.has_any("big", "bigger", "huge") else None


def _opacity(clause: Clause) -> float | None:
    part = clause.first_value(Slot.PERCENT)
    if part is not None and clause.has_any("opacity", "transparent"):
        clause.line = _PERCENT.sub("", clause.line)
    if clause.has_any("opacity") and part is not None:
        return float(part)
    if clause.has_any("halftransparent") or (clause.has_any("transparent") and (part is None)):
        return 0.5
    return round(1 - float(part), 4) if clause.has_any("transparent") and part is not None else None


def extract_generation(clause: Clause) -> list[Edit] | None:
    """Generate a clip of the named scene."""
    verb = next((t for t in clause.tokens if t.kind == TokenKind.VERB), None)
    scene = clause.first_value(Slot.SCENE)
    if any(map(_is_part_of_word, clause.tokens, clause.tokens[1:])):
        return None  # 雨伞 is no rain
    if clause.has_any("all", "everything") or (scene is None and _names_edit(clause)):
        return None
    verb_text = clause.original[verb.start : verb.end].lower() if verb else ""
    explicit = verb_text.startswith(("generat", "imagin", "dream", "生成"))
    if not explicit and (
        scene is None or not clause.has_any("generate", "video", "clip", "timelapse", Slot.TIME)
    ):
        return None
    named = clause.has_any("video", "clip", "timelapse")
    if _AT_TIME.search(clause.line) or (explicit and scene is None and not named):
        return None  # "generate the vocals" is no clip
    if clause.has_any("title", "music", "subtitles", "upload", "photo", "voice", "who", "sound"):
        return None
    if clause.has_any("start", "end", "with") and not clause.has_any("generate", Slot.TIME):
        return None  # "end with the beach clip" is about an existing clip
    time = clause.first_value(Slot.TIME)
    seconds = 10.0 if time is None else min(max(time / 1000, 1.0), 60.0)
    after = verb.end if verb else clause.tokens[0].start
    text = clause.original[after : _end_of_prompt(clause.tokens)]
    if scene is None and _OWN_MATERIAL.search(text):
        return None
    prompt = " ".join(_NOT_IN_PROMPT.sub(" ", text).split())
    return [Generate(scene or "abstract", seconds, truncate_text(prompt or scene or "abstract"))]


_AT_TIME = re.compile(rf" at {slot_pattern(Slot.TIME)} ")
# A video of what is there is no generated clip.
_OWN_MATERIAL = re.compile(
    r"\b(?:my|our|these|the) (?:clips|uploads|footage|photos|pictures|images|files|videos)\b",
    re.IGNORECASE,
)


def _is_part_of_word(token: LexToken, after: LexToken) -> bool:
    """Whether a scene of one character is the beginning of an unknown Chinese word."""
    short = token.symbol == Slot.SCENE and token.end - token.start == 1
    return short and after.kind == TokenKind.UNKNOWN and after.start == token.end


def _names_edit(clause: Clause) -> bool:
    return any(t.kind in (TokenKind.ACTION, TokenKind.EFFECT) for t in clause.tokens)


def _end_of_prompt(tokens: Sequence[LexToken]) -> int:
    """The end of the prompt: before "thanks" and the like."""
    thanked = len(tokens) > 1 and tokens[-1].symbol == "greet"
    return tokens[-2 if thanked else -1].end


_NOT_IN_PROMPT = re.compile(
    r"\b(?:an?|the|of|video|clip)\b|\b\d+(?:\.\d+)?[\s-]*(?:s|secs?|seconds?|min(?:ute)?s?)\b|\d+秒的?|一段|一个|视频",
    re.IGNORECASE,
)
