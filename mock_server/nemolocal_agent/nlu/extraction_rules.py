"""The rules that extract edits from a clause: the first one that matches its symbols decides.

The edits must account for every word of the clause.
"""

import re
from collections.abc import Callable, Iterable

from .. import intents
from ..intents import Edit
from .extractors.addition_extractors import extract_generation, extract_overlay, extract_transition
from .extractors.audio_extractors import extract_fade, extract_music, extract_volume
from .extractors.clause import Clause
from .extractors.clip_extractors import (
    extract_history,
    extract_loop,
    extract_merge,
    extract_move,
    extract_place_uploads,
    extract_remove_clip,
    extract_reverse_order,
    extract_slideshow,
    extract_speed,
    extract_split,
    extract_split_into_parts,
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
from .extractors.title_extractors import extract_subtitles, extract_title
from .lexer.tokens import LexToken, Slot, TokenKind, slot_pattern

_Extractor = Callable[[Clause], list[Edit] | None]


def _symbols(words: str = "", *more: str) -> frozenset[str]:
    return frozenset((*words.split(), *more))


_TRANSITIONS = _symbols("crossfade dissolve dipblack dipwhite wipe slide circle transition hardcut")
_FADES = _symbols("fade fadein fadeout fadeboth")
_SPEED = _symbols("speed speedup slowdown faster slower slow fast slowmo timelapse", Slot.FACTOR)
_SOUND = _symbols("volume sound voice louder quieter loud mute unmute")
_FORMAT = _symbols(
    "fill pad blurfit framerate resolution",
    Slot.ASPECT_RATIO,
    Slot.RESOLUTION,
    Slot.FRAME_RATE,
    Slot.PIXEL_SIZE,
)
_ATTRIBUTES = _symbols(
    "volume speed size font opacity framerate resolution aspect", Slot.FRAME_RATE
)
_CUTS = _symbols(
    "trim cut keep remove only take long set lower max start end stop move short removeends give "
    "later"
)

# A rule applies to a clause with one of the first symbols and none of the second ones.
_RULES: list[tuple[frozenset[str], frozenset[str], _Extractor]] = [
    (_symbols("", Slot.SUBTITLES), _symbols(), extract_subtitles),
    (_symbols("undo redo restart"), _symbols("normal"), extract_history),
    (_symbols("slideshow"), _symbols(), extract_slideshow),
    (_symbols("watermark pip overlay"), _symbols(), extract_overlay),
    (
        _symbols("corner", Slot.POSITION),
        _symbols("title subtitles font music remove", Slot.QUOTED_TEXT),
        extract_overlay,
    ),
    (_symbols("duck duckhint music"), _symbols("title", *_TRANSITIONS), extract_music),
    (_symbols("title subtitles font"), _symbols(), extract_title),
    (_symbols("", Slot.QUOTED_TEXT), _symbols("clip music watermark photo"), extract_title),
    (_symbols("swap"), _symbols(), extract_swap),
    (_TRANSITIONS, _symbols(), extract_transition),
    (_FADES, _symbols("remove"), extract_fade),
    (_FADES, _symbols("remove"), extract_transition),
    (
        _symbols("compress resolution", Slot.FILE_SIZE),
        _symbols("", Slot.RESOLUTION, Slot.ASPECT_RATIO),
        extract_compression,
    ),
    (_symbols("generate"), _symbols(), extract_generation),
    (
        _symbols("", Slot.SCENE),
        _symbols(
            "corner remove cut trim effect keep move first last loop speed compress edit",
            Slot.FILE_NAME,
            Slot.MOOD,
            Slot.ORDINAL,
            *EFFECT_SYMBOLS,
        ),
        extract_generation,
    ),
    (
        _SOUND,
        _symbols("brightness contrast saturation speed blur sharpen corner resolution order"),
        extract_volume,
    ),
    (_symbols("order inorder"), _symbols(), extract_reverse_order),
    (_symbols("together"), _symbols(), extract_merge),
    (_symbols("merge"), _symbols(), extract_merge),
    (_symbols("split"), _symbols("remove"), extract_split),
    (_symbols("cut"), _symbols("remove keep"), extract_split_into_parts),
    (_symbols("cut trim"), _symbols("", Slot.TIME), extract_side_crop),
    (_symbols("play"), _symbols("backwards reverse title", *_SPEED), extract_loop),
    (
        _symbols("cut"),
        _symbols(
            "remove keep out off long only first last start end from between part to after before "
            "music speed",
            *_SOUND,
        ),
        extract_split,
    ),
    (_symbols("loop"), _symbols(), extract_loop),
    (_SPEED, _symbols("corner zoomin zoomout"), extract_speed),
    (_symbols("fill pad blurfit", Slot.ASPECT_RATIO), _symbols("remove"), extract_format),
    (_symbols("", Slot.DEGREES, *EFFECT_SYMBOLS), _symbols("order"), extract_effect),
    (_symbols("slowly"), _symbols(), extract_speed),
    (_symbols("color"), _symbols("title font remove", Slot.COLOR), extract_effect),
    (_symbols("effect"), _symbols(), extract_remove_effects),
    (_FORMAT, _symbols("edit"), extract_format),
    (_symbols("move add set"), _symbols(), extract_move),
    (_CUTS, _ATTRIBUTES, extract_cut),
    (_symbols("remove cancel"), _symbols(), extract_remove_clip),
    (_symbols("edit add arrange generate"), _symbols(), extract_place_uploads),
]

_WORD = slot_pattern(Slot.UNKNOWN_WORD)
_OBJECTS = "clip|video|photo|title|music|slideshow|upload|watermark"
# "For my channel", "with my friends": not about what to do.
_ASIDE = re.compile(rf" (?:for|with) (?:it |of |who )?{_WORD}(?: {_WORD})*(?= )")
_MODIFIER = re.compile(
    rf" {_WORD}(?=(?: {_WORD})* (?:{_OBJECTS}|{slot_pattern(Slot.SCENE, Slot.MOOD)}) )"
)
_UNKNOWN = re.compile(rf" ({_WORD})(?= )")
# A mood can describe anything: "a dramatic zoom". "This 4K footage" describes the uploads.
_IGNORED_SLOTS: dict[type, set[str]] = {
    intents.PlaceUploads: {Slot.MOOD, Slot.RESOLUTION, Slot.ASPECT_RATIO}
}
_ACCEPT_ANY_TEXT = (intents.Generate, intents.Undo, intents.Redo, intents.StartOver)
_TITLES = (intents.AddTitle, intents.ChangeTitle, intents.RemoveTitle, intents.AddSubtitles)
_SOUNDS = (intents.SetVolume, intents.AddMusic, intents.DuckMusic, intents.RemoveMusic)
_OVERLAYS = (intents.AddOverlay, intents.RemoveOverlays)
# The edits that can be about an object: "trim the music" must not trim the video.
_EDITS_BY_OBJECT: dict[str, tuple[type, ...]] = {
    "title": (*_TITLES, intents.Fade),
    "font": _TITLES,
    "subtitles": _TITLES,
    "music": (*_SOUNDS, intents.Fade),
    "voice": (*_SOUNDS, intents.Fade),
    "sound": (*_SOUNDS, intents.Fade),
    "volume": _SOUNDS,
    "speed": (intents.SetSpeed,),
    "watermark": _OVERLAYS,
    "pip": _OVERLAYS,
    "overlay": _OVERLAYS,
    "corner": (*_TITLES, *_OVERLAYS),
    "transition": (intents.AddTransition, intents.RemoveTransitions, intents.Fade),
}


def extract_edits(tokens: Iterable[LexToken], original: str) -> list[Edit] | None:
    """The edits that the tokens ask for; None if they are not understood."""
    clause = Clause(tokens, original)
    words = clause.symbols
    for needed, forbidden, extract in _RULES:
        if words.isdisjoint(needed) or not words.isdisjoint(forbidden):
            continue
        if "except" in words and extract is not extract_cut:
            continue
        if edits := extract(clause):
            return edits if _is_input_covered(clause, edits) else None
        clause.reset_line()
    return None


def _is_input_covered(clause: Clause, edits: list[Edit]) -> bool:
    """Whether the edits account for the values, objects and unknown words of the clause.

    "Blur the faces" has an unknown object, "shrink the second clip" a clip that compression does
    not use, "sharpen the music" an object that cannot be sharpened.
    """
    if any(isinstance(edit, _ACCEPT_ANY_TEXT) for edit in edits):
        return True
    if clause.unread_slots() - {Slot.MOOD} - _IGNORED_SLOTS.get(type(edits[0]), set()):
        return False
    for word in clause.symbols & _EDITS_BY_OBJECT.keys():
        if not any(isinstance(edit, _EDITS_BY_OBJECT[word]) for edit in edits):
            return False
    if f" {Slot.UNKNOWN_WORD}" not in clause.line:
        return True
    if any(_is_possible_verb(clause, index) for index in range(len(clause.tokens))):
        return False
    left = _UNKNOWN.findall(_MODIFIER.sub(" ", _ASIDE.sub(" ", clause.line)))
    return all(str(clause.value(slot)).endswith("ly") for slot in left)


def _is_possible_verb(clause: Clause, index: int) -> bool:
    """Whether an unknown Chinese word can be the verb: 检测水印, but not 加酷炫水印."""
    token = clause.tokens[index]
    if token.symbol != Slot.UNKNOWN_WORD or clause.original[token.start].isascii():
        return False
    described = clause.original[token.end : token.end + 1] == "的"
    return not described and all(
        t.kind not in (TokenKind.VERB, TokenKind.ACTION) for t in clause.tokens[:index]
    )
