"""Commands about what is added: transitions, overlays, generated clips."""

import re

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
    return [AddTransition(_transition(clause), clause.first("T"), _cut_at(clause))]


def _transition(clause: Clause) -> TransitionType:
    for word, kinds in _MOVING.items():
        if clause.has(word):
            way = next((kind for words, kind in kinds.items() if clause.has(*words)), None)
            return way or kinds["left",]
    return next((kind for words, kind in _KINDS if clause.has(*words)), "crossfade")


_MOVING: dict[str, dict[tuple[str, ...], TransitionType]] = {
    "wipe": {
        ("left",): "wipe-left",
        ("right",): "wipe-right",
        ("up", "top", "upward"): "wipe-up",
        ("down", "bottom", "downward"): "wipe-down",
    },
    "slide": {
        ("left",): "slide-left",
        ("right",): "slide-right",
        ("up", "top", "upward"): "slide-up",
        ("down", "bottom", "downward"): "slide-down",
    },
}
_KINDS: tuple[tuple[tuple[str, ...], TransitionType], ...] = (
    (("circle",), "circle"),
    (("pixelate",), "pixelate"),
    (("dipwhite",), "fade-white"),
    (("dipblack", "fadeout"), "fade-black"),
    (("dissolve",), "dissolve"),
)
_NTH = r"(?:clip )?(?:hash )?([NO]\d+|first)(?: clip| it)*"
_OTHER = r"(?:clip )?(?:hash )?(?:[NO]\d+|last)"
_BETWEEN = re.compile(rf" between {_NTH} and {_OTHER}| {_NTH} and {_OTHER}(?: clip| it)* between")


def _cut_at(clause: Clause) -> Which:
    if match := _BETWEEN.search(clause.line):
        slot = match[1] or match[2]
        return Which(number=1 if slot == "first" else int(clause.value(slot)))
    return one_of(read_clips(clause))


def read_overlay(clause: Clause) -> list[Edit] | None:
    """A picture in the picture, or a watermark."""
    if clause.has("remove", "without"):
        return [RemoveOverlays()]
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
    time = clause.first("T")
    seconds = 10.0 if time is None else min(max(time / 1000, 1.0), 60.0)
    after = verb.end if verb else clause.tokens[0].start
    prompt = " ".join(
        w for w in _PROMPT.sub(" ", clause.original[after : clause.tokens[-1].end]).split()
    )
    return [Generate(scene or "abstract", seconds, (prompt or scene or "abstract")[:80])]


_PROMPT = re.compile(
    r"\b(?:an?|the|of|video|clip)\b|\b\d+(?:\.\d+)?[\s-]*(?:s|secs?|seconds?|min(?:ute)?s?)\b|\d+秒的?|一段|一个|视频",
    re.IGNORECASE,
)
