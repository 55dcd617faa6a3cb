"""The rules that extract edits from a clause: the first one that matches its symbols decides."""

from collections.abc import Callable, Iterable

from ..intents import Edit
from .extractors.addition_extractors import extract_generation, extract_overlay, extract_transition
from .extractors.audio_extractors import extract_fade, extract_music, extract_volume
from .extractors.clause import Clause
from .extractors.clip_extractors import (
    extract_history,
    extract_merge,
    extract_move,
    extract_place_uploads,
    extract_remove_clip,
    extract_reverse_order,
    extract_swap,
)
from .extractors.cut_extractors import extract_cut
from .extractors.effect_extractors import (
    EFFECT_SYMBOLS,
    extract_effect,
    extract_remove_effects,
    extract_side_crop,
)
from .extractors.format_extractors import extract_compression, extract_format
from .extractors.playback_extractors import (
    extract_loop,
    extract_slideshow,
    extract_speed,
    extract_split,
    extract_split_into_parts,
)
from .extractors.title_extractors import extract_subtitles, extract_title
from .input_coverage import is_input_covered
from .lexer.tokens import LexToken, Slot

Extractor = Callable[[Clause], list[Edit] | None]
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
    Slot.FACTOR,
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
_SHAPES = (
    Slot.ASPECT_RATIO,
    Slot.RESOLUTION,
    Slot.FRAME_RATE,
    Slot.PIXEL_SIZE,
    "fill",
    "pad",
    "blurfit",
    "framerate",
    "resolution",
)
_ATTRIBUTES = (
    "volume",
    "speed",
    "size",
    "font",
    "opacity",
    "framerate",
    "resolution",
    "aspect",
    Slot.FRAME_RATE,
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


_Rule = tuple[frozenset[str], frozenset[str], Extractor]


def extract_edits(tokens: Iterable[LexToken], original: str) -> list[Edit] | None:
    """The edits that the tokens ask for; None if they are not understood."""
    clause = Clause(tokens, original)
    words = clause.symbols
    for needed, forbidden, read in _RULES:
        if words.isdisjoint(needed) or not words.isdisjoint(forbidden):
            continue
        if "except" in words and read is not extract_cut:
            continue
        if edits := read(clause):
            return edits if is_input_covered(clause, edits) else None
        clause.reset_line()
    return None


def _rule(needed: Iterable[str], read: Extractor, *forbidden: str) -> _Rule:
    return frozenset(needed), frozenset(forbidden), read


_RULES: list[_Rule] = [
    _rule([Slot.SUBTITLES], extract_subtitles),
    _rule(["undo", "redo", "restart"], extract_history, "normal"),
    _rule(["slideshow"], extract_slideshow),
    _rule(["watermark", "pip", "overlay"], extract_overlay),
    _rule(
        ["corner", Slot.POSITION],
        extract_overlay,
        "title",
        "subtitles",
        "font",
        Slot.QUOTED_TEXT,
        "music",
        "remove",
    ),
    _rule(["duck", "duckhint", "music"], extract_music, "title", *_TRANSITIONS),
    _rule(["title", "subtitles", "font"], extract_title),
    _rule([Slot.QUOTED_TEXT], extract_title, "clip", "music", "watermark", "photo"),
    _rule(["swap"], extract_swap),
    _rule(_TRANSITIONS, extract_transition),
    _rule(_FADES, extract_fade, "remove"),
    _rule(_FADES, extract_transition, "remove"),
    _rule(
        ["compress", Slot.FILE_SIZE, "resolution"],
        extract_compression,
        Slot.RESOLUTION,
        Slot.ASPECT_RATIO,
    ),
    _rule(["generate"], extract_generation),
    _rule(
        [Slot.SCENE],
        extract_generation,
        "corner",
        "remove",
        "cut",
        "trim",
        Slot.FILE_NAME,
        "effect",
        Slot.MOOD,
        "keep",
        "move",
        Slot.ORDINAL,
        "first",
        "last",
        "loop",
        "speed",
        "compress",
        "edit",
        *EFFECT_SYMBOLS,
    ),
    _rule(
        _SOUND,
        extract_volume,
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
    _rule(["order", "inorder"], extract_reverse_order),
    _rule(["together"], extract_merge),
    _rule(["merge"], extract_merge),
    _rule(["split"], extract_split, "remove"),
    _rule(["cut"], extract_split_into_parts, "remove", "keep"),
    _rule(["cut", "trim"], extract_side_crop, Slot.TIME),
    _rule(["play"], extract_loop, *_SPEED, "backwards", "reverse", "title"),
    _rule(
        ["cut"],
        extract_split,
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
    _rule(["loop"], extract_loop),
    _rule(_SPEED, extract_speed, "corner", "zoomin", "zoomout"),
    _rule(["fill", "pad", "blurfit", Slot.ASPECT_RATIO], extract_format, "remove"),
    _rule([*EFFECT_SYMBOLS, Slot.DEGREES], extract_effect, "order"),
    _rule(["slowly"], extract_speed),
    _rule(["color"], extract_effect, "title", "font", Slot.COLOR, "remove"),
    _rule(["effect"], extract_remove_effects),
    _rule(_SHAPES, extract_format, "edit"),
    _rule(["move", "add", "set"], extract_move),
    _rule(_CUTS, extract_cut, *_ATTRIBUTES),
    _rule(["remove", "cancel"], extract_remove_clip),
    _rule(["edit", "add", "arrange", "generate"], extract_place_uploads),
]
