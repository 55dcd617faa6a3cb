"""A clause becomes edits: the first reader that knows its words reads it."""

from collections.abc import Callable, Iterable

from ..intents import Edit
from .leftovers import explained
from .readers.additions import read_generate, read_overlay, read_transition
from .readers.clause import Clause
from .readers.clips import (
    read_merge,
    read_move,
    read_order,
    read_place,
    read_remove_clip,
    read_swap,
)
from .readers.cuts import read_cut
from .readers.history import read_history
from .readers.looks import LOOKS, read_look, read_sides, read_unlook
from .readers.shapes import read_compress, read_shape
from .readers.sounds import read_fade, read_music, read_volume
from .readers.speeds import read_loop, read_parts, read_slideshow, read_speed, read_split
from .readers.texts import read_subtitles, read_title
from .words.tokens import Token

Reader = Callable[[Clause], list[Edit] | None]
_TRANSITIONS = (
    "crossfade",
    "dissolve",
    "dipblack",
    "dipwhite",
    "wipe",
    "slide",
    "circle",
    "transition",
    "hardcut",
)
_FADES = ("fade", "fadein", "fadeout", "fadeboth")
_SPEED = (
    "K",
    "speed",
    "speedup",
    "slowdown",
    "faster",
    "slower",
    "slow",
    "fast",
    "slowmo",
    "timelapse",
)
_SOUND = ("volume", "sound", "voice", "louder", "quieter", "loud", "mute", "unmute")
_SHAPES = ("R", "Q", "U", "Y", "fill", "pad", "blurfit", "framerate", "resolution")
_ATTRIBUTES = (
    "volume",
    "speed",
    "size",
    "font",
    "opacity",
    "framerate",
    "resolution",
    "aspect",
    "U",
)
_CUTS = (
    "trim",
    "cut",
    "keep",
    "remove",
    "only",
    "take",
    "long",
    "set",
    "lower",
    "max",
    "start",
    "end",
    "stop",
    "move",
    "short",
    "removeends",
    "give",
    "later",
)


_Rule = tuple[frozenset[str], frozenset[str], Reader]


def edits_of(tokens: Iterable[Token], original: str) -> list[Edit] | None:
    """What the words ask for, or None where they are not understood."""
    clause = Clause(tokens, original)
    words = clause.words
    for needed, forbidden, read in _READERS:
        if words.isdisjoint(needed) or not words.isdisjoint(forbidden):
            continue
        if "except" in words and read is not read_cut:
            continue
        if edits := read(clause):
            return edits if explained(clause, edits) else None
        clause.unfold()
    return None


def _rule(needed: Iterable[str], read: Reader, *forbidden: str) -> _Rule:
    return frozenset(needed), frozenset(forbidden), read


_READERS: list[_Rule] = [
    _rule(["G"], read_subtitles),
    _rule(["undo", "redo", "restart"], read_history, "normal"),
    _rule(["slideshow"], read_slideshow),
    _rule(["watermark", "pip", "overlay"], read_overlay),
    _rule(
        ["corner", "A"],
        read_overlay,
        "title",
        "subtitles",
        "font",
        "H",
        "music",
        "remove",
    ),
    _rule(["duck", "duckhint", "music"], read_music, "title", *_TRANSITIONS),
    _rule(["title", "subtitles", "font"], read_title),
    _rule(["H"], read_title, "clip", "music", "watermark", "photo"),
    _rule(["swap"], read_swap),
    _rule(_TRANSITIONS, read_transition),
    _rule(_FADES, read_fade, "remove"),
    _rule(_FADES, read_transition, "remove"),
    _rule(["compress", "B", "resolution"], read_compress, "Q", "R"),
    _rule(["generate"], read_generate),
    _rule(
        ["S"],
        read_generate,
        "corner",
        "remove",
        "cut",
        "trim",
        "W",
        "effect",
        "M",
        "keep",
        "move",
        "O",
        "first",
        "last",
        "loop",
        "speed",
        "compress",
        "edit",
        *LOOKS,
    ),
    _rule(
        _SOUND,
        read_volume,
        "brightness",
        "contrast",
        "saturation",
        "speed",
        "blur",
        "sharpen",
        "corner",
        "resolution",
        "order",
    ),
    _rule(["order", "inorder"], read_order),
    _rule(["together"], read_merge),
    _rule(["merge"], read_merge),
    _rule(["split"], read_split, "remove"),
    _rule(["cut"], read_parts, "remove", "keep"),
    _rule(["cut", "trim"], read_sides, "T"),
    _rule(["play"], read_loop, *_SPEED, "backwards", "reverse", "title"),
    _rule(
        ["cut"],
        read_split,
        "remove",
        "keep",
        "out",
        "off",
        "long",
        "only",
        "first",
        "last",
        "start",
        "end",
        "from",
        "between",
        "part",
        "to",
        "after",
        "before",
        *_SOUND,
        "music",
        "speed",
    ),
    _rule(["loop"], read_loop),
    _rule(_SPEED, read_speed, "corner", "zoomin", "zoomout"),
    _rule(["fill", "pad", "blurfit", "R"], read_shape, "remove"),
    _rule([*LOOKS, "D"], read_look, "order"),
    _rule(["slowly"], read_speed),
    _rule(["color"], read_look, "title", "font", "C", "remove"),
    _rule(["effect"], read_unlook),
    _rule(_SHAPES, read_shape, "edit"),
    _rule(["move", "add", "set"], read_move),
    _rule(_CUTS, read_cut, *_ATTRIBUTES),
    _rule(["remove", "cancel"], read_remove_clip),
    _rule(["edit", "add", "arrange", "generate"], read_place),
]
