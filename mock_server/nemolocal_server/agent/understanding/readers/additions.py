"""Commands about what is added: transitions, overlays, generated clips."""

import re
from collections.abc import Sequence
from typing import cast

from nemolocal_contract.effects import TransitionType

from ...intents import (
    AddOverlay,
    AddTransition,
    Edit,
    Generate,
    RemoveOverlays,
    RemoveTransitions,
    Which,
)
from ..words.tokens import Token
from .clause import Clause
from .details import position
from .selection import one_of, read_clips
from .spans import read_stretch


def read_transition(clause: Clause) -> list[Edit] | None:
    """Soft passages between clips, or none any more."""
    if clause.has("remove", "without", "hardcut", "cancel"):
        return [RemoveTransitions()]
    if clause.has("dipwhite", "fade", "fadeout", "fadein") and clause.has("start", "end"):
        return None  # no transition: it is not between clips
    if (which := _cut_at(clause)) is None:
        return None  # nothing is between the first and the third
    return [AddTransition(_transition(clause), clause.first("T"), which)]


def _transition(clause: Clause) -> TransitionType:
    for kind in ("wipe", "slide"):
        if clause.has(kind):
            return cast(TransitionType, f"{kind}-{_way(clause)}")
    return next((kind for words, kind in _KINDS if clause.has(*words)), "crossfade")


def _way(clause: Clause) -> str:
    """Where it moves to: "from the right" and "from right to left" are to the left."""
    named = _DIRECTION.findall(clause.line)
    if not named:
        return "left"
    origin, word = named[-1]
    way = next(way for way, words in _WAYS.items() if word in words)
    return _OPPOSITES[way] if origin else way


_WAYS = {
    "left": ("left",),
    "right": ("right",),
    "up": ("up", "top", "upward"),
    "down": ("down", "bottom", "downward"),
}
_OPPOSITES = {"left": "right", "right": "left", "up": "down", "down": "up"}
_DIRECTION = re.compile(r" (from )?(left|right|upward|up|top|downward|down|bottom)(?= )")
_KINDS: tuple[tuple[tuple[str, ...], TransitionType], ...] = (
    (("circle",), "circle"),
    (("pixelate",), "pixelate"),
    (("dipwhite",), "fade-white"),
    (("dipblack", "fadeout"), "fade-black"),
    (("dissolve",), "dissolve"),
)
_NTH = r"(?:clip )?(?:hash )?([NO]\d+|first)(?: clip| it)*"
_OTHER = r"(?:clip )?(?:hash )?([NO]\d+|last)"
_BETWEEN = re.compile(rf" between {_NTH} and {_OTHER}| {_NTH} and {_OTHER}(?: clip| it)* between")


def _cut_at(clause: Clause) -> Which | None:
    if match := _BETWEEN.search(clause.line):
        one, other = match[1] or match[3], match[2] or match[4]
        number = 1 if one == "first" else int(clause.value(one))
        if other != "last" and clause.value(other) != number + 1:
            return None
        return Which(number=number)
    return one_of(read_clips(clause))


_SHOWN = ("watermark", "pip", "overlay", "clip", "photo", "video", "upload", "W")


def read_overlay(clause: Clause) -> list[Edit] | None:
    """A picture in the picture, or a watermark."""
    if clause.has("remove", "without"):
        return [RemoveOverlays()]
    if not clause.has(*_SHOWN) or any(t.kind in ("look", "act") for t in clause.tokens):
        return None
    place = position(clause)
    width = _width(clause)
    opacity = _opacity(clause)
    stretch = read_stretch(clause, "all")
    span = stretch.span if stretch else None
    which = one_of(read_clips(clause))
    mark = clause.has("watermark") or (
        not clause.has("pip") and "logo" in (which.name or "").lower()
    )
    return [
        AddOverlay(
            "watermark" if mark else "picture-in-picture",
            which,
            place,
            width,
            opacity,
            span,
        )
    ]


def _width(clause: Clause) -> float | None:
    for pattern in (
        r" ([PF]\d+) (?:of )?(?:frame|video|size|big)",
        r" (?:size|big|at|to|frame|video) ([PF]\d+) ",
    ):
        if not clause.has("opacity", "transparent") and (named := re.search(pattern, clause.line)):
            clause.without(*named.span(1))
            return float(clause.value(named[1]))
    if clause.has("small"):
        return 0.2
    return 0.5 if clause.has("big", "bigger", "huge") else None


def _opacity(clause: Clause) -> float | None:
    part = clause.first("P")
    if part is not None and clause.has("opacity", "transparent"):
        clause.line = re.sub(r" P\d+(?= )", "", clause.line)
    if clause.has("opacity") and part is not None:
        return float(part)
    if clause.has("halftransparent") or (clause.has("transparent") and (part is None)):
        return 0.5
    return round(1 - float(part), 4) if clause.has("transparent") and part is not None else None


def read_generate(clause: Clause) -> list[Edit] | None:
    """A clip of what the words name."""
    verb = next((t for t in clause.tokens if t.kind == "verb"), None)
    scene = clause.first("S")
    said = clause.original[verb.start : verb.end].lower() if verb else ""
    strong = said.startswith(("generat", "imagin", "dream", "生成"))
    if not strong and (
        scene is None or not clause.has("generate", "video", "clip", "timelapse", "T")
    ):
        return None
    if clause.has("title", "music", "subtitles", "upload", "photo", "voice", "who", "sound"):
        return None
    if clause.has("start", "end", "with") and not clause.has("generate", "T"):
        return None  # "end with the beach clip" is about one that there is
    time = clause.first("T")
    seconds = 10.0 if time is None else min(max(time / 1000, 1.0), 60.0)
    after = verb.end if verb else clause.tokens[0].start
    told = clause.original[after : _end_of_prompt(clause.tokens)]
    prompt = " ".join(_PROMPT.sub(" ", told).split())
    return [Generate(scene or "abstract", seconds, (prompt or scene or "abstract")[:80])]


def _end_of_prompt(tokens: Sequence[Token]) -> int:
    """Where what is wanted ends: before "thanks" and the like."""
    thanked = len(tokens) > 1 and tokens[-1].canon == "greet"
    return tokens[-2 if thanked else -1].end


_PROMPT = re.compile(
    r"\b(?:an?|the|of|video|clip)\b|\b\d+(?:\.\d+)?[\s-]*(?:s|secs?|seconds?|min(?:ute)?s?)\b|\d+秒的?|一段|一个|视频",
    re.IGNORECASE,
)
